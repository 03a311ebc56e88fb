/**
 * What the phases of a GAN's training step are made of: the four networks on one set of weights, latents and noise drawn
 * outside and fed in, an optimiser per network, averaged weights.
 */
import {
  add,
  adam,
  type Arrays,
  ema,
  gradients,
  input,
  inputName,
  mul,
  type NamedArray,
  Parameters,
  type Step,
  type Random,
  scalar,
  sizeOf,
  slice,
  sub,
  type Tensor,
  type Update,
} from 'onnx-autodiff'
import { imageDimensions } from '../common.js'
import { AUGMENTATION_COLUMNS, augmentInGraph, drawAugmentation } from './augment-in-graph.js'
import { type GanConfig, geometry } from './config.js'
import { networkImages, noisePixels, noisePlanes } from './network-images.js'
import { discriminator, encoder, generator, mapping } from './networks.js'
import type { ImageShape, Streams } from '../model.js'

export type NetworkName = 'mapping' | 'generator' | 'encoder' | 'discriminator'

/** The inputs of one phase that are drawn: each from a stream of its own name. */
export class Draws {
  readonly #drawn: { readonly tensor: Tensor; readonly draw: (random: Random) => Float32Array }[] = []

  constructor(readonly phase: string) {}

  add(name: string, shape: readonly number[], draw: (random: Random) => Float32Array): Tensor {
    const tensor = input(`${this.phase}/${name}`, shape)
    this.#drawn.push({ tensor, draw })
    return tensor
  }

  normal(name: string, shape: readonly number[]): Tensor {
    return this.add(name, shape, (random) => random.fillNormal(new Float32Array(sizeOf(shape))))
  }

  get inputs(): Tensor[] {
    return this.#drawn.map(({ tensor }) => tensor)
  }

  arrays(streams: Streams): Arrays {
    return Object.fromEntries(
      this.#drawn.map(({ tensor, draw }): [string, NamedArray] => [
        inputName(tensor),
        { dtype: 'float32', shape: tensor.shape, data: draw(streams(`gan ${inputName(tensor)}`)) },
      ]),
    )
  }
}

/** What a phase computes; everything it reads and does not update stays as it is. */
export interface Computation {
  readonly reads: readonly Tensor[]
  readonly updates: readonly Update[]
  readonly outputs: Readonly<Record<string, Tensor>>
  /** The phase takes the batch of real images. */
  readonly seesImages?: boolean
}

export class GanParts {
  readonly #parameters = new Parameters('train')
  readonly #initial: Readonly<Record<string, NamedArray>>
  readonly #state: Record<string, NamedArray>
  readonly F: ReturnType<typeof mapping>
  readonly G: ReturnType<typeof generator>
  readonly E: ReturnType<typeof encoder>
  readonly D: ReturnType<typeof discriminator>
  /** The batch as it is fed, uint8, and as the networks see it. */
  readonly pixels: Tensor
  readonly real: Tensor
  /** Of the augmentation: state where it adapts, else a constant. */
  readonly strength: Tensor
  readonly adapts: boolean

  constructor(
    readonly config: GanConfig,
    readonly image: ImageShape,
    seed: number,
  ) {
    const p = this.#parameters
    this.F = mapping(p.scope('mapping'), config)
    this.G = generator(p.scope('generator'), config, image)
    this.E = encoder(p.scope('encoder'), config, image)
    this.D = discriminator(p.scope('discriminator'), config)
    this.#initial = p.initialize(seed)
    this.#state = { ...this.#initial }
    this.pixels = input('image', imageDimensions(config.batch, image), 'uint8')
    this.real = networkImages(this.pixels, config, image)
    const { augmentation } = config
    this.adapts = augmentation !== null && augmentation.target !== null
    const strength = augmentation?.strength ?? 0
    this.strength = this.adapts ? this.keep('augmentation/strength', strength) : scalar(strength)
  }

  get parameterCount(): number {
    return this.#parameters.count
  }

  /** Of all that was asked for so far. */
  get initialState(): Arrays {
    return this.#state
  }

  /** A number of state. */
  keep(name: string, value: number): Tensor {
    this.#state[name] = { dtype: 'float32', shape: [], data: Float32Array.of(value) }
    return input(name, [])
  }

  /** All tensors of the networks, and the strength where it is state. */
  weights(...networks: readonly NetworkName[]): Tensor[] {
    const all = this.#parameters.all()
    const of = networks.flatMap((network) =>
      all.filter((tensor) => inputName(tensor).startsWith(`${network}.`)),
    )
    return this.adapts ? [...of, this.strength] : of
  }

  /**
   * Styles for every layer of the generator, each a tensor of its own [count, latent] (path length asks for the gradient
   * at each): F(z), or, in a share of the batches, F of another z from a random layer on.
   */
  styles(draws: Draws, count: number, mixing = this.config.styleMixing): Tensor[] {
    const { styles } = geometry(this.config, this.image)
    const w = this.F(draws.normal('z', [count, this.config.latent]))
    const layers = Array.from({ length: styles }, (_, i) => i)
    if (mixing === 0) return layers.map(() => mul(w, 1))
    const other = this.F(draws.normal('second z', [count, this.config.latent]))
    const share = draws.add('mixing', [styles], (random) => {
      const change = random.uniform() < mixing ? 1 + random.integer(styles - 1) : styles
      return Float32Array.from(layers, (i) => (i < change ? 1 : 0))
    })
    return layers.map((i) => add(other, mul(sub(w, other), slice(share, 0, i, i + 1))))
  }

  /** G with noise. */
  generate(styles: readonly Tensor[], draws: Draws): Tensor {
    if (!this.config.noise) return this.G(styles)
    const { noiseSides } = geometry(this.config, this.image)
    const noise = draws.normal('noise', [noisePixels(noiseSides), styles[0].shape[0], 1])
    return this.G(styles, noisePlanes(noise, noiseSides))
  }

  augment(x: Tensor, draws: Draws, name = 'augmentation'): Tensor {
    const { augmentation } = this.config
    if (augmentation === null) return x
    const { size } = this.config
    const { tile } = geometry(this.config, this.image)
    const [, , count] = x.shape
    const draw = (random: Random): Float32Array => drawAugmentation(random, count, size, augmentation)
    const rows = draws.add(name, [count, AUGMENTATION_COLUMNS], draw)
    return augmentInGraph(x, rows, this.strength, augmentation, tile)
  }

  /**
   * Adam for each network, so that each counts its own steps, as several phases share them. Rate and decay make up for
   * the steps of lazy regularisation (arXiv 1912.04958, appendix B).
   */
  optimise(loss: Tensor, networks: readonly NetworkName[]): Update[] {
    const { pathLength, r1, learningRate, beta2 } = this.config
    const found = gradients(
      loss,
      networks.flatMap((network) => this.#parameters.trained(`${network}.`)),
    )
    let at = 0
    return networks.flatMap((network) => {
      const parameters = this.#parameters.trained(`${network}.`)
      const own = found.slice(at, (at += parameters.length))
      const lazy = network === 'generator' || network === 'mapping' ? pathLength : r1
      const ratio = lazy ? lazy.every / (lazy.every + 1) : 1
      const { updates, initialState } = adam(
        { parameters, gradients: own },
        { rate: learningRate * ratio, beta1: 0, beta2: beta2 ** ratio, name: `adam/${network}` },
      )
      Object.assign(this.#state, initialState)
      return updates
    })
  }

  /** The averages of all that is used after training, given the updates before it in its phase. */
  averages(updates: readonly Update[]): Update[] {
    const { batch, emaHalfLifeImages, averageEncoder } = this.config
    const decay = 0.5 ** (batch / emaHalfLifeImages)
    const names: readonly NetworkName[] = ['mapping', 'generator', 'encoder']
    return names.flatMap((network) => {
      const now = this.#parameters
        .all()
        .filter((tensor) => inputName(tensor).startsWith(`${network}.`))
        .map((variable) => updates.find((each) => each.variable === variable) ?? { variable, next: variable })
      const averaged = ema(now, this.#initial, {
        decay: network === 'generator' || averageEncoder ? decay : 0,
      })
      Object.assign(this.#state, averaged.initialState)
      return averaged.updates
    })
  }

  step(draws: Draws, { reads, updates, outputs, seesImages = false }: Computation): Step {
    const changed = new Set(updates.map(({ variable }) => variable))
    const kept = reads
      .filter((tensor) => !changed.has(tensor))
      .map((variable) => ({ variable, next: variable }))
    return {
      inputs: [...(seesImages ? [this.pixels] : []), ...draws.inputs],
      state: [...updates, ...kept],
      outputs,
    }
  }
}
