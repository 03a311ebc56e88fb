/** "None of these": images of a kind that is nowhere among the training images, and of one that is among them without a label. */
import { describe, expect, it } from 'vitest'
import { Random } from 'onnx-autodiff'
import { sharedSearch } from '../../src/heads/predictor.js'
import { fitUnlike, restoreUnlike, UNLIKE_THRESHOLD } from '../../src/heads/unlike.js'
import { referencesOf } from '../../src/heads/predictor.js'
import { createHead } from '../../src/heads/registry.js'
import { fromRows, rowRange, selectRows, unitRows } from '../../src/numerics/matrix.js'
import { areaUnderCurve } from '../../src/numerics/statistics.js'
import { blobs, firstLabels, linearAlgebra, problem } from './problem.js'

/** Eight overlapping kinds, the last two of which are no classes. */
const { features, truth } = blobs(1200, 8, 16, 0.55, 3)
const CLASSES = 6
const isKnown = (row: number): boolean => truth[row] < CLASSES
const fresh = Array.from({ length: 400 }, (_, i) => 800 + i)
const other = fresh.filter((row) => !isKnown(row))
const own = fresh.filter(isKnown)

async function scores(rows: readonly number[], perClass = 5) {
  const known = selectRows(features, rows)
  const kinds = Int32Array.from(rows, (row) => (isKnown(row) ? truth[row] : -1))
  const given = problem(
    known,
    firstLabels(kinds, perClass).map((label, i) => (kinds[i] < 0 ? -1 : label)),
    CLASSES,
  )
  const fitted = await fitUnlike(given)
  if (fitted === undefined) throw new Error('no score')
  const score = restoreUnlike(fitted.parameters, sharedSearch(given.references(), linearAlgebra))
  const of = async (at: readonly number[]): Promise<number[]> => [...(await score(selectRows(features, at)))]
  return { fitted, own: await of(own), other: await of(other), score }
}
const passing = (of: readonly number[]): number =>
  of.filter((score) => score >= UNLIKE_THRESHOLD).length / of.length
const seen = Array.from({ length: 800 }, (_, i) => i)

describe('a kind that is nowhere among the training images', () => {
  it('is told from the classes, and few images of these pass for none', async () => {
    const found = await scores(seen.filter(isKnown))
    expect(areaUnderCurve(found.other, found.own)).toBeGreaterThan(0.9)
    expect(passing(found.own)).toBeLessThan(0.12)
    expect(passing(found.other)).toBeGreaterThan(3 * passing(found.own))
  })
})

describe('a kind that is among the training images without a label', () => {
  it('is told from the classes, as a new image and as one of the fit', async () => {
    const found = await scores(seen)
    expect(areaUnderCurve(found.other, found.own)).toBeGreaterThan(0.9)
    const { ofTrain } = found.fitted
    const of = (want: boolean): number[] =>
      seen.filter((row) => isKnown(row) === want).map((row) => ofTrain[row])
    expect(areaUnderCurve(of(false), of(true))).toBeGreaterThan(0.9)
    expect(found.fitted.parameters.settings.reach.weight).toBeGreaterThan(0)
  })
})

it('is 0 for what has a label, within 0 and 1, the same twice, and finite for a row of zeros', async () => {
  const [once, twice] = [await scores(seen), await scores(seen)]
  expect(twice.own).toEqual(once.own)
  expect(once.fitted.ofTrain.every((score) => score >= 0 && score <= 1)).toBe(true)
  expect(once.fitted.ofTrain[0]).toBe(0)
  const [zeros] = await once.score(fromRows([new Array<number>(16).fill(0)]))
  expect(zeros).toBeGreaterThan(0.9)
})

it('does not speak where nothing can be told', async () => {
  const rows = rowRange(features, 0, 20)
  expect(
    await fitUnlike(
      problem(
        rows,
        firstLabels(truth.subarray(0, 20), 1).map((l) => (l > 1 ? -1 : l)),
        6,
      ),
    ),
  ).toBeUndefined()
  const all = problem(unitRows(rowRange(features, 0, 12)), truth.subarray(0, 12), 8)
  expect(await fitUnlike(all)).toBeUndefined()
})

it('takes no label as evidence that was accepted for being sure', async () => {
  const rows = seen.filter(isKnown)
  const kinds = Int32Array.from(rows, (row) => truth[row])
  const few = firstLabels(kinds, 3)
  const many = firstLabels(kinds, 12)
  const accepted = new Set([...many.keys()].filter((row) => many[row] >= 0 && few[row] < 0))
  const known = selectRows(features, rows)
  const judged = async (labels: Int32Array, given?: ReadonlySet<number>) => {
    const fitted = await fitUnlike({ ...problem(known, labels, CLASSES), accepted: given })
    return fitted?.parameters.settings.common.images
  }
  expect(await judged(few)).toBe(3 * CLASSES)
  expect(await judged(many)).toBe(40)
  expect(await judged(many, accepted)).toBe(3 * CLASSES)
  const all = new Set([...many.keys()].filter((row) => many[row] >= 0))
  expect(await judged(many, all)).toBeUndefined()
})

it('rows that a head keeps are found in products too, and are searched once for all who ask', async () => {
  const given = problem(rowRange(features, 0, 100), firstLabels(truth.subarray(0, 100), 2), 8)
  const { parameters } = await createHead('auto').fit(given)
  expect(referencesOf(parameters)).toEqual(given.references())
  expect(referencesOf((await createHead('linear').fit(given)).parameters)).toBeUndefined()
  let searches = 0
  const nearest: typeof linearAlgebra.nearest = (...args) => {
    searches++
    return linearAlgebra.nearest(...args)
  }
  const search = sharedSearch(given.references(), { ...linearAlgebra, nearest })
  const rows = rowRange(features, 100, 110)
  expect(await search(rows, 3)).toEqual(await search(rows, 3))
  await search(rowRange(features, 100, 105), 3)
  expect(searches).toBe(2)
})

it('the area under the curve is the share of pairs in order, equals by half', () => {
  const random = new Random(1, 'pairs')
  const draw = (count: number): number[] => Array.from({ length: count }, () => random.integer(6))
  const [high, low] = [draw(40), draw(30)]
  const pairs = high.flatMap((a) => low.map((b): number => (a > b ? 1 : a === b ? 0.5 : 0)))
  expect(areaUnderCurve(high, low)).toBeCloseTo(pairs.reduce((a, b) => a + b, 0) / pairs.length, 12)
})
