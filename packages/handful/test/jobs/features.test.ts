/** Features of many images: how much is in memory at once, and that the size of a block says nothing about them. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeSafetensors, Random } from 'onnx-autodiff'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { folderBlocks, type ImageBlock, type ImageSource } from '../../src/data/image-blocks.js'
import { featureRequest } from '../../src/models/choose-features.js'
import { listLayers, writeFeatures } from '../../src/jobs/features/run.js'
import { resolveModel } from '../../src/training/model-options.js'
import { openExtractor } from '../../src/features/extract.js'
import { featureMatrix } from '../../src/numerics/matrix.js'
import { type FeatureDisk, FeatureFile } from '../../src/features/store.js'
import { averagedWeights } from '../../src/models/model.js'
import { silentProgress } from '../../src/training/progress.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-features-'))
})

afterEach(() => rm(folder, { recursive: true }))

const context = { signal: new AbortController().signal, progress: silentProgress }
const image = { size: 8, channels: 1 } as const

function source(count: number, onBlock: (block: ImageBlock) => void): ImageSource {
  const random = new Random(0, 'images')
  return {
    name: 'random',
    limit: count,
    notes: [],
    skipped: [],
    async *blocks(size) {
      for (let first = 0; first < count; first += size) {
        const length = Math.min(size, count - first)
        const block: ImageBlock = {
          count: length,
          height: 8,
          width: 8,
          channels: 1,
          pixels: Uint8Array.from({ length: length * 64 }, () => random.integer(256)),
          paths: Array.from({ length }, (_, i) => `${first + i}.png`),
          labels: new Array<string>(length).fill(''),
          split: 'train',
          firstPlace: first,
        }
        onBlock(block)
        yield block
      }
    },
  }
}

describe('memory', () => {
  /** Most bytes of images and features that are held or written at once, for so many images. */
  async function peak(count: number): Promise<{ images: number; written: number }> {
    const seen = { images: 0, written: 0, openBlocks: 0 }
    const counting: FeatureDisk = {
      write: (bytes) => {
        seen.written = Math.max(seen.written, bytes.length)
        return Promise.resolve()
      },
      read: () => Promise.resolve(),
      truncate: () => Promise.resolve(),
      finish: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }
    const images = source(count, (block) => {
      expect(seen.openBlocks).toBe(0)
      seen.openBlocks++
      seen.images = Math.max(seen.images, block.pixels.length)
    })
    const extractor = {
      extract: ({ count: rows }: { count: number }) => Promise.resolve({ a: featureMatrix(rows, 7) }),
    }
    const spec = {
      path: path.join(folder, 'f.safetensors'),
      tensors: [{ name: 'a', columns: 7, outputs: ['a'] }],
      limit: count,
      metadata: {},
    }
    const file = await FeatureFile.create(spec, () => Promise.resolve(counting))
    const append = file.append.bind(file)
    file.append = async (...block) => {
      await append(...block)
      seen.openBlocks--
    }
    file.finish = () => Promise.resolve()
    expect(
      await writeFeatures(images, extractor, spec, context, {
        block: 64,
        create: () => Promise.resolve(file),
      }),
    ).toBe(count)
    return { images: seen.images, written: seen.written }
  }

  test('does not grow with the number of images: one block at a time, written before the next is read', async () => {
    const few = await peak(640)
    const many = await peak(12_800)
    expect(many.images).toBe(few.images)
    expect(many.images).toBe(64 * 64)
    // Row numbers and names grow by a few digits.
    expect(many.written).toBeLessThan(few.written * 1.5)
  })
})

describe('features', () => {
  test.each(['vae', 'diffusion'] as const)('of a %s do not depend on the block', async (name) => {
    const set =
      name === 'vae'
        ? { width: 4, hidden: 8, latent: 3 }
        : { width: 8, groups: 2, multipliers: [1, 1], blocks: 1, patch: 2 }
    const model = resolveModel({ model: name, preset: 'fast', set: { ...set, batch: 4 } }, image)
    const weights = averagedWeights(model.train(10, 1).initialState)
    const request = featureRequest(model, {})
    const written = async (block: number): Promise<Uint8Array> => {
      const file = path.join(folder, `${block}.safetensors`)
      const network = model.features(weights, request)
      const extractor = await openExtractor(network, request.layers, { seed: 3, threads: 1 })
      const tensors = request.layers.map((layer) => ({
        name: layer,
        columns: extractor.columns[layer],
        outputs: [layer],
      }))
      const spec = { path: file, tensors, limit: 30, metadata: {} }
      await writeFeatures(
        source(30, () => {}),
        extractor,
        spec,
        context,
        { block },
      ).finally(() => extractor.close())
      return readFile(file)
    }
    const [whole, single] = [
      decodeSafetensors(await written(30)).arrays,
      decodeSafetensors(await written(7)).arrays,
    ]
    for (const layer of request.layers) {
      const [a, b] = [whole[layer].data as Float32Array, single[layer].data as Float32Array]
      expect(whole[layer].shape[0]).toBe(30)
      expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThan(1e-5)
    }
  })

  test('are those of a request that suits the model', () => {
    const model = resolveModel({ model: 'vae', preset: 'fast', set: {} }, image)
    const ask = (choice: Parameters<typeof featureRequest>[1]) => () => featureRequest(model, choice)
    expect(ask({ layers: ['hiden'] })).toThrow(/^--layers \(model vae\): got "hiden".*did you mean hidden\?$/)
    expect(ask({ layers: ['hidden', 'hidden'] })).toThrow(/got "hidden" twice/)
    expect(ask({ noiseLevel: 100 })).toThrow(/^--noise-level: got 100, expected none for model vae/)
    expect(ask({ layers: ['coarse', 'mean'], pooling: '2x2' })()).toMatchObject({
      layers: ['coarse', 'mean'],
      pooling: '2x2',
    })
  })

  test('of one view cannot stand beside each other', () => {
    const model = resolveModel({ model: 'diffusion', preset: 'fast', set: {} }, image)
    const ask = (choice: Parameters<typeof featureRequest>[1]) => () =>
      featureRequest(model, { combineViews: 'concatenate', ...choice })
    expect(ask({})).toThrow(/^--concatenate-views: got one view of each image.*add --draws 2 or --mirror$/)
    expect(ask({ mirror: true })()).toMatchObject({ mirror: true, combineViews: 'concatenate' })
  })

  test('have as many numbers as the list of layers says', async () => {
    for (const name of ['vae', 'vqvae', 'gan'] as const) {
      const model = resolveModel({ model: name, preset: 'fast', set: { batch: 4 } }, image)
      const rows = listLayers(model)
      const weights = averagedWeights(model.train(10, 1).initialState)
      expect(rows.some(({ chosen }) => chosen)).toBe(true)
      for (const pooling of ['mean', '2x2', '4x4', 'none'] as const) {
        const layers = rows.map(({ name }) => name)
        const { program } = model.features(weights, { layers, pooling })
        expect(rows.map(({ name }) => program.outputs[name].shape[1])).toEqual(
          rows.map(({ numbers }) => numbers[pooling]),
        )
      }
    }
  })
})

test('a folder is decoded block by block, with splits, labels and bad files told apart', async () => {
  for (const [place, value] of [
    ['cat/1', 10],
    ['cat/2', 20],
    ['dog/1', 30],
    ['unlabeled/1', 40],
  ] as const) {
    const file = path.join(folder, 'train', `${place}.png`)
    await mkdir(path.dirname(file), { recursive: true })
    await sharp({
      create: { width: 9, height: 9, channels: 3, background: { r: value, g: value, b: value } },
    }).toFile(file)
  }
  await mkdir(path.join(folder, 'test', 'dog'), { recursive: true })
  await sharp({ create: { width: 9, height: 9, channels: 3, background: 'white' } }).toFile(
    path.join(folder, 'test', 'dog', '1.png'),
  )
  await writeFile(path.join(folder, 'train', 'cat', '0.png'), 'no image')
  const images = await folderBlocks({ folder, size: 8, fit: 'cover', channels: 1 })
  const rows: unknown[] = []
  for await (const block of images.blocks(2)) {
    expect(block.pixels).toHaveLength(block.count * 64)
    rows.push(
      ...block.paths.map((file, i) => [
        block.split,
        block.firstPlace + i,
        file,
        block.labels[i],
        block.pixels.subarray()[i * 64],
      ]),
    )
  }
  expect(images.limit).toBe(6)
  expect(rows).toEqual([
    ['train', 0, 'train/cat/1.png', 'cat', 10],
    ['train', 1, 'train/cat/2.png', 'cat', 20],
    ['train', 2, 'train/dog/1.png', 'dog', 30],
    ['train', 3, 'train/unlabeled/1.png', '', 40],
    ['test', 0, 'test/dog/1.png', '', 255],
  ])
  expect(images.skipped).toEqual([{ path: 'train/cat/0.png', reason: 'not an image' }])
})
