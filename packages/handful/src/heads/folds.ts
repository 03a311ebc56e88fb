/**
 * Folds of the labelled few for choosing a strength: single rows where there are few, else classes spread evenly.
 */
import type { Random } from 'onnx-autodiff'
import type { LabelledRows } from './head.js'

/** Up to this many labels each row is a fold of its own. */
const LEAVE_ONE_OUT_LIMIT = 30
/** Up to so many labels, ten folds or five; then three, as fits get dearer and folds more alike. */
const TEN_FOLDS_LIMIT = 300
const FIVE_FOLDS_LIMIT = 1000

/** Positions of the labelled rows held out together. */
export function stratifiedFolds({ targets }: LabelledRows, random: Random): Int32Array[] {
  const count = targets.length
  const wanted =
    count <= LEAVE_ONE_OUT_LIMIT ? count : count <= TEN_FOLDS_LIMIT ? 10 : count <= FIVE_FOLDS_LIMIT ? 5 : 3
  const order = Array.from(random.permutation(count)).sort((a, b) => targets[a] - targets[b])
  const folds: number[][] = Array.from({ length: wanted }, () => [])
  order.forEach((i, position) => folds[position % wanted].push(i))
  return folds.map((fold) => Int32Array.from(fold).sort())
}
