/** Reference values of PyTorch as the engine takes them: axes moved, and how far what was found lies from them. */
import { readFileSync } from 'node:fs'
import { type Arrays, BATCH_MARKER, input, openLocalSession, Parameters, type Session } from 'onnx-autodiff'
import { expect } from 'vitest'
import { z } from 'zod'
import { denoiser, embeddingSize, type UNetConfig } from '../../src/models/denoising/unet.js'
import type { ImageShape } from '../../src/models/model.js'

const tensorSchema = z.object({ shape: z.array(z.int()), data: z.array(z.number()) })
export type TorchTensor = z.infer<typeof tensorSchema>
const record = z.record(z.string(), tensorSchema)
const caseSchema = z.object({
  attributes: z.looseObject({ levels: z.array(z.number()) }),
  inputs: record,
  outputs: record,
  gradients: record,
})

/** The cases of a file of ../reference. */
export function torchCases(name: string): z.infer<typeof caseSchema>[] {
  const text = readFileSync(new URL(`../reference/${name}.json`, import.meta.url), 'utf8')
  return z.object({ cases: z.array(caseSchema) }).parse(JSON.parse(text)).cases
}

/** The tensor with its axes in another order. */
export function permuted({ shape, data }: TorchTensor, order: readonly number[]): TorchTensor {
  const to = order.map((axis) => shape[axis])
  const stride = (extents: readonly number[], axis: number): number =>
    extents.slice(axis + 1).reduce((a, b) => a * b, 1)
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

export const floats = ({ shape, data }: TorchTensor): Arrays[string] => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
})

/** The largest difference in units of the largest expected value. */
export function relative(got: ArrayLike<number>, { data }: TorchTensor): number {
  const scale = Math.max(...data.map(Math.abs))
  expect(got.length).toBe(data.length)
  return Math.max(...data.map((value, i) => Math.abs(got[i] - value))) / scale
}

/** A denoising network alone: what it predicts of `x` [h, w, n, channels], told `told` [n, embedding]. */
export async function openDenoiser(config: UNetConfig, image: ImageShape, weights: Arrays): Promise<Session> {
  const x = input('x', [image.size, image.size, BATCH_MARKER, image.channels])
  const told = input('told', [BATCH_MARKER, embeddingSize(config)])
  const { prediction } = denoiser(new Parameters('evaluate'), config, image)(x, told)
  return openLocalSession({ inputs: [x, told], outputs: { prediction }, parameters: weights }, { threads: 1 })
}
