/** Reads the values that PyTorch computed (bench/reference), and turns its layouts into the engine's. */
import { readFileSync } from 'node:fs'
import { type Shape, sizeOf, transpose, constant, evaluate } from 'onnx-autodiff'
import { z } from 'zod'

const tensor = z
  .object({ shape: z.array(z.int().nonnegative()), data: z.array(z.number()) })
  .refine(({ shape, data }) => sizeOf(shape) === data.length, 'as many elements as the shape holds')

const pair = z.tuple([z.int(), z.int()])

const form = z.object({
  cases: z
    .array(
      z.object({
        name: z.string(),
        attributes: z.object({
          operation: z.string().optional(),
          stride: pair.optional(),
          padding: z.tuple([pair, pair]).optional(),
          outputPadding: pair.optional(),
          dilation: pair.optional(),
          groups: z.int().optional(),
          negativeSlope: z.number().optional(),
          target: z.number().optional(),
        }),
        inputs: z.record(z.string(), tensor),
        outputs: z.record(z.string(), tensor),
        gradients: z.record(z.string(), tensor),
      }),
    )
    .min(1),
})

export type TorchTensor = z.infer<typeof tensor>
export type TorchCase = z.infer<typeof form>['cases'][number]

/** The cases of one file of test/reference. */
export const torchCases = (file: string): TorchCase[] =>
  form.parse(JSON.parse(readFileSync(new URL(`../reference/${file}`, import.meta.url), 'utf8'))).cases

/** The same elements with axis i taken from axis order[i]. */
export function permuted(
  { shape, data }: TorchTensor,
  order: readonly number[],
): { shape: Shape; data: Float64Array } {
  const moved = transpose(constant(data, shape), order)
  return { shape: moved.shape, data: evaluate([moved])[0] }
}

/** NCHW to [height, width, batch, channels]. */
export const image = (x: TorchTensor) => permuted(x, [2, 3, 0, 1])
/** [out, in / groups, kh, kw] to [kh, kw, in / groups, out]; of a transposed convolution [in, out / groups, kh, kw] likewise. */
export const filter = (w: TorchTensor) => permuted(w, [2, 3, 1, 0])
