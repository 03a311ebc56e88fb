/** The comparison of heads: which ones stand in it, and that each draw is judged by what it was fitted to. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { TestSet } from '../../src/data/test-set.js'
import {
  comparedHeads,
  compareHeads,
  headsOn,
  type ComparisonOptions,
  drawStream,
} from '../../src/heads/compare-heads.js'
import { FeatureSpace } from '../../src/features/feature-space.js'
import { argmaxRows, rowRange, type UnitRows } from '../../src/numerics/matrix.js'
import { headProblem } from '../../src/heads/head.js'
import { createHead } from '../../src/heads/registry.js'
import { HEADS } from '../../src/names.js'
import { blobs, firstLabels, linearAlgebra } from './problem.js'

const { features, truth } = blobs(160, 3, 8, 0.6)
const [train, unseen] = [rowRange(features, 0, 120), rowRange(features, 120, 160)]
const known = truth.subarray(0, 120)
const test40 = new TestSet({
  name: 'blobs',
  height: 1,
  width: 1,
  channels: 1,
  pixels: new Uint8Array(40),
  labels: truth.subarray(120),
  classNames: ['a', 'b', 'c'],
})
const spaceOf = (train: UnitRows, test?: UnitRows): FeatureSpace =>
  new FeatureSpace({ name: 'blobs', train, test }, { linearAlgebra })
/** Four labels a class, others in each draw. */
const draws = [0, 1, 2].map((draw) => {
  const before = firstLabels(known, 4 * draw)
  return firstLabels(known, 4 * (draw + 1)).map((label, i) => (before[i] >= 0 ? -1 : label))
})
const options: ComparisonOptions = {
  spaces: [spaceOf(train, unseen)],
  draws,
  classCount: 3,
  test: test40,
  seed: 0,
  signal: new AbortController().signal,
  onFit: () => {},
}

describe('the heads compared', () => {
  test('of raw pixels of very many images need no neighbour graph', () => {
    const heads = ['propagation', 'linear', 'auto', 'mine']
    const own = { mine: () => createHead('ridge') }
    const on = (baseline: boolean, rows: number): readonly string[] => headsOn({ baseline, rows }, heads, own)
    expect(on(true, 150_000)).toEqual(heads)
    expect(on(false, 1_000_000)).toEqual(heads)
    expect(on(true, 150_001)).toEqual(['linear', 'mine'])
  })

  test('are label propagation and logistic regression, and the chosen one where it is another', () => {
    expect(comparedHeads()).toEqual(['propagation', 'linear'])
    expect(comparedHeads('linear')).toEqual(['propagation', 'linear'])
    expect(comparedHeads('mlp')).toEqual(['propagation', 'linear', 'mlp'])
    expect(comparedHeads().map((name) => createHead(name).name)).toEqual([
      'label propagation',
      'logistic regression',
    ])
  })

  test('have a name each, by which a report tells them apart', () => {
    expect(new Set(HEADS.map((name) => createHead(name).name)).size).toBe(HEADS.length)
  })
})

test.each(HEADS)('%s is scored on each draw as a fit to that draw alone is', async (name) => {
  const [compared] = await compareHeads({ ...options, heads: [name] })
  const alone: number[] = []
  for (const [draw, labels] of draws.entries()) {
    // Nothing is shared with the other draws: neither graph nor neighbours.
    const space = spaceOf(train)
    const given = { labels, classCount: 3, random: drawStream(0, name, space, draw) }
    const fitted = await createHead(name).fit(headProblem(space, given))
    alone.push(test40.score(argmaxRows(await fitted.predict(unseen))).accuracy)
  }
  expect(compared).toMatchObject({ key: name, accuracies: alone })
  // Three blobs that a line tells apart: what learns is far from guessing a third. The reference study's linear head does
  // not: on 12 labels it takes 90 steps of 0.001, which in 8 dimensions is hardly away from where it starts.
  if (name !== 'linear-network') expect(Math.min(...alone)).toBeGreaterThan(0.8)
})

test('without a test set every head is scored on the labelled images, each predicted from the others', async () => {
  const compared = await compareHeads({
    ...options,
    spaces: [spaceOf(train)],
    test: undefined,
    draws: draws.slice(0, 1),
    heads: comparedHeads('mlp'),
  })
  for (const { accuracies, confusion } of compared) {
    expect(accuracies).toHaveLength(1)
    expect(accuracies[0]).toBeGreaterThan(0.5)
    expect(confusion.flat().reduce((a, b) => a + b, 0)).toBe(12)
  }
})

test('docs/own-images.md names every head', async () => {
  const guide = await readFile(new URL('../../../../docs/own-images.md', import.meta.url), 'utf8')
  expect(HEADS.filter((name) => !guide.includes(`| \`${name}\``))).toEqual([])
})
