/**
 * One step of a GAN's training as several programs over one state, each on what the last one left: the losses of
 * losses.ts in their order. A phase is one function: what it draws, its loss, what it updates.
 */
import { add, type Arrays, mul, sub, type Update } from 'onnx-autodiff'
import { adaptedStrength } from './augment-in-graph.js'
import type { GanConfig } from './config.js'
import {
  discriminatorLoss,
  diversity,
  generatorLoss,
  pathLengthLoss,
  r1Loss,
  reconstructionLoss,
} from './losses.js'
import { type Computation, Draws, GanParts } from './training-parts.js'
import type { ImageShape, Trainable } from '../model.js'

/** Share of the latest batch in the encoder's running statistic. */
const STATISTIC_SHARE = 0.01
/** Generated images that differ by less than this share of what real ones do are one and the same. */
const COLLAPSED = 0.002

function discriminatorPhase(parts: GanParts, draws: Draws): Computation {
  const { config, E, D, real, strength } = parts
  const fake = parts.generate(parts.styles(draws, config.batch), draws)
  const encoded = E(parts.augment(real, draws))
  const scores = D(encoded.w)
  const { total, metrics } = discriminatorLoss(
    scores,
    D(E(parts.augment(fake, draws, 'augmentation of generated')).w),
  )
  const own: Update[] = []
  if (E.runningDeviation && encoded.deviation) {
    const next = add(E.runningDeviation, mul(sub(encoded.deviation, E.runningDeviation), STATISTIC_SHARE))
    own.push({ variable: E.runningDeviation, next })
  }
  if (parts.adapts && config.augmentation) {
    own.push({ variable: strength, next: adaptedStrength(strength, scores, config.augmentation) })
  }
  return {
    seesImages: true,
    reads: parts.weights('mapping', 'generator', 'encoder', 'discriminator'),
    updates: [...parts.optimise(total, ['discriminator', 'encoder']), ...own],
    outputs: {
      ...metrics,
      diversity: diversity(fake, real),
      ...(parts.adapts ? { augmentation: strength } : {}),
    },
  }
}

function r1Phase(parts: GanParts, draws: Draws, options: NonNullable<GanConfig['r1']>): Computation {
  const { E, D, real } = parts
  const { total, metrics } = r1Loss(real, D(E(parts.augment(real, draws)).w), options)
  return {
    seesImages: true,
    reads: parts.weights('encoder', 'discriminator'),
    updates: parts.optimise(total, ['discriminator', 'encoder']),
    outputs: metrics,
  }
}

function generatorPhase(parts: GanParts, draws: Draws): Computation {
  const { config, E, D } = parts
  const fake = parts.generate(parts.styles(draws, config.batch), draws)
  const { total, metrics } = generatorLoss(D(E(parts.augment(fake, draws)).w))
  return {
    reads: parts.weights('mapping', 'generator', 'encoder', 'discriminator'),
    updates: parts.optimise(total, ['mapping', 'generator']),
    outputs: metrics,
  }
}

function pathLengthPhase(
  parts: GanParts,
  draws: Draws,
  options: NonNullable<GanConfig['pathLength']>,
): Computation {
  const styles = parts.styles(draws, Math.max(parts.config.batch >> 1, 1))
  const images = parts.generate(styles, draws)
  const running = parts.keep('path/mean', 0)
  const directions = draws.normal('directions', images.shape)
  const pixels = parts.config.size ** 2
  const loss = pathLengthLoss(images, styles, directions, running, { ...options, pixels })
  return {
    reads: parts.weights('mapping', 'generator'),
    updates: [
      ...parts.optimise(loss.total, ['mapping', 'generator']),
      { variable: running, next: loss.runningNext },
    ],
    outputs: loss.metrics,
  }
}

/** The last of its step: the weights are averaged here. */
function reconstructionPhase(parts: GanParts, draws: Draws): Computation {
  const { config, E } = parts
  const styles = parts.styles(draws, config.batch, 0)
  const encoded = E(parts.generate(styles, draws)).w
  const { total, metrics } = reconstructionLoss(styles[0], encoded, config.latentReconstruction.weight)
  const updates = parts.optimise(total, ['mapping', 'generator', 'encoder'])
  return {
    reads: parts.weights('mapping', 'generator', 'encoder'),
    updates: [...updates, ...parts.averages(updates)],
    outputs: metrics,
  }
}

/** The generator's phase and the reconstruction on the same augmented images; the last of its step. */
function jointPhase(parts: GanParts, draws: Draws): Computation {
  const { config, E, D } = parts
  const styles = parts.styles(draws, config.batch)
  const { w } = E(parts.augment(parts.generate(styles, draws), draws))
  const adversarial = generatorLoss(D(w))
  // Of mixed styles the encoder is to find the mean.
  const total = styles.reduce((a, b) => add(a, b))
  const style = mul(total, 1 / styles.length)
  const reconstruction = reconstructionLoss(style, w, config.latentReconstruction.weight)
  const updates = [
    ...parts.optimise(add(adversarial.total, reconstruction.total), ['mapping', 'generator']),
    ...parts.optimise(reconstruction.total, ['encoder']),
  ]
  return {
    reads: parts.weights('mapping', 'generator', 'encoder', 'discriminator'),
    updates: [...updates, ...parts.averages(updates)],
    outputs: { ...adversarial.metrics, ...reconstruction.metrics },
  }
}

/**
 * Outputs: `discriminator`, `realScore`, `fakeScore`, `diversity` (near 0: collapsed), `generator`, `reconstruction` at
 * every step; `r1` and `path`, `pathLength` in some; `augmentation`, the strength, where it adapts.
 */
export function trainGan(config: GanConfig, image: ImageShape, _steps: number, seed: number): Trainable {
  const parts = new GanParts(config, image, seed)
  const { r1, pathLength, latentReconstruction } = config
  const phase = (name: string, every: number, compute: (draws: Draws) => Computation) => {
    const draws = new Draws(name)
    return { draws, every, program: parts.step(draws, compute(draws)) }
  }
  const path = pathLength
    ? [phase('path', pathLength.every, (draws) => pathLengthPhase(parts, draws, pathLength))]
    : []
  const phases = [
    phase('discriminator', 1, (draws) => discriminatorPhase(parts, draws)),
    ...(r1 ? [phase('r1', r1.every, (draws) => r1Phase(parts, draws, r1))] : []),
    ...(latentReconstruction.joint
      ? [...path, phase('generator', 1, (draws) => jointPhase(parts, draws))]
      : [
          phase('generator', 1, (draws) => generatorPhase(parts, draws)),
          ...path,
          phase('reconstruction', 1, (draws) => reconstructionPhase(parts, draws)),
        ]),
  ]
  const [first, ...later] = phases
  return {
    program: first.program,
    laterPhases: later.map(({ program, every }) => ({ program, every })),
    initialState: parts.initialState,
    parameterCount: parts.parameterCount,
    batch: config.batch,
    hasTarget: false,
    loss: 'discriminator',
    problem: (metrics) =>
      metrics.diversity < COLLAPSED
        ? {
            got: 'a generator that makes one image only',
            expected: 'images that differ',
            hint: 'it has collapsed: train again with another seed, a lower learning rate or a greater r1.gamma',
          }
        : undefined,
    drawInputs: (streams, step) => {
      const due = phases.filter(({ every }) => step % every === 0)
      return Object.fromEntries(
        due.flatMap(({ draws }) => Object.entries(draws.arrays(streams))),
      ) satisfies Arrays
    },
  }
}
