/**
 * The error function. In double precision, for gradients by differences: the Taylor series (Abramowitz and Stegun 7.1.5) where its terms
 * stay small, beyond that the continued fraction of the complement (7.1.14).
 */
export function erfValue(x: number): number {
  const size = Math.abs(x)
  if (size > 2.5) {
    let tail = 0
    for (let n = 80; n >= 1; n--) tail = n / 2 / (size + tail)
    return Math.sign(x) * (1 - Math.exp(-size * size) / (Math.sqrt(Math.PI) * (size + tail)))
  }
  let term = x
  let total = x
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (-x * x) / n
    total += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * total
}
