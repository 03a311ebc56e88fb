/**
 * The spatial map: one constant matrix along the height and one along the width of a tensor [height, width, ...].
 * Padding, striding, flipping, pooling, resampling and the transforms of fast convolutions are all of this kind. Its
 * gradient is the map by the transposed matrices; two in a row are one, by the product of the matrices.
 */
import { shapeError, sizeOf } from '../graph/shape.js'
import {
  apply1,
  checkFloat,
  type Emitter,
  type OrdinaryEmitter,
  type Primitive,
  type PrimitiveNode,
  type Tensor,
  useOf,
} from '../graph/tensor.js'
import {
  asBlockSum,
  asSelection,
  isIdentity,
  multiply,
  scaled,
  type SpatialMatrix,
  transposed,
  commonFactor,
} from './matrix.js'

interface MapAttributes {
  readonly height: SpatialMatrix
  readonly width: SpatialMatrix
}

const mapPrimitive: Primitive<MapAttributes> = {
  name: 'spatialMap',
  shape: ([x], { height, width }) => {
    checkFloat('spatialMap', x)
    const [h, w, ...rest] = x.shape
    if (x.shape.length < 3 || h !== height.columns || w !== width.columns) {
      const expected = `a tensor [${height.columns}, ${width.columns}, ...] for maps of these sizes`
      shapeError('spatialMap', [x.shape], expected)
    }
    return [{ shape: [height.rows, width.rows, ...rest], dtype: 'float32' }]
  },
  emit: (emitter, [x], node) => [emitMap(emitter, x, node)],
  ordinary: (emitter, { inputs: [x], attributes: { height, width } }) =>
    x.shape.length === 4 ? [ordinaryMap(emitter, emitter.get(x, 'nchw'), height, width), 'nchw'] : undefined,
  gradient: ({ attributes: { height, width } }, [dy]) => [
    dy ? spatialMap(dy, transposed(height), transposed(width)) : null,
  ],
  reference: ([{ shape, data }], { attributes: { height, width } }) => {
    const [h, w, ...rest] = shape
    const inner = sizeOf(rest)
    const result = new Float64Array(height.rows * width.rows * inner)
    for (let i = 0; i < height.rows; i++) {
      for (let j = 0; j < width.rows; j++) {
        for (let p = 0; p < h; p++) {
          for (let q = 0; q < w; q++) {
            const factor = height.data[i * h + p] * width.data[j * w + q]
            if (factor === 0) continue
            const from = (p * w + q) * inner
            const to = (i * width.rows + j) * inner
            for (let k = 0; k < inner; k++) result[to + k] += factor * data[from + k]
          }
        }
      }
    }
    return [result]
  },
  simplify: (node, uses) => {
    const { height, width } = node.attributes
    const [x] = node.inputs
    if (isIdentity(height) && isIdentity(width)) return x
    return fold(node, uses)
  },
  key: ({ height, width }) => `${height.key}|${width.key}`,
}

/** Joins a map with the one before it where that saves work. */
function fold(
  { inputs: [x], attributes: outer }: PrimitiveNode<MapAttributes>,
  uses: (tensor: Tensor) => number,
): Tensor | undefined {
  const before = useOf(x, mapPrimitive)
  if (!before) return undefined
  const inner = before.attributes
  const source = before.inputs[0]
  const height = multiply(outer.height, inner.height)
  const width = multiply(outer.width, inner.width)
  const alone = uses(x) === 1
  const apart = cost(outer) + (alone ? cost(inner) : 0)
  return cost({ height, width }) <= apart ? spatialMap(source, height, width) : undefined
}

/** Memory traffic and multiplications of a map, in elements of one channel (a dense product of k terms costs about k / 32 passes). */
export function cost({ height, width }: MapAttributes): number {
  const pass = (m: SpatialMatrix, other: number): number =>
    isIdentity(m)
      ? 0
      : other * (m.rows + m.columns + (asSelection(m) || asBlockSum(m) ? 0 : (m.rows * m.columns) / 32))
  return Math.min(
    pass(height, width.columns) + pass(width, height.rows),
    pass(width, height.columns) + pass(height, width.rows),
  )
}

const multiplications = (m: SpatialMatrix): number => (isIdentity(m) ? 0 : m.rows * m.columns)

/** Applies a matrix along the height and one along the width of [height, width, ...]. */
export const spatialMap = (x: Tensor, height: SpatialMatrix, width: SpatialMatrix): Tensor =>
  apply1(mapPrimitive, [x], { height, width })

function emitMap(
  emitter: Emitter,
  x: string,
  {
    inputs: [input],
    attributes,
    outputs: [y],
  }: Pick<PrimitiveNode<MapAttributes>, 'inputs' | 'attributes' | 'outputs'>,
): string {
  const [h, w, ...rest] = input.shape
  const inner = sizeOf(rest)
  const { height, width } = attributes
  const rows = asSelection(height)
  const columns = asSelection(width)
  const out = (name: string): string => emitter.node('Reshape', [name, emitter.ints(y.shape)])

  // Picking pixels along both axes is one Gather of blocks.
  if (rows && columns) {
    const index = rows.flatMap((i) => columns.map((j) => i * w + j))
    const flat = emitter.node('Reshape', [x, emitter.ints([h * w, inner])])
    return out(emitter.node('Gather', [flat, emitter.int32s(index, [index.length])], { axis: 0 }))
  }
  // A repeated pixel that is also scaled: scale the smaller side first.
  const factorH = commonFactor(height)
  const factorW = commonFactor(width)
  if (factorH !== undefined && factorW !== undefined && factorH * factorW !== 1) {
    const plainH = scaled(height, 1 / factorH)
    const plainW = scaled(width, 1 / factorW)
    if (asSelection(plainH) && asSelection(plainW)) {
      const small = emitter.node('Mul', [x, emitter.float(factorH * factorW)])
      return emitMap(emitter, small, {
        inputs: [input],
        attributes: { height: plainH, width: plainW },
        outputs: [y],
      })
    }
  }

  const alongHeight = (name: string, fromH: number, currentW: number): string => {
    if (isIdentity(height)) return name
    const flat = [fromH, currentW * inner]
    const sum = asBlockSum(height)
    if (sum) {
      const blocks = emitter.node('Reshape', [name, emitter.ints([height.rows, sum.length, flat[1]])])
      return emitBlockSum(emitter, blocks, sum)
    }
    const source = emitter.node('Reshape', [name, emitter.ints(flat)])
    return emitter.node('MatMul', [emitter.floats(height.data, [height.rows, height.columns]), source])
  }
  const alongWidth = (name: string, currentH: number): string => {
    if (isIdentity(width)) return name
    const sum = asBlockSum(width)
    if (sum) {
      const blocks = emitter.node('Reshape', [name, emitter.ints([currentH * width.rows, sum.length, inner])])
      return emitBlockSum(emitter, blocks, sum)
    }
    const source = emitter.node('Reshape', [name, emitter.ints([currentH, w, inner])])
    return emitter.node('MatMul', [emitter.floats(width.data, [width.rows, width.columns]), source])
  }
  const heightFirst =
    multiplications(height) * w + multiplications(width) * height.rows <=
    multiplications(width) * h + multiplications(height) * width.rows
  return out(
    heightFirst
      ? alongWidth(alongHeight(x, h, w), height.rows)
      : alongHeight(alongWidth(x, h), h, width.rows),
  )
}

/** [n, length, inner] -> [n, inner]. */
function emitBlockSum(
  emitter: Emitter,
  blocks: string,
  { length, coefficient }: { length: number; coefficient: number },
): string {
  const op = Math.abs(coefficient * length - 1) < 1e-12 ? 'ReduceMean' : 'ReduceSum'
  const reduced = emitter.node(op, [blocks, emitter.ints([1])], { keepdims: 0 })
  return op === 'ReduceMean' || coefficient === 1
    ? reduced
    : emitter.node('Mul', [reduced, emitter.float(coefficient)])
}

/** In the ordinary form: pooling or repeating where it is that, else products with the matrices. */
function ordinaryMap(
  emitter: OrdinaryEmitter,
  x: string,
  height: SpatialMatrix,
  width: SpatialMatrix,
): string {
  if (isIdentity(height) && isIdentity(width)) return x
  const [sumH, sumW] = [height, width].map((m) =>
    isIdentity(m) ? { length: 1, coefficient: 1 } : asBlockSum(m),
  )
  const isMean = (sum?: { length: number; coefficient: number }): boolean =>
    sum !== undefined && Math.abs(sum.length * sum.coefficient - 1) < 1e-12
  if (sumH && sumW && isMean(sumH) && isMean(sumW)) {
    const kernel = [sumH.length, sumW.length]
    return emitter.node('AveragePool', [x], { kernel_shape: kernel, strides: kernel })
  }
  const repeats = (m: SpatialMatrix): number | undefined => {
    const from = asSelection(m)
    const factor = m.rows / m.columns
    return from && Number.isInteger(factor) && from.every((source, i) => source === Math.floor(i / factor))
      ? factor
      : undefined
  }
  const [repeatH, repeatW] = [repeats(height), repeats(width)]
  if (repeatH !== undefined && repeatW !== undefined) {
    const scales = emitter.floats([1, 1, repeatH, repeatW], [4])
    const how = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
    return emitter.node('Resize', [x, '', scales], how)
  }
  let y = x
  if (!isIdentity(height))
    y = emitter.node('MatMul', [emitter.floats(height.data, [height.rows, height.columns]), y])
  if (!isIdentity(width)) {
    const flipped = Float64Array.from(
      width.data,
      (_, i) => width.data[(i % width.rows) * width.columns + Math.floor(i / width.rows)],
    )
    y = emitter.node('MatMul', [y, emitter.floats(flipped, [width.columns, width.rows])])
  }
  return y
}

export const primitives: Readonly<Record<string, Primitive<never>>> = { spatialMap: mapPrimitive }
