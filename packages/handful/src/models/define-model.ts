/**
 * How a model's folder gives its model: everything that the rest has to know of it in one entry, written in terms of its
 * own configuration. `defineModel` binds the configuration's type here, once; outside, a model is a `BoundModel`.
 */
import type { Parameters } from 'onnx-autodiff'
import type { z } from 'zod'
import type { AugmentationName, PresetName } from '../names.js'
import type { FeatureRequest } from './feature-request.js'
import type {
  BaseConfig,
  BoundModel,
  EncoderPart,
  FeatureNetwork,
  ImageShape,
  InterpolationOptions,
  LayerDescription,
  Mixture,
  Model,
  ModelFacts,
  ModelParts,
  RunOptions,
  SampleOptions,
  Trainable,
  Weights,
} from './model.js'

/** See `ModelFacts` and `BoundModel` for what each of it means. */
export interface ModelDefinition<C extends BaseConfig>
  extends
    Pick<ModelFacts, 'name' | 'shortTitle' | 'cost'>,
    Partial<Pick<ModelFacts, 'bestPreset' | 'samplerOptions'>> {
  /** A few words, as a report says it. */
  readonly title: (config: C) => string
  readonly configSchema: z.ZodType<C>
  /** `fast` is the best in minutes on two cores. */
  readonly presets: Readonly<
    Record<'fast', (image: ImageShape) => C> & Partial<Record<PresetName, (image: ImageShape) => C>>
  >
  /** A number of steps that is worth taking. */
  readonly defaultSteps: (config: C) => number
  /** Whether views of an image are compared; never, where left out. */
  readonly isContrastive?: (config: C) => boolean
  /** Left out by models that learn the images as they are. */
  readonly augmentation?: (config: C, image: ImageShape) => AugmentationName
  /** One training step of so many, each with the randomness of this seed. */
  readonly train: (config: C, image: ImageShape, steps: number, seed: number) => Trainable
  /** In the order of the network. Those of a decoder are called `decoder.` and something. */
  readonly layers: (config: C, image: ImageShape) => readonly LayerDescription[]
  /** Layers to use where none are named. */
  readonly defaultFeatures: (config: C) => FeatureRequest
  /** The layer that a decoder is given: by it a model says that it has one. */
  readonly decoderInput?: string
  /** Layers of indices, such as places in a codebook, whose sizes say nothing: to be looked at, and in neither part. */
  readonly indexLayers?: readonly string[]
  /** What a noise level mixes: by it a model says that its features are seen through noise. */
  readonly noiseAt?: (config: C, level: number) => Mixture
  /** The network from images to the layers of a request; `chosenRows` makes its outputs. */
  readonly features: (
    config: C,
    image: ImageShape,
    weights: Weights,
    request: FeatureRequest,
  ) => FeatureNetwork
  /** What labels can train further; none of a configuration whose features come from elsewhere. */
  readonly encoder?: (config: C, image: ImageShape) => ((p: Parameters) => EncoderPart) | undefined
  /** New images, uint8 [count, size, size, channels]. */
  readonly sample?: (
    config: C,
    image: ImageShape,
    weights: Weights,
    options: SampleOptions,
  ) => Promise<Uint8Array>
  /** The model's version of each image, uint8 [n, size, size, channels]. */
  readonly reconstruct?: (
    config: C,
    image: ImageShape,
    weights: Weights,
    pixels: Uint8Array,
    options: RunOptions,
  ) => Promise<Uint8Array>
  /** Images from the first of a pair to the second, uint8 [steps, size, size, channels]. */
  readonly interpolate?: (
    config: C,
    image: ImageShape,
    weights: Weights,
    way: InterpolationOptions,
  ) => Promise<Uint8Array>
}

/** Makes a model of its definition. The configuration's type is known inside the definition alone. */
export function defineModel<C extends BaseConfig>(definition: ModelDefinition<C>): Model {
  const { configSchema, presets } = definition
  const facts: ModelFacts = {
    name: definition.name,
    shortTitle: definition.shortTitle,
    bestPreset: definition.bestPreset ?? 'fast',
    samplerOptions: definition.samplerOptions ?? [],
    hasNoiseLevels: definition.noiseAt !== undefined,
    hasDecoder: definition.decoderInput !== undefined,
    offers: [
      ...(definition.sample === undefined ? [] : (['samples'] as const)),
      ...(definition.reconstruct === undefined ? [] : (['reconstructions'] as const)),
      ...(definition.interpolate === undefined ? [] : (['interpolations'] as const)),
    ],
    cost: definition.cost,
  }
  return {
    ...facts,
    presets: Object.keys(presets),
    configSchema,
    preset: (name, image) => presets[name]?.(image),
    configure: (config, image) => bind(definition, facts, configSchema.parse(config), image),
  }
}

function bind<C extends BaseConfig>(
  definition: ModelDefinition<C>,
  facts: ModelFacts,
  config: C,
  image: ImageShape,
): BoundModel {
  const { train, layers, features, noiseAt, sample, reconstruct, interpolate } = definition
  const defaultFeatures = definition.defaultFeatures(config)
  return {
    ...facts,
    config,
    image,
    title: definition.title(config),
    defaultSteps: definition.defaultSteps(config),
    isContrastive: definition.isContrastive?.(config) ?? false,
    augmentation: definition.augmentation?.(config, image) ?? 'none',
    defaultFeatures,
    withBatch: (most) => bind(definition, facts, { ...config, batch: Math.min(config.batch, most) }, image),
    train: (steps, seed) => train(config, image, steps, seed),
    layers: () => layers(config, image),
    parts: () =>
      definition.decoderInput === undefined
        ? undefined
        : partsOf(layers(config, image), defaultFeatures, definition.decoderInput, definition.indexLayers),
    noiseAt: noiseAt && ((level) => noiseAt(config, level)),
    features: (weights, request) => features(config, image, weights, request),
    encoder: definition.encoder?.(config, image),
    sample: sample && ((weights, options) => sample(config, image, weights, options)),
    reconstruct:
      reconstruct && ((weights, pixels, options) => reconstruct(config, image, weights, pixels, options)),
    interpolate: interpolate && ((weights, way) => interpolate(config, image, weights, way)),
  }
}

const DECODER = 'decoder.'

/**
 * Of the layers that the model's own features name where both parts are among them, as in the study's networks, else of all that
 * measure something.
 */
function partsOf(
  all: readonly LayerDescription[],
  { layers: usual }: FeatureRequest,
  decoderInput: string,
  indices: readonly string[] = [],
): ModelParts {
  const measured = all.map(({ name }) => name).filter((name) => !indices.includes(name))
  const layers = usual.some((name) => name.startsWith(DECODER)) ? usual : measured
  const isDecoder = (name: string): boolean => name.startsWith(DECODER) || name === decoderInput
  return { encoder: layers.filter((name) => !isDecoder(name)), decoder: layers.filter(isDecoder) }
}
