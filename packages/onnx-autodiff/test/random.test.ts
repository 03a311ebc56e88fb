/** Random streams: the generator's published numbers, independence of streams, state and resuming, distributions. */
import fc from 'fast-check'
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'

const WORD = (1n << 32n) - 1n

/** Philox4x32-10 in big integers, straight from the paper (Salmon et al., SC 2011, section 3.3). */
function philox(counter: readonly bigint[], key: readonly bigint[]): bigint[] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0
    const p1 = 0xcd9e8d57n * c2
    ;[c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & WORD, (p0 >> 32n) ^ c3 ^ k1, p0 & WORD]
    k0 = (k0 + 0x9e3779b9n) & WORD
    k1 = (k1 + 0xbb67ae85n) & WORD
  }
  return [c0, c1, c2, c3]
}

/** What a stream's name adds to key and counter: two FNV-1a hashes, the second with a shifted copy of itself mixed in. */
function hashes(name: string): [bigint, bigint, bigint] {
  const prime = 0x01000193n
  let a = 0x811c9dc5n
  let b = 0x01234567n
  for (const byte of Buffer.from(name)) {
    a = ((a ^ BigInt(byte)) * prime) & WORD
    b = (((b ^ BigInt(byte)) * prime) & WORD) ^ (b >> 15n)
  }
  return [a, b, a ^ ((b * 0x85ebca6bn) & WORD)]
}

/** The number at a position of a stream, as its documentation defines it. */
function expectedAt(seed: number, name: string, position: number): number {
  const [a, b, nonce] = hashes(name)
  const index = BigInt(Math.floor(position / 4))
  const key = [(BigInt(seed) & WORD) ^ a, (BigInt(seed) >> 32n) ^ b]
  return Number(philox([index & WORD, index >> 32n, nonce, 0n], key)[position % 4])
}

test('the block function that the streams are held against gives the published numbers', () => {
  const text = (words: readonly bigint[]): string =>
    words.map((word) => word.toString(16).padStart(8, '0')).join(' ')
  // Known answers of Random123, kat_vectors: philox4x32-10.
  expect(text(philox([0n, 0n, 0n, 0n], [0n, 0n]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8')
  expect(text(philox([WORD, WORD, WORD, WORD], [WORD, WORD]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd')
  expect(text(philox([0x243f6a88n, 0x85a308d3n, 0x13198a2en, 0x03707344n], [0xa4093822n, 0x299f31d0n]))).toBe(
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  )
})

test('streams are Philox4x32-10 at every position, also past 32 bits of seed and counter', () => {
  const seed = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER))
  const position = fc.oneof(
    fc.nat(1000),
    fc.integer({ min: 0, max: 2 ** 50 }),
    fc.constantFrom(2 ** 34 - 1, 2 ** 34),
  )
  fc.assert(
    fc.property(seed, fc.string({ unit: 'grapheme', maxLength: 20 }), position, (seed, name, position) => {
      const random = Random.from({ seed, name, position })
      for (let i = 0; i < 6; i++) expect(random.uint32()).toBe(expectedAt(seed, name, position + i))
    }),
    { numRuns: 200, seed: 1 },
  )
})

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uint32())

test('the same seed and name give the same numbers; another seed, name or child gives others', () => {
  const base = draw(new Random(7, 'noise'), 64)
  expect(draw(new Random(7, 'noise'), 64)).toEqual(base)
  const others = [
    new Random(8, 'noise'),
    new Random(7 + 2 ** 32, 'noise'),
    new Random(7, 'noise '),
    new Random(7, 'eison'),
    new Random(7, ''),
    new Random(7, 'noise').child('noise'),
    new Random(7, 'noise').child(''),
  ]
  const seen = new Set(base)
  for (const other of others) {
    const numbers = draw(other, 64)
    // 64 of 2^32 numbers: one in common would be a chance of one in a million.
    expect(numbers.filter((number) => seen.has(number))).toEqual([])
    numbers.forEach((number) => seen.add(number))
  }
})

test('a child depends on names alone, not on what its parent has drawn', () => {
  const parent = new Random(3, 'training')
  const before = draw(parent.child('batch 5'), 8)
  draw(parent, 100)
  expect(draw(parent.child('batch 5'), 8)).toEqual(before)
  expect(draw(new Random(3, 'training/batch 5'), 8)).toEqual(before)
})

test('two streams are uncorrelated', () => {
  const [a, b] = [new Random(1, 'a'), new Random(1, 'b')]
  const count = 20_000
  let total = 0
  for (let i = 0; i < count; i++) total += a.normal() * b.normal()
  // The mean of products of independent normals has a deviation of 1/sqrt(n).
  expect(Math.abs(total / Math.sqrt(count))).toBeLessThan(4)
})

test('a stream resumed from its state goes on as if never stopped, whatever was drawn', () => {
  const kinds: ((random: Random) => unknown)[] = [
    (random) => random.uint32(),
    (random) => random.uniform(),
    (random) => random.between(-2, 3),
    (random) => random.integer(10),
    (random) => random.normal(),
    (random) => random.fillNormal(new Float32Array(5)),
    (random) => random.fillUniform(new Float32Array(3)),
    (random) => random.permutation(7),
  ]
  fc.assert(
    fc.property(fc.array(fc.nat(kinds.length - 1), { maxLength: 12 }), fc.nat(12), (draws, at) => {
      const random = new Random(5, 'resume')
      draws.slice(0, at).forEach((kind) => kinds[kind](random))
      const resumed = Random.from(JSON.parse(JSON.stringify(random.state)) as Random['state'])
      for (const kind of draws.slice(at)) expect(kinds[kind](resumed)).toEqual(kinds[kind](random))
      expect(resumed.state).toEqual(random.state)
    }),
    { numRuns: 100, seed: 2 },
  )
})

/** Moments of a sample: mean, variance, third and fourth standardised. */
function moments(values: Float32Array): number[] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const power = (k: number): number => values.reduce((total, x) => total + (x - mean) ** k, 0) / values.length
  const variance = power(2)
  return [mean, variance, power(3) / variance ** 1.5, power(4) / variance ** 2]
}

test('normals have the moments of a normal distribution', () => {
  const count = 100_000
  const single = new Random(2, 'single')
  const samples = [
    new Random(2, 'filled').fillNormal(new Float32Array(count)),
    new Random(2, 'odd').fillNormal(new Float32Array(count + 1)),
    Float32Array.from({ length: count }, () => single.normal()),
  ]
  for (const sample of samples) {
    const [mean, variance, skewness, kurtosis] = moments(sample)
    // Four standard errors: 1, sqrt 2, sqrt 6 and sqrt 24 over sqrt n.
    const error = 4 / Math.sqrt(count)
    expect(Math.abs(mean)).toBeLessThan(error)
    expect(Math.abs(variance - 1)).toBeLessThan(Math.SQRT2 * error)
    expect(Math.abs(skewness)).toBeLessThan(Math.sqrt(6) * error)
    expect(Math.abs(kurtosis - 3)).toBeLessThan(Math.sqrt(24) * error)
    expect(sample.every(Number.isFinite)).toBe(true)
    // Neighbours come from one pair of uniforms and yet do not depend on each other.
    let pairs = 0
    for (let i = 0; i + 1 < count; i += 2) pairs += sample[i] * sample[i + 1]
    expect(Math.abs(pairs / Math.sqrt(count / 2))).toBeLessThan(4)
  }
})

test('uniforms lie in [low, high) and fill it evenly', () => {
  const values = new Random(9, 'uniform').fillUniform(new Float32Array(50_000), -3, 5)
  expect(values.every((x) => x >= -3 && x < 5)).toBe(true)
  const [mean, variance] = moments(values)
  expect(mean).toBeCloseTo(1, 1)
  expect(variance).toBeCloseTo(64 / 12, 0)
  const random = new Random(9, 'integers')
  const counts = new Array<number>(7).fill(0)
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++
  // Chi-squared with 6 degrees of freedom: above 27.9 in one of ten thousand.
  expect(counts.reduce((total, n) => total + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9)
})

test('a permutation holds every place once, and all orders are equally likely', () => {
  const random = new Random(1, 'order')
  expect([...random.permutation(100)].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect([...random.permutation(0)]).toEqual([])
  const counts = new Map<string, number>()
  for (let i = 0; i < 24_000; i++) {
    const key = random.permutation(4).join('')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  expect(counts.size).toBe(24)
  const chiSquared = [...counts.values()].reduce((total, n) => total + (n - 1000) ** 2 / 1000, 0)
  // 23 degrees of freedom: above 58.6 in one of ten thousand.
  expect(chiSquared).toBeLessThan(58.6)
  const items = ['a', 'b', 'c']
  expect(random.shuffle(items)).toBe(items)
})

test('a seed that is no whole number of at least 0 is refused', () => {
  for (const seed of [-1, 0.5, NaN, 2 ** 53]) {
    expect(() => new Random(seed, 'noise')).toThrow(
      `seed (random stream "noise"): got ${seed}, expected an integer of at least 0`,
    )
  }
})
