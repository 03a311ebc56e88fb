/** A normalisation and a head's parameters as named arrays, as safetensors files of a run hold them. */
import type { NamedArray } from 'onnx-autodiff'
import { z } from 'zod'
import type { Normalisation } from '../features/normalise.js'
import type { PredictorParameters } from '../heads/head.js'
import { matrixArray, matrixOf } from '../numerics/matrix.js'

type Arrays = Readonly<Record<string, NamedArray>>

const HEAD = 'head.'

/** What is kept of a head beside its arrays. */
export const headSchema = z.object({
  kind: z.enum(['linear', 'mlp', 'neighbours']),
  settings: z.record(z.string(), z.union([z.number(), z.string()])),
})

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

export const headArrays = ({ arrays }: PredictorParameters): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`${HEAD}${name}`, matrixArray(array)]))

export const headOf = (
  { kind, settings }: z.infer<typeof headSchema>,
  classCount: number,
  arrays: Arrays,
): PredictorParameters => ({
  kind,
  classCount,
  settings,
  arrays: Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(HEAD))
      .map(([name, array]) => [name.slice(HEAD.length), matrixOf(array)]),
  ),
})
