/**
 * What models with a single loss share of a training step: AdamW with a schedule, averaged weights, the count of steps,
 * and all of it as one description.
 */
import {
  adamW,
  add,
  type Arrays,
  clipByGlobalNorm,
  constantRate,
  cosineDecay,
  ema,
  gradients,
  input,
  type Parameters,
  type Tensor,
  type Update,
  warmUp,
} from 'onnx-autodiff'
import { z } from 'zod'
import type { Trainable } from './model.js'

/** Settings of the optimiser, for a model's configuration. */
export const optimiserFields = {
  batch: z.int().min(1),
  learningRate: z.number().positive(),
  /** After the warm-up the rate stays as it is, or falls to nothing at the last step along half a cosine. */
  schedule: z.enum(['constant', 'cosine']),
  weightDecay: z.number().min(0),
  warmUpSteps: z.int().min(0),
  /** Half-life of the averaged weights, as a share of all steps; 0 takes the last weights as they are. */
  emaHalfLife: z.number().min(0),
}

/** For minutes on two cores. */
export const quickOptimiser = {
  batch: 128,
  learningRate: 2e-3,
  schedule: 'cosine',
  weightDecay: 1e-4,
  warmUpSteps: 50,
  emaHalfLife: 0.02,
} as const

/** How a model's parameters are optimised: AdamW with warm-up, a schedule, clipping and averaged weights. */
export interface Optimisation {
  readonly learningRate: number
  readonly schedule: 'constant' | 'cosine'
  readonly weightDecay: number
  readonly warmUpSteps: number
  /** Largest norm of all gradients together; 0 leaves them alone. */
  readonly clipNorm?: number
  /** See `optimiserFields`; or a decay that changes with the steps done, this one included. */
  readonly emaHalfLife: number | ((now: Tensor) => Tensor | number)
}

/** Decay of an average whose half-life is this share of all steps, and one step at the least. */
export const halfLifeDecay = (share: number, steps: number): number => 0.5 ** (1 / Math.max(share * steps, 1))

/** What a model's training step is made of, before the optimiser is added. */
export interface TrainingStep {
  readonly parameters: Parameters
  readonly inputs: readonly Tensor[]
  /** Among the outputs under the name `loss`. */
  readonly loss: Tensor
  readonly metrics: Readonly<Record<string, Tensor>>
  /** State of the model's own beside its parameters and their buffers, and what it starts from. */
  readonly updates?: readonly Update[]
  readonly initialState?: Arrays
}

/** One step, with its state at the start. Parameters begin as `seed` has it. */
export function trainingStep(
  { parameters: p, inputs, loss, metrics, updates = [], initialState = {} }: TrainingStep,
  { learningRate, schedule, weightDecay, warmUpSteps, clipNorm = 0, emaHalfLife }: Optimisation,
  steps: number,
  seed: number,
): Pick<Trainable, 'program' | 'initialState' | 'parameterCount' | 'loss'> {
  const step = input('step', [])
  const now = add(step, 1)
  const after = schedule === 'cosine' ? cosineDecay(learningRate, steps) : constantRate(learningRate)
  const rate = warmUp(learningRate, warmUpSteps, after)(now)
  const parameters = p.trained()
  const initial = p.initialize(seed)
  const found = gradients(loss, parameters)
  const optimised = adamW(
    { parameters, gradients: clipNorm > 0 ? clipByGlobalNorm(found, clipNorm).clipped : found },
    { rate, weightDecay, step: now },
  )
  const changed = [...optimised.updates, ...p.bufferUpdates()]
  const averaged = ema(changed, initial, { decay: emaDecay(emaHalfLife, now, steps) })
  return {
    program: {
      inputs,
      state: [{ variable: step, next: now }, ...changed, ...averaged.updates, ...updates],
      outputs: { loss, ...metrics },
    },
    initialState: {
      step: { dtype: 'float32', shape: [], data: new Float32Array(1) },
      ...initial,
      ...optimised.initialState,
      ...averaged.initialState,
      ...initialState,
    },
    parameterCount: p.count,
    loss: 'loss',
  }
}

function emaDecay(halfLife: Optimisation['emaHalfLife'], now: Tensor, steps: number): number | Tensor {
  if (typeof halfLife !== 'number') return halfLife(now)
  return halfLife > 0 ? halfLifeDecay(halfLife, steps) : 0
}
