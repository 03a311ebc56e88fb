/**
 * Cheating, tried: a method and a head that look for test labels, and for the labels of training images outside the draw,
 * wherever they can reach. They find none, and what they guess from what they found is chance.
 */
import { describe, expect, test } from 'vitest'
import { runStudy } from '../../src/study/run-study.js'
import type { FeatureSource } from '../../src/features/feature-sources.js'
import type { FeatureMethod } from '../../src/runs/feature-method.js'
import { openStudyData } from '../../src/study/study-data.js'
import { featureMatrix } from '../../src/numerics/matrix.js'
import type { Head, HeadProblem } from '../../src/heads/head.js'
import { openDataset } from '../../src/data/open.js'
import { generateStrokes } from '../../src/data/strokes.js'
import { tiny, useFolder, watched } from './study-support.js'

const folder = useFolder()
const CLASSES = 10
/** 400 images of 10 classes are guessed to 10 %; this is five deviations above it. */
const CHANCE = 0.175

/** Every array of numbers that can be reached from a value by names, symbols, prototypes, clones and text. */
function reachable(value: unknown, seen = new Set<unknown>(), depth = 0): number[][] {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value))
    return []
  if (depth > 4) return []
  seen.add(value)
  if (ArrayBuffer.isView(value)) return [Array.from(value as Uint8Array)]
  const found: number[][] = []
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each === 'number')) found.push(value)
    // Names may hold a class: numbers at their ends, lengths, what stands between slashes.
    if (value.every((each) => typeof each === 'string')) {
      found.push(value.map((name) => Number(/(\d)[^\d]*$/.exec(name)?.[1] ?? 0)))
      found.push(
        value.map((name) => [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % CLASSES),
      )
    }
  }
  const inner: unknown[] = []
  for (const key of Reflect.ownKeys(value)) {
    try {
      inner.push((value as Record<PropertyKey, unknown>)[key])
    } catch {
      continue
    }
  }
  inner.push(Object.getPrototypeOf(value))
  // Copies show the same all the way down: they are made of the whole alone.
  if (depth === 0) inner.push(...copies(value))
  for (const each of inner) found.push(...reachable(each, seen, depth + 1))
  return found
}

function copies(value: object): unknown[] {
  const short = (_: string, inner: unknown): unknown =>
    ArrayBuffer.isView(inner) && inner.byteLength > 10_000 ? undefined : inner
  try {
    return [JSON.parse(JSON.stringify(value, short)), structuredClone(value)]
  } catch {
    // Functions cannot be cloned; what belongs to them was looked at.
    return []
  }
}

const looksLikeLabels = (numbers: readonly number[], count: number): boolean =>
  numbers.length === count && numbers.every((n) => Number.isInteger(n) && n >= 0 && n < CLASSES)

/** Rows that give away whatever was found. */
function onehot(labels: readonly number[], count: number) {
  const rows = featureMatrix(count, CLASSES)
  for (let i = 0; i < count; i++) rows.data[i * CLASSES + (labels[i] ?? 0)] = 1
  return rows
}

interface Findings {
  labels: number[][]
  names: Set<string>
}

function peekingMethod(findings: Findings): FeatureMethod {
  const look = (value: unknown, count: number): number[] => {
    for (const key of Reflect.ownKeys(value as object)) findings.names.add(String(key))
    const found = reachable(value).filter((numbers) => looksLikeLabels(numbers, count))
    findings.labels.push(...found)
    // Where nothing was found, an image's place is tried: classes may lie one after the other.
    return found[0] ?? Array.from({ length: count }, (_, i) => Math.floor((CLASSES * i) / count))
  }
  return {
    id: 'peeking',
    title: 'peeking',
    kind: 'baseline',
    settings: {},
    open(images, context) {
      look(images, images.count)
      look(context, images.count)
      const source: FeatureSource = {
        columns: CLASSES,
        extract: (block) =>
          Promise.resolve(onehot(look({ ...block, paths: images.paths }, block.count), block.count)),
      }
      return Promise.resolve(source)
    },
  }
}

/** Looks for labels outside the draw in its problem, and for anything on the test images when it predicts. */
function peekingHead(findings: Findings): Head {
  return {
    name: 'peeking',
    fit(problem: HeadProblem) {
      const { labels } = problem
      const known = labels.filter((label) => label >= 0).length
      findings.names.add(`labels ${known} of ${labels.length}`)
      findings.labels.push(
        ...reachable({ ...problem, features: undefined }).filter((n) => looksLikeLabels(n, labels.length)),
      )
      findings.labels.push(...reachable(labels.buffer).filter((n) => looksLikeLabels(n, labels.length)))
      return Promise.resolve({
        name: 'peeking',
        chosen: {},
        probabilities: () => Promise.resolve(onehot([], labels.length)),
        predict: (features) => {
          const found = reachable(features).filter((n) => looksLikeLabels(n, features.rows))
          findings.labels.push(...found)
          const place = Array.from({ length: features.rows }, (_, i) =>
            Math.floor((CLASSES * i) / features.rows),
          )
          return Promise.resolve(onehot(found[0] ?? place, features.rows))
        },
        parameters: { kind: 'linear', classCount: CLASSES, settings: {}, arrays: {} },
      })
    },
  }
}

describe('labels cannot be reached', () => {
  test('by a method or a head that looks for them everywhere: both guess by chance', async () => {
    const findings: Findings = { labels: [], names: new Set() }
    const { context } = watched(folder.path, {
      methods: [peekingMethod(findings)],
      heads: { peeking: () => peekingHead(findings) },
    })
    const study = await runStudy(tiny({ count: 400, testCount: 400, labels: [2], draws: 3 }), context)
    expect(study.missing).toEqual([])
    // Numbers that could be labels, such as the last digits of `train/00042`, agree with the truth by chance.
    const { labels, test: scored } = await openStudyData(tiny({ count: 400, testCount: 400 }), context)
    expect(findings.labels.length).toBeGreaterThan(0)
    for (const guess of findings.labels) {
      expect(guess.filter((label, i) => label === labels[i]).length / 400).toBeLessThan(CHANCE)
      expect(scored.score(guess).accuracy).toBeLessThan(CHANCE)
    }
    expect(findings.names).toContain('labels 20 of 400')
    expect([...findings.names].filter((name) => /label|class|truth|answer/i.test(name))).toEqual([
      'labels 20 of 400',
    ])
    const cheats = study.cells.filter(({ method, head }) => method === 'peeking' || head === 'peeking')
    expect(cheats.length).toBe(3)
    for (const { accuracies } of cheats) for (const value of accuracies) expect(value).toBeLessThan(CHANCE)
    // The same labels, given away, would have been found.
    const { train } = generateStrokes({ seed: 0, count: 400, testCount: 400 })
    const leaked = reachable({ images: { inner: Array.from(train.labels) } })
    expect(leaked.some((numbers) => looksLikeLabels(numbers, 400))).toBe(true)
  })

  test('not by names, order or fields of the images either', async () => {
    const options = tiny({ count: 400, testCount: 400 })
    const { data, images } = await openStudyData(options, watched(folder.path).context).then((data) => ({
      data,
      images: data.images,
    }))
    expect(Object.keys(images).sort()).toEqual([
      'channels',
      'count',
      'height',
      'name',
      'paths',
      'pixels',
      'width',
    ])
    expect(Object.keys(data.test.images).sort()).toEqual(Object.keys(images).sort())
    expect(images.paths.slice(0, 2)).toEqual(['train/00000', 'train/00001'])
    const spoken = JSON.stringify(data.test) + JSON.stringify(Object.getOwnPropertyDescriptors(data.test))
    expect(spoken).not.toMatch(/label/i)
    // Both splits are in another order than the data set has, labels and scores along with them.
    const opened = await openDataset({ dataset: 'strokes', seed: 0, count: 400, testCount: 400 })
    expect(images.pixels).not.toEqual(opened.train.pixels)
    const { test: split } = generateStrokes({ seed: 0, count: 400, testCount: 400 })
    expect(opened.test?.score(split.labels).accuracy).toBe(1)
    expect(data.test.score(split.labels).accuracy).toBeLessThan(0.2)
    const digits = (set: typeof images, labels: ArrayLike<number>): string[] =>
      Array.from(
        { length: set.count },
        (_, i) => `${labels[i]} ${set.pixels.slice(784 * i, 784 * (i + 1)).join()}`,
      ).sort()
    expect(digits(images, data.labels)).toEqual(digits(opened.train, opened.train.labels))
  })

  test('not of a folder sorted by class', async () => {
    const options = tiny({ count: 400, testCount: 400 })
    const { test: scored } = await openStudyData(options, watched(folder.path).context)
    const sorted = Array.from({ length: scored.count }, (_, i) => Math.floor((CLASSES * i) / scored.count))
    expect(scored.score(sorted).accuracy).toBeLessThan(0.2)
  })
})
