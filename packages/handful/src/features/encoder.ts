/**
 * What `handful fit` takes features from, as one network: the trained model's layers and, beside them, whitened patches,
 * which see what generative models blur. Each of the two weighs the same.
 */
import { mergeNetworks } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { defaultPatches, fitPatches, PATCHES, patchNetwork, patchShrink } from './patches.js'
import type { FeatureRequest } from '../models/feature-request.js'
import type { FeatureNetwork, WeightedModel } from '../models/model.js'
import type { LearnedFeatures } from './feature-sets.js'

export interface EncoderOptions {
  readonly trained: WeightedModel
  readonly request: FeatureRequest
  /** Patches of the dictionary; 0 for the model's features alone. */
  readonly patches: number
  readonly seed: number
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
  /** Counts rounds in which the dictionary is refined. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Patches that the dictionary is found from, drawn from each image, and of all at least so many for each of its own. */
const DRAWN_PER_IMAGE = 50
const DRAWN_PER_PATCH = 10

/** The features of a trained model for the images that it was trained on; a dictionary of patches is fitted to these. */
export async function fitEncoder(
  images: Images,
  { trained, request, patches, ...fitting }: EncoderOptions,
): Promise<LearnedFeatures> {
  const { model, weights } = trained
  const network = model.features(weights, request)
  const layers = { outputs: request.layers }
  if (patches === 0) return { name: 'learned features', network, groups: [layers] }
  const shrink = patchShrink(model.image.size)
  const drawn = Math.max(DRAWN_PER_IMAGE * images.count, DRAWN_PER_PATCH * patches)
  const samples = Math.min(defaultPatches.samples, drawn)
  const dictionary = await fitPatches(images, { ...defaultPatches, atoms: patches, samples, shrink }, fitting)
  return {
    name: 'learned features and patches',
    network: sideBySide(network, patchNetwork(dictionary, model.image)),
    groups: [layers, { outputs: [PATCHES], standardise: 'dimension' }],
  }
}

/** Two networks on the same images as one; the second draws nothing. */
function sideBySide(first: FeatureNetwork, second: FeatureNetwork): FeatureNetwork {
  const batches = [first.batch, second.batch].filter((batch) => batch !== undefined)
  return {
    program: mergeNetworks([first.program, second.program]),
    drawInputs: first.drawInputs,
    batch: batches.length > 0 ? Math.min(...batches) : undefined,
  }
}
