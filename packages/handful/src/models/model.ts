/**
 * What every generative model offers. A model is its configuration (plain data), one training step as a program, and
 * networks made from trained weights: features of named layers, samples, reconstructions. The training loop, the
 * feature store and the commands know models by this alone.
 */
import type { Arrays, NamedArray, Program, Random } from 'onnx-autodiff'
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
  readonly program: Program
  readonly initialState: Arrays
  readonly parameterCount: number
  readonly batch: number
  readonly hasTarget: boolean
  /** Inputs that are drawn rather than read: noise, timesteps, latents. */
  readonly drawInputs: (streams: Streams, step: number) => Arrays
  /** The output that has to stay finite; the others are metrics. Means per image unless their name says otherwise. */
  readonly loss: string
}

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
}

/** Pixels to features: takes `image` uint8 [n, size, size, channels] and what `drawInputs` makes; gives [n, numbers] each. */
export interface FeatureNetwork {
  readonly program: Program
  /** Inputs for the images at these places of a set, drawn per image so that its features never depend on its batch. */
  readonly drawInputs?: (streams: Streams, indices: ArrayLike<number>) => Arrays
}

export interface ModelDefinition<C = unknown> {
  readonly name: string
  /** A few words, as a report says it. */
  readonly title: (config: C) => string
  readonly configSchema: z.ZodType<C>
  /** `paper`: the reference's own architecture and settings. `fast`: the best in minutes on two cores. */
  readonly presets: Readonly<Record<'paper' | 'fast', (image: ImageShape) => C>>
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
  reconstruct?(config: C, image: ImageShape, weights: Weights, pixels: Uint8Array, options: RunOptions): Promise<Uint8Array>
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
}
