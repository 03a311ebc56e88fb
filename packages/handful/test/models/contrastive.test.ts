/** Contrastive learning: views smaller than the images, features of whole ones, and what is learned by it. */
import { Parameters } from 'onnx-autodiff'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { imageInput, toSignedRange } from '../../src/models/common.js'
import { fast, type ViewsConfig, viewSize } from '../../src/models/contrastive/config.js'
import { contrastive } from '../../src/models/contrastive/contrastive.js'
import { vae } from '../../src/models/vae/vae.js'
import type { ImageShape, Weights } from '../../src/models/model.js'
import { NO_AUGMENTATION } from '../../src/training/augment.js'
import { pretrain } from '../../src/training/pretrain.js'
import { silentProgress } from '../../src/training/progress.js'
import { extract, runOnce } from './vae-support.js'

const colour = (size: number): ImageShape => ({ size, channels: 3 })
const photographs = (size: number): ViewsConfig => {
  const config = fast(colour(size))
  if (config.network !== 'pyramid') throw new Error('photographs: got another network, expected views alone')
  return config
}
const small: ViewsConfig = { ...photographs(16), width: 4, batch: 8 }

describe('views', () => {
  test.each([
    [8, 8],
    [16, 16],
    [20, 16],
    [28, 24],
    [32, 24],
    [48, 36],
    [64, 48],
    [96, 72],
    [128, 96],
    [224, 168],
  ])('of photographs of %i pixels are whole squares of %i', (size, expected) => {
    const config = photographs(size)
    expect(viewSize(config, colour(size))).toBe(expected)
    expect(expected % (4 * (config.patch ?? 2))).toBe(0)
    expect(viewSize({ ...config, views: 1 }, colour(size))).toBe(size)
  })

  test('of written characters come with a decoder, as the VAE that compares views has it', () => {
    const grey: ImageShape = { size: 28, channels: 1 }
    const [own, former] = [contrastive, vae].map((model) => {
      const bound = model.configure(model.preset('contrastive', grey), grey)
      const { program, initialState } = bound.train(10, 0)
      return {
        config: bound.config,
        layers: bound.layers(),
        state: Object.keys(initialState),
        outputs: Object.keys(program.outputs),
        weight: initialState['encoder/fine1/weight'] ?? initialState['encoder.fine1.weight'],
      }
    })
    expect(own).toEqual(former)
  })
})

/** Two kinds of images: stripes across and stripes down, each of sixteen in other colours and places. */
function stripes(size: number): Uint8Array {
  const pixels = new Uint8Array(32 * size * size * 3)
  for (let i = 0; i < 32; i++) {
    for (let at = 0; at < size * size; at++) {
      const [row, column] = [Math.floor(at / size), at % size]
      const bright = (((i < 16 ? row : column) + i) >> 2) % 2 === 1
      for (let c = 0; c < 3; c++)
        pixels[(i * size * size + at) * 3 + c] = bright ? 255 - ((i * 37) % 90) : (i * 53 + 40 * c) % 120
    }
  }
  return pixels
}

describe('training', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'handful-contrastive-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test.each([
    // Of 31 other views each is as likely as the partner, before anything is learned.
    ['contrast', 0.9 * Math.log(31)],
    // Views of no kinship are 1 apart.
    ['coding-rate', 0.3],
  ] as const)(
    'by %s on views smaller than the images gives features of whole images, in which kinds lie together',
    async (objective, most) => {
      const image = colour(32)
      const pixels = stripes(32)
      const model = contrastive.configure({ ...small, objective, batch: 16, learningRate: 5e-3 }, image)
      const paths = Array.from({ length: 32 }, (_, i) => `${i}.png`)
      const images = {
        name: 'stripes',
        paths,
        count: 32,
        height: 32,
        width: 32,
        channels: 3 as const,
        pixels,
      }
      const { weights, curves } = await pretrain(
        images,
        {
          model,
          augmentation: { ...NO_AUGMENTATION, shift: 0.2, crop: 0.5, colour: 0.3 },
          seed: 0,
          steps: 60,
          threads: 1,
          device: 'cpu',
        },
        {
          checkpoints: { folder, key: `stripes by ${objective}` },
          signal: new AbortController().signal,
          progress: silentProgress,
        },
      )
      const loss = curves.find(({ name }) => name === 'loss')?.value.at(-1)
      expect(loss).toBeLessThan(most)
      const { pooled } = await extract(model.features(weights, model.defaultFeatures), image, pixels)
      expect(pooled.length).toBe(32 * 16)
      expect(nearestOfItsKind(pooled, 32)).toBeGreaterThan(0.9)
    },
  )
})

/** Share of images whose nearest other by cosine is of their half of the set. */
function nearestOfItsKind(rows: Float32Array, count: number): number {
  const columns = rows.length / count
  const means = Float64Array.from({ length: columns }, (_, c) => {
    let sum = 0
    for (let i = 0; i < count; i++) sum += rows[i * columns + c] / count
    return sum
  })
  const row = (i: number): number[] =>
    Array.from(rows.subarray(i * columns, (i + 1) * columns), (value, c) => value - means[c])
  const all = Array.from({ length: count }, (_, i) => row(i))
  const cosine = (a: number[], b: number[]): number =>
    a.reduce((sum, value, c) => sum + value * b[c], 0) / (Math.hypot(...a) * Math.hypot(...b))
  const right = all.filter((own, i) => {
    const others = all.flatMap((other, j) => (j === i ? [] : [{ j, alike: cosine(own, other) }]))
    const { j } = others.reduce((best, one) => (one.alike > best.alike ? one : best))
    return j < count / 2 === i < count / 2
  })
  return right.length / count
}

test('what labels train further is what features come from', async () => {
  const image = colour(16)
  const model = contrastive.configure(small, image)
  const pixels = Uint8Array.from({ length: 2 * 16 * 16 * 3 }, (_, i) => (i * 97) % 256)
  const weights: Weights = Object.fromEntries(
    Object.entries(model.train(1, 3).initialState).filter(([name]) => name.startsWith('encoder')),
  )
  const { pooled } = await extract(model.features(weights, model.defaultFeatures), image, pixels)
  const part = model.encoder?.(new Parameters('evaluate'))
  if (part === undefined) throw new Error('encoder: got none, expected one')
  const seen = imageInput(image)
  const found = await runOnce(
    { inputs: [seen], outputs: { y: part.rows(toSignedRange(seen)) }, parameters: weights },
    { image: { dtype: 'uint8', shape: [2, 16, 16, 3], data: pixels.slice() } },
  )
  const rows = Array.from(found.y.data as Float32Array)
  expect(part.numbers).toBe(pooled.length / 2)
  rows.forEach((value, i) => expect(value).toBeCloseTo(pooled[i], 4))
})
