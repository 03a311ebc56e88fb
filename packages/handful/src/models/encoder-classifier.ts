/**
 * A model's encoder with a linear layer on its features, as a network that labels train: the encoder keeps its
 * parameters' names, so that a model's weights may be where training starts.
 */
import { linear } from 'onnx-autodiff'
import { usageError } from '../errors.js'
import type { BoundModel } from './model.js'
import type { OptimiserOptions, SupervisedNetwork } from './supervised-network.js'

/** How labels train an encoder, from a trained model's weights or from random ones. */
export const encoderOptimiser: OptimiserOptions = {
  optimiser: 'adam',
  learningRate: 1e-3,
  weightDecay: 1e-4,
  warmUpSteps: 50,
  emaHalfLife: 0.05,
}

const FEATURES = 'features'
const CLASSIFIER = 'classifier'

/** @throws HandfulError (wrong use) for a model whose features labels cannot train further */
export function encoderClassifier({ name, title, encoder }: BoundModel): SupervisedNetwork {
  if (encoder === undefined)
    throw usageError({
      what: '--model',
      got: name,
      expected:
        'a model with an encoder that labels can train further, such as vae with the preset contrastive or fast',
    })
  return {
    title: `${title}, a linear layer on its features`,
    build(p, _image, classCount) {
      const { numbers, rows } = encoder(p)
      const classify = linear(p.scope(CLASSIFIER), { inputs: numbers, outputs: classCount })
      return (x) => {
        const features = rows(x)
        return { layers: { [FEATURES]: features }, logits: classify(features) }
      }
    },
    layers: [FEATURES],
    last: { layer: FEATURES, weight: `${CLASSIFIER}.weight`, bias: `${CLASSIFIER}.bias` },
  }
}
