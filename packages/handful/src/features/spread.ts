/** Points spread evenly over a map, to be shown with their pictures: none nearer to another than a square's side. */
import type { Random } from 'onnx-autodiff'
import type { FeatureMatrix } from '../numerics/matrix.js'

const BISECTIONS = 24

/**
 * About `count` rows of `[rows, 2]` coordinates, never more, such that squares of one size centred on them do not overlap.
 * Which ones is drawn, so that crowded places are as likely shown by a typical point as by any other.
 */
export function spreadPoints(
  { rows, columns, data }: FeatureMatrix,
  count: number,
  random: Random,
): number[] {
  const order = random.permutation(rows)
  let [low, high] = [0, extent(data)]
  if (rows <= count && high === 0) return [...order]
  let best: number[] = []
  for (let step = 0; step < BISECTIONS; step++) {
    const side = (low + high) / 2
    const kept = apart(order, side, count)
    if (kept === undefined) {
      low = side
      continue
    }
    if (kept.length > best.length) best = kept
    if (kept.length === Math.min(count, rows)) break
    high = side
  }
  return best

  /** Points taken in order unless one is there within `side` along both axes; undefined for more than `most`. */
  function apart(order: Uint32Array, side: number, most: number): number[] | undefined {
    const cells = new Map<string, number[]>()
    const kept: number[] = []
    const cell = (value: number): number => Math.floor(value / side)
    for (const i of order) {
      const [x, y] = [data[i * columns], data[i * columns + 1]]
      if (taken(x, y)) continue
      if (kept.length === most) return undefined
      kept.push(i)
      const key = `${cell(x)} ${cell(y)}`
      cells.set(key, [...(cells.get(key) ?? []), i])
    }
    return kept

    function taken(x: number, y: number): boolean {
      for (let cx = cell(x) - 1; cx <= cell(x) + 1; cx++) {
        for (let cy = cell(y) - 1; cy <= cell(y) + 1; cy++) {
          for (const j of cells.get(`${cx} ${cy}`) ?? []) {
            if (Math.max(Math.abs(data[j * columns] - x), Math.abs(data[j * columns + 1] - y)) < side)
              return true
          }
        }
      }
      return false
    }
  }
}

function extent(data: Float32Array): number {
  let [low, high] = [Infinity, -Infinity]
  for (const value of data) [low, high] = [Math.min(low, value), Math.max(high, value)]
  return data.length === 0 ? 0 : high - low
}
