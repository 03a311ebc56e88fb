/** The VAE in its preset for two cores, as its users meet it: training, layers, samples, reconstructions, interpolation. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sizeOf } from 'onnx-autodiff'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { averagedWeights, type ImageShape, type Weights } from '../../src/models/model.js'
import { fast } from '../../src/models/vae/config.js'
import { vae } from '../../src/models/vae/vae.js'
import type { VaeConfig } from '../../src/models/vae/config.js'
import { pretrain } from '../../src/training/pretrain.js'
import { silentProgress } from '../../src/training/progress.js'
import { COUNT, difference, extract, grey8, randomPixels, squares, trainOnSquares } from './vae-support.js'

const small: VaeConfig = {
  ...fast(grey8),
  width: 16,
  hidden: 48,
  latent: 6,
  batch: COUNT,
  beta: 0.002,
  learningRate: 3e-3,
  warmUpSteps: 10,
}
const run = { threads: 1 }

describe('trained on sixteen images', () => {
  let metrics: Record<string, number>[]
  let weights: Weights

  beforeAll(async () => {
    const steps = 400
    ;({ metrics, weights } = await trainOnSquares(vae.configure(small, grey8).train(steps, 1), steps))
  })

  test('it reports the reconstruction and the divergence apart', () => {
    for (const { loss, reconstruction, divergence } of metrics) {
      expect(loss).toBeCloseTo(reconstruction + small.beta * divergence, 3)
    }
    // At the start every pixel may as well be black as white.
    expect(Math.abs(metrics[0].reconstruction / (64 * Math.LN2) - 1)).toBeLessThan(0.1)
  })

  test('a code that tells them apart is nothing to remark on', () => {
    const { remark } = vae.configure(small, grey8).train(400, 1)
    expect(remark?.(metrics[metrics.length - 1])).toBeUndefined()
  })

  test('it learns them by heart', async () => {
    const last = metrics.slice(-20).map(({ reconstruction }) => reconstruction)
    expect(Math.max(...last)).toBeLessThan(0.1 * metrics[0].reconstruction)
    const shown = await vae.configure(small, grey8).reconstruct?.(weights, squares, run)
    expect(difference(shown as Uint8Array, squares)).toBeLessThan(0.02)
  })

  test('the way from one image to another begins and ends at their reconstructions', async () => {
    const pair = squares.slice(0, 128)
    const way = (await vae
      .configure(small, grey8)
      .interpolate?.(weights, { pair, steps: 5, ...run })) as Uint8Array
    const ends = (await vae.configure(small, grey8).reconstruct?.(weights, pair, run)) as Uint8Array
    expect(way).toHaveLength(5 * 64)
    expect(difference(way.slice(0, 64), ends.slice(0, 64))).toBeLessThan(1e-3)
    expect(difference(way.slice(4 * 64), ends.slice(64))).toBeLessThan(1e-3)
    expect(difference(way.slice(2 * 64, 3 * 64), ends.slice(0, 64))).toBeGreaterThan(0.01)
  })

  test('a sample depends on the seed and its place alone', async () => {
    const sample = async (count: number, seed: number): Promise<Uint8Array> =>
      (await vae.configure(small, grey8).sample?.(weights, { count, seed, ...run })) as Uint8Array
    const [many, again, few, other] = [
      await sample(103, 1),
      await sample(103, 1),
      await sample(2, 1),
      await sample(2, 2),
    ]
    expect(many).toHaveLength(103 * 64)
    expect(many).toEqual(again)
    expect(many.slice(0, 128)).toEqual(few)
    expect(other).not.toEqual(few)
  })

  test('what runs long tells its progress and can be stopped', async () => {
    const calls: (readonly [number, number])[] = []
    const onProgress = (done: number, total: number): number => calls.push([done, total])
    await vae.configure(small, grey8).sample?.(weights, { count: 150, seed: 1, ...run, onProgress })
    expect(calls).toEqual([
      [100, 150],
      [150, 150],
    ])
    const stopped = vae.configure(small, grey8).sample?.(weights, {
      count: 1,
      seed: 1,
      ...run,
      signal: AbortSignal.abort(new Error('stop')),
    })
    await expect(stopped).rejects.toThrow('stop')
  })
})

const shapes: ImageShape[] = [
  { size: 28, channels: 1 },
  { size: 7, channels: 3 },
]

describe.each(shapes)('layers of images with $size pixels and $channels channels', (image) => {
  const config = { ...small, batch: 2 }
  const weights = averagedWeights(vae.configure(config, image).train(10, 1).initialState)
  const layers = vae.configure(config, image).layers()
  const names = layers.map(({ name }) => name)
  const pixels = randomPixels(3, image)

  test('are those of the encoder, the mean, and those of the decoder, with the shapes they are listed with', async () => {
    expect(names).toEqual([
      'fine',
      'coarse',
      'hidden',
      'mean',
      'decoder.hidden',
      'decoder.coarse',
      'decoder.fine',
    ])
    const found = await extract(
      vae.configure(config, image).features(weights, { layers: names, pooling: 'none' }),
      image,
      pixels,
    )
    for (const { name, shape } of layers)
      expect([name, found[name].length]).toEqual([name, 3 * sizeOf(shape)])
  })

  test('do not depend on the other images', async () => {
    const network = vae.configure(config, image).features(weights, { layers: names, pooling: '2x2' })
    const together = await extract(network, image, pixels)
    const alone = await extract(network, image, pixels.slice(2 * (pixels.length / 3)))
    for (const name of names) {
      const width = alone[name].length
      alone[name].forEach((value, i) => expect(together[name][2 * width + i]).toBeCloseTo(value, 5))
    }
  })
})

test('a layer that there is not is refused in one line', () => {
  expect(() => vae.configure(small, grey8).features({}, { layers: ['hiden'], pooling: 'mean' })).toThrow(
    'layer (VAE features): got "hiden", expected one of fine, coarse, hidden, mean, decoder.hidden, decoder.coarse, decoder.fine',
  )
})

test('after too little training the reader is told that the code hardly tells images apart', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'handful-vae-'))
  const message = vi.fn()
  const images = {
    ...{ name: 'squares', count: COUNT, height: 8, width: 8, channels: 1 as const, pixels: squares },
    paths: Array.from({ length: COUNT }, (_, i) => `${i}`),
  }
  try {
    await pretrain(
      images,
      {
        model: vae.configure(small, grey8),
        augmentation: null,
        seed: 1,
        steps: 3,
        threads: 1,
        device: 'cpu',
      },
      {
        checkpoints: { folder, key: 'few steps' },
        signal: new AbortController().signal,
        progress: { ...silentProgress, message },
      },
    )
    expect(message).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(
        /^train the vae: its code holds 0\.\d+ nats of an image, so that it hardly tells/,
      ),
    )
    // Where views are compared, features come from that.
    const { remark } = vae
      .configure({ ...small, invariance: { ...small.invariance, weight: 30 } }, grey8)
      .train(3, 1)
    expect(remark).toBeUndefined()
  } finally {
    await rm(folder, { recursive: true })
  }
})
