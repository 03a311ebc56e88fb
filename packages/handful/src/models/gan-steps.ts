/**
 * One step of a GAN's training as several programs over one state, each on what the last one left: the losses of
 * gan-losses.ts in their order, what each draws, reads and updates.
 */
import {
  add, adam, type Arrays, compile, ema, gradients, input, inputName, mul, type NamedArray, Parameters, type Program, type Random, scalar,
  slice, sub, type Tensor, type Update,
} from 'onnx-autodiff'
import { imageDimensions } from './common.js'
import { adaptedStrength, AUGMENTATION_COLUMNS, augmentInGraph, drawAugmentation } from './gan-augment.js'
import { type GanConfig, geometry } from './gan-config.js'
import { networkImages, noisePixels, noisePlanes } from './gan-images.js'
import { discriminatorLoss, diversity, generatorLoss, type Loss, pathLengthLoss, r1Loss, reconstructionLoss } from './gan-losses.js'
import { discriminator, encoder, generator, mapping } from './gan-networks.js'
import type { ImageShape, Streams, Trainable } from './model.js'

/** Share of the latest batch in the encoder's running statistic. */
const STATISTIC_SHARE = 0.01

/** Something drawn for one phase of a step: the input of the program, and the numbers. */
interface Drawn {
  readonly tensor: Tensor
  readonly draw: (random: Random) => Float32Array
}

/** What a phase draws: every input from a stream of its own name. */
class Draws {
  readonly #drawn: Drawn[] = []

  constructor(readonly phase: string) {}

  add(name: string, shape: readonly number[], draw: (random: Random) => Float32Array): Tensor {
    const tensor = input(`${this.phase}/${name}`, shape)
    this.#drawn.push({ tensor, draw })
    return tensor
  }

  normal(name: string, shape: readonly number[]): Tensor {
    const length = shape.reduce((a, b) => a * b, 1)
    return this.add(name, shape, (random) => random.fillNormal(new Float32Array(length)))
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

/** A phase of a step before it is compiled. */
interface Plan {
  readonly draws: Draws
  readonly reads: readonly Tensor[]
  readonly updates: readonly Update[]
  readonly outputs: Readonly<Record<string, Tensor>>
  readonly every: number
}

/** The programs of one step, in their order. */
function plans(p: Parameters, config: GanConfig, image: ImageShape, seed: number): { plans: Plan[]; pixels: Tensor; initialState: Arrays } {
  const { batch, latent, r1, pathLength, latentReconstruction, augmentation, beta2 } = config
  const { styles: styleCount, noiseSides } = geometry(config, image)
  const F = mapping(p.scope('mapping'), config)
  const G = generator(p.scope('generator'), config, image)
  const E = encoder(p.scope('encoder'), config, image)
  const D = discriminator(p.scope('discriminator'), config)
  const of = (network: string): Tensor[] => p.all().filter((tensor) => inputName(tensor).startsWith(`${network}.`))
  const initial = p.initialize(seed)
  const initialState: Record<string, NamedArray> = { ...initial }
  const keep = (name: string, value: number): Tensor => {
    initialState[name] = { dtype: 'float32', shape: [], data: Float32Array.of(value) }
    return input(name, [])
  }

  const pixels = input('image', imageDimensions(batch, image), 'uint8')
  const real = networkImages(pixels, config, image)

  const adaptive = augmentation !== null && augmentation.target !== null
  const strength = adaptive ? keep('augmentation/strength', augmentation.strength) : scalar(augmentation?.strength ?? 0)
  const augmented = (x: Tensor, name: string, draws: Draws): Tensor => {
    if (augmentation === null) return x
    const [side, , count] = x.shape
    const draw = (random: Random): Float32Array => drawAugmentation(random, count, side, augmentation)
    return augmentInGraph(x, draws.add(name, [count, AUGMENTATION_COLUMNS], draw), strength, augmentation)
  }

  /** Styles for every layer, from one z or, in some batches, from two with a change between two layers. */
  const drawStyles = (draws: Draws, count: number, mixing: number): Tensor[] => {
    const w = F(draws.normal('z', [count, latent]))
    // Tensors of their own: path length asks for the gradient at each.
    if (mixing === 0) return Array.from({ length: styleCount }, () => mul(w, 1))
    const other = F(draws.normal('second z', [count, latent]))
    const share = draws.add('mixing', [styleCount], (random) => {
      const change = random.uniform() < mixing ? 1 + random.integer(styleCount - 1) : styleCount
      return Float32Array.from({ length: styleCount }, (_, i) => (i < change ? 1 : 0))
    })
    return Array.from({ length: styleCount }, (_, i) => add(other, mul(sub(w, other), slice(share, 0, i, i + 1))))
  }
  const generate = (styles: readonly Tensor[], draws: Draws): Tensor => {
    const count = styles[0].shape[0]
    return G(styles, config.noise ? noisePlanes(draws.normal('noise', [noisePixels(noiseSides), count, 1]), noiseSides) : undefined)
  }

  /** Adam with the rate and decay that lazy regularisation asks for, per network, so that each counts its own steps. */
  const optimise = ({ total }: Pick<Loss, 'total'>, networks: readonly string[]): Update[] => {
    const trained = networks.map((network) => p.trained(`${network}.`))
    const found = gradients(total, trained.flat())
    return networks.flatMap((network, i) => {
      const start = trained.slice(0, i).flat().length
      const lazy = network === 'generator' || network === 'mapping' ? pathLength : r1
      const ratio = lazy ? lazy.every / (lazy.every + 1) : 1
      const { updates, initialState: own } = adam(
        { parameters: trained[i], gradients: found.slice(start, start + trained[i].length) },
        { rate: config.learningRate * ratio, beta1: 0, beta2: beta2 ** ratio, name: `adam/${network}` },
      )
      Object.assign(initialState, own)
      return [...updates]
    })
  }

  const steps: Plan[] = []
  const plan = (name: string, every: number, make: (draws: Draws) => Omit<Plan, 'draws' | 'every'>): void => {
    const draws = new Draws(name)
    steps.push({ ...make(draws), draws, every })
  }

  plan('discriminator', 1, (draws) => {
    const fake = generate(drawStyles(draws, batch, config.styleMixing), draws)
    const fakeCode = E(augmented(fake, 'augmentation of generated', draws))
    const realCode = E(augmented(real, 'augmentation', draws))
    const scores = D(realCode.w)
    const loss = discriminatorLoss(scores, D(fakeCode.w))
    const updates = optimise(loss, ['discriminator', 'encoder'])
    if (E.runningDeviation && realCode.deviation) {
      const next = add(E.runningDeviation, mul(sub(realCode.deviation, E.runningDeviation), STATISTIC_SHARE))
      updates.push({ variable: E.runningDeviation, next })
    }
    if (adaptive) updates.push({ variable: strength, next: adaptedStrength(strength, scores, augmentation) })
    return {
      reads: ['mapping', 'generator', 'encoder', 'discriminator'].flatMap(of),
      updates,
      outputs: { ...loss.metrics, diversity: diversity(fake, real), ...(adaptive ? { augmentation: strength } : {}) },
    }
  })

  if (r1) {
    plan('r1', r1.every, (draws) => {
      const loss = r1Loss(real, D(E(augmented(real, 'augmentation', draws)).w), r1)
      const reads = [...['encoder', 'discriminator'].flatMap(of), ...(adaptive ? [strength] : [])]
      return { reads, updates: optimise(loss, ['discriminator', 'encoder']), outputs: loss.metrics }
    })
  }

  const averages = (updates: readonly Update[]): Update[] => {
    const decay = 0.5 ** (batch / config.emaHalfLifeImages)
    return ['mapping', 'generator', 'encoder'].flatMap((network) => {
      const now = of(network).map((variable) => updates.find((each) => each.variable === variable) ?? { variable, next: variable })
      const averaged = ema(now, initial, { decay: network === 'generator' || config.averageEncoder ? decay : 0 })
      Object.assign(initialState, averaged.initialState)
      return [...averaged.updates]
    })
  }

  const planGenerator = (): void => plan('generator', 1, (draws) => {
    const styles = drawStyles(draws, batch, config.styleMixing)
    const { w } = E(augmented(generate(styles, draws), 'augmentation', draws))
    const adversarial = generatorLoss(D(w))
    const reads = [...['mapping', 'generator', 'encoder', 'discriminator'].flatMap(of), ...(adaptive ? [strength] : [])]
    if (!latentReconstruction.joint) {
      return { reads, updates: optimise(adversarial, ['mapping', 'generator']), outputs: adversarial.metrics }
    }
    // Of mixed styles the encoder is to find the mean.
    const style = mul(styles.reduce((a, b) => add(a, b)), 1 / styleCount)
    const reconstruction = reconstructionLoss(style, w, latentReconstruction.weight)
    const both = { total: add(adversarial.total, reconstruction.total) }
    const updates = [...optimise(both, ['mapping', 'generator']), ...optimise(reconstruction, ['encoder'])]
    return {
      reads, updates: [...updates, ...averages(updates)],
      outputs: { ...adversarial.metrics, ...reconstruction.metrics },
    }
  })

  const planPath = (): void => {
    if (!pathLength) return
    plan('path', pathLength.every, (draws) => {
      const count = Math.max(batch >> 1, 1)
      const styles = drawStyles(draws, count, config.styleMixing)
      const images = generate(styles, draws)
      const running = keep('path/mean', 0)
      const loss = pathLengthLoss(images, styles, draws.normal('directions', images.shape), running, pathLength)
      const updates = [...optimise(loss, ['mapping', 'generator']), { variable: running, next: loss.runningNext }]
      return { reads: ['mapping', 'generator'].flatMap(of), updates, outputs: loss.metrics }
    })
  }

  const planReconstruction = (): void => plan('reconstruction', 1, (draws) => {
    const [w, ...rest] = drawStyles(draws, batch, 0)
    const loss = reconstructionLoss(w, E(generate([w, ...rest], draws)).w, latentReconstruction.weight)
    const updates = optimise(loss, ['mapping', 'generator', 'encoder'])
    return { reads: ['mapping', 'generator', 'encoder'].flatMap(of), updates: [...updates, ...averages(updates)], outputs: loss.metrics }
  })

  // The weights are averaged in the last phase of every step.
  if (latentReconstruction.joint) [planPath, planGenerator].forEach((each) => each())
  else [planGenerator, planPath, planReconstruction].forEach((each) => each())
  return { plans: steps, pixels, initialState }
}

/** Networks that a phase reads and does not change stay as they are. */
function compilePlan({ draws, reads, updates, outputs }: Plan, pixels: Tensor, seesImages: boolean): Program {
  const changed = new Set(updates.map(({ variable }) => variable))
  const kept = reads.filter((tensor) => !changed.has(tensor)).map((variable) => ({ variable, next: variable }))
  return compile({ inputs: [...(seesImages ? [pixels] : []), ...draws.inputs], state: [...updates, ...kept], outputs })
}

/**
 * Outputs: `discriminator`, `realScore`, `fakeScore`, `diversity` (near 0: collapsed), `generator`, `reconstruction` at
 * every step; `r1` and `path`, `pathLength` in some; `augmentation`, the strength, where it adapts.
 */
export function trainGan(config: GanConfig, image: ImageShape, _steps: number, seed: number): Trainable {
  const p = new Parameters('train')
  const { plans: all, pixels, initialState } = plans(p, config, image, seed)
  const [program, ...later] = all.map((each) => compilePlan(each, pixels, each.draws.phase === 'discriminator' || each.draws.phase === 'r1'))
  return {
    program,
    laterPhases: later.map((each, i) => ({ program: each, every: all[i + 1].every })),
    initialState,
    parameterCount: p.count,
    batch: config.batch,
    hasTarget: false,
    loss: 'discriminator',
    drawInputs: (streams, step) =>
      Object.assign({}, ...all.filter(({ every }) => step % every === 0).map(({ draws }) => draws.arrays(streams))) as Arrays,
  }
}

