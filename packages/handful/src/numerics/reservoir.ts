/** A few of many that come one after another, each as likely as any other (Vitter's algorithm R, 1985). */
import type { Random } from 'onnx-autodiff'

export class Reservoir {
  #seen = 0

  /** @param size so many are kept, at most */
  constructor(
    readonly size: number,
    readonly random: Random,
  ) {}

  /** So many have come. */
  get seen(): number {
    return this.#seen
  }

  /** Where the next one is kept, in place of what lies there; undefined if it is not. */
  next(): number | undefined {
    const slot = this.#seen < this.size ? this.#seen : this.random.integer(this.#seen + 1)
    this.#seen++
    return slot < this.size ? slot : undefined
  }
}
