/** What features come from, and the spaces made of it: a network's outputs in groups, raw pixels. */
import type { Dataset } from '../data/dataset.js'
import type { Images } from '../data/image-set.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import {
  besideEachOther,
  type Extractable,
  type ExtractOptions,
  openExtractor,
  rawPixels,
} from './extract.js'
import { type FeatureSpace, normalisedSpace, type SpaceContext } from './feature-space.js'
import {
  type FeatureGroup,
  headComponents,
  type PixelBlock,
  type ReducedFeatures,
  reducedComponents,
  reduceFeatures,
} from './reduce.js'

/** The splits of a data set; a test split shows its images alone. */
export type Splits = Pick<Dataset, 'train' | 'test'>

export interface FeatureSource {
  /** Numbers of an image. */
  readonly columns: number
  /** In the order of their columns; one of all columns unless said otherwise. */
  readonly groups?: readonly FeatureGroup[]
  /** Layers, pooling and noise level in words. */
  readonly detail?: string
  /** `[images, columns]`; `firstPlace` is the place of the first of them in their split. */
  extract(images: PixelBlock, firstPlace: number): Promise<FeatureMatrix>
  close?(): Promise<void>
}

/** Outputs that are normalised together. */
export interface OutputGroup {
  readonly outputs: readonly string[]
  readonly standardise?: FeatureGroup['standardise']
}

/** Outputs of a network that are features, side by side, and how groups of them are normalised. */
export interface LearnedFeatures {
  /** As the report names them. */
  readonly name: string
  readonly network: Extractable
  /** In the order of their columns. */
  readonly groups: readonly OutputGroup[]
}

/** Opens a network. Layers of unlike scale weigh the same: each output is a block of its own. */
export async function networkSource(
  { network, groups }: Pick<LearnedFeatures, 'network' | 'groups'>,
  options: Omit<ExtractOptions, 'onProgress'>,
  detail?: string,
): Promise<FeatureSource> {
  const outputs = groups.flatMap((group) => group.outputs)
  const extractor = await openExtractor(network, outputs, options)
  return {
    detail,
    columns: outputs.reduce((sum, name) => sum + extractor.columns[name], 0),
    groups: groups.map((group) => ({
      blocks: group.outputs.map((name) => extractor.columns[name]),
      standardise: group.standardise,
    })),
    async extract(images, firstPlace) {
      const found = await extractor.extract(images, firstPlace)
      return besideEachOther(outputs.map((name) => found[name]))
    },
    close: () => extractor.close(),
  }
}

export interface ReducedSpaceOptions {
  readonly name?: string
  /** Components that heads see, at most. */
  readonly components: number
  readonly whitening?: number
  readonly rescaled?: boolean
  /** Of the draw of images that the reduction is fitted to, where not all can be. */
  readonly seed: number
}

/**
 * A source's features of all images, reduced a block of images at a time, so that thousands of numbers an image never
 * stand in memory together, then normalised.
 */
export async function reducedSpace(
  source: FeatureSource,
  { train, test }: { readonly train: Images; readonly test?: Images },
  { name, components, whitening, rescaled, seed }: ReducedSpaceOptions,
  context: SpaceContext,
): Promise<{ space: FeatureSpace; reduced: ReducedFeatures }> {
  const { linearAlgebra, signal, onProgress } = context
  const { groups = [{ blocks: [source.columns] }] } = source
  const reduced = await reduceFeatures(
    { groups, extract: (images, place) => source.extract(images, place) },
    train,
    test === undefined ? [] : [test],
    {
      components: reducedComponents(components),
      seed,
      linearAlgebra,
      signal,
      onProgress: (done, total) => onProgress?.(done, total, 'images'),
    },
  )
  const { reductions } = reduced
  const space = await normalisedSpace(
    { name, train: reduced.train, test: reduced.others.at(0), reductions },
    { components, whitening, rescaled, blocks: reductions.map(({ projection }) => projection.columns) },
    context,
  )
  return { space, reduced }
}

/**
 * The space of features that a network gives.
 * @param options progress counts images; where it has a note, neighbours or what the note says
 */
export async function learnedFeatures(
  { train, test }: Splits,
  learned: LearnedFeatures,
  linearAlgebra: LinearAlgebra,
  { onProgress, ...options }: Omit<ExtractOptions, 'onProgress'> & Pick<SpaceContext, 'onProgress'>,
): Promise<FeatureSpace> {
  const source = await networkSource(learned, options)
  try {
    const { space } = await reducedSpace(
      source,
      { train, test: test?.images },
      { name: learned.name, components: headComponents(train.channels), seed: options.seed },
      { linearAlgebra, signal: options.signal, onProgress },
    )
    return space
  } finally {
    await source.close?.()
  }
}

/** The images' own pixels, which every model has to beat. */
export function pixelFeatures(
  { train, test }: Splits,
  linearAlgebra: LinearAlgebra,
  context: Omit<SpaceContext, 'linearAlgebra'> = {},
): Promise<FeatureSpace> {
  const raw = { train: rawPixels(train), test: test && rawPixels(test.images) }
  return normalisedSpace({ name: 'raw pixels', baseline: true, ...raw }, {}, { linearAlgebra, ...context })
}
