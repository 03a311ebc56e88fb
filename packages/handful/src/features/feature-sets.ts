/**
 * What heads are compared on: features of all training and test images, normalised by the training images alone, and the
 * labels of each draw.
 */
import { Random } from 'onnx-autodiff'
import { drawLabels } from '../data/draw-labels.js'
import type { Dataset } from '../data/dataset.js'
import { countLabels, type ImageSet } from '../data/image-set.js'
import { HandfulError } from '../errors.js'
import { besideEachOther, type ExtractOptions, openExtractor, rawPixels } from './extract.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { applyNormalisation, fitNormalisation, type Normalisation } from './normalise.js'
import {
  composedNormalisation,
  type FeatureGroup,
  headComponents,
  reducedComponents,
  reduceFeatures,
} from './reduce.js'
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

/** Outputs of a network that are features, side by side, and how groups of them are normalised. */
export interface LearnedFeatures {
  /** As the report names them. */
  readonly name: string
  readonly network: FeatureNetwork
  /** In the order of their columns. */
  readonly groups: readonly {
    readonly outputs: readonly string[]
    readonly standardise?: FeatureGroup['standardise']
  }[]
}

/**
 * Features that a network gives, reduced block by block, so that thousands of numbers an image never stand in memory together.
 *
 * @param options progress counts images
 */
export async function learnedFeatures(
  { train, test }: Splits,
  { name, network, groups }: LearnedFeatures,
  linearAlgebra: LinearAlgebra,
  { onProgress, ...options }: ExtractOptions,
): Promise<FeatureSet> {
  const outputs = groups.flatMap((group) => group.outputs)
  const components = headComponents(train.channels)
  const { seed, signal } = options
  const extractor = await openExtractor(network, outputs, options)
  try {
    const reduced = await reduceFeatures(
      {
        // Layers of unlike scale weigh the same: each is a block of its own.
        groups: groups.map((group) => ({
          blocks: group.outputs.map((output) => extractor.columns[output]),
          standardise: group.standardise,
        })),
        extract: async (images, firstPlace) => {
          const found = await extractor.extract(images, firstPlace)
          return besideEachOther(outputs.map((output) => found[output]))
        },
      },
      train,
      test ? [test.images] : [],
      { components: reducedComponents(components), seed, linearAlgebra, signal, onProgress },
    )
    const last = await fitNormalisation(reduced.train, linearAlgebra, {
      components,
      blocks: reduced.reductions.map(({ projection }) => projection.columns),
    })
    const ofTest = reduced.others.at(0)
    return {
      name,
      baseline: false,
      normalisation: await composedNormalisation(reduced.reductions, last, linearAlgebra),
      train: await applyNormalisation(last, reduced.train, linearAlgebra),
      test: ofTest && (await applyNormalisation(last, ofTest, linearAlgebra)),
    }
  } finally {
    await extractor.close()
  }
}

/** The images' own pixels, which every model has to beat. */
export async function pixelFeatures(
  { train, test }: Splits,
  linearAlgebra: LinearAlgebra,
): Promise<FeatureSet> {
  const raw = rawPixels(train)
  const normalisation = await fitNormalisation(raw, linearAlgebra)
  return {
    name: 'raw pixels',
    baseline: true,
    normalisation,
    train: await applyNormalisation(normalisation, raw, linearAlgebra),
    test: test && (await applyNormalisation(normalisation, rawPixels(test.images), linearAlgebra)),
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
