/** What a trained generator is used for: new images, versions of given ones, and the way from one image to another. */
import {
  type Arrays,
  BATCH_MARKER,
  exportProgram,
  input,
  openSession,
  Parameters,
  type Program,
  Random,
  type Tensor,
} from 'onnx-autodiff'
import { imageDimensions, runOnce, toBytes } from './common.js'
import { type GanConfig, geometry } from './gan-config.js'
import { networkImages, noisePixels, noisePlanes, userImages } from './gan-images.js'
import { encoder, generator, mapping } from './gan-networks.js'
import type { ImageShape, RunOptions, Weights } from './model.js'

/** Images that go through a network at once. */
const BATCH = 100
/** Latents that the mean style is taken over. */
const MEAN_COUNT = 4096

/** Runs a network over rows in batches; `inputsOf` makes the inputs of rows `from` to `to`, the output is named `y`. */
async function inBatches(
  program: Program,
  count: number,
  inputsOf: (from: number, to: number) => Arrays,
  options: RunOptions,
): Promise<Float32Array[]> {
  const { threads, device, signal, onProgress } = options
  const found: Float32Array[] = []
  const session = await openSession(program, { threads, device })
  try {
    for (let from = 0; from < count; from += BATCH) {
      signal?.throwIfAborted()
      const to = Math.min(from + BATCH, count)
      found.push((await session.run(inputsOf(from, to))).y.data as Float32Array)
      onProgress?.(to, count)
    }
    return found
  } finally {
    await session.close()
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** w = F(z) for latents [n, latent]. */
async function mapLatents(
  config: GanConfig,
  weights: Weights,
  latents: Float32Array,
  options: RunOptions,
): Promise<Float32Array> {
  const z = input('z', [BATCH_MARKER, config.latent])
  const y = mapping(new Parameters('evaluate').scope('mapping'), config)(z)
  const program = exportProgram({ inputs: [z], outputs: { y }, parameters: weights })
  const shape = [latents.length / config.latent, config.latent]
  return (await runOnce(program, { z: { dtype: 'float32', shape, data: latents } }, options)).y
    .data as Float32Array
}

export interface StyleOptions {
  readonly count: number
  readonly seed: number
  /** Styles are mean + truncation (w - mean): 1 as drawn, 0 always the mean. */
  readonly truncation: number
}

/** New styles [count, latent]; the first ones are the same whatever the count. */
export async function sampleStyles(
  config: GanConfig,
  weights: Weights,
  { count, seed, truncation }: StyleOptions,
  options: RunOptions,
): Promise<Float32Array> {
  const { latent } = config
  const z = new Float32Array((MEAN_COUNT + count) * latent)
  new Random(seed, 'mean style').fillNormal(z.subarray(0, MEAN_COUNT * latent))
  new Random(seed, 'samples').fillNormal(z.subarray(MEAN_COUNT * latent))
  const w = await mapLatents(config, weights, z, options)
  const mean = Float64Array.from({ length: latent }, (_, k) => {
    let total = 0
    for (let i = 0; i < MEAN_COUNT; i++) total += w[i * latent + k]
    return total / MEAN_COUNT
  })
  return w
    .slice(MEAN_COUNT * latent)
    .map((value, i) => mean[i % latent] + truncation * (value - mean[i % latent]))
}

/** Styles of given images: uint8 [n, size, size, channels] -> [n, latent]. */
export async function encodeStyles(
  config: GanConfig,
  image: ImageShape,
  weights: Weights,
  pixels: Uint8Array,
  options: RunOptions,
): Promise<Float32Array> {
  const x = input('image', imageDimensions(BATCH_MARKER, image), 'uint8')
  const encode = encoder(new Parameters('evaluate').scope('encoder'), config, image)
  const program = exportProgram({
    inputs: [x],
    outputs: { y: encode(networkImages(x, config, image)).w },
    parameters: weights,
  })
  const bytes = image.size * image.size * image.channels
  const batch = (from: number, to: number): Arrays => ({
    image: {
      dtype: 'uint8',
      shape: imageDimensions(to - from, image),
      data: pixels.slice(from * bytes, to * bytes),
    },
  })
  return joined(await inBatches(program, pixels.length / bytes, batch, options))
}

/**
 * Styles [n, latent] -> uint8 [n, size, size, channels]. With `random` the generator's noise is drawn, for each image from
 * a stream of its own; without it there is none.
 */
export async function generateImages(
  config: GanConfig,
  image: ImageShape,
  weights: Weights,
  styles: Float32Array,
  options: RunOptions,
  random?: Random,
): Promise<Uint8Array> {
  const { latent } = config
  const { styles: styleCount, noiseSides } = geometry(config, image)
  const w = input('w', [BATCH_MARKER, latent])
  const noisy = random !== undefined && config.noise
  const length = noisePixels(noiseSides)
  const noise = input('noise', [length, BATCH_MARKER, 1])
  const generate = generator(new Parameters('evaluate').scope('generator'), config, image)
  const y = generate(
    new Array<Tensor>(styleCount).fill(w),
    noisy ? noisePlanes(noise, noiseSides) : undefined,
  )
  const outputs = { y: userImages(y, config, image) }
  const program = exportProgram({ inputs: noisy ? [w, noise] : [w], outputs, parameters: weights })
  const batch = (from: number, to: number): Arrays => {
    const count = to - from
    const rows = {
      w: {
        dtype: 'float32' as const,
        shape: [count, latent],
        data: styles.slice(from * latent, to * latent),
      },
    }
    if (!noisy) return rows
    const planes = new Float32Array(length * count)
    for (let i = 0; i < count; i++) {
      const own = random.child(`${from + i}`).fillNormal(new Float32Array(length))
      own.forEach((value, pixel) => (planes[pixel * count + i] = value))
    }
    return { ...rows, noise: { dtype: 'float32', shape: [length, count, 1], data: planes } }
  }
  return toBytes(joined(await inBatches(program, styles.length / latent, batch, options)))
}

/** The straight way between two styles, both ends included: `steps` rows, at least 2. */
export function styleSteps(from: ArrayLike<number>, to: ArrayLike<number>, steps: number): Float32Array {
  const latent = from.length
  return Float32Array.from({ length: steps * latent }, (_, i) => {
    const share = Math.floor(i / latent) / (steps - 1)
    return from[i % latent] + share * (to[i % latent] - from[i % latent])
  })
}

/** Images on the way from the first of two images (uint8, one after the other) to the second, by their styles. */
export async function interpolateImages(
  config: GanConfig,
  image: ImageShape,
  weights: Weights,
  { pair, steps }: { readonly pair: Uint8Array; readonly steps: number },
  options: RunOptions,
): Promise<Uint8Array> {
  const styles = await encodeStyles(config, image, weights, pair, options)
  const { latent } = config
  return generateImages(
    config,
    image,
    weights,
    styleSteps(styles.subarray(0, latent), styles.subarray(latent), steps),
    options,
  )
}
