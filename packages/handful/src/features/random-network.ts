/**
 * Features of networks with random weights: what an architecture gives before it has learned anything (Jarrett et al.,
 * "What is the best multi-stage architecture for object recognition?", ICCV 2009; Saxe et al., "On random weights and
 * unsupervised feature learning", ICML 2011). A trained model that does not beat its own untrained form has learned nothing.
 */
import type { FeatureRequest } from '../models/feature-request.js'
import { averagedWeights, type BoundModel, type FeatureNetwork, type ImageShape } from '../models/model.js'
import { supervisedFeatures, type SupervisedNetwork, untrainedWeights } from '../models/supervised-network.js'

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
