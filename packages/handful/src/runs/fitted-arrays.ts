/** A normalisation and a head's parameters as named arrays, as safetensors files of a run hold them. */
import type { NamedArray } from 'onnx-autodiff'
import { z } from 'zod'
import type { Normalisation } from '../features/normalise.js'
import { PREDICTOR_KINDS, type PredictorParameters } from '../heads/head.js'
import type { UnlikeParameters } from '../heads/unlike.js'
import { matrixArray, matrixOf } from '../numerics/matrix.js'

type Arrays = Readonly<Record<string, NamedArray>>

const HEAD = 'head.'

/** What is kept of a head beside its arrays. */
export const headSchema = z.object({
  kind: z.enum(PREDICTOR_KINDS),
  settings: z.record(z.string(), z.union([z.number(), z.string()])),
  get factors() {
    return z.array(z.object({ weight: z.number(), head: headSchema })).optional()
  },
})

export type StoredHead = z.infer<typeof headSchema>

const vectorArray = (data: Float32Array): NamedArray => ({ dtype: 'float32', shape: [data.length], data })

export const normalisationArrays = ({ centre, projection, explained }: Normalisation): Arrays => ({
  'normalisation.centre': vectorArray(centre),
  'normalisation.projection': matrixArray(projection),
  'normalisation.explained': vectorArray(explained),
})

export const normalisationOf = (arrays: Arrays): Normalisation => ({
  kind: 'normalisation',
  centre: arrays['normalisation.centre'].data as Float32Array,
  projection: matrixOf(arrays['normalisation.projection']),
  explained: arrays['normalisation.explained'].data as Float32Array,
})

const CLOSENESS = 'unlike.closeness'
const REACH = 'unlike.reach'

export const unlikeArrays = ({ closeness, reach }: UnlikeParameters): Arrays => ({
  [CLOSENESS]: vectorArray(closeness),
  [REACH]: vectorArray(reach),
})

export const unlikeOf = (settings: UnlikeParameters['settings'], arrays: Arrays): UnlikeParameters => ({
  settings,
  closeness: arrays[CLOSENESS].data as Float32Array,
  reach: arrays[REACH].data as Float32Array,
})

export const headSettings = ({ kind, settings, factors }: PredictorParameters): StoredHead => ({
  kind,
  settings: { ...settings },
  factors: factors?.map(({ weight, parameters }) => ({ weight, head: headSettings(parameters) })),
})

/** Arrays of a product's factors have the factor's place in their names. */
export const headArrays = ({ arrays, factors = [] }: PredictorParameters, prefix = HEAD): Arrays =>
  Object.assign(
    Object.fromEntries(
      Object.entries(arrays).map(([name, array]) => [`${prefix}${name}`, matrixArray(array)]),
    ),
    ...factors.map(({ parameters }, i) => headArrays(parameters, `${prefix}${i}.`)),
  ) as Arrays

export const headOf = (
  { kind, settings, factors }: StoredHead,
  classCount: number,
  arrays: Arrays,
  prefix = HEAD,
): PredictorParameters => ({
  kind,
  classCount,
  settings,
  arrays:
    factors === undefined
      ? Object.fromEntries(
          Object.entries(arrays)
            .filter(([name]) => name.startsWith(prefix))
            .map(([name, array]) => [name.slice(prefix.length), matrixOf(array)]),
        )
      : {},
  factors: factors?.map(({ weight, head }, i) => ({
    weight,
    parameters: headOf(head, classCount, arrays, `${prefix}${i}.`),
  })),
})
