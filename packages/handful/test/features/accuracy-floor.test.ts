/**
 * The whole way from images to accuracy, held to floors that a broken build misses: patches of the images, their features
 * reduced and normalised, heads, and "none of these". Generated handwriting and real digits of 8 pixels everywhere; larger images
 * where HANDFUL_DATA has them. Each floor lies some points below what was measured (2026-11-29 and -30), in brackets.
 *
 * No trained model is among them: on such small digits the features of a network with random weights are right 92 times in a
 * hundred (`vae`, preset `fast`, digits enlarged to 16 pixels) and those after 30 to 200 steps 73 to 90, so that a floor would hold nothing.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Random } from 'onnx-autodiff'
import { afterAll, describe, expect, test } from 'vitest'
import { labelDraws } from '../../src/data/draw-labels.js'
import { type IdxArray, parseIdx, unpackGzip } from '../../src/data/idx.js'
import { type ImageSet, selectImages } from '../../src/data/image-set.js'
import { openDataset } from '../../src/data/open.js'
import { Originals } from '../../src/data/originals.js'
import { TestSet } from '../../src/data/test-set.js'
import { fitDictionary, patchEncoder } from '../../src/features/encoder.js'
import type { FeatureSpace } from '../../src/features/feature-space.js'
import { learnedFeatures } from '../../src/features/feature-sources.js'
import { compareHeads } from '../../src/heads/compare-heads.js'
import { headProblem } from '../../src/heads/head.js'
import { fitUnlike, restoreUnlike } from '../../src/heads/unlike.js'
import { onnxLinearAlgebra } from '../../src/numerics/onnx-linear-algebra.js'
import { areaUnderCurve, average } from '../../src/numerics/statistics.js'

const linearAlgebra = onnxLinearAlgebra({ threads: 1 })
afterAll(() => linearAlgebra.close())
const { signal } = new AbortController()
const seed = 0

/** (0.87) */
const STROKES_FLOOR = 0.78
/** (0.78) */
const UNLIKE_FLOOR = 0.68
/** Seconds by itself, but several test files may run at once. */
const TIME_LIMIT_MS = 180_000

/** So many images to train on, so many to count on, at random. */
function parted(all: ImageSet, count: number, held: number): { train: ImageSet; test: ImageSet } {
  const order = new Random(seed, 'floor').permutation(all.count)
  return {
    train: selectImages(all, order.slice(0, count)),
    test: selectImages(all, order.slice(count, count + held)),
  }
}

async function patchSpace(train: ImageSet, test: ImageSet, patches: number): Promise<FeatureSpace> {
  const dictionary = await fitDictionary(train, patches, { seed, linearAlgebra, signal })
  const encoder = patchEncoder(dictionary, { size: train.height, channels: train.channels })
  const splits = { train, test: new TestSet(test) }
  return learnedFeatures(splits, encoder, linearAlgebra, { threads: 1, seed, signal })
}

/** Mean accuracy of a head over draws of the labelled images. */
async function accuracy(
  space: FeatureSpace,
  train: ImageSet,
  test: ImageSet,
  labelsPerClass: number,
  head = 'auto',
) {
  const [{ accuracies }] = await compareHeads({
    spaces: [space],
    draws: labelDraws(train, { labelsPerClass, draws: 2, seed }),
    heads: [head],
    chosen: head,
    classCount: train.classNames.length,
    test: new TestSet(test),
    seed,
    signal,
    onFit: () => {},
  })
  return average(accuracies)
}

test(
  'generated handwriting: 4 labels a class, and digits that are no class',
  async () => {
    const { train: all } = await openDataset({ dataset: 'strokes', count: 1200, testCount: 0, seed })
    const { train, test: held } = parted(all, 800, 400)
    const space = await patchSpace(train, held, 24)
    expect(await accuracy(space, train, held, 4)).toBeGreaterThan(STROKES_FLOOR)

    // Of 7, 8 and 9 no label is given.
    const [labels] = labelDraws(train, { labelsPerClass: 4, draws: 1, seed })
    const known = labels.map((label) => (label < 7 ? label : -1))
    const problem = headProblem(space, { labels: known, classCount: 7, random: new Random(seed, 'floor') })
    const fitted = await fitUnlike(problem)
    if (fitted === undefined || space.test === undefined) throw new Error('no score')
    const scores = await restoreUnlike(fitted.parameters, problem.neighboursOf)(space.test)
    const of = (isClass: boolean): number[] => [...scores].filter((_, i) => held.labels[i] < 7 === isClass)
    expect(areaUnderCurve(of(false), of(true))).toBeGreaterThan(UNLIKE_FLOOR)
  },
  TIME_LIMIT_MS,
)

async function fixture(name: string, dimensions: number): Promise<IdxArray> {
  const content = await readFile(join(import.meta.dirname, '../fixtures', name))
  return parseIdx(await unpackGzip(content, name), dimensions, name)
}

/** Digits that people wrote; fixtures/digits.py says whose. */
async function realDigits(): Promise<ImageSet> {
  const { shape, values: pixels } = await fixture('digits-images.idx.gz', 3)
  const { values: labels } = await fixture('digits-labels.idx.gz', 1)
  const [count, height, width] = shape
  const paths = Array.from({ length: count }, (_, i) => `digit ${i}`)
  const classNames = Array.from({ length: 10 }, (_, digit) => `${digit}`)
  return {
    ...{ name: 'digits', count, height, width, channels: 1, pixels, paths, classNames },
    labels: Int32Array.from(labels),
    originals: new Originals({ names: paths }),
  }
}

test(
  'real handwriting: 4 labels a class, by each of the usual heads',
  async () => {
    const { train, test: held } = parted(await realDigits(), 1200, 597)
    const space = await patchSpace(train, held, 24)
    const by = (head: string): Promise<number> => accuracy(space, train, held, 4, head)
    // (0.913, 0.935, 0.800)
    expect(await by('auto')).toBeGreaterThan(0.87)
    expect(await by('propagation')).toBeGreaterThan(0.9)
    expect(await by('linear')).toBeGreaterThan(0.75)
  },
  TIME_LIMIT_MS,
)

const folders = [process.env.HANDFUL_DATA, resolve(import.meta.dirname, '../../../../../shared/data')]
const holding = (file: string): string | undefined =>
  folders.find((folder) => folder !== undefined && existsSync(join(folder, file)))
const mnist = holding('mnist/train-images-idx3-ubyte.gz')
const photos = holding('photos/sign-digits.tar')

describe.skipIf(mnist === undefined)('MNIST (skipped where HANDFUL_DATA holds no mnist/)', () => {
  test(
    'handwriting: 1 label a class',
    async () => {
      const { train: all } = await openDataset({ dataset: 'mnist', dataDir: mnist, seed })
      const { train, test: held } = parted(all, 1000, 400)
      const space = await patchSpace(train, held, 24)
      // (0.86)
      expect(await accuracy(space, train, held, 1)).toBeGreaterThan(0.78)
    },
    TIME_LIMIT_MS,
  )
})

describe.skipIf(photos === undefined)('photographs (skipped where HANDFUL_DATA holds no photos/)', () => {
  test(
    'hand signs in colour: 4 labels a class',
    async () => {
      const folder = join(photos ?? '', 'photos/sign-digits.tar')
      const { train: all } = await openDataset({ folder, size: 32, seed })
      const { train, test: held } = parted(all, 600, 400)
      const space = await patchSpace(train, held, 24)
      // (0.59)
      expect(await accuracy(space, train, held, 4)).toBeGreaterThan(0.5)
    },
    TIME_LIMIT_MS,
  )
})
