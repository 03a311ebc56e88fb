/** What a trained generator is used for: new images, and the styles of given ones and images of those. */
import { type Arrays, BATCH_MARKER, input, Parameters, Random, type Tensor } from 'onnx-autodiff'
import { imageInput, toBytes } from '../common.js'
import { type GanConfig, geometry } from './config.js'
import { networkImages, noisePixels, noisePlanes, userImages } from './network-images.js'
import { encoder, generator, mapping } from './networks.js'
import type { ImageShape, RunOptions, Weights } from '../model.js'
import { rowsOf, runInBatches, runOverImages } from '../run-network.js'

/** Latents that the mean style is taken over. */
const MEAN_COUNT = 4096

/** w = F(z) for latents [n, latent]. */
function mapLatents(
  config: GanConfig,
  weights: Weights,
  latents: Float32Array,
  { threads, device }: RunOptions,
): Promise<Float32Array> {
  const z = input('z', [BATCH_MARKER, config.latent])
  const y = mapping(new Parameters('evaluate').scope('mapping'), config)(z)
  const network = { inputs: [z], outputs: { y }, parameters: weights }
  const batch = latents.length / config.latent
  const inputsOf = (from: number, to: number): Arrays => ({ z: rowsOf(latents, [config.latent], from, to) })
  return runInBatches(network, batch, inputsOf, { threads, device, batch })
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
export function encodeStyles(
  config: GanConfig,
  image: ImageShape,
  weights: Weights,
  pixels: Uint8Array,
  options: RunOptions,
): Promise<Float32Array> {
  const x = imageInput(image)
  const encode = encoder(new Parameters('evaluate').scope('encoder'), config, image)
  const outputs = { y: encode(networkImages(x, config, image)).w }
  return runOverImages({ inputs: [x], outputs, parameters: weights }, image, pixels, options)
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
  const program = { inputs: noisy ? [w, noise] : [w], outputs, parameters: weights }
  const batch = (from: number, to: number): Arrays => {
    const count = to - from
    const rows = { w: rowsOf(styles, [latent], from, to) }
    if (!noisy) return rows
    const planes = new Float32Array(length * count)
    for (let i = 0; i < count; i++) {
      const own = random.child(`${from + i}`).fillNormal(new Float32Array(length))
      own.forEach((value, pixel) => (planes[pixel * count + i] = value))
    }
    return { ...rows, noise: { dtype: 'float32', shape: [length, count, 1], data: planes } }
  }
  return toBytes(await runInBatches(program, styles.length / latent, batch, options))
}
