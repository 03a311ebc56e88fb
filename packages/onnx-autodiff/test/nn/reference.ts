/** PyTorch's values (bench/reference) for layers and optimisers: reading them, and comparing with both evaluations. */
import { readFileSync } from 'node:fs'
import { evaluate, input, type NamedArray, sizeOf, type Tensor } from 'onnx-autodiff'
import { expect } from 'vitest'
import { z } from 'zod'
import { difference } from '../graph/values.js'
import { type Feeds, runInParts } from '../run.js'
import { filter, image, permuted, type TorchTensor } from '../spatial/torch.js'

const tensor = z
  .object({ shape: z.array(z.int().nonnegative()), data: z.array(z.number()) })
  .refine(({ shape, data }) => sizeOf(shape) === data.length, 'as many elements as the shape holds')

const form = z.object({
  cases: z
    .array(
      z.object({
        name: z.string(),
        attributes: z.looseObject({ operation: z.string().optional() }),
        inputs: z.record(z.string(), tensor),
        outputs: z.record(z.string(), tensor),
        gradients: z.record(z.string(), tensor).default({}),
      }),
    )
    .min(1),
})

export type Case = z.infer<typeof form>['cases'][number]
export interface Laid {
  readonly shape: readonly number[]
  readonly data: Float64Array
}
export type Layout = (value: TorchTensor) => Laid

export const cases = (file: string): Case[] =>
  form.parse(JSON.parse(readFileSync(new URL(`../reference/${file}`, import.meta.url), 'utf8'))).cases

export const plain: Layout = ({ shape, data }) => ({ shape, data: Float64Array.from(data) })
/** NCHW to the engine's layout; what has no spatial axes stays as it is. */
export const imageOrPlain: Layout = (value) => (value.shape.length === 4 ? image(value) : plain(value))
/** A PyTorch parameter in the engine's layout: filters [kh, kw, in, out], linear weights [in, out]. */
export const parameter: Layout = (value) =>
  value.shape.length === 4 ? filter(value) : value.shape.length === 2 ? permuted(value, [1, 0]) : plain(value)

export const array = ({ shape, data }: Laid): NamedArray => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
})

/** An attribute of a case, checked. */
export function attribute<T>({ name, attributes }: Case, key: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(attributes[key])
  if (!parsed.success) throw new Error(`reference case "${name}" (${key}): ${parsed.error.message}`)
  return parsed.data
}
export const number = (each: Case, key: string): number => attribute(each, key, z.number())
export const pair = (each: Case, key: string): [number, number] =>
  attribute(each, key, z.tuple([z.number(), z.number()]))

/** Input tensors named `<case>.<input>`, and their values added to `feeds`. */
export function inputs(
  each: Case,
  layout: Layout,
  feeds: Record<string, Float64Array>,
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(each.inputs).map(([key, value]) => {
      const { shape, data } = layout(value)
      feeds[`${each.name}.${key}`] = data
      return [key, input(`${each.name}.${key}`, shape, key === 'labels' ? 'int32' : 'float32')]
    }),
  )
}

export interface Row {
  readonly name: string
  readonly tensor: Tensor
  readonly expected: Laid
}

/** The reference's rows for the gradients of a case. */
export const gradientRows = (
  each: Case,
  layout: Layout,
  names: readonly string[],
  found: readonly Tensor[],
): Row[] =>
  names.map((key, i) => ({
    name: `${each.name}: d${key}`,
    tensor: found[i],
    expected: layout(each.gradients[key]),
  }))

/** Every row against PyTorch, in double precision by the interpreter and in single precision by onnxruntime. */
export async function compare(
  rows: readonly Row[],
  feeds: Feeds,
  [double, single] = [1e-6, 2e-5],
): Promise<void> {
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.map(({ name, tensor }) => [name, tensor.shape])).toEqual(
    rows.map(({ name, expected }) => [name, expected.shape]),
  )
  const tensors = rows.map((row) => row.tensor)
  const inDouble = evaluate(tensors, feeds)
  const inSingle = await runInParts(tensors, feeds)
  const wrong = rows.flatMap(({ name, expected: { data } }, i) => {
    const errors = [difference(inDouble[i], data), difference(inSingle[i], data)]
    return errors[0] <= double && errors[1] <= single
      ? []
      : [`${name}: ${errors.map((error) => error.toExponential(1)).join(', ')}`]
  })
  expect(wrong).toEqual([])
}
