/**
 * Where images came from, so that they can be looked at again: read from their files at another size (read-again.ts), or
 * found in a table by their names. Names and places stay in here, as those of a test split do: they may hold the class.
 */

/** Images at a size, each with its place among those that were asked for. */
export interface OriginalBlock {
  readonly places: readonly number[]
  /** `[places, size, size, channels]` */
  readonly pixels: Uint8Array
}

export interface ReadAgainOptions {
  readonly size: number
  readonly channels: 1 | 3
  /** Images of a block, at most. */
  readonly block: number
  readonly signal?: AbortSignal
}

/** Reads images by their numbers in their source, in the order that suits it; `places` are such numbers here. */
export type ReadAgain = (
  numbers: readonly number[],
  options: ReadAgainOptions,
) => AsyncIterable<OriginalBlock>

export interface OriginalsParts {
  /** Of each image; paths relative to the data set's folder, or `train/00042`. */
  readonly names: readonly string[]
  /** Of each image in its source; its place unless said otherwise. */
  readonly numbers?: readonly number[]
  /** None for images that are nothing but their pixels. */
  readonly read?: ReadAgain
}

export class Originals {
  readonly #names: readonly string[]
  readonly #numbers: readonly number[]
  readonly #read: ReadAgain | undefined

  constructor({ names, numbers, read }: OriginalsParts) {
    this.#names = names
    this.#numbers = numbers ?? names.map((_, place) => place)
    this.#read = read
  }

  get count(): number {
    return this.#names.length
  }

  /** Whether they are more than their pixels. */
  get haveFiles(): boolean {
    return this.#read !== undefined
  }

  /** Those at these places, in this order. */
  at(places: ArrayLike<number>): Originals {
    return new Originals({
      names: Array.from(places, (place) => this.#names[place]),
      numbers: Array.from(places, (place) => this.#numbers[place]),
      read: this.#read,
    })
  }

  /** What `find` makes of the names, in the order of the images. */
  findByName<T>(find: (names: readonly string[]) => T): T {
    return find(this.#names)
  }

  /** All of them from their files, each with its place here. */
  async *read(options: ReadAgainOptions): AsyncGenerator<OriginalBlock> {
    if (this.#read === undefined) throw new Error('internal: Originals: got no files, expected some')
    const placeOf = new Map(this.#numbers.map((number, place) => [number, place]))
    for await (const { places, pixels } of this.#read(this.#numbers, options))
      yield { places: places.map((number) => placeOf.get(number) ?? -1), pixels }
  }
}
