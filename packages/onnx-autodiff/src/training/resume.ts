/** A training that goes on: all that a loop over epochs stands at, as a checkpoint holds it. */
import { z } from 'zod'
import type { Arrays } from '../arrays.js'
import { loadCheckpoint, saveCheckpoint } from '../runtime/checkpoint.js'
import type { Callback, Epoch } from './epoch.js'

/** What a training has to have in common with the one that it goes on from, beside its parameters. */
export interface TrainingSettings {
  readonly seed: number
  readonly batchSize: number
  readonly shuffle: boolean
  /** How many there are. */
  readonly examples: number
}

/** Where a training stands after an epoch. */
export interface Standing {
  readonly epoch: number
  readonly step: number
  /** Whether a callback has ended it. */
  readonly stopped: boolean
  readonly history: readonly Epoch[]
  /** Parameters, buffers, what the optimiser keeps. */
  readonly state: Arrays
}

/** Any number as JSON can hold it: what is not finite as its name. */
export const exactNumber = (value: number): number | string =>
  Number.isFinite(value) ? value : String(value)
export const exactNumberSchema = z.union([
  z.number(),
  z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number),
])

const metricsSchema = z.record(z.string(), exactNumberSchema)
const standingSchema = z.object({
  settings: z.strictObject({
    seed: z.number(),
    batchSize: z.number(),
    shuffle: z.boolean(),
    examples: z.number(),
  }),
  epoch: z.int().min(1),
  step: z.int().min(1),
  stopped: z.boolean(),
  history: z.array(
    z.object({
      epoch: z.int(),
      step: z.int(),
      training: metricsSchema,
      validation: metricsSchema.optional(),
    }),
  ),
  /** Of each callback that keeps something. */
  callbacks: z.array(z.object({ json: z.unknown() })),
})

/** Names of arrays: the training's own, and those of the callback at a place. */
const STATE = 'state/'
const ofCallback = (place: number): string => `callback ${place}/`

const below = (prefix: string, arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]))
const found = (prefix: string, arrays: Arrays): Arrays =>
  Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), array]),
  )

const jsonOf = (metrics: Readonly<Record<string, number>>): Record<string, number | string> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, exactNumber(value)]))

/** Saves where a training stands as the newest checkpoint of a folder. @throws Error as `saveCheckpoint` */
export async function saveTraining(
  folder: string,
  settings: TrainingSettings,
  { state, history, ...place }: Standing,
  callbacks: readonly Callback[],
): Promise<void> {
  const kept = callbacks.flatMap(({ save }) => save?.() ?? [])
  const json = {
    settings,
    ...place,
    history: history.map(({ training, validation, ...epoch }) => ({
      ...epoch,
      training: jsonOf(training),
      ...(validation ? { validation: jsonOf(validation) } : {}),
    })),
    callbacks: kept.map(({ json }) => ({ json })),
  }
  const arrays = Object.assign(
    below(STATE, state),
    ...kept.map(({ arrays = {} }, i) => below(ofCallback(i), arrays)),
  ) as Arrays
  await saveCheckpoint(folder, { arrays, json })
}

/**
 * Where the newest checkpoint of a folder stands, callbacks set to what they were; undefined where there is none.
 *
 * @param begun the state that the training would begin with
 * @throws RangeError where it is of another training
 */
export async function loadTraining(
  folder: string,
  settings: TrainingSettings,
  begun: Arrays,
  callbacks: readonly Callback[],
): Promise<Standing | undefined> {
  const checkpoint = await loadCheckpoint(folder)
  if (checkpoint === undefined) return undefined
  const refuse = (got: string, expected: string): never => {
    throw new RangeError(
      `checkpoints (train, ${checkpoint.path}): got ${got}, expected ${expected}; name another folder, or remove this one`,
    )
  }
  const parsed = standingSchema.safeParse(checkpoint.json)
  if (!parsed.success) return refuse('those of something else', "a training's")
  const { settings: before, callbacks: kept, ...place } = parsed.data
  for (const name of Object.keys(settings) as (keyof TrainingSettings)[])
    if (before[name] !== settings[name]) refuse(`${name} ${before[name]}`, String(settings[name]))
  const state = found(STATE, checkpoint.arrays)
  const shapes = (arrays: Arrays): string[] =>
    Object.entries(arrays).map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape.join(', ')}]`)
  const [there, wanted] = [shapes(state), shapes(begun)]
  const other = there.find((one) => !wanted.includes(one))
  const missing = wanted.find((one) => !there.includes(one))
  if (other !== undefined || missing !== undefined)
    return refuse(other ?? `nothing`, missing ?? 'nothing of that name')
  const keeping = callbacks.filter(({ save }) => save !== undefined)
  if (kept.length !== keeping.length)
    return refuse(`${kept.length} callbacks that keep something`, `${keeping.length}, in the same order`)
  keeping.forEach(({ load }, i) =>
    load?.({ json: kept[i].json, arrays: found(ofCallback(i), checkpoint.arrays) }),
  )
  return { ...place, state }
}
