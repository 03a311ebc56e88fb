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

/** Positions of the labelled rows held out together; those of accepted labels never are. */
export function stratifiedFolds(
  { targets, sources: all, accepted }: Pick<LabelledRows, 'targets' | 'sources' | 'accepted'>,
  random: Random,
): Int32Array[] {
  const given = Array.from(targets.keys()).filter((i) => accepted?.[i] !== 1)
  const files = all === undefined ? given.length : new Set(given.map((i) => all[i])).size
  // One file for all of them cannot be left out.
  const [sources, count] = files > 1 ? [all, files] : [undefined, given.length]
  const wanted =
    count <= LEAVE_ONE_OUT_LIMIT ? count : count <= TEN_FOLDS_LIMIT ? 10 : count <= FIVE_FOLDS_LIMIT ? 5 : 3
  const order = Array.from(random.permutation(targets.length))
    .filter((i) => accepted?.[i] !== 1)
    .sort((a, b) => targets[a] - targets[b])
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
