/**
 * Contrastive learning: two augmented views of an image are to have like features, and those of a batch are held apart, together
 * (EMP-SSL, Tong et al., arXiv 2304.03977; coding-rate.ts) or each from each (SimCLR, Chen et al., arXiv 2002.05709;
 * view-disagreement.ts). Nothing is generated and nothing reconstructed, but for grey images, where the network is that of a VAE
 * that compares views beside what it learns by (vae/).
 */
import { concat, input, Parameters, type Tensor } from 'onnx-autodiff'
import { viewDistance } from '../coding-rate.js'
import {
  describeLayers,
  imageDimensions,
  imageInput,
  layerNetwork,
  signedRange,
  viewAugmentation,
} from '../common.js'
import { defineModel } from '../define-model.js'
import type { FeatureRequest } from '../feature-request.js'
import type { FeatureNetwork, ImageShape, Trainable, Weights } from '../model.js'
import { trainingStep } from '../optimise.js'
import { imagePatches, toPatches } from '../patching.js'
import { type Layers, pyramidTrunk, type Trunk } from '../trunks.js'
import { vae } from '../vae/vae.js'
import { viewDisagreement } from '../view-disagreement.js'
import { type ContrastiveConfig, contrastiveSchema, fast, type ViewsConfig, viewSize } from './config.js'

const trunkOf = (p: Parameters, config: ViewsConfig, image: ImageShape): Trunk =>
  pyramidTrunk(p.scope('encoder'), config, image)

const squares = (pixels: Tensor, { patching }: Trunk): Tensor => toPatches(pixels, patching, signedRange)

/** Output: `loss`, the mean per image: the views' disagreement in nats, or for `coding-rate` half their squared distance. */
function train(config: ViewsConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch } = config
  const size = viewSize(config, image)
  const parameters = new Parameters('train')
  const trunk = trunkOf(parameters, config, { ...image, size })
  const shape = imageDimensions(batch, { ...image, size })
  const views = ['image', 'second'].map((name) => input(name, shape, 'uint8'))
  const seen = views.map((view) => squares(view, trunk))
  const { summary } = trunk.see(concat(seen, 2))
  const compared = config.objective === 'coding-rate' ? viewDistance : viewDisagreement
  const loss = compared(parameters.scope('projection'), summary, config)
  return {
    ...trainingStep({ parameters, inputs: views, loss, metrics: {} }, config, steps, seed),
    batch,
    hasTarget: false,
    hasSecondView: true,
    viewSize: size,
    drawInputs: () => ({}),
  }
}

function allLayers(config: ViewsConfig, image: ImageShape, pixels: Tensor): Layers {
  const trunk = trunkOf(new Parameters('evaluate'), config, image)
  return trunk.see(squares(pixels, trunk)).layers
}

const features = (
  config: ViewsConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork =>
  layerNetwork('contrastive features', (pixels) => allLayers(config, image, pixels), {
    image,
    weights,
    request,
  })

export const contrastive = defineModel<ContrastiveConfig>({
  name: 'contrastive',
  shortTitle: 'contrastive network',
  title: (config) =>
    config.network === 'pyramid'
      ? `contrastive network, ${4 * config.width} numbers an image`
      : `contrastive network with a decoder, ${config.hidden} numbers an image`,
  configSchema: contrastiveSchema,
  // The second is how the VAE's preset that did this was called, for commands that name no model.
  presets: { fast, contrastive: fast },
  isContrastive: () => true,
  augmentation: (_, image) => viewAugmentation(image),
  defaultSteps: ({ network }) => ({ patched: 2000, pyramid: 7000 })[network],
  cost: { stepSeconds: 0.1, imagesPerSecond: 3000, samplesPerSecond: 2000 },
  train: (config, image, steps, seed) =>
    config.network === 'pyramid'
      ? train(config, image, steps, seed)
      : vae.configure(config, image).train(steps, seed),
  layers: (config, image) =>
    config.network === 'pyramid'
      ? describeLayers(allLayers(config, image, imageInput(image)))
      : vae.configure(config, image).layers(),
  defaultFeatures: ({ network }) =>
    // The middle level knows where in the image things are, which the mean over the last does not.
    network === 'pyramid'
      ? { layers: ['pooled', 'level2'], pooling: '2x2' }
      : { layers: ['hidden'], pooling: 'none' },
  features: (config, image, weights, request) =>
    config.network === 'pyramid'
      ? features(config, image, weights, request)
      : vae.configure(config, image).features(weights, request),
  encoder(config, image) {
    if (config.network !== 'pyramid') return vae.configure(config, image).encoder
    return (p) => {
      const trunk = trunkOf(p, config, image)
      return { numbers: trunk.numbers, rows: (x) => trunk.see(imagePatches(x, trunk.patching)).summary }
    }
  },
})
