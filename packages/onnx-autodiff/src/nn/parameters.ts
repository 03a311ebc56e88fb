/**
 * Named parameters of a model. Model code asks for them by name; the registry remembers shapes and initial values, so
 * the same code builds the training graph and the inference graph, and a checkpoint is a list of names.
 */
import { GraphError, type Shape, sizeOf } from '../graph/shape.js'
import { input, type Tensor } from '../graph/tensor.js'
import type { Update } from '../graph/computation.js'
import { Random } from '../random.js'
import type { NamedArray } from '../arrays.js'

/** Initial values of a parameter of this shape, row-major, drawn from the stream of its name. */
export type Initializer = (random: Random, shape: Shape) => Float32Array

interface Entry {
  readonly tensor: Tensor
  readonly initialize: Initializer
  readonly trained: boolean
}

/** How layers behave that differ between training and use: batch norm, dropout. */
export type Mode = 'train' | 'evaluate'

/**
 * A model's parameters by their full names, dots between scopes. Building the same model again with a new registry
 * gives the same names, and the same initial values by the same seed.
 *
 * @throws GraphError where a name is asked for twice
 */
export class Parameters {
  readonly #entries: Map<string, Entry>
  readonly #updates: Map<string, Update>

  constructor(
    readonly mode: Mode = 'train',
    readonly prefix = '',
    shared?: Parameters,
  ) {
    this.#entries = shared ? shared.#entries : new Map<string, Entry>()
    this.#updates = shared ? shared.#updates : new Map<string, Update>()
  }

  /** The same registry, names below `name`. */
  scope(name: string): Parameters {
    return new Parameters(this.mode, `${this.prefix}${name}.`, this)
  }

  /** A parameter that optimisers change. */
  get(name: string, shape: Shape, initialize: Initializer): Tensor {
    return this.#add(name, shape, initialize, true)
  }

  /** State that is kept with the parameters and not trained, such as running statistics. */
  buffer(name: string, shape: Shape, initialize: Initializer): Tensor {
    return this.#add(name, shape, initialize, false)
  }

  #add(name: string, shape: Shape, initialize: Initializer, trained: boolean): Tensor {
    const full = this.prefix + name
    if (this.#entries.has(full))
      throw new GraphError(`parameter (name): got "${full}" twice, expected each once; put a scope around it`)
    const tensor = input(full, shape)
    this.#entries.set(full, { tensor, initialize, trained })
    return tensor
  }

  /** Says what a buffer holds after a training step. */
  update(variable: Tensor, next: Tensor): void {
    const name = [...this.#entries].find(([, entry]) => entry.tensor === variable)?.[0]
    if (name === undefined)
      throw new GraphError(
        'parameter (update): got a tensor that is no buffer, expected one of this registry',
      )
    this.#updates.set(name, { variable, next })
  }

  /** The trained tensors whose names begin with the prefix, in the order they were asked for. */
  trained(prefix = ''): Tensor[] {
    return [...this.#entries]
      .filter(([name, { trained }]) => trained && name.startsWith(prefix))
      .map(([, { tensor }]) => tensor)
  }

  /** All tensors, buffers included. */
  all(): Tensor[] {
    return [...this.#entries.values()].map(({ tensor }) => tensor)
  }

  /** The buffers' updates of this step; a buffer without one stays as it is. */
  bufferUpdates(): Update[] {
    return [...this.#entries]
      .filter(([, { trained }]) => !trained)
      .map(([name, { tensor }]) => this.#updates.get(name) ?? { variable: tensor, next: tensor })
  }

  /** Initial values; each parameter draws from a stream of its own name. */
  initialize(seed: number): Record<string, NamedArray> {
    return Object.fromEntries(
      [...this.#entries].map(([name, { tensor, initialize }]) => [
        name,
        {
          dtype: 'float32',
          shape: tensor.shape,
          data: initialize(new Random(seed, `parameter/${name}`), tensor.shape),
        },
      ]),
    )
  }

  /** How many numbers are trained. */
  get count(): number {
    return this.trained().reduce((total, { shape }) => total + sizeOf(shape), 0)
  }
}

/** All 0. */
export const zeros: Initializer = (_, shape) => new Float32Array(sizeOf(shape))
/** All 1. */
export const ones: Initializer = (_, shape) => new Float32Array(sizeOf(shape)).fill(1)
/** All this value. */
export const filled =
  (value: number): Initializer =>
  (_, shape) =>
    new Float32Array(sizeOf(shape)).fill(value)

/** Uniform in [-bound, bound]. */
export const uniform =
  (bound: number): Initializer =>
  (random, shape) =>
    random.fillUniform(new Float32Array(sizeOf(shape)), -bound, bound)

/** Normal with this standard deviation. */
export const normal =
  (deviation: number): Initializer =>
  (random, shape) =>
    random.fillNormal(new Float32Array(sizeOf(shape))).map((x) => x * deviation)

/** Variance 2 / inputs: keeps the variance through ReLU (He et al., arXiv 1502.01852). */
export const heNormal = (inputs: number): Initializer => normal(Math.sqrt(2 / inputs))

/** PyTorch's default for linear and convolution layers: uniform within 1 / sqrt(inputs). */
export const torchDefault = (inputs: number): Initializer => uniform(1 / Math.sqrt(inputs))
