/**
 * Contrastive learning: two augmented views of an image are to have like features, unlike those of the other images of the
 * batch (SimCLR, Chen et al., arXiv 2002.05709; view-disagreement.ts). Nothing is generated and nothing reconstructed.
 */
import { concat, input, Parameters, type Tensor } from 'onnx-autodiff'
import {
  chosenRows,
  describeLayers,
  imageDimensions,
  imageInput,
  signedRange,
  suitedAugmentation,
} from '../common.js'
import { defineModel } from '../define-model.js'
import type { FeatureRequest } from '../feature-request.js'
import type { FeatureNetwork, ImageShape, Trainable, Weights } from '../model.js'
import { trainingStep } from '../optimise.js'
import { imagePatches, toPatches } from '../patching.js'
import { type Layers, patchedTrunk, pyramidTrunk, type Trunk } from '../trunks.js'
import { viewDisagreement } from '../view-disagreement.js'
import { type ContrastiveConfig, contrastiveSchema, fast, viewSize } from './config.js'

function trunkOf(p: Parameters, config: ContrastiveConfig, image: ImageShape): Trunk {
  const e = p.scope('encoder')
  return config.network === 'patched' ? patchedTrunk(e, config, image) : pyramidTrunk(e, config, image)
}

const squares = (pixels: Tensor, { patching }: Trunk): Tensor => toPatches(pixels, patching, signedRange)

/** Output: `loss`, the views' disagreement in nats, the mean per image. */
function train(config: ContrastiveConfig, image: ImageShape, steps: number, seed: number): Trainable {
  const { batch } = config
  const size = viewSize(config, image)
  const parameters = new Parameters('train')
  const trunk = trunkOf(parameters, config, { ...image, size })
  const shape = imageDimensions(batch, { ...image, size })
  const views = ['image', 'second'].map((name) => input(name, shape, 'uint8'))
  const { summary } = trunk.see(
    concat(
      views.map((view) => squares(view, trunk)),
      2,
    ),
  )
  const loss = viewDisagreement(parameters.scope('projection'), summary, config)
  return {
    ...trainingStep({ parameters, inputs: views, loss, metrics: {} }, config, steps, seed),
    batch,
    hasTarget: false,
    hasSecondView: true,
    viewSize: size,
    drawInputs: () => ({}),
  }
}

function allLayers(config: ContrastiveConfig, image: ImageShape, pixels: Tensor): Layers {
  const trunk = trunkOf(new Parameters('evaluate'), config, image)
  return trunk.see(squares(pixels, trunk)).layers
}

function features(
  config: ContrastiveConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork {
  const pixels = imageInput(image)
  const outputs = chosenRows('contrastive features', allLayers(config, image, pixels), request)
  return { program: { inputs: [pixels], outputs, parameters: weights } }
}

export const contrastive = defineModel<ContrastiveConfig>({
  name: 'contrastive',
  shortTitle: 'contrastive network',
  title: (config) =>
    `contrastive network, ${config.network === 'patched' ? config.hidden : 4 * config.width} numbers an image`,
  configSchema: contrastiveSchema,
  presets: { fast },
  isContrastive: () => true,
  augmentation: (_, image) => suitedAugmentation(image, 'crops'),
  defaultSteps: ({ network }) => ({ patched: 2000, pyramid: 7000 })[network],
  cost: { stepSeconds: 0.1, imagesPerSecond: 3000, samplesPerSecond: 2000 },
  train,
  layers: (config, image) => describeLayers(allLayers(config, image, imageInput(image))),
  defaultFeatures: ({ network }) =>
    network === 'patched' ? { layers: ['hidden'], pooling: 'none' } : { layers: ['pooled'], pooling: 'mean' },
  features,
  encoder: (config, image) => (p) => {
    const trunk = trunkOf(p, config, image)
    return { numbers: trunk.numbers, rows: (x) => trunk.see(imagePatches(x, trunk.patching)).summary }
  },
})
