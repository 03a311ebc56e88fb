/** Labels that were accepted for being sure: they teach, and no accuracy, probability or choice comes of them. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { fitCalibrated } from '../../src/heads/calibrated.js'
import { confidenceOf } from '../../src/heads/confidence.js'
import { stratifiedFolds } from '../../src/heads/folds.js'
import { balancedFolds } from '../../src/heads/left-out.js'
import { createHead } from '../../src/heads/registry.js'
import { argmaxRows } from '../../src/numerics/matrix.js'
import { blobs, firstLabels, problem } from './problem.js'

const CLASSES = 3
const { features, truth } = blobs(90, CLASSES, 8, 0.5)
const given = firstLabels(truth, 4)
const accepted = new Set([...given.keys()].filter((row) => given[row] < 0 && row < 60))
const labels = given.map((label, row) => (accepted.has(row) ? truth[row] : label))
const proven = [...given.keys()].filter((row) => given[row] >= 0)

test.each(['auto', 'propagation', 'linear', 'mixture', 'ridge', 'prototypes', 'neighbours', 'poisson'])(
  '%s is judged by the labels that a person gave',
  async (name) => {
    const { fitted, left } = await fitCalibrated(
      createHead(name),
      problem(features, labels, CLASSES, { accepted }),
    )
    expect([...left.rows]).toEqual(proven)
    // Rule of succession, of twelve labels: 1 / 14.
    if (fitted.parameters.kind !== 'product')
      expect(confidenceOf(fitted.parameters.settings).doubt).toBeCloseTo(1 / 14, 12)
    const alone = fitted.leaveOneOut
    if (alone === undefined) return
    const judged = labels.filter((label) => label >= 0).length
    expect(alone.rows).toBe(judged)
    const rows = [...labels.keys()].filter((row) => labels[row] >= 0)
    const told = rows.filter((_, i) => !Number.isNaN(alone.data[i * CLASSES]))
    expect(told.filter((row) => accepted.has(row))).toEqual([])
    expect(told.length).toBeGreaterThan(0)
  },
)

test('they teach: a class that is accepted alone is predicted', async () => {
  const third = labels.map((label, row) => (label === 2 && !accepted.has(row) ? -1 : label))
  const fitted = await createHead('auto').fit(problem(features, third, CLASSES, { accepted }))
  const predicted = argmaxRows(await fitted.probabilities())
  expect([...predicted.keys()].filter((row) => row >= 60 && predicted[row] === 2).length).toBeGreaterThan(5)
})

test('without another label nothing is judged, and a head still fits', async () => {
  const all = new Set([...labels.keys()])
  const { fitted, left } = await fitCalibrated(
    createHead('auto'),
    problem(features, labels, CLASSES, { accepted: all }),
  )
  expect(left.rows).toHaveLength(0)
  expect(argmaxRows(await fitted.probabilities())).toHaveLength(90)
})

test('folds hold them out never, and are as many as without them', () => {
  const targets = Int32Array.from([0, 0, 0, 0, 0, 0, 1, 1, 1])
  const own = Uint8Array.from([0, 0, 1, 1, 1, 1, 0, 0, 1])
  const random = new Random(1, 'folds')
  const balanced = balancedFolds({ targets, counts: Int32Array.of(6, 3), accepted: own }, { random })
  expect(balanced).toHaveLength(2)
  expect(balanced.flat().sort()).toEqual([0, 1, 6, 7])
  const stratified = stratifiedFolds({ targets, accepted: own }, random).map((fold) => [...fold])
  expect(stratified.flat().sort()).toEqual([0, 1, 6, 7])
  expect(stratified).toHaveLength(4)
})
