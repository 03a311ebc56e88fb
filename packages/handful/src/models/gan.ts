/**
 * A GAN with an encoder: an adversarial latent autoencoder (Pidhorskyi et al., arXiv 2004.04467) on StyleGAN2 (Karras et
 * al., arXiv 1912.04958), as REFERENCE.md 1.5 describes it. The encoder learns two things: to tell real images from
 * generated ones, with the discriminator, and to find the style w of a generated image. That w is the feature.
 *
 * In the order of reading: gan-config.ts (settings), gan-networks.ts (the four networks) on gan-layers.ts, gan-losses.ts,
 * gan-steps.ts (a step of training), gan-sample.ts (use of the generator).
 */
import { BATCH_MARKER, exportProgram, input, Parameters, Random } from 'onnx-autodiff'
import { imageDimensions, pooledRows } from './common.js'
import { fast, type GanConfig, ganSchema, paper } from './gan-config.js'
import { networkImages } from './gan-images.js'
import { encoder, encoderLayers } from './gan-networks.js'
import { encodeStyles, generateImages, interpolateImages, sampleStyles } from './gan-sample.js'
import { trainGan } from './gan-steps.js'
import type { FeatureNetwork, FeatureRequest, ImageShape, ModelDefinition, Weights } from './model.js'

export type { GanConfig } from './gan-config.js'

function features(
  config: GanConfig,
  image: ImageShape,
  weights: Weights,
  { layers, pooling }: FeatureRequest,
): FeatureNetwork {
  const pixels = input('image', imageDimensions(BATCH_MARKER, image), 'uint8')
  const encode = encoder(new Parameters('evaluate').scope('encoder'), config, image)
  const found = encode(networkImages(pixels, config, image)).layers
  const outputs = Object.fromEntries(layers.map((name) => [name, pooledRows(found[name], pooling)]))
  return { program: exportProgram({ inputs: [pixels], outputs, parameters: weights }) }
}

export const gan: ModelDefinition<GanConfig> = {
  name: 'gan',
  title: ({ latent }) => `style-based GAN with an encoder, ${latent} latent dimensions`,
  configSchema: ganSchema,
  presets: { fast, paper },
  defaultSteps: ({ pathLength }) => (pathLength ? 20_000 : 3_000),
  train: trainGan,
  layers: encoderLayers,
  defaultFeatures: () => ({ layers: ['w'], pooling: 'none' }),
  features,
  async sample(config, image, weights, { count, seed, truncation = config.truncation, ...options }) {
    const styles = await sampleStyles(config, weights, { count, seed, truncation }, options)
    return generateImages(config, image, weights, styles, options, new Random(seed, 'sample noise'))
  },
  async reconstruct(config, image, weights, pixels, options) {
    return generateImages(
      config,
      image,
      weights,
      await encodeStyles(config, image, weights, pixels, options),
      options,
    )
  },
  interpolate: (config, image, weights, { pair, steps, ...options }) =>
    interpolateImages(config, image, weights, { pair, steps }, options),
}
