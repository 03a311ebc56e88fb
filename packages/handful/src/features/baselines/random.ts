/**
 * Features of networks with random weights: what an architecture gives before it has learned anything (Jarrett et al.,
 * "What is the best multi-stage architecture for object recognition?", ICCV 2009; Saxe et al., "On random weights and
 * unsupervised feature learning", ICML 2011). A trained model that does not beat its own untrained form has learned nothing.
 */
import { z } from 'zod'
import { featureRequest } from '../../models/choose-features.js'
import {
  type FeatureChoice,
  featureOutputs,
  type FeatureRequest,
  requestInWords,
} from '../../models/feature-request.js'
import { averagedWeights, type BoundModel, type FeatureNetwork, type ImageShape } from '../../models/model.js'
import { isSupervisedName, supervisedModels } from '../../models/supervised-registry.js'
import {
  supervisedFeatures,
  type SupervisedNetwork,
  untrainedWeights,
} from '../../models/supervised-network.js'
import { MODELS, SUPERVISED_MODELS } from '../../names.js'
import { presetField, resolveModel } from '../../training/model-options.js'
import { type BaselineNetwork, defineBaseline, refuseChoice } from './baseline.js'

const randomSchema = z.strictObject({
  /** Whose architecture. */
  network: z.enum([...MODELS, ...SUPERVISED_MODELS]),
  preset: presetField,
})

const usual: z.infer<typeof randomSchema> = { network: 'vae', preset: 'fast' }

export const random = defineBaseline({
  name: 'random',
  title: 'untrained network',
  imagesPerSecond: 3000,
  schema: randomSchema,
  values: usual,
  hasLayers: true,
  fit: ({ height: size, channels }, values, { seed }, choice) =>
    randomNetwork(values, { size, channels }, seed, choice),
})

/** A generative model's features from the weights that its training starts from. */
export function untrainedFeatures(
  model: BoundModel,
  seed: number,
  request: FeatureRequest = model.defaultFeatures,
): FeatureNetwork {
  return model.features(averagedWeights(model.train(1, seed).initialState), request)
}

/** The same of a supervised network, in evaluation mode: its norms pass everything through before training. */
export function untrainedSupervisedFeatures(
  network: SupervisedNetwork,
  image: ImageShape,
  seed: number,
  request: Pick<FeatureRequest, 'layers' | 'pooling'>,
): FeatureNetwork {
  // The classes are no part of the layers; the network has to have two of them.
  const classCount = 2
  const weights = untrainedWeights(network, image, classCount, seed)
  return supervisedFeatures(network, image, classCount, weights, request)
}

function randomNetwork(
  { network: name, preset }: z.infer<typeof randomSchema>,
  image: ImageShape,
  seed: number,
  choice: FeatureChoice,
): BaselineNetwork {
  if (!isSupervisedName(name)) {
    const model = resolveModel({ model: name, preset, set: {} }, image)
    const request = featureRequest(model, choice)
    const network = untrainedFeatures(model, seed, request)
    const detail = `${model.title}, random weights, ${requestInWords(request)}`
    return { network, outputs: featureOutputs(request), detail }
  }
  const { network: classifier, features: usual } = supervisedModels[name].untrained
  const { layers = usual.layers, pooling = usual.pooling, ...noise } = choice
  refuseChoice(`network ${name}`, noise)
  const network = untrainedSupervisedFeatures(classifier, image, seed, { layers, pooling })
  return { network, outputs: layers, detail: `${classifier.title}, random weights, pooling ${pooling}` }
}
