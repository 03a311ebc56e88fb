/** Exact fractions, for algorithms that are generated and checked rather than trusted. */

export interface Fraction {
  readonly over: bigint
  /** Positive; shares no factor with `over`. */
  readonly under: bigint
}

const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : divisor(b, a % b))

export function fraction(over: bigint | number, under: bigint | number = 1): Fraction {
  let [a, b] = [BigInt(over), BigInt(under)]
  if (b === 0n) throw new RangeError('internal: fraction with a zero denominator')
  if (b < 0n) [a, b] = [-a, -b]
  const common = divisor(a, b)
  return { over: a / common, under: b / common }
}

export const zero = fraction(0)
export const one = fraction(1)
export const plus = (a: Fraction, b: Fraction): Fraction =>
  fraction(a.over * b.under + b.over * a.under, a.under * b.under)
export const minus = (a: Fraction, b: Fraction): Fraction =>
  fraction(a.over * b.under - b.over * a.under, a.under * b.under)
export const times = (a: Fraction, b: Fraction): Fraction => fraction(a.over * b.over, a.under * b.under)
export const over = (a: Fraction, b: Fraction): Fraction => fraction(a.over * b.under, a.under * b.over)
export const power = (a: Fraction, n: number): Fraction => (n === 0 ? one : times(a, power(a, n - 1)))
export const equals = (a: Fraction, b: Fraction): boolean => a.over === b.over && a.under === b.under
export const toNumber = ({ over: a, under: b }: Fraction): number => Number(a) / Number(b)
