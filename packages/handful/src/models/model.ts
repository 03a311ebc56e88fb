/**
 * What every generative model offers. A model is its configuration (plain data), one training step as a description, and
 * networks made from trained weights: features of named layers, samples, reconstructions. The training loop, the
 * feature space and the commands know models by this alone; `define-model.ts` is how a model's folder gives it.
 */
import type { Arrays, NamedArray, Network, Parameters, Random, Step, Tensor } from 'onnx-autodiff'
import type { z } from 'zod'
import type { AugmentationName, PresetName } from '../names.js'
import type { FeatureRequest } from './feature-request.js'

/** Side of the square images in pixels, and 1 channel for grey or 3 for colour. */
export interface ImageShape {
  readonly size: number
  readonly channels: 1 | 3
}

/** Trained values of a model by the parameter's name, each in the parameter's shape. */
export type Weights = Readonly<Record<string, NamedArray>>

/** Gives the stream of a name for one step or image: the same name, the same numbers. */
export type Streams = (name: string) => Random

/**
 * One training step. The program takes `image` uint8 [batch, size, size, channels] and, where `hasTarget`, `target` of the
 * same kind (the clean image where `image` is augmented), and whatever `drawInputs` makes.
 */
export interface Trainable {
  readonly program: Step
  /**
   * Further programs over the same state that run in a step after `program`, in this order: alternating updates, lazy
   * regularisation. `initialState` holds what any of them keeps.
   */
  readonly laterPhases?: readonly Phase[]
  readonly initialState: Arrays
  readonly parameterCount: number
  readonly batch: number
  readonly hasTarget: boolean
  /** Whether it takes `second` too, another augmented version of each image. */
  readonly hasSecondView?: boolean
  /** Side of `image` and `second` in pixels, where augmented versions are smaller than the images. */
  readonly viewSize?: number
  /** Inputs that are drawn rather than read: noise, timesteps, latents; of `program` and of the phases due at the step. */
  readonly drawInputs: (streams: Streams, step: number) => Arrays
  /** The output that has to stay finite; the others are metrics. Means per image unless their name says otherwise. */
  readonly loss: string
  /**
   * What is wrong, where the outputs' latest means, after so many steps, show that training has failed though the loss
   * is finite.
   */
  readonly problem?: (metrics: Readonly<Record<string, number>>, step: number) => Problem | undefined
  /** What a reader should know of a training that has ended with these outputs, though it has not failed: a sentence, without a full stop. */
  readonly remark?: (metrics: Readonly<Record<string, number>>) => string | undefined
}

/** As an error says it. */
export interface Problem {
  readonly got: string
  readonly expected: string
  readonly hint: string
}

/** A program that runs in every `every`-th step, the first one (step 0) included. */
export interface Phase {
  readonly program: Step
  readonly every: number
}

/** The places of the programs that run in a step, in the list of `program` and the later phases. */
export const phasesDue = (laterPhases: readonly Phase[], step: number): number[] => [
  0,
  ...laterPhases.flatMap(({ every }, i) => (step % every === 0 ? [i + 1] : [])),
]

/** Weights for use out of a training state: `weights` are what features are taken from. */
export const AVERAGED = 'ema/'

/** The averaged weights of a training state, under the parameters' own names. */
export function averagedWeights(state: Arrays): Weights {
  return Object.fromEntries(
    Object.entries(state)
      .filter(([name]) => name.startsWith(AVERAGED))
      .map(([name, array]) => [name.slice(AVERAGED.length), array]),
  )
}

/** A hidden layer that features can be taken from. */
export interface LayerDescription {
  readonly name: string
  /** [height, width, channels], or [numbers] of a layer without space. */
  readonly shape: readonly number[]
}

/** Pixels to features: takes `image` uint8 [n, size, size, channels] and what `drawInputs` makes; gives [n, numbers] each. */
export interface FeatureNetwork {
  readonly program: Network
  /** Inputs for the images at these places of a set, drawn per image so that its features never depend on its batch. */
  readonly drawInputs?: (streams: Streams, indices: ArrayLike<number>) => Arrays
  /** Images of one run, at most, where what they take inside the network is much larger than they are. */
  readonly batch?: number
}

/** The part of a model that features come from, as labels train it further. */
export interface EncoderPart {
  readonly numbers: number
  /** [h, w, n, channels] in -1..1 -> [n, numbers]. */
  readonly rows: (x: Tensor) => Tensor
}

/** A configuration has at least a batch size; the rest is the model's own. */
export interface BaseConfig {
  readonly batch: number
}

/** What samplers can be told; each model's takes some of it. */
export const SAMPLER_OPTIONS = ['steps', 'eta', 'truncation'] as const
/** One of `SAMPLER_OPTIONS`, as `SampleOptions` explains them. */
export type SamplerOption = (typeof SAMPLER_OPTIONS)[number]

/** For estimates: seconds on two cores of 2020s server hardware at 32x32, of the preset `fast`. */
export interface ModelCost {
  /** Of one training step. */
  readonly stepSeconds: number
  /** Images a second of features. */
  readonly imagesPerSecond: number
  /** Images drawn in a second. */
  readonly samplesPerSecond: number
}

/** New images, its versions of given ones, and images on the way from one to another. */
export type ModelPicture = 'samples' | 'reconstructions' | 'interpolations'

/** What is known of a model whatever its configuration. */
export interface ModelFacts {
  readonly name: string
  /** As tables call it. */
  readonly shortTitle: string
  /** What does best with few labels, as measured: where nothing but the accuracy counts, the default. */
  readonly bestPreset: PresetName
  readonly samplerOptions: readonly SamplerOption[]
  /** Whether features are those of images with noise of a chosen level. */
  readonly hasNoiseLevels: boolean
  /** Whether its encoder and its decoder both give features. */
  readonly hasDecoder: boolean
  /** What pictures it makes. */
  readonly offers: readonly ModelPicture[]
  readonly cost: ModelCost
}

/** A model by its name. `configure` turns it into one that can be trained and used. */
export interface Model extends ModelFacts {
  /** Those it has. */
  readonly presets: readonly string[]
  readonly configSchema: z.ZodType<BaseConfig>
  /** The values of a preset, unless it has none of that name. */
  readonly preset: (name: PresetName, image: ImageShape) => BaseConfig | undefined
  /** @throws ZodError for data that is none of the model's configurations */
  readonly configure: (config: unknown, image: ImageShape) => BoundModel
}

/** A model with its configuration and the images that it takes. */
export interface BoundModel extends ModelFacts {
  /** Plain data, checked. */
  readonly config: BaseConfig
  readonly image: ImageShape
  /** A few words, as a report says it. */
  readonly title: string
  /** A number of steps that is worth taking. */
  readonly defaultSteps: number
  /** Whether it learns by comparing views of an image, whatever it reconstructs beside that: no purely generative model. */
  readonly isContrastive: boolean
  /** How its training images are distorted unless said otherwise. */
  readonly augmentation: AugmentationName
  /** Layers to use where none are named. */
  readonly defaultFeatures: FeatureRequest
  /** The same configuration with batches of so many images at most. */
  readonly withBatch: (most: number) => BoundModel
  /** One training step of so many, each with the randomness of this seed. */
  readonly train: (steps: number, seed: number) => Trainable
  /** The layers that features can be taken from, in the order of the network. */
  readonly layers: () => readonly LayerDescription[]
  /** The layers of encoder and decoder, in the order of the network, where it has both. */
  readonly parts: () => ModelParts | undefined
  /** What a level from 0 to 1000 mixes, where it has noise levels. */
  readonly noiseAt?: (level: number) => Mixture
  /**
   * The network from images to these layers, pooled as asked.
   *
   * @throws HandfulError for layers that it does not have
   */
  readonly features: (weights: Weights, request: FeatureRequest) => FeatureNetwork
  /** The part that its usual features come from, where labels can train it further; parameters have the model's own names. */
  readonly encoder?: (p: Parameters) => EncoderPart
  /** `count` new images, uint8 [count, size, size, channels]. */
  readonly sample?: (weights: Weights, options: SampleOptions) => Promise<Uint8Array>
  /** The model's version of each image, uint8 [n, size, size, channels]. */
  readonly reconstruct?: (weights: Weights, pixels: Uint8Array, options: RunOptions) => Promise<Uint8Array>
  /** Images on the way from the first image of a pair to the second, uint8 [steps, size, size, channels]; at least 2. */
  readonly interpolate?: (weights: Weights, way: InterpolationOptions) => Promise<Uint8Array>
}

/** A model with trained weights, wherever they lie. */
export interface WeightedModel {
  readonly model: BoundModel
  readonly weights: Weights
}

/** What the network sees: alpha (pixel - mean) / deviation + sigma noise, pixels in 0..1. */
export interface Mixture {
  readonly alpha: number
  readonly sigma: number
  readonly mean: number
  readonly deviation: number
}

/** Which of a model's layers are its encoder's and which its decoder's, each in the order of the network. */
export interface ModelParts {
  readonly encoder: readonly string[]
  /** What it is given, such as the latent, counts as its own. */
  readonly decoder: readonly string[]
}

/** The two images that an interpolation goes between, and how many images it gives. */
export interface InterpolationOptions extends RunOptions {
  /** uint8, one image after the other. */
  readonly pair: Uint8Array
  readonly steps: number
}

/** How a network of trained weights is run over many images. */
export interface RunOptions {
  readonly threads?: number
  readonly device?: string
  readonly signal?: AbortSignal
  /** Told of images done. */
  readonly onProgress?: (done: number, total: number) => void
}

/** How many new images a sampler draws, and how; the model's `samplerOptions` say which of the last three it knows. */
export interface SampleOptions extends RunOptions {
  readonly count: number
  readonly seed: number
  /** Steps of an iterative sampler. */
  readonly steps?: number
  /** Fresh noise in each of them, 0 (none) to 1 (ancestral). */
  readonly eta?: number
  /** How far a GAN's styles may lie from their mean: 1 as drawn, less for fewer and more typical images. */
  readonly truncation?: number
}
