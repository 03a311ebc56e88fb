/** What features come from, and the spaces made of it: a network's outputs in groups, raw pixels. */
import type { Arrays } from 'onnx-autodiff'
import type { Dataset } from '../data/dataset.js'
import type { Images } from '../data/image-set.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { besideEachOther, type Extractable, type ExtractOptions, openExtractor } from './extract.js'
import { type FeatureSpace, normalisedSpace, type SpaceContext } from './feature-space.js'
import {
  type FeatureGroup,
  headComponents,
  type PixelBlock,
  type ReducedFeatures,
  reducedComponents,
  reduceFeatures,
  reduceRows,
} from './reduce.js'

/** The splits of a data set; a test split shows its images alone. */
export type Splits = Pick<Dataset, 'train' | 'test'>

/** Makes features of images, a block at a time: a trained model, patches, an encoder or code of one's own. */
export interface FeatureSource {
  /** Numbers of an image. */
  readonly columns: number
  /** In the order of their columns; one of all columns unless said otherwise. */
  readonly groups?: readonly FeatureGroup[]
  /** Layers, pooling and noise level in words. */
  readonly detail?: string
  /** `[images, columns]`; `firstPlace` is the place of the first of them in their split. */
  extract(images: PixelBlock, firstPlace: number): Promise<FeatureMatrix>
  /** Whether an image has the same features wherever it stands: with it, no image is seen twice. */
  readonly sameAnywhere?: boolean
  /** What was fitted to the training images, for whoever keeps it with a run; nothing where nothing was. */
  readonly fitted?: Arrays
  /** Frees what it holds; nothing is extracted after. */
  close?(): Promise<void>
}

/** Outputs that are normalised together. */
export interface OutputGroup {
  /** As the report names them. */
  readonly name?: string
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
    sameAnywhere: network.drawInputs === undefined,
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

/** How reports say of what comes from an image that its mirrored image counts too. */
export const mirroredInWords = (detail?: string): string =>
  detail === undefined ? 'mirrored too' : `${detail}; mirrored too`

/** Means of an image's features and of those of its mirrored image, seen through the same noise. */
export const withMirrored = (source: FeatureSource): FeatureSource => ({
  ...source,
  detail: mirroredInWords(source.detail),
  async extract(images, firstPlace) {
    const [own, other] = [
      await source.extract(images, firstPlace),
      await source.extract({ ...images, pixels: mirrored(images) }, firstPlace),
    ]
    return { ...own, data: own.data.map((value, i) => (value + other.data[i]) / 2) }
  },
  close: async () => source.close?.(),
})

/** Pixels with left and right exchanged. */
function mirrored({ width, channels, pixels }: PixelBlock): Uint8Array {
  const result = new Uint8Array(pixels.length)
  for (let at = 0; at < pixels.length; at += channels) {
    const x = (at / channels) % width
    const from = at + (width - 1 - 2 * x) * channels
    for (let c = 0; c < channels; c++) result[at + c] = pixels[from + c]
  }
  return result
}

/** Features that are there already, such as those of an encoder made elsewhere: they stand beside what is extracted. */
export interface RowsPart {
  /** As the report names it. */
  readonly name: string
  readonly train: FeatureMatrix
  readonly test?: FeatureMatrix
}

export interface ReducedSpaceOptions {
  readonly name?: string
  /** Each weighs as much as each group of the source. */
  readonly beside?: readonly RowsPart[]
  /** Components that heads see, at most. */
  readonly components: number
  readonly whitening?: number
  readonly rescaled?: boolean
  /** Of the draw of images that the reduction is fitted to, where not all can be. */
  readonly seed: number
}

/**
 * A source's features of all images, reduced a block of images at a time, so that thousands of numbers an image never
 * stand in memory together, then normalised; beside them what is there as rows, each part reduced by itself.
 */
export async function reducedSpace(
  source: FeatureSource | undefined,
  splits: { readonly train: Images; readonly test?: Images },
  { name, beside = [], components, whitening, rescaled, seed }: ReducedSpaceOptions,
  context: SpaceContext,
): Promise<{ space: FeatureSpace; reduced: ReducedFeatures }> {
  const { linearAlgebra } = context
  const extracted = source && [await reducedSource(source, splits, { components, seed }, context)]
  const rows: ReducedFeatures[] = []
  for (const { train, test } of beside) {
    const others = test === undefined ? [] : [test]
    rows.push(await reduceRows(train, others, { components: reducedComponents(components), linearAlgebra }))
  }
  const reduced = besideReduced([...(extracted ?? []), ...rows])
  const space = await weighedSpace(reduced, { name, components, whitening, rescaled }, context)
  return { space, reduced }
}

/** Reduced features as a space; parts of them can weigh less than others, or nothing. */
export function weighedSpace(
  { train, others, reductions }: ReducedFeatures,
  {
    name,
    weights,
    ...options
  }: Omit<ReducedSpaceOptions, 'beside' | 'seed'> & {
    /** One for each part, in the order of the source's groups and of what is beside them; 1 each unless given. */
    readonly weights?: readonly number[]
  },
  context: SpaceContext,
): Promise<FeatureSpace> {
  const blocks = reductions.map(({ projection }) => projection.columns)
  return normalisedSpace(
    { name, train, test: others.at(0), reductions },
    { ...options, blocks, weights },
    context,
  )
}

async function reducedSource(
  source: FeatureSource,
  { train, test }: { readonly train: Images; readonly test?: Images },
  { components, seed }: Pick<ReducedSpaceOptions, 'components' | 'seed'>,
  { linearAlgebra, signal, onProgress }: SpaceContext,
): Promise<ReducedFeatures> {
  const { groups = [{ blocks: [source.columns] }] } = source
  return reduceFeatures(
    {
      groups,
      sameAnywhere: source.sameAnywhere,
      extract: (images, place) => source.extract(images, place),
    },
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
}

function besideReduced(parts: readonly ReducedFeatures[]): ReducedFeatures {
  const [first, ...more] = parts
  if (first === undefined) throw new Error('internal: reducedSpace: got no features, expected some')
  if (more.length === 0) return first
  return {
    train: besideEachOther(parts.map(({ train }) => train)),
    others: first.others.map((_, i) => besideEachOther(parts.map(({ others }) => others[i]))),
    reductions: parts.flatMap(({ reductions }) => reductions),
    extractSeconds: parts.reduce((sum, { extractSeconds }) => sum + extractSeconds, 0),
  }
}

type LearnedOptions = Omit<ExtractOptions, 'onProgress'> &
  Pick<SpaceContext, 'onProgress'> &
  Pick<ReducedSpaceOptions, 'beside'>

/**
 * The space of features that a network gives, and of those that are there already beside them.
 * @param learned nothing where there is no network
 * @param options progress counts images; where it has a note, neighbours or what the note says
 * @param position among `learnedSpaces`; the first, in which all parts weigh the same, unless given
 */
export async function learnedFeatures(
  splits: Splits,
  learned: LearnedFeatures | undefined,
  linearAlgebra: LinearAlgebra,
  options: LearnedOptions,
  position = 0,
): Promise<FeatureSpace> {
  const weighed = position === 0 ? 'alike' : 'each leading too'
  return (await learnedSpaces(splits, learned, linearAlgebra, options, weighed))[position]
}

/** The same, and where there are several parts, such as learned features and patches, spaces in which each of them leads. */
export async function learnedSpaces(
  { train, test }: Splits,
  learned: LearnedFeatures | undefined,
  linearAlgebra: LinearAlgebra,
  { onProgress, beside = [], ...options }: LearnedOptions,
  weighed: 'alike' | 'each leading too',
): Promise<FeatureSpace[]> {
  const source = learned && (await networkSource(learned, options))
  const components = componentsBeside(train, beside.length)
  const context = { linearAlgebra, signal: options.signal, onProgress }
  const names = [
    ...(learned?.groups.map((group) => group.name ?? learned.name) ?? []),
    ...beside.map(({ name }) => name),
  ]
  try {
    const { space, reduced } = await reducedSpace(
      source,
      { train, test: test?.images },
      { name: namesInWords(names), beside, components, seed: options.seed },
      context,
    )
    if (weighed === 'alike' || names.length < 2) return [space]
    const spaces = [space]
    for (const [leader, leading] of names.entries()) {
      const others = namesInWords(names.filter((_, i) => i !== leader))
      const name = `mostly ${leading} with ${others}`
      const weights = leadingWeights(names.length, leader)
      spaces.push(await weighedSpace(reduced, { name, weights, components }, context))
    }
    return spaces
  } finally {
    await source?.close?.()
  }
}

/**
 * Weight of the other parts beside one that leads, of 1. Parts alone are never better by more than a little, and often far worse:
 * docs/decisions/0024-a-part-that-leads.md.
 */
const BESIDE_LEADER = 0.4

/** A weight for each of so many parts, one of which leads. */
export const leadingWeights = (parts: number, leader: number): number[] =>
  Array.from({ length: parts }, (_, i) => (i === leader ? 1 : BESIDE_LEADER))

/** `learned features and patches`; a third name joins them with a comma. */
const namesInWords = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`

/** Numbers that heads see: whatever stands beside features of our own has seen colours, and as many numbers to tell. */
export const componentsBeside = ({ channels, count }: Images, others: number): number =>
  headComponents({ channels: others > 0 ? 3 : channels, count })
