/** What a person who labels is told: predictions, how good they are, and what to label next. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fitted, Workbench } from '../../src/labelling/workbench.js'
import { type MadeOptions, type MadeRun, makeRun } from './made-run.js'

const PERSON = { seen: 'picked', who: 'person' } as const
const CLASSES = 6

let parent: string

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-workbench-'))
})

afterAll(async () => {
  await rm(parent, { recursive: true })
})

interface Opened {
  readonly made: MadeRun
  readonly workbench: Workbench
}

async function opened(name: string, options: MadeOptions): Promise<Opened> {
  const made = await makeRun(path.join(parent, name), options)
  const workbench = await Workbench.open(made.folder, { threads: 1 })
  await workbench.journal.addClasses(
    Array.from({ length: CLASSES }, (_, group) => `group ${group}`),
    'person',
  )
  return { made, workbench }
}

const groupOf = ({ made, workbench }: Opened, image: number): number => made.groupOf(workbench.paths[image])

async function labelOfGroup(open: Opened, images: readonly number[], seen: 'picked' | 'blind' = 'picked') {
  const decisions = images.map((image) => ({ image, label: groupOf(open, image) }))
  await open.workbench.label(decisions, { ...PERSON, seen })
}

/** The first images of each group, in the order of the paths. */
function someOfEach(open: Opened, each: number): number[] {
  const counts = new Map<number, number>()
  return open.workbench.paths.flatMap((_, image) => {
    const group = groupOf(open, image)
    const count = (counts.get(group) ?? 0) + 1
    counts.set(group, count)
    return count <= each ? [image] : []
  })
}

async function fittedOf(workbench: Workbench): Promise<Fitted> {
  const found = await workbench.refit()
  if (found.kind === 'waiting') throw new Error(found.why)
  return found
}

const shareRight = (open: Opened, { predicted }: Fitted): number =>
  predicted.filter((label, image) => label === groupOf(open, image)).length / predicted.length

test('two labels of each group classify all images, and a label is never predicted otherwise', async () => {
  const open = await opened('two-each', { images: 300, groups: CLASSES, spread: 0.4 })
  const { workbench } = open
  const waiting = await workbench.refit()
  expect(waiting).toEqual({ kind: 'waiting', why: 'no image is labelled yet: label some of two classes' })
  await labelOfGroup(open, someOfEach(open, 2))
  const wrong = workbench.paths.findIndex(
    (_, image) => workbench.labelOf(image) === null && groupOf(open, image) === 1,
  )
  await workbench.label([{ image: wrong, label: 4 }], PERSON)
  const none = workbench.paths.findIndex((_, image) => workbench.labelOf(image) === null)
  await workbench.label([{ image: none, label: 'none' }], PERSON)

  const fitted = await fittedOf(workbench)
  expect(fitted.classes).toEqual([0, 1, 2, 3, 4, 5])
  expect(shareRight(open, fitted)).toBeGreaterThan(0.97)
  expect([fitted.predicted[wrong], fitted.predicted[none], fitted.probability[none]]).toEqual([4, -1, 0])
  expect(fitted.suspects[0]).toMatchObject({ image: wrong, label: 4, predicted: 1 })
  for (let image = 0; image < workbench.images; image++) {
    const row = fitted.probabilities.subarray(image * CLASSES, (image + 1) * CLASSES)
    expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4)
  }
  const [check] = await workbench.suggest({ count: 1, kind: 'check' })
  expect(check).toMatchObject({ image: wrong, why: 'labelled group 4, looks like group 1' })
  await workbench.close()
})

test('where groups are clouds that no graph can follow, and where they are clusters, predictions are right', async () => {
  const clouds = await opened('clouds', { images: 900, groups: CLASSES, spread: 2.2, columns: 64 })
  await labelOfGroup(clouds, someOfEach(clouds, 20))
  const fitted = await fittedOf(clouds.workbench)
  // Label propagation alone: 0.82.
  expect(shareRight(clouds, fitted)).toBeGreaterThan(0.9)
  // Of images with a label it says what they are, so that all is more than what is left out in turn.
  expect(fitted.estimate?.accuracy).toBeGreaterThan(0.8)
  await clouds.workbench.close()
})

test('the same labels say the same, in whatever steps they came and after opening again', async () => {
  const open = await opened('steps', { images: 200, groups: CLASSES, spread: 1 })
  for (const image of someOfEach(open, 4)) {
    await labelOfGroup(open, [image])
    await open.workbench.refit()
  }
  const fitted = await fittedOf(open.workbench)
  const [next] = await open.workbench.suggest({ count: 1, kind: 'next' })
  await open.workbench.close()
  const again = await Workbench.open(open.made.folder, { threads: 1 })
  const once = await fittedOf(again)
  expect(once.predicted).toEqual(fitted.predicted)
  expect(once.probabilities).toEqual(fitted.probabilities)
  expect(once.estimate).toEqual(fitted.estimate)
  expect(once.history).toEqual(fitted.history)
  expect((await again.suggest({ count: 1, kind: 'next' }))[0]).toEqual(next)
  await again.close()
})

test('undoing a label takes its predictions back', async () => {
  const open = await opened('undo', { images: 200, groups: CLASSES, spread: 1 })
  await labelOfGroup(open, someOfEach(open, 2))
  const before = await fittedOf(open.workbench)
  await open.workbench.label(
    [
      { image: 7, label: 0 },
      { image: 8, label: 0 },
    ],
    PERSON,
  )
  expect((await fittedOf(open.workbench)).probabilities).not.toEqual(before.probabilities)
  await open.workbench.journal.undo('person')
  expect((await fittedOf(open.workbench)).probabilities).toEqual(before.probabilities)
  await open.workbench.close()
})

test('the estimate is of the folds first, and of the blind labels alone once there are enough', async () => {
  const open = await opened('audit', { images: 400, groups: CLASSES, spread: 1.2 })
  const { workbench } = open
  await labelOfGroup(open, someOfEach(open, 3))
  const folds = (await fittedOf(workbench)).estimate
  expect(folds).toMatchObject({ from: 'folds', labels: 18 })

  const audited = await workbench.suggest({ count: 60, kind: 'audit' })
  expect(new Set(audited.map(({ image }) => image)).size).toBe(60)
  expect(audited.every(({ label, probability }) => label === undefined && probability === undefined)).toBe(
    true,
  )
  await labelOfGroup(
    open,
    audited.map(({ image }) => image),
    'blind',
  )
  const fitted = await fittedOf(workbench)
  const { estimate } = fitted
  expect(estimate).toMatchObject({ from: 'audit', labels: 60 })
  if (estimate === undefined) return
  const rest = workbench.paths.flatMap((_, image) => (workbench.labelOf(image) === null ? [image] : []))
  const truth = rest.filter((image) => fitted.predicted[image] === groupOf(open, image)).length / rest.length
  expect(estimate.low).toBeLessThan(estimate.accuracy)
  expect(truth).toBeGreaterThanOrEqual(estimate.low)
  expect(truth).toBeLessThanOrEqual(estimate.high)
  await workbench.close()
})

test('what is accepted for being sure teaches, and proves nothing of the predictions', async () => {
  const open = await opened('accepted', { images: 400, groups: CLASSES, spread: 1.6 })
  const { workbench } = open
  await labelOfGroup(open, someOfEach(open, 6))
  const before = await fittedOf(workbench)
  const decisions = [...before.predicted.keys()]
    .filter((image) => workbench.labelOf(image) === null && before.probability[image] > 0.6)
    .map((image) => ({ image, label: before.predicted[image] }))
  expect(decisions.length).toBeGreaterThan(100)
  await workbench.label(decisions, { ...PERSON, seen: 'accepted' })
  const after = await fittedOf(workbench)
  expect(after.estimate?.labels).toBe(before.estimate?.labels)
  expect(after.probabilities).not.toEqual(before.probabilities)
  for (const { image, label } of decisions) expect(after.predicted[image]).toBe(label)
  // Of the rest no more is right than before, and no more is claimed than is so.
  const rest = [...after.predicted.keys()].filter((image) => workbench.labelOf(image) === null)
  const right = rest.filter((image) => after.predicted[image] === groupOf(open, image)).length
  const claimed = rest.reduce((sum, image) => sum + after.probability[image], 0)
  expect(claimed / rest.length).toBeLessThan(right / rest.length + 0.15)
  // Rule of succession, of the labels that a person gave.
  const doubt = 1 / (6 * CLASSES + 2)
  const surest = Math.max(...rest.map((image) => after.probability[image]))
  expect(surest).toBeLessThanOrEqual(1 - doubt + doubt / CLASSES + 1e-6)
  await workbench.close()
})

test('suggestions without a label find every group, small ones too, where as many at random do not', async () => {
  const open = await opened('cold', { images: 600, groups: [30, 20, 20, 20, 7, 3], spread: 0.25 })
  const { workbench } = open
  const found = (images: readonly { image: number }[]): number =>
    new Set(images.map(({ image }) => groupOf(open, image))).size
  const suggested = await workbench.suggest({ count: CLASSES, kind: 'next' })
  expect(found(suggested)).toBe(CLASSES)
  expect(suggested.every(({ why, label }) => why !== '' && label === undefined)).toBe(true)
  const drawn = await workbench.suggest({ count: CLASSES, kind: 'next', strategy: 'random' })
  expect(found(drawn)).toBeLessThan(CLASSES)
  await workbench.close()
})

test('of images that are the same one is suggested, and none of a labelled one', async () => {
  const open = await opened('copies', { images: 240, groups: CLASSES, spread: 1, copies: 3 })
  const { made, workbench } = open
  await workbench.label([{ image: 0, label: 0 }], PERSON)
  for (const strategy of [undefined, 'typical', 'herding', 'random']) {
    const suggested = await workbench.suggest({ count: 60, kind: 'next', strategy })
    const originals = [0, ...suggested.map(({ image }) => image)].map((image) =>
      made.originalOf(workbench.paths[image]),
    )
    expect(new Set(originals).size).toBe(originals.length)
    expect(suggested.length).toBe(60)
  }
  await workbench.close()
})

test('of forty copies, more than an image has neighbours listed, none is suggested beside another', async () => {
  const open = await opened('forty', { images: 400, groups: CLASSES, spread: 1, copies: 40 })
  const { made, workbench } = open
  const originalsOf = (images: readonly number[]): number[] =>
    images.map((image) => made.originalOf(workbench.paths[image]))
  for (const strategy of ['typical', 'herding', 'random']) {
    const suggested = await workbench.suggest({ count: 60, kind: 'next', strategy })
    expect(originalsOf(suggested.map(({ image }) => image)).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  }
  // Whichever copies are labelled, the other originals are left.
  const [copy] = [...workbench.paths.keys()].filter(
    (image) => made.originalOf(workbench.paths[image]) === 7 && image % 3 === 0,
  )
  await workbench.label([{ image: copy, label: 0 }], PERSON)
  const left = await workbench.suggest({ count: 60, kind: 'next', except: [0] })
  expect(originalsOf(left.map(({ image }) => image)).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9])
  await workbench.close()
})

test('neighbours, clusters and the map know the groups', async () => {
  const open = await opened('map', { images: 240, groups: CLASSES, spread: 0.2 })
  const { workbench } = open
  for (const count of [5, 100]) {
    const near = await workbench.neighbours(11, count)
    expect(near.map(({ similarity }) => similarity)).toEqual(
      near.map(({ similarity }) => similarity).sort((a, b) => b - a),
    )
    expect(
      near.slice(0, 5).every(({ image }) => image !== 11 && groupOf(open, image) === groupOf(open, 11)),
    ).toBe(true)
    expect(near.length).toBe(count)
  }
  const { clusters, typical } = await workbench.clusters()
  typical.forEach((image, cluster) => expect(clusters[image]).toBe(cluster))
  const map = await workbench.positions()
  expect(map.kind).toBe('map')
  expect(map.positions.every((at) => at >= -1 && at <= 1)).toBe(true)
  expect((await workbench.positions()).positions).toEqual(map.positions)
  await workbench.close()
})

test('a strategy that is not there, and one that needs predictions, are refused in words', async () => {
  const { workbench } = await opened('refused', { images: 60, groups: CLASSES, spread: 1 })
  await expect(workbench.suggest({ count: 1, kind: 'next', strategy: 'herdin' })).rejects.toThrow(
    /did you mean herding/,
  )
  await expect(workbench.suggest({ count: 1, kind: 'next', strategy: 'margin' })).rejects.toThrow(
    /got labels of fewer than two classes/,
  )
  await workbench.close()
})
