/** How unsure predictions are: `1 - (p_1 - p_2)` of the two most probable classes (Scheffer et al. 2001). */
import type { FeatureMatrix } from '../../numerics/matrix.js'

export interface Doubt {
  /** `[images]`, 0 sure to 1 torn between two. */
  readonly doubt: Float32Array
  /** `[images]` columns of the most probable class and the next. */
  readonly first: Int32Array
  readonly second: Int32Array
}

export function doubtOf({ rows, columns, data }: FeatureMatrix): Doubt {
  const doubt = new Float32Array(rows)
  const first = new Int32Array(rows)
  const second = new Int32Array(rows)
  for (let i = 0; i < rows; i++) {
    let [best, next] = [0, -1]
    for (let c = 1; c < columns; c++) {
      const p = data[i * columns + c]
      if (p > data[i * columns + best]) [best, next] = [c, best]
      else if (next < 0 || p > data[i * columns + next]) next = c
    }
    first[i] = best
    second[i] = Math.max(0, next)
    doubt[i] = next < 0 ? 0 : 1 - (data[i * columns + best] - data[i * columns + next])
  }
  return { doubt, first, second }
}

/** `between cat and dog`, or what else a share this high means. */
export function doubtInWords(
  { doubt, first, second }: Doubt,
  classNames: readonly string[],
  image: number,
): string {
  const [one, other] = [classNames[first[image]], classNames[second[image]]]
  return doubt[image] > 0.5 ? `between ${one} and ${other}` : `probably ${one}, perhaps ${other}`
}
