/** Reference values of PyTorch as the engine takes them: axes moved, and how far what was found lies from them. */
import { readFileSync } from 'node:fs'
import {
  type Arrays,
  BATCH_MARKER,
  input,
  type NamedArray,
  openLocalSession,
  Parameters,
  type Session,
  sizeOf,
} from 'onnx-autodiff'
import { expect } from 'vitest'
import { z } from 'zod'
import { denoiser, embeddingSize, type UNetConfig } from '../../src/models/denoising/unet.js'
import type { ImageShape } from '../../src/models/model.js'

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

/** PyTorch's filters are [out, in, h, w] and its matrices [out, in]. */
export const parameter = (value: TorchTensor): TorchTensor =>
  value.shape.length === 4
    ? permuted(value, [2, 3, 1, 0])
    : value.shape.length === 2
      ? permuted(value, [1, 0])
      : value

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

/** Noise levels of a case's images, 0 to 1000. */
export const levels = z.looseObject({ levels: z.array(z.number()) })

/** A training step of a denoising model against a case: the error of each image of three, the loss, the gradients that there are. */
export function checkDenoisingStep(
  found: Arrays,
  state: Arrays,
  { outputs, gradients }: Pick<TorchCase<unknown>, 'outputs' | 'gradients'>,
): void {
  // A batch of three: its thirds are its images.
  const errors = ['lowNoise', 'middleNoise', 'highNoise'].map((name) => Number(found[name].data[0]))
  expect(relative(errors, outputs.errors)).toBeLessThan(1e-4)
  expect(relative(found.loss.data as Float32Array, outputs.loss)).toBeLessThan(1e-4)
  // The optimiser keeps m / (1 - beta1), which is the gradient itself after the first step.
  const moment = (name: string): Float32Array => state[`adam/m/${name}`].data as Float32Array
  const wrong = Object.entries(gradients)
    .map(([name, expected]) => [name, relative(moment(name), parameter(expected))] as const)
    .filter(([, error]) => !(error < 1e-4))
  expect(wrong).toEqual([])
}

/** A denoising network alone: what it predicts of `x` [h, w, n, channels], told `told` [n, embedding]. */
export async function openDenoiser(config: UNetConfig, image: ImageShape, weights: Arrays): Promise<Session> {
  const x = input('x', [image.size, image.size, BATCH_MARKER, image.channels])
  const told = input('told', [BATCH_MARKER, embeddingSize(config)])
  const { prediction } = denoiser(new Parameters('evaluate'), config, image)(x, told)
  return openLocalSession({ inputs: [x, told], outputs: { prediction }, parameters: weights }, { threads: 1 })
}
