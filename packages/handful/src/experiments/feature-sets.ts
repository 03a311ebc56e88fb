/**
 * What heads are compared on: features of all training and test images, normalised by the training images alone, and the
 * labels of each draw.
 */
import { Random } from 'onnx-autodiff'
import { drawLabels } from '../data/draw-labels.js'
import { countLabels, type Dataset, type Images, type ImageSet } from '../data/image-set.js'
import { HandfulError } from '../errors.js'
import { besideEachOther, extractFeatures, type ExtractOptions, rawPixels } from '../features/extract.js'
import type { LinearAlgebra } from '../features/linear-algebra.js'
import type { FeatureMatrix } from '../features/matrix.js'
import { applyNormalisation, fitNormalisation, type Normalisation } from '../features/normalise.js'
import type { FeatureNetwork } from '../models/model.js'

/** One kind of features of all training images and of the test images, normalised. */
export interface FeatureSet {
  /** As the report names them: `learned features`, `raw pixels`. */
  readonly name: string
  readonly baseline: boolean
  readonly train: FeatureMatrix
  readonly test?: FeatureMatrix
  /** What new images need to go the same way. */
  readonly normalisation: Normalisation
}

/** The splits of a data set; a test split shows its images alone. */
export type Splits = Pick<Dataset, 'train' | 'test'>

/**
 * A trained model's features: the outputs named of its network, side by side.
 *
 * @param options progress counts the images of both splits
 */
export function learnedFeatures(
  splits: Splits,
  { network, outputs }: { readonly network: FeatureNetwork; readonly outputs: readonly string[] },
  linearAlgebra: LinearAlgebra,
  { onProgress, ...options }: ExtractOptions,
): Promise<FeatureSet> {
  const total = splits.train.count + (splits.test?.count ?? 0)
  let before = 0
  const extract = async (images: Images): Promise<FeatureMatrix> => {
    const found = await extractFeatures(network, images, outputs, {
      ...options,
      onProgress: (done) => onProgress?.(before + done, total),
    })
    before += images.count
    return besideEachOther(outputs.map((name) => found[name]))
  }
  // Layers of unlike scale weigh the same: each is a block of its own.
  const blocks = outputs.map((name) => network.program.outputs[name].shape[1])
  return normalisedSet({ name: 'learned features', baseline: false }, splits, extract, linearAlgebra, blocks)
}

/** The images' own pixels, which every model has to beat. */
export function pixelFeatures(splits: Splits, linearAlgebra: LinearAlgebra): Promise<FeatureSet> {
  return normalisedSet({ name: 'raw pixels', baseline: true }, splits, rawPixels, linearAlgebra)
}

async function normalisedSet(
  kind: Pick<FeatureSet, 'name' | 'baseline'>,
  { train, test }: Splits,
  featuresOf: (images: Images) => FeatureMatrix | Promise<FeatureMatrix>,
  linearAlgebra: LinearAlgebra,
  blocks?: readonly number[],
): Promise<FeatureSet> {
  const raw = await featuresOf(train)
  const normalisation = await fitNormalisation(raw, linearAlgebra, { blocks })
  const normalised = (features: FeatureMatrix): Promise<FeatureMatrix> =>
    applyNormalisation(normalisation, features, linearAlgebra)
  return {
    ...kind,
    normalisation,
    train: await normalised(raw),
    test: test && (await normalised(await featuresOf(test.images))),
  }
}

export interface LabelDraws {
  /** Labelled images of each class; undefined for all labels, once. */
  readonly labelsPerClass?: number
  readonly draws: number
  readonly seed: number
}

/**
 * The labels of each draw, [images] each, -1 where hidden. What a draw holds depends on the seed and its number alone.
 * @throws HandfulError (wrong use) if a class has fewer labels than asked for
 */
export function labelDraws(
  { labels, classNames, name }: Pick<ImageSet, 'labels' | 'classNames' | 'name'>,
  { labelsPerClass, draws, seed }: LabelDraws,
): Int32Array[] {
  if (labelsPerClass === undefined) return [labels]
  const fewest = Math.min(...countLabels(labels, classNames.length))
  if (fewest < labelsPerClass) {
    throw new HandfulError({
      what: 'labels per class',
      where: name,
      got: `${labelsPerClass}`,
      expected: `at most ${fewest}, which is what the smallest class has`,
      hint: `use --labels-per-class ${fewest} or less`,
      exitCode: 2,
    })
  }
  return Array.from({ length: draws }, (_, draw) =>
    drawLabels(labels, labelsPerClass, new Random(seed, `labelled images/draw ${draw}`)),
  )
}
