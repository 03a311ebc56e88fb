/**
 * Random numbers from named streams of one seed. A stream is Philox4x32-10 (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011): a block cipher of a 128-bit counter, so a stream's whole state is one integer, any
 * position can be reached at once, and streams with different names never share a number. An entry of its own
 * (`onnx-autodiff/random`): who draws and trains nothing loads no runtime.
 */

/** The constants of Philox4x32-10, which a graph that draws the same numbers needs too. */
export const PHILOX = {
  multipliers: [0xd2511f53, 0xcd9e8d57],
  weyl: [0x9e3779b9, 0xbb67ae85],
  rounds: 10,
} as const
const [MULTIPLIER_0, MULTIPLIER_1] = PHILOX.multipliers
const [WEYL_0, WEYL_1] = PHILOX.weyl
const ROUNDS = PHILOX.rounds

/** What a checkpoint keeps of a stream. `position` counts the 32-bit numbers drawn so far. */
export interface RandomState {
  readonly seed: number
  readonly name: string
  readonly position: number
}

/** High 32 bits of the product of two unsigned 32-bit integers, by halves: no step needs more than 32 bits. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const left = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) >>> 0
  const right = (Math.imul(aLow, bHigh) + (left & 0xffff)) >>> 0
  return (Math.imul(aHigh, bHigh) + (left >>> 16) + (right >>> 16)) >>> 0
}

/** Two 32-bit FNV-1a hashes of a text, with different offsets: the second half of a stream's key and of its counter. */
function hashText(text: string): [number, number] {
  let a = 0x811c9dc5
  let b = 0x01234567
  for (const byte of new TextEncoder().encode(text)) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x01000193) ^ (b >>> 15)
  }
  return [a >>> 0, b >>> 0]
}

export class Random {
  #position = 0
  readonly #key0: number
  readonly #key1: number
  readonly #nonce: number
  readonly #block = new Uint32Array(4)
  #blockIndex = -1

  /** @param seed a safe integer >= 0 @param name what the numbers are for, such as `batch order` or `noise` */
  constructor(
    readonly seed: number,
    readonly name: string,
  ) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`seed (random stream "${name}"): got ${seed}, expected an integer of at least 0`)
    }
    const [a, b] = hashText(name)
    this.#key0 = (seed >>> 0) ^ a
    this.#key1 = Math.floor(seed / 2 ** 32) ^ b
    this.#nonce = (a ^ Math.imul(b, 0x85ebca6b)) >>> 0
  }

  /** The stream again, at the position that `state` told. */
  static from(state: RandomState): Random {
    const random = new Random(state.seed, state.name)
    random.#position = state.position
    return random
  }

  get state(): RandomState {
    return { seed: this.seed, name: this.name, position: this.#position }
  }

  /** The cipher's key and the half of its counter that the name fixes: what a graph needs to draw the same numbers. */
  get cipher(): { readonly key: readonly [number, number]; readonly nonce: number } {
    return { key: [this.#key0 >>> 0, this.#key1 >>> 0], nonce: this.#nonce }
  }

  /** An independent stream below this one: it depends on the names alone, never on how much was drawn. */
  child(name: string): Random {
    return new Random(this.seed, `${this.name}/${name}`)
  }

  /** Uniform over the unsigned 32-bit integers. */
  uint32(): number {
    const index = Math.floor(this.#position / 4)
    if (index !== this.#blockIndex) this.#encipher(index)
    return this.#block[this.#position++ % 4]
  }

  /** Uniform in [0, 1), a multiple of 2^-32. */
  uniform(): number {
    return this.uint32() / 2 ** 32
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform()
  }

  /** Uniform over 0 .. bound-1 (multiply and shift; bias at most bound / 2^32). */
  integer(bound: number): number {
    return Math.floor((this.uint32() * bound) / 2 ** 32)
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / (2 ** 32 + 1)))
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }

  /** Fills with standard normals, two for each pair of uniforms. */
  fillNormal(target: Float32Array): Float32Array {
    for (let i = 0; i < target.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / (2 ** 32 + 1)))
      const angle = 2 * Math.PI * this.uniform()
      target[i] = radius * Math.cos(angle)
      if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle)
    }
    return target
  }

  /** Fills with uniforms in [low, high). */
  fillUniform(target: Float32Array, low = 0, high = 1): Float32Array {
    for (let i = 0; i < target.length; i++) target[i] = low + (high - low) * this.uniform()
    return target
  }

  /** A random order of 0 .. length-1 (Fisher and Yates). */
  permutation(length: number): Uint32Array {
    return this.shuffle(Uint32Array.from({ length }, (_, i) => i))
  }

  /** Shuffles in place and returns the same array. */
  shuffle<T extends { [index: number]: unknown; length: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const kept = items[i]
      items[i] = items[j]
      items[j] = kept
    }
    return items
  }

  #encipher(index: number): void {
    let c0 = index >>> 0
    let c1 = Math.floor(index / 2 ** 32)
    let c2 = this.#nonce
    let c3 = 0
    let k0 = this.#key0
    let k1 = this.#key1
    for (let round = 0; round < ROUNDS; round++) {
      const high0 = multiplyHigh(MULTIPLIER_0, c0)
      const low0 = Math.imul(MULTIPLIER_0, c0)
      const high1 = multiplyHigh(MULTIPLIER_1, c2)
      const low1 = Math.imul(MULTIPLIER_1, c2)
      c0 = (high1 ^ c1 ^ k0) >>> 0
      c1 = low1 >>> 0
      c2 = (high0 ^ c3 ^ k1) >>> 0
      c3 = low0 >>> 0
      k0 = (k0 + WEYL_0) >>> 0
      k1 = (k1 + WEYL_1) >>> 0
    }
    this.#block[0] = c0
    this.#block[1] = c1
    this.#block[2] = c2
    this.#block[3] = c3
    this.#blockIndex = index
  }
}
