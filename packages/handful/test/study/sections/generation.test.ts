/** The generation stage of a study: pictures, speed, scores, and the network that scores, kept for each data set. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ImageSet } from '../../../src/data/image-set.js'
import { TestSet } from '../../../src/data/test-set.js'
import { openEncoderSpace } from '../../../src/scores/encoder-space.js'
import { scoreNetworkFor } from '../../../src/scores/network-cache.js'
import { resolveModel } from '../../../src/training/model-options.js'
import type { StageContext } from '../../../src/stages/stage.js'
import type { Block, TableBlock } from '../../../src/study/report/blocks.js'
import { studyGeneration } from '../../../src/study/sections/generation/generation.js'
import type { StudyGeneration } from '../../../src/study/sections/generation/schema.js'
import { generationSection } from '../../../src/study/sections/generation/section.js'
import { tinyModel } from '../../encoders/tiny-encoder.js'
import { exampleStudy } from '../report/example-study.js'
import { plainLinearAlgebra } from '../../../src/numerics/linear-algebra.js'
import { averagedWeights, type ImageShape } from '../../../src/models/model.js'
import { studySchema } from '../../../src/study/all-sections.js'

const image: ImageShape = { size: 8, channels: 1 }

/** Half dark, half light images. */
function images(count: number, name: string): ImageSet {
  const random = new Random(1, name)
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2)
  const pixels = Uint8Array.from(
    { length: count * 64 },
    (_, i) => 150 * labels[Math.floor(i / 64)] + random.integer(90),
  )
  const shape = { height: 8, width: 8, channels: 1 } as const
  return { name, count, ...shape, pixels, labels, paths: [], classNames: ['dark', 'light'] }
}

const train = images(60, 'halves')
const { labels, ...held } = images(40, 'held out')
const heldOut = new TestSet({ ...held, labels })
const model = resolveModel(
  { model: 'vae', preset: 'fast', set: { width: 4, hidden: 8, latent: 2, batch: 4 } },
  image,
)
const weights = averagedWeights(model.train(10, 1).initialState)
const trained = { model, weights }
const reported: string[] = []
const context: StageContext = {
  linearAlgebra: plainLinearAlgebra(),
  seed: 3,
  threads: 1,
  device: 'cpu',
  signal: new AbortController().signal,
  onProgress: (done, total, note) => void reported.push(`${done}/${total} ${note ?? ''}`),
}
const tiny = { width: 4, features: 4, steps: 10 }
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-generation-'))
})
afterAll(() => rm(folder, { recursive: true }))

const size = async (uri: string | undefined): Promise<[number, number]> => {
  const { width, height } = await sharp(Buffer.from((uri ?? '').split(',')[1], 'base64')).metadata()
  return [width, height]
}

test('the network that scores is trained once for images and labels, and another time for others', async () => {
  const first = await scoreNetworkFor({ train }, context, folder, tiny)
  const steps = reported.length
  expect(steps).toBeGreaterThan(0)
  // Whatever the seed of the study: its models are scored by the same network.
  const second = await scoreNetworkFor({ train }, context, folder, tiny)
  expect(reported).toHaveLength(steps)
  expect(second.description).toEqual(first.description)
  expect(second.weights).toEqual(first.weights)
  const flipped = { ...train, labels: train.labels.map((label) => 1 - label) }
  await scoreNetworkFor({ train: flipped }, context, folder, tiny)
  expect(await readdir(folder)).toHaveLength(2)
  const unlabelled = { ...train, labels: train.labels.map(() => -1) }
  await expect(scoreNetworkFor({ train: unlabelled }, context, folder)).rejects.toThrow(
    /^generation scores \(halves\): got images without labels, expected .*; sort images of each class into/,
  )
})

test('has pictures, speed and scores in the form of a study, the same for the same seed', async () => {
  const network = await scoreNetworkFor({ train }, context, folder, tiny)
  const stage = { trained, train, test: heldOut, network }
  reported.length = 0
  const found = await studyGeneration(stage, context, { count: 30, shown: 16 })
  expect(studySchema.shape.generation.parse([found])).toHaveLength(1)
  expect(found.method).toBe('vae')
  expect(found.scores).toMatchObject({ images: 30 })
  // 8 and 12 images in a row, each 10 pixels with its gap, twice enlarged.
  expect(await size(found.samples)).toEqual([2 * 82, 2 * 22])
  expect(await size(found.reconstructions)).toEqual([2 * 122, 2 * 42])
  expect(found.imagesPerSecond).toBeGreaterThan(0)
  expect(reported.at(-1)).toBe('100/100 ')
  const done = reported.map((each) => Number.parseInt(each))
  expect(done).toEqual([...done].sort((a, b) => a - b))
  const again = await studyGeneration(stage, context, { count: 30, shown: 16 })
  expect({ ...again, imagesPerSecond: 0 }).toEqual({ ...found, imagesPerSecond: 0 })
})

test('an encoder made elsewhere has a table of its own, which says whose space it is', async () => {
  const file = path.join(folder, 'tiny.onnx')
  await writeFile(file, tinyModel({ size: 16 }))
  const encoder = await openEncoderSpace({ encoder: file, encoderRange: '0,1' }, { threads: 1 })
  const network = await scoreNetworkFor({ train }, context, folder, tiny)
  const stage = { trained, train, test: heldOut, network }
  const plain = await studyGeneration(stage, context, { count: 30, shown: 16 })
  const found = await studyGeneration(stage, context, { count: 30, shown: 16, encoder })
  const { encoder: second, ...own } = found.scores ?? {}
  expect(own).toEqual(plain.scores)
  expect(second?.space).toBe('6 numbers of tiny, from images of 16x16')
  const example = await exampleStudy()
  const tablesOf = (generation: StudyGeneration): TableBlock[] => {
    const blocks = generationSection.report?.({ ...example, generation: [generation] }) as Block[]
    return blocks.filter((block) => block.kind === 'table')
  }
  expect(tablesOf(plain)).toHaveLength(1)
  const [first, table] = tablesOf(found)
  expect(first.rows).toEqual(tablesOf({ ...plain, imagesPerSecond: found.imagesPerSecond })[0].rows)
  expect(table.caption).toContain('6 numbers of tiny, from images of 16x16, to which all were enlarged')
  expect(table.rows[0].slice(1)).toEqual([
    ...[second?.frechet, second?.frechetOfTraining].map((value) => value?.toFixed(2)),
    second?.kernel.toFixed(4),
    ...[second?.precision, second?.recall].map((value) => value?.toFixed(3)),
  ])
  expect(table.file?.data.rows[0]).toContain(second?.frechet)
})

test('without a test set has pictures and no scores; a model that draws nothing has neither', async () => {
  const pictures = await studyGeneration({ trained, train }, context)
  expect(pictures.scores).toBeUndefined()
  expect(pictures.samples).toMatch(/^data:image\/png;base64,/)
  const silent = { ...trained, model: { ...model, sample: undefined, reconstruct: undefined } }
  const none = await studyGeneration({ trained: silent, train, test: heldOut, method: 'silent' }, context)
  expect(none).toEqual({ method: 'silent' })
})
