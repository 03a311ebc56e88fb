/**
 * Features of a few images at one request's noise levels, as the sweep compares them: of the labelled and some unlabelled
 * training images, of augmented versions of some, and of some test images. One session gives all layers; normalisation is
 * fitted to the unlabelled images alone.
 */
import type { WeightedModel } from '../../../models/model.js'
import { featureOutputs, type FeatureRequest } from '../../../models/feature-request.js'
import type { Images } from '../../../data/image-set.js'
import { besideEachOther, openExtractor } from '../../../features/extract.js'
import { type FeatureMatrix, selectRows, type UnitRows } from '../../../numerics/matrix.js'
import { type FeatureSpace, normalisedSpace } from '../../../features/feature-space.js'
import type { StageContext } from '../../../stages/stage.js'

/** The images of a sweep. */
export interface SweepImages {
  /** Labelled and unlabelled training images, [rows]. */
  readonly train: Images
  /** Rows of `train` that count as unlabelled: what normalisation is fitted to. */
  readonly unlabelled: Int32Array
  /** Rows of `train` that `augmented` are versions of. */
  readonly originals: Int32Array
  readonly augmented: Images
  readonly test?: Images
}

/** Features of the same kind of images: of training and test images as a space, and of the augmented ones beside it. */
export interface NoisedFeatures {
  readonly space: FeatureSpace
  readonly augmented: UnitRows
}

/**
 * Features by the names of `candidates`, each several outputs of the request beside each other.
 * @param onBatch told of each batch's images
 */
export async function noisedFeatures(
  { model, weights }: WeightedModel,
  request: FeatureRequest,
  candidates: ReadonlyMap<string, readonly string[]>,
  images: SweepImages,
  { linearAlgebra, seed, threads, device, signal }: StageContext,
  onBatch: (images: number) => void,
): Promise<(name: string) => Promise<NoisedFeatures>> {
  const network = model.features(weights, request)
  const extractor = await openExtractor(network, featureOutputs(request), { seed, threads, device, signal })
  const extract = async (some: Images, firstPlace: number): Promise<Record<string, FeatureMatrix>> => {
    let before = 0
    return extractor.extract(some, firstPlace, (done) => {
      onBatch(done - before)
      before = done
    })
  }
  try {
    const { train, augmented, test } = images
    const ofTrain = await extract(train, 0)
    // Augmented images have noise of their own: with that of their originals, noise alone would make them alike.
    const ofAugmented = await extract(augmented, train.count)
    const ofTest = test && (await extract(test, train.count + augmented.count))
    return async (name) => {
      const outputs = candidates.get(name) ?? [name]
      const joined = (found: Record<string, FeatureMatrix>): FeatureMatrix =>
        besideEachOther(outputs.map((output) => found[output]))
      const raw = joined(ofTrain)
      const space = await normalisedSpace(
        { train: raw, test: ofTest && joined(ofTest), fittedTo: selectRows(raw, images.unlabelled) },
        { blocks: outputs.map((output) => ofTrain[output].columns) },
        { linearAlgebra, signal },
      )
      return { space, augmented: await space.normalise(joined(ofAugmented)) }
    }
  } finally {
    await extractor.close()
  }
}
