/** Of several spaces the labelled few choose, by labels that no fit has seen; test labels have no say. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { TestSet } from '../../src/data/test-set.js'
import { FeatureSpace } from '../../src/features/feature-space.js'
import { likeliestSpace } from '../../src/heads/choose-space.js'
import { compareHeads } from '../../src/heads/compare-heads.js'
import { guideBy } from '../../src/heads/guide.js'
import { argmaxRows, rowRange, type UnitRows } from '../../src/numerics/matrix.js'
import { blobs, firstLabels, linearAlgebra } from './problem.js'

const good = blobs(200, 4, 10, 0.3)
const noise = blobs(200, 4, 10, 40)
const { truth } = good
const spaceOf = (name: string, features: UnitRows): FeatureSpace =>
  new FeatureSpace(
    { name, train: rowRange(features, 0, 150), test: rowRange(features, 150, 200) },
    { linearAlgebra },
  )
const [useful, useless] = [spaceOf('useful', good.features), spaceOf('useless', noise.features)]
const testSet = (labels: Int32Array): TestSet =>
  new TestSet({
    name: 'blobs',
    height: 1,
    width: 1,
    channels: 1,
    pixels: new Uint8Array(50),
    labels,
    classNames: ['a', 'b', 'c', 'd'],
  })
const compare = (first: FeatureSpace, other: FeatureSpace, perClass: number, labels = truth.subarray(150)) =>
  compareHeads({
    spaces: [first],
    candidates: [other],
    draws: [firstLabels(truth.subarray(0, 150), perClass)],
    heads: ['auto'],
    chosen: 'auto',
    classCount: 4,
    test: testSet(labels),
    seed: 0,
    signal: new AbortController().signal,
    onFit: () => {},
  })

test('a part that tells classes apart is taken instead of a whole that does not', async () => {
  const [found] = await compare(useless, useful, 4)
  expect(found.first?.space).toBe(useful)
  expect(found.features).toBe('features chosen by the labels')
  expect(found.accuracies[0]).toBeGreaterThan(0.95)
})

test('a part that does not is left', async () => {
  const [found] = await compare(useful, useless, 4)
  expect(found.first?.space).toBe(useful)
})

test('with one label a class, where none can be left out, the space whose graph the classes follow is taken', async () => {
  const [found] = await compare(useless, useful, 1)
  expect(found.first?.space).toBe(useful)
  const [other] = await compare(useful, useless, 1)
  expect(other.first?.space).toBe(useful)
})

test('of spaces that say the same the first is taken, in which all parts weigh alike', async () => {
  const [found] = await compare(useful, spaceOf('the same again', good.features), 4)
  expect(found.first?.space).toBe(useful)
})

test('wrong test labels change accuracies and nothing else', async () => {
  const wrong = truth.subarray(150).map((label) => (label + 1) % 4)
  const [[honest], [turned]] = [await compare(useless, useful, 4), await compare(useless, useful, 4, wrong)]
  expect(turned.first?.space).toBe(honest.first?.space)
  expect(turned.first?.fitted.chosen).toEqual(honest.first?.fitted.chosen)
  expect(turned.accuracies[0]).toBeLessThan(0.1)
})

test('what self-training goes by comes from the space that the labels choose, which it names', async () => {
  const given = {
    labels: firstLabels(truth.subarray(0, 150), 4),
    classCount: 4,
    random: new Random(3, 'guide'),
  }
  const guide = await guideBy([useless, useful], given)
  expect(guide.space).toBe(1)
  const right = argmaxRows(guide.probabilities).filter((label, row) => label === truth[row])
  expect(right.length).toBeGreaterThan(0.95 * 150)
  expect((await guideBy([useful, useless], given)).space).toBe(0)
})

test('without any label the space is taken in which made-up labels spread to classes that hang together', async () => {
  const random = new Random(3, 'choice')
  expect(await likeliestSpace([useless, useful], random)).toBe(1)
  expect(await likeliestSpace([useful, useless], random)).toBe(0)
  expect(await likeliestSpace([useful, spaceOf('the same again', good.features)], random)).toBe(0)
})
