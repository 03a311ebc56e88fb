/**
 * A GAN with an encoder: an adversarial latent autoencoder (Pidhorskyi et al., arXiv 2004.04467) on StyleGAN2 (Karras et
 * al., arXiv 1912.04958), as REFERENCE.md 1.5 describes it. The encoder learns two things: to tell real images from
 * generated ones, with the discriminator, and to find the style w of a generated image. That w is the feature.
 *
 * In the order of reading: config.ts (settings), networks.ts (the four networks) on style-layers.ts, losses.ts, phases.ts (a
 * step of training), generate.ts (use of the generator).
 */
import { Parameters, Random } from 'onnx-autodiff'
import { chosenRows, imageInput, straightWay } from '../common.js'
import { defineModel } from '../define-model.js'
import type { FeatureRequest } from '../feature-request.js'
import { fast, type GanConfig, ganSchema, paper } from './config.js'
import { networkImages } from './network-images.js'
import { encoder, encoderLayers } from './networks.js'
import { encodeStyles, generateImages, sampleStyles } from './generate.js'
import { trainGan } from './phases.js'
import type { FeatureNetwork, ImageShape, Weights } from '../model.js'

function features(
  config: GanConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork {
  const pixels = imageInput(image)
  const encode = encoder(new Parameters('evaluate').scope('encoder'), config, image)
  const { layers } = encode(networkImages(pixels, config, image))
  const outputs = chosenRows('GAN features', layers, request)
  return { program: { inputs: [pixels], outputs, parameters: weights } }
}

export const gan = defineModel<GanConfig>({
  name: 'gan',
  shortTitle: 'GAN',
  title: ({ latent }) => `style-based GAN with an encoder, ${latent} latent dimensions`,
  configSchema: ganSchema,
  presets: { fast, paper },
  defaultSteps: ({ pathLength }) => (pathLength ? 20_000 : 3_000),
  cost: { stepSeconds: 0.2, imagesPerSecond: 800, samplesPerSecond: 300 },
  train: trainGan,
  layers: encoderLayers,
  defaultFeatures: () => ({ layers: ['w'], pooling: 'none' }),
  features,
  samplerOptions: ['truncation'],
  async sample(config, image, weights, { count, seed, truncation = config.truncation, ...options }) {
    const styles = await sampleStyles(config, weights, { count, seed, truncation }, options)
    return generateImages(config, image, weights, styles, options, new Random(seed, 'sample noise'))
  },
  async reconstruct(config, image, weights, pixels, options) {
    const styles = await encodeStyles(config, image, weights, pixels, options)
    return generateImages(config, image, weights, styles, options)
  },
  async interpolate(config, image, weights, { pair, steps, ...options }) {
    const styles = await encodeStyles(config, image, weights, pair, options)
    return generateImages(config, image, weights, straightWay(styles, steps), options)
  },
})
