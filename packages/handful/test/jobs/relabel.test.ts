/** A refit of a run whose images have a test split, under labels of other classes than that split. */
import { expect, test } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { TestSet } from '../../src/data/test-set.js'
import { relabelled } from '../../src/jobs/refit/relabel.js'

const shape = { name: 'made', height: 1, width: 1, channels: 1 as const }

/** Three images to label, and four of a test split: a cat, two dogs and a bird. */
function made(): Dataset {
  const classNames = ['cat', 'dog', 'bird']
  const paths = ['a.png', 'b.png', 'c.png']
  return {
    name: 'made',
    train: {
      ...shape,
      count: 3,
      pixels: new Uint8Array(3),
      paths,
      labels: Int32Array.of(0, 1, 2),
      classNames,
    },
    test: new TestSet({ ...shape, pixels: new Uint8Array(4), labels: [0, 1, 1, 2], classNames }),
    skipped: [],
    notes: ['read from a folder'],
  }
}

const labels = (
  classNames: readonly string[],
  none: readonly string[] = [],
  accepted: readonly string[] = [],
) => ({
  classNames,
  ofPath: new Map([
    ['a.png', 0],
    ['c.png', 1],
  ]),
  none: new Set(none),
  accepted: new Set(accepted),
  blind: new Set(['b.png', 'gone.png']),
})

test('of the same classes in another order nothing is said, and right answers are the same', () => {
  const { dataset, notes } = relabelled(made(), labels(['bird', 'dog', 'cat']))
  expect(notes).toEqual([])
  expect(dataset.notes).toEqual(['read from a folder'])
  expect(dataset.test?.score([2, 1, 1, 0])).toMatchObject({ correct: 4, total: 4 })
})

test('of other classes it is said what is wrong beforehand and what is not judged', () => {
  const { dataset, notes } = relabelled(
    made(),
    labels(['dog', 'fish'], ['b.png', 'gone.png'], ['c.png', 'gone.png']),
  )
  expect(notes).toEqual([
    '2 of 4 test images are of classes that no image is labelled with ("cat" and "bird"): every prediction of these counts as wrong.',
    'No test image is of "fish": accuracy on test images says nothing of these.',
  ])
  expect(dataset.notes).toEqual(['read from a folder', ...notes])
  expect(dataset.test?.score([0, 0, 0, 0])).toMatchObject({ accuracy: 0.5, correct: 2, total: 4 })
  expect(dataset.train.labels).toEqual(Int32Array.of(0, -1, 1))
  expect([...(dataset.noneOfThese ?? [])]).toEqual(['b.png'])
  expect([...(dataset.accepted ?? [])]).toEqual(['c.png'])
  expect([...(dataset.blind ?? [])]).toEqual(['b.png'])
})
