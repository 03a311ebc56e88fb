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
export function stratifiedFolds(
  { targets, sources: all }: Pick<LabelledRows, 'targets' | 'sources'>,
  random: Random,
): Int32Array[] {
  const files = all === undefined ? targets.length : new Set(all).size
  // One file for all of them cannot be left out.
  const [sources, count] = files > 1 ? [all, files] : [undefined, targets.length]
  const wanted =
    count <= LEAVE_ONE_OUT_LIMIT ? count : count <= TEN_FOLDS_LIMIT ? 10 : count <= FIVE_FOLDS_LIMIT ? 5 : 3
  const order = Array.from(random.permutation(targets.length)).sort((a, b) => targets[a] - targets[b])
  const folds: number[][] = Array.from({ length: wanted }, () => [])
  const place = placesBySource(sources)
  let position = 0
  for (const i of order) folds[place(i, () => position++ % wanted)].push(i)
  return folds.map((fold) => Int32Array.from(fold).sort())
}

/** The fold of a row: that of another row of its file, else the next one. */
export function placesBySource(sources?: Int32Array): (row: number, next: () => number) => number {
  const places = new Map<number, number>()
  return (row, next) => {
    if (sources === undefined) return next()
    const place = places.get(sources[row]) ?? next()
    places.set(sources[row], place)
    return place
  }
}
