/** Who judges where there is no test set: labels that a draw left out, blind labels, and each image once in every row's own count. */
import { describe, expect, test } from 'vitest'
import { FeatureSpace } from '../../src/features/feature-space.js'
import { compareHeads, type Comparison, type ComparisonOptions } from '../../src/heads/compare-heads.js'
import { ENOUGH_ALONE, judgesOf, verdictOf } from '../../src/heads/judges.js'
import { Random } from 'onnx-autodiff'
import { headProblem } from '../../src/heads/head.js'
import { withoutThemselves } from '../../src/heads/left-out.js'
import { fromRows, selectRows } from '../../src/numerics/matrix.js'
import { blobs, linearAlgebra } from './problem.js'

const { features, truth } = blobs(150, 3, 8, 0.6)
const compared = (
  options: Partial<ComparisonOptions> & Pick<ComparisonOptions, 'draws'>,
): Promise<Comparison[]> =>
  compareHeads({
    spaces: [new FeatureSpace({ train: features }, { linearAlgebra })],
    heads: ['propagation', 'linear', 'auto'],
    chosen: 'auto',
    classCount: 3,
    seed: 0,
    signal: new AbortController().signal,
    onFit: () => {},
    ...options,
  })
/** Rows with these labels, the others hidden. */
const only = (rows: readonly number[]): Int32Array =>
  truth.map((label, row) => (rows.includes(row) ? label : -1))
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const counted = (confusion: readonly (readonly number[])[]): number =>
  confusion.flat().reduce((a, b) => a + b, 0)

describe('two draws of the labels', () => {
  // 12 labels each, 6 of them in both.
  const draws = [only(range(0, 12)), only(range(6, 18))]

  test('count each image once, in every row', async () => {
    for (const { accuracies, images, confusion } of await compared({ draws })) {
      expect(accuracies).toHaveLength(2)
      expect([images, counted(confusion)]).toEqual([18, 24])
    }
  })

  test('are judged by the labels that they left out, where these are enough, and by these alone', async () => {
    const known = only(range(0, 60))
    for (const { accuracies, images, confusion, key, reliability } of await compared({ draws, known })) {
      expect(accuracies).toHaveLength(2)
      // Six are labels of both.
      expect([images, counted(confusion)]).toEqual([54, 96])
      expect(Math.min(...accuracies)).toBeGreaterThan(0.8)
      if (key === 'auto') expect(reliability?.reduce((sum, { count }) => sum + count, 0)).toBe(96)
    }
    // Labels that are wrong say so: they judge, and no fit has seen them.
    const wrong = known.map((label, row) => (label >= 0 && row >= 18 ? (label + 1) % 3 : label))
    for (const { accuracies } of await compared({ draws: draws.slice(0, 1), known: wrong }))
      expect(accuracies[0]).toBeLessThan(0.25)
  })

  test('are judged by both where few were left out', async () => {
    for (const { images, confusion } of await compared({ draws, known: only(range(0, 20)) }))
      expect([images, counted(confusion)]).toEqual([20, 40])
  })
})

test('an image that judges unseen is no neighbour of its own, as it were if it was asked for like any other', async () => {
  const space = new FeatureSpace({ train: features }, { linearAlgebra })
  const given = headProblem(space, {
    labels: only(range(0, 12)),
    classCount: 3,
    random: new Random(0, 'test'),
  })
  const rows = Int32Array.of(20, 90)
  const own = selectRows(features, rows)
  expect([...(await given.neighboursOf(own, 3)).indices].filter((_, at) => at % 3 === 0)).toEqual([...rows])
  const asNew = withoutThemselves(given, own, rows)
  const { indices, k } = await asNew.neighboursOf(own, 3)
  const { indices: near, k: stride } = await space.graph()
  expect([k, ...indices]).toEqual([
    3,
    ...[20, 90].flatMap((row) => [...near.subarray(row * stride, row * stride + 3)]),
  ])
})

describe('blind labels', () => {
  const labels = only(range(0, 60))
  const blindRows = (count: number): Set<number> => new Set(range(30, 30 + count))

  test('judge alone from twenty on, and like any other before', async () => {
    const few = { rows: blindRows(ENOUGH_ALONE - 1), ofNone: 0 }
    for (const { images } of await compared({ draws: [labels], blind: few })) expect(images).toBe(60)
    const enough = { rows: blindRows(ENOUGH_ALONE), ofNone: 0 }
    for (const { images, confusion } of await compared({ draws: [labels], blind: enough }))
      expect([images, counted(confusion)]).toEqual([ENOUGH_ALONE, ENOUGH_ALONE])
  })

  test('that were wrong where others are right are what the accuracy is of', async () => {
    const wrong = labels.map((label, row) => (row >= 30 && row < 50 ? (label + 1) % 3 : label))
    const accuracyBy = async (rows: Set<number>): Promise<number> =>
      (
        await compared({ draws: [wrong], heads: ['linear'], chosen: undefined, blind: { rows, ofNone: 0 } })
      )[0].accuracies[0]
    expect(await accuracyBy(blindRows(20))).toBeLessThan(
      await accuracyBy(new Set([...range(0, 30), ...range(50, 60)])),
    )
  })

  test('of none of the classes count as wrong, and so does the only one of a class', async () => {
    const blind = { rows: blindRows(24), ofNone: 6 }
    const [{ accuracies, images, confusion }] = await compared({ draws: [labels], heads: ['linear'], blind })
    const right = confusion.reduce((sum, row, i) => sum + row[i], 0)
    expect([images, accuracies[0]]).toEqual([30, right / 30])

    const single = Int32Array.from([0, 0, 1, 1, 2, ...new Array<number>(25).fill(0)])
    const judges = judgesOf(single, { known: single, blind: { rows: new Set(range(2, 25)), ofNone: 0 } })
    expect([judges.kind, judges.leftOut, judges.alone]).toEqual(['blind labels', true, [4]])
    const verdict = verdictOf(
      [
        {
          rows: Int32Array.of(2, 3),
          truth: Int32Array.of(1, 1),
          probabilities: fromRows([
            [0, 1, 0],
            [1, 0, 0],
          ]),
        },
      ],
      judges,
      3,
    )
    expect(verdict).toMatchObject({ accuracy: 1 / 3, rows: [2, 3, 4] })
  })
})

test('frames of a file that the fit knows others of judge nothing, nor do accepted labels', () => {
  const labels = only(range(0, 6))
  const known = only(range(0, 60))
  const sources = Int32Array.from(truth, (_, row) => Math.floor(row / 4))
  const { unseen, kind } = judgesOf(labels, { known, sources, accepted: new Set([10, 11, 59]) })
  expect([...unseen]).toEqual([8, 9, ...range(12, 59)])
  expect(kind).toBe('unseen labels')
})
