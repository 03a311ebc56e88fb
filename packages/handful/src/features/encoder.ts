/**
 * What `handful fit` takes features from, as one network: the trained model's layers and, beside them, whitened patches,
 * which see what generative models blur. Each of the two weighs the same.
 */
import { type FeatureRequest } from '../models/feature-request.js'
import { mergeNetworks } from 'onnx-autodiff'
import type { Images } from '../data/image-set.js'
import {
  defaultPatches,
  fitPatches,
  type PatchDictionary,
  PATCHES,
  patchNetwork,
  patchShrink,
} from './baselines/patches.js'
import type { FitBaselineOptions } from './baselines/baseline.js'
import type { FeatureNetwork, ImageShape, WeightedModel } from '../models/model.js'
import type { LearnedFeatures } from './feature-sources.js'
import { mirroredToo } from '../models/mirrored-network.js'

/** Patches that the dictionary is found from, drawn from each image, and of all at least so many for each of its own. */
const DRAWN_PER_IMAGE = 50
const DRAWN_PER_PATCH = 10

/** A dictionary of so many patches of the images that the model was trained on. */
export function fitDictionary(
  images: Images,
  patches: number,
  fitting: FitBaselineOptions,
): Promise<PatchDictionary> {
  const drawn = Math.max(DRAWN_PER_IMAGE * images.count, DRAWN_PER_PATCH * patches)
  const samples = Math.min(defaultPatches.samples, drawn)
  const shrink = patchShrink(images.height)
  return fitPatches(images, { ...defaultPatches, atoms: patches, samples, shrink }, fitting)
}

/** As reports name them. */
const LEARNED = 'learned features'

/** Features with the network that a run keeps. */
export type Encoder = LearnedFeatures & { readonly network: FeatureNetwork }

/** The same with means over an image and its mirrored image (`mirror.ts`). */
export const mirroredEncoder = (encoder: Encoder): Encoder => ({
  ...encoder,
  network: mirroredToo(encoder.network),
})

/** @param dictionary of the patches that stand beside the model's features; none for the model's alone */
export function encoderOf(
  { model, weights }: WeightedModel,
  request: FeatureRequest,
  dictionary?: PatchDictionary,
): Encoder {
  const network = model.features(weights, request)
  const layers = { name: LEARNED, outputs: request.layers }
  if (dictionary === undefined) return { name: LEARNED, network, groups: [layers] }
  return {
    name: `${LEARNED} and patches`,
    network: sideBySide(network, patchNetwork(dictionary, model.image)),
    groups: [layers, { name: 'patches', outputs: [PATCHES], standardise: 'dimension' }],
  }
}

/** Patches alone, where no model is trained. */
export const patchEncoder = (dictionary: PatchDictionary, image: ImageShape): Encoder => ({
  name: 'patches',
  network: patchNetwork(dictionary, image),
  groups: [{ outputs: [PATCHES], standardise: 'dimension' }],
})

/** Which features of a trained model are taken, and how many patches stand beside them. */
export interface EncoderOptions extends FitBaselineOptions {
  readonly trained: WeightedModel
  readonly request: FeatureRequest
  /** Patches of the dictionary; 0 for the model's features alone. */
  readonly patches: number
}

/** The features of a trained model for the images that it was trained on; a dictionary of patches is fitted to these. */
export async function fitEncoder(
  images: Images,
  { trained, request, patches, ...fitting }: EncoderOptions,
): Promise<Encoder> {
  const dictionary = patches === 0 ? undefined : await fitDictionary(images, patches, fitting)
  return encoderOf(trained, request, dictionary)
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
