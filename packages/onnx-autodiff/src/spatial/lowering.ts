/**
 * Convolutions as maps and matrix products, forward and, as the transposed operation, back. Three forms:
 * - tiles: y = A [(G w)(B x)], one product over channels per transformed position;
 * - columns, for few channels in: each output's inputs in a row [taps, in], one product with [taps * in, out];
 * - shifts, for few channels out: one product with [in, taps * out], then each tap's part added at its place.
 * Whichever it is, the gradient rules of map, product and transpose give the rest.
 */
import { constant, type Tensor } from '../graph/tensor.js'
import { mul } from '../graph/elementwise.js'
import { matmul } from '../graph/matmul.js'
import { reshape, transpose } from '../graph/movement.js'
import type { Choice } from './algorithms.js'
import type { AxisAlgorithm } from './bilinear.js'
import { spatialMap } from './map.js'
import { matrix, type SpatialMatrix, transposed } from './matrix.js'

/** x [height, width, batch, in], w [kernel h, kernel w, in / groups, out] -> y. */
export function convolve(x: Tensor, w: Tensor, choice: Choice, groups: number): Tensor {
  const { together, height, width } = choice
  if (together === 'columns') return columnsForward(x, w, choice)
  if (together === 'shifts') return shiftsForward(x, w, choice)
  const v = spatialMap(x, height.B, width.B)
  return spatialMap(
    channelProducts(v, transformedFilter(w, choice), choice, groups, false),
    height.A,
    width.A,
  )
}

/** y [height', width', batch, out] -> x: the transpose of `convolve` in its first operand. */
export function convolveBack(y: Tensor, w: Tensor, choice: Choice, groups: number): Tensor {
  const { together, height, width } = choice
  if (together === 'columns') return columnsBack(y, w, choice)
  if (together === 'shifts') return shiftsBack(y, w, choice)
  const m = spatialMap(y, transposed(height.A), transposed(width.A))
  const v = channelProducts(m, transformedFilter(w, choice), choice, groups, true)
  return spatialMap(v, transposed(height.B), transposed(width.B))
}

/** U = G w as [products h, 1, products w, in / groups, out]. */
function transformedFilter(w: Tensor, { height, width }: Choice): Tensor {
  const [kh, kw, c, o] = w.shape
  const G = kronecker(height.G, width.G)
  const flat = reshape(w, [kh * kw, c * o])
  const isPlain =
    G.rows === G.columns && G.data.every((value, i) => value === (i % (G.columns + 1) === 0 ? 1 : 0))
  const u = isPlain ? flat : matmul(constant(G.data, [G.rows, G.columns]), flat)
  return reshape(u, [height.products, 1, width.products, c, o])
}

const kronecker = (a: SpatialMatrix, b: SpatialMatrix): SpatialMatrix =>
  matrix(a.rows * b.rows, a.columns * b.columns, (i, j) => {
    const left = a.data[Math.floor(i / b.rows) * a.columns + Math.floor(j / b.columns)]
    return left * b.data[(i % b.rows) * b.columns + (j % b.columns)]
  })

/** The products over channels, M = V U (or dM U' with `back`), for x [rows, columns, n, channels]. */
function channelProducts(
  x: Tensor,
  u: Tensor,
  { height, width }: Choice,
  groups: number,
  back: boolean,
): Tensor {
  const [rows, columns, n, from] = x.shape
  const [ph, , pw, c, o] = u.shape
  const to = back ? c * groups : o
  const tall = [ph, height.tiles, pw, width.tiles * n]
  const restore = (y: Tensor): Tensor => reshape(y, [rows, columns, n, to])
  if (groups === 1) return restore(matmul(reshape(x, [...tall, from]), u, { transposeB: back }))
  if (c === 1 && o === groups) return restore(mul(reshape(x, [...tall, from]), reshape(u, [ph, 1, pw, 1, o])))
  const grouped = transpose(reshape(x, [...tall, groups, from / groups]), [0, 1, 2, 4, 3, 5])
  const filters = transpose(reshape(u, [ph, 1, pw, c, groups, o / groups]), [0, 1, 2, 4, 3, 5])
  return restore(transpose(matmul(grouped, filters, { transposeB: back }), [0, 1, 2, 4, 3, 5]))
}

/** [taps * a, taps * b, n, c] -> rows [a * b * n, taps * taps * c]. */
function tapsToColumns(x: Tensor, [kh, kw]: readonly number[]): Tensor {
  const [rows, columns, n, c] = x.shape
  const split = reshape(x, [kh, rows / kh, kw, columns / kw, n, c])
  return reshape(transpose(split, [1, 3, 4, 0, 2, 5]), [(rows / kh) * (columns / kw) * n, kh * kw * c])
}

/** The inverse: rows [a * b * n, taps * taps * c] -> [taps * a, taps * b, n, c]. */
function columnsToTaps(x: Tensor, [kh, kw]: readonly number[], [a, b, n, c]: readonly number[]): Tensor {
  const split = transpose(reshape(x, [a, b, n, kh, kw, c]), [3, 0, 4, 1, 2, 5])
  return reshape(split, [kh * a, kw * b, n, c])
}

function columnsForward(x: Tensor, w: Tensor, { height, width }: Choice): Tensor {
  const [kh, kw, c, o] = w.shape
  const rows = tapsToColumns(spatialMap(x, height.B, width.B), w.shape)
  return reshape(matmul(rows, reshape(w, [kh * kw * c, o])), [height.tiles, width.tiles, x.shape[2], o])
}

function columnsBack(y: Tensor, w: Tensor, { height, width }: Choice): Tensor {
  const [kh, kw, c, o] = w.shape
  const [a, b, n] = y.shape
  const rows = matmul(reshape(y, [a * b * n, o]), reshape(w, [kh * kw * c, o]), { transposeB: true })
  return spatialMap(columnsToTaps(rows, w.shape, [a, b, n, c]), transposed(height.B), transposed(width.B))
}

/** [in, taps * taps * out]. */
const filterByInput = (w: Tensor): Tensor => {
  const [kh, kw, c, o] = w.shape
  return reshape(transpose(w, [2, 0, 1, 3]), [c, kh * kw * o])
}

/** B [taps * out, size] as [out, taps * size]: where each tap's part of each input is added. */
function placement({ B, products: taps, tiles: out }: AxisAlgorithm): SpatialMatrix {
  const size = B.columns
  return matrix(
    out,
    taps * size,
    (o, column) => B.data[(Math.floor(column / size) * out + o) * size + (column % size)],
  )
}

function shiftsForward(x: Tensor, w: Tensor, { height, width }: Choice): Tensor {
  const [h, wide, n, c] = x.shape
  const parts = matmul(reshape(x, [h * wide * n, c]), filterByInput(w))
  return spatialMap(
    columnsToTaps(parts, w.shape, [h, wide, n, w.shape[3]]),
    placement(height),
    placement(width),
  )
}

function shiftsBack(y: Tensor, w: Tensor, { height, width }: Choice): Tensor {
  const spread = spatialMap(y, transposed(placement(height)), transposed(placement(width)))
  const rows = tapsToColumns(spread, w.shape)
  const [h, wide] = [height.B.columns, width.B.columns]
  return reshape(matmul(rows, filterByInput(w), { transposeB: true }), [h, wide, y.shape[2], w.shape[2]])
}
