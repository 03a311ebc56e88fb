/** What the tests of the VAEs and the VQ-VAE share: PyTorch's values in the engine's layout, small images, whole trainings. */
import { readFileSync } from 'node:fs'
import { type Arrays, type NamedArray, openLocalSession, Random, type Runnable, sizeOf } from 'onnx-autodiff'
import { expect } from 'vitest'
import { z } from 'zod'
import {
  averagedWeights,
  type FeatureNetwork,
  type ImageShape,
  type Trainable,
  type Weights,
} from '../../src/models/model.js'

/** The outputs of a network for one set of inputs. */
export async function runOnce(network: Runnable, inputs: Arrays): Promise<Arrays> {
  const session = await openLocalSession(network, { threads: 1 })
  try {
    return await session.run(inputs)
  } finally {
    await session.close()
  }
}

const tensorSchema = z.object({ shape: z.array(z.int()), data: z.array(z.number()) })
export type TorchTensor = z.infer<typeof tensorSchema>
const record = z.record(z.string(), tensorSchema)
export interface TorchCase<A> {
  readonly name: string
  readonly attributes: A
  readonly inputs: Readonly<Record<string, TorchTensor>>
  readonly outputs: Readonly<Record<string, TorchTensor>>
  readonly gradients: Readonly<Record<string, TorchTensor>>
}

/** The cases of a file of test/reference. */
export function torchCases<A>(file: string, attributes: z.ZodType<A>): readonly TorchCase<A>[] {
  const text = readFileSync(new URL(`../reference/${file}`, import.meta.url), 'utf8')
  const one = z.object({ name: z.string(), attributes, inputs: record, outputs: record, gradients: record })
  return z.object({ cases: z.array(one) }).parse(JSON.parse(text)).cases
}

/** The tensor with its axes in another order. */
export function permuted({ shape, data }: TorchTensor, order: readonly number[]): TorchTensor {
  const to = order.map((axis) => shape[axis])
  const stride = (extents: readonly number[], axis: number): number => sizeOf(extents.slice(axis + 1))
  const moved = data.map((_, at) => {
    const index = to.map((extent, axis) => Math.floor(at / stride(to, axis)) % extent)
    return data[order.reduce((offset, axis, i) => offset + index[i] * stride(shape, axis), 0)]
  })
  return { shape: to, data: moved }
}

export const floats = ({ shape, data }: TorchTensor): NamedArray => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
})

/** PyTorch's images [n, c, h, w] as the engine's programs take and give them, [n, h, w, c]. */
export const batchFirst = (value: TorchTensor): TorchTensor => permuted(value, [0, 2, 3, 1])

export const bytes = (value: TorchTensor): NamedArray => {
  const { shape, data } = batchFirst(value)
  return { dtype: 'uint8', shape, data: Uint8Array.from(data) }
}

/** The largest difference in units of the largest expected value (but at least `floor`). */
export function relative(got: ArrayLike<number>, { data }: TorchTensor, floor = 1e-3): number {
  expect(got.length).toBe(data.length)
  const scale = Math.max(floor, ...data.map(Math.abs))
  return Math.max(...data.map((value, i) => Math.abs(got[i] - value))) / scale
}

/** Runs a program once over a state and closes it. */
export async function takeStep(
  { program, initialState }: Pick<Trainable, 'program' | 'initialState'>,
  state: Arrays,
  inputs: Arrays,
): Promise<{ outputs: Arrays; state: Arrays }> {
  const session = await openLocalSession(program, { threads: 1, state: { ...initialState, ...state } })
  try {
    return { outputs: await session.run(inputs), state: await session.readState() }
  } finally {
    await session.close()
  }
}

/** Sixteen images of 8x8: a bright square of 3x3 in one of sixteen places. */
export const COUNT = 16
export const grey8: ImageShape = { size: 8, channels: 1 }
export const squares = new Uint8Array(COUNT * 64)
for (let i = 0; i < COUNT; i++) {
  for (let at = 0; at < 9; at++) {
    squares[i * 64 + ((i >> 2) + Math.floor(at / 3) + 1) * 8 + (i & 3) + (at % 3) + 1] = 255
  }
}

/** Trains on the squares, all of them in every step; the metrics of each step and the averaged weights. */
export async function trainOnSquares(
  trainable: Trainable,
  steps: number,
): Promise<{ metrics: Record<string, number>[]; weights: Weights }> {
  const { program, initialState, drawInputs, hasSecondView } = trainable
  const session = await openLocalSession(program, { threads: 1, state: initialState })
  const metrics: Record<string, number>[] = []
  const image = (): NamedArray => ({ dtype: 'uint8', shape: [COUNT, 8, 8, 1], data: squares.slice() })
  const draw = (step: number): Arrays => ({
    image: image(),
    target: image(),
    ...(hasSecondView ? { second: image() } : {}),
    ...drawInputs((name) => new Random(1, `${name}/${step}`), step),
  })
  for await (const run of session.advance({ from: 0, to: steps, draw })) {
    for (const outputs of run) {
      metrics.push(
        Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])])),
      )
    }
  }
  const weights = averagedWeights(await session.readState())
  await session.close()
  return { metrics, weights }
}

/** Mean absolute difference, in 0..1. */
export const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length)
  return (
    Array.from(a, (value, i) => Math.abs(value - b[i])).reduce((sum, each) => sum + each, 0) / a.length / 255
  )
}

export function randomPixels(count: number, { size, channels }: ImageShape): Uint8Array {
  const random = new Random(1, 'pixels')
  return Uint8Array.from({ length: count * size * size * channels }, () => random.integer(256))
}

/** Rows of each output for some images. */
export async function extract(
  { program }: FeatureNetwork,
  image: ImageShape,
  pixels: Uint8Array,
): Promise<Record<string, Float32Array>> {
  const { size, channels } = image
  const count = pixels.length / (size * size * channels)
  const session = await openLocalSession(program, { threads: 1 })
  try {
    const shape = [count, size, size, channels]
    const found = await session.run({ image: { dtype: 'uint8', shape, data: pixels.slice() } })
    return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]))
  } finally {
    await session.close()
  }
}
