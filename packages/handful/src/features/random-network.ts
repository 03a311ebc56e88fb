/**
 * Features of networks with random weights: what an architecture gives before it has learned anything (Jarrett et al.,
 * "What is the best multi-stage architecture for object recognition?", ICCV 2009; Saxe et al., "On random weights and
 * unsupervised feature learning", ICML 2011). A trained model that does not beat its own untrained form has learned nothing.
 */
import {
  averagedWeights,
  type FeatureNetwork,
  type FeatureRequest,
  type ImageShape,
  type ModelDefinition,
} from '../models/model.js'
import { supervisedFeatures, type SupervisedNetwork, untrainedWeights } from '../models/supervised-network.js'

/** A generative model's features from the weights that its training starts from. */
export function untrainedFeatures<C>(
  model: ModelDefinition<C>,
  config: C,
  image: ImageShape,
  seed: number,
  request: FeatureRequest = model.defaultFeatures(config),
): FeatureNetwork {
  const { initialState } = model.train(config, image, 1, seed)
  return model.features(config, image, averagedWeights(initialState), request)
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
