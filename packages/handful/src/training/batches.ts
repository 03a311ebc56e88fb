/** Which images a step sees, as a function of the step: every image once per epoch, in a new random order each time. */
import { Random } from 'onnx-autodiff'

export class BatchOrder {
  #epoch = -1
  #order: Uint32Array = new Uint32Array(0)

  constructor(
    readonly count: number,
    readonly batch: number,
    readonly seed: number,
  ) {}

  /** Indices of the images of a step, counted from 0. Batches run on over the end of an epoch. */
  indicesOf(step: number): Uint32Array {
    return Uint32Array.from({ length: this.batch }, (_, i) => {
      const at = step * this.batch + i
      return this.#orderOf(Math.floor(at / this.count))[at % this.count]
    })
  }

  #orderOf(epoch: number): Uint32Array {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch
      this.#order = new Random(this.seed, `batch order/epoch ${epoch}`).permutation(this.count)
    }
    return this.#order
  }
}
