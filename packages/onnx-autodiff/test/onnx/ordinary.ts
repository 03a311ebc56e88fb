/** Compares a network's ordinary form with the same model code compiled for training, at several batch sizes. */
import {
  BATCH_MARKER,
  constant,
  evaluate,
  exportModel,
  input,
  inputName,
  type NamedArray,
  openLocalSession,
  type OnnxModel,
  Parameters,
  Random,
  sizeOf,
  type Tensor,
  transpose,
} from 'onnx-autodiff'
import { difference } from '../graph/values.js'
import { run } from '../run.js'

/** A network's outputs for a batch of n; inputs are whatever `input` tensors it reads. */
export interface Built {
  readonly inputs: readonly Tensor[]
  readonly outputs: Readonly<Record<string, Tensor>>
}
export type Build = (p: Parameters, n: number) => Built

/** A model of one image input [height, width, n, channels] and one output. */
export const onImage =
  (apply: (x: Tensor, p: Parameters) => Tensor, [h, w, c] = [6, 5, 4]): Build =>
  (p, n) => {
    const image = input('image', [h, w, n, c])
    return { inputs: [image], outputs: { y: apply(image, p) } }
  }

/** A model of one input of rows [n, columns] and one output. */
export const onRows =
  (apply: (x: Tensor, p: Parameters) => Tensor, columns = 6): Build =>
  (p, n) => {
    const rows = input('rows', [n, columns])
    return { inputs: [rows], outputs: { y: apply(rows, p) } }
  }

/** Random values for every parameter (variances positive): initial values of ones and zeros would hide mistakes. */
export function values(p: Parameters): Record<string, NamedArray> {
  return Object.fromEntries(
    p.all().map((tensor): [string, NamedArray] => {
      const name = inputName(tensor)
      const data = new Random(5, name).fillNormal(new Float32Array(sizeOf(tensor.shape)))
      return [
        name,
        {
          dtype: 'float32',
          shape: tensor.shape,
          data: name.endsWith('var') ? data.map((x) => x * x + 0.1) : data,
        },
      ]
    }),
  )
}

export function exported(build: Build): { model: OnnxModel; parameters: Record<string, NamedArray> } {
  const p = new Parameters('evaluate')
  const parts = build(p, BATCH_MARKER)
  const parameters = values(p)
  return { model: exportModel({ ...parts, parameters }), parameters }
}

/** Stored as [n, c, h, w]: a float32 tensor [h, w, n, c], given with the marker for n. */
const isImage = ({ shape, dtype }: Tensor): boolean =>
  shape.length === 4 &&
  dtype === 'float32' &&
  shape.every((extent, axis) => axis === 2 || extent % BATCH_MARKER !== 0)

function moved(
  { shape }: Tensor,
  data: ArrayLike<number>,
  order: readonly number[],
): { shape: number[]; data: Float64Array } {
  const tensor = transpose(constant(data, shape), order)
  return { shape: [...tensor.shape], data: evaluate([tensor])[0] }
}
const toNchw = (tensor: Tensor, data: ArrayLike<number>) => moved(tensor, data, [2, 3, 0, 1])

function drawn(tensor: Tensor, n: number): Float64Array {
  const random = new Random(n, inputName(tensor))
  const size = sizeOf(tensor.shape)
  if (tensor.dtype === 'float32') return Float64Array.from(random.fillNormal(new Float32Array(size)))
  return Float64Array.from({ length: size }, () => random.integer(tensor.dtype === 'uint8' ? 256 : 4))
}

/**
 * The largest difference between the two forms over all batch sizes, in units of 1 + the largest value; one exported
 * model serves all sizes. Shapes that differ count as infinite.
 */
export async function worstDifference(build: Build, batches: readonly number[] = [3, 1]): Promise<number> {
  const marked = build(new Parameters('evaluate'), BATCH_MARKER)
  const registry = new Parameters('evaluate')
  const program = { ...build(registry, BATCH_MARKER), parameters: values(registry) }
  const session = await openLocalSession(program, { threads: 1 })
  let worst = 0
  for (const n of batches) {
    const p = new Parameters('evaluate')
    const { inputs, outputs } = build(p, n)
    const feeds: Record<string, ArrayLike<number>> = Object.fromEntries(
      Object.entries(values(p)).map(([name, { data }]) => [name, data as Float32Array]),
    )
    const arrays: Record<string, NamedArray> = {}
    inputs.forEach((tensor, i) => {
      const data = drawn(tensor, n)
      feeds[inputName(tensor)] = data
      const laid = isImage(marked.inputs[i]) ? toNchw(tensor, data) : { shape: tensor.shape, data }
      const ArrayType = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array }[
        tensor.dtype
      ]
      arrays[inputName(tensor)] = { dtype: tensor.dtype, shape: laid.shape, data: ArrayType.from(laid.data) }
    })
    const found = await session.run(arrays)
    const expected = await run(Object.values(outputs), feeds)
    Object.entries(outputs).forEach(([name, tensor], i) => {
      const laid = isImage(marked.outputs[name])
        ? toNchw(tensor, expected[i])
        : { shape: tensor.shape, data: expected[i] }
      const shapesAgree = found[name].shape.join() === laid.shape.join()
      worst = Math.max(
        worst,
        shapesAgree ? difference(found[name].data as Float32Array, laid.data) : Infinity,
      )
    })
  }
  await session.close()
  return worst
}
