/**
 * What every generative model offers. A model is its configuration (plain data), one training step as a program, and
 * networks made from trained weights: features of named layers, samples, reconstructions. The training loop, the
 * feature store and the commands know models by this alone.
 */
import type { Arrays, NamedArray, Network, Random, Step } from 'onnx-autodiff'
import type { z } from 'zod'

/** Side of the square images in pixels, and 1 channel for grey or 3 for colour. */
export interface ImageShape {
  readonly size: number
  readonly channels: 1 | 3
}

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
  /** Inputs that are drawn rather than read: noise, timesteps, latents; of `program` and of the phases due at the step. */
  readonly drawInputs: (streams: Streams, step: number) => Arrays
  /** The output that has to stay finite; the others are metrics. Means per image unless their name says otherwise. */
  readonly loss: string
  /**
   * What is wrong, where the outputs' latest means, after so many steps, show that training has failed though the loss
   * is finite.
   */
  readonly problem?: (metrics: Readonly<Record<string, number>>, step: number) => Problem | undefined
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

/** How a spatial layer becomes a row of numbers: the mean, means over a grid of cells, or everything. */
export type Pooling = 'mean' | '2x2' | '4x4' | 'none'

export interface FeatureRequest {
  /** Names among the model's layers; their outputs carry these names. */
  readonly layers: readonly string[]
  readonly pooling: Pooling
  /** Noise level on the scale 0..1000, for models that have one. */
  readonly noiseLevel?: number
  /** Several of them in its place, each seen with the same noise. `featureOutputs` says how the outputs are called then. */
  readonly noiseLevels?: readonly number[]
  /** Whether several levels give an output each (unless said otherwise), or their means one under the layer's own name. */
  readonly combineLevels?: 'concatenate' | 'average'
  /** So many draws of the noise, for models that have one: 1 unless said otherwise. */
  readonly draws?: number
  /** The mirrored image too, its layers mirrored back. */
  readonly mirror?: boolean
  /** Whether draws and the mirrored image give their means (unless said otherwise), or stand beside each other in a row. */
  readonly combineViews?: 'average' | 'concatenate'
}

/** Names of the outputs that a request asks for: the layers, or `layer@level` for each layer and level in turn. */
export const featureOutputs = ({ layers, noiseLevels, combineLevels }: FeatureRequest): string[] =>
  noiseLevels === undefined || combineLevels === 'average'
    ? [...layers]
    : layers.flatMap((layer) => noiseLevels.map((level) => `${layer}@${level}`))

/** Pixels to features: takes `image` uint8 [n, size, size, channels] and what `drawInputs` makes; gives [n, numbers] each. */
export interface FeatureNetwork {
  readonly program: Network
  /** Inputs for the images at these places of a set, drawn per image so that its features never depend on its batch. */
  readonly drawInputs?: (streams: Streams, indices: ArrayLike<number>) => Arrays
  /** Images of one run, at most, where what they take inside the network is much larger than they are. */
  readonly batch?: number
}

export interface ModelDefinition<C = unknown> {
  readonly name: string
  /** A few words, as a report says it. */
  readonly title: (config: C) => string
  readonly configSchema: z.ZodType<C>
  /**
   * `paper`: the reference's own architecture and settings. `fast`: the best in minutes on two cores. `ddpm`: the standard
   * form of a diffusion model. `invariant`: two views of an image are asked for like features as well.
   */
  readonly presets: Readonly<
    Record<'paper' | 'fast', (image: ImageShape) => C> &
      Partial<Record<'ddpm' | 'invariant', (image: ImageShape) => C>>
  >
  /** Whether its input may be an augmented version of the image that it learns to reconstruct. */
  readonly fromAugmented?: true
  /** Whether it compares two augmented views of each image, which then should differ in more. */
  readonly comparesViews?: (config: C) => boolean
  /** A number of steps that is worth taking with this preset. */
  readonly defaultSteps: (config: C) => number
  train(config: C, image: ImageShape, steps: number, seed: number): Trainable
  layers(config: C, image: ImageShape): readonly LayerDescription[]
  /** Layers to use where none are named. */
  readonly defaultFeatures: (config: C) => FeatureRequest
  features(config: C, image: ImageShape, weights: Weights, request: FeatureRequest): FeatureNetwork
  /** `count` new images, uint8 [count, size, size, channels]. */
  sample?(config: C, image: ImageShape, weights: Weights, options: SampleOptions): Promise<Uint8Array>
  /** The model's version of each image, uint8 [n, size, size, channels]. */
  reconstruct?(
    config: C,
    image: ImageShape,
    weights: Weights,
    pixels: Uint8Array,
    options: RunOptions,
  ): Promise<Uint8Array>
  /** Images on the way from the first image of a pair to the second, uint8 [steps, size, size, channels]; at least 2. */
  interpolate?(config: C, image: ImageShape, weights: Weights, way: InterpolationOptions): Promise<Uint8Array>
}

export interface InterpolationOptions extends RunOptions {
  /** uint8, one image after the other. */
  readonly pair: Uint8Array
  readonly steps: number
}

export interface RunOptions {
  readonly threads?: number
  readonly device?: string
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

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
