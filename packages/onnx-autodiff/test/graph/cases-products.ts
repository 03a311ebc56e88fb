/** Cases of the primitives that are matrix products: matmul, and the spatial map. */
import { matmul, type Shape, spatialMap } from 'onnx-autodiff'
import { fromRows, identity, matrix } from '../../src/spatial/matrix.js'
import { type Case, one, text } from './case.js'

const MATRICES: readonly (readonly [Shape, Shape])[] = [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [2, 3],
    [3, 4],
  ],
  [
    [1, 3],
    [3, 1],
  ],
  [
    [5, 1],
    [1, 5],
  ],
  [
    [2, 2, 3],
    [3, 4],
  ],
  [
    [2, 3],
    [4, 3, 2],
  ],
  [
    [2, 2, 3],
    [2, 3, 2],
  ],
  [
    [2, 1, 2, 3],
    [3, 3, 2],
  ],
  [
    [1, 2, 3],
    [4, 3, 2],
  ],
  [
    [3, 1, 2, 2, 3],
    [1, 2, 1, 3, 2],
  ],
  [
    [2, 1, 1, 3, 2],
    [2, 4],
  ],
  [
    [2, 0],
    [0, 3],
  ],
  [
    [0, 2],
    [2, 3],
  ],
]

const swapped = (shape: Shape): Shape => [
  ...shape.slice(0, -2),
  shape[shape.length - 1],
  shape[shape.length - 2],
]

export const products: readonly Case[] = [false, true].flatMap((transposeA) =>
  [false, true].flatMap((transposeB) =>
    MATRICES.map(([a, b]): Case => {
      const shapes = [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b]
      return {
        what: `${text(shapes[0])}${transposeA ? "'" : ''} x ${text(shapes[1])}${transposeB ? "'" : ''}`,
        inputs: shapes.map((shape) => ({ shape })),
        build: ([x, y]) => matmul(x, y, { transposeA, transposeB }),
      }
    }),
  ),
)

const general = (rows: number, columns: number, seed: number) =>
  matrix(rows, columns, (i, j) => ((i * 7 + j * 5 + seed) % 9) - 4)
const blur = fromRows([
  [0.5, 0.25, 0],
  [0.25, 0.5, 0.25],
  [0, 0.25, 0.5],
])
const flip = fromRows([
  [0, 0, 1],
  [0, 1, 0],
  [1, 0, 0],
])
const padding = fromRows([
  [0, 0, 0],
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [0, 0, 0],
])
const halves = fromRows([
  [0.5, 0.5, 0, 0],
  [0, 0, 0.5, 0.5],
])
const sums = fromRows([
  [1, 1, 0, 0],
  [0, 0, 1, 1],
])
const threes = fromRows([
  [3, 3, 0, 0],
  [0, 0, 3, 3],
])
const repeated = fromRows([
  [1, 0, 0],
  [1, 0, 0],
  [0, 1, 0],
  [0, 1, 0],
  [0, 0, 1],
  [0, 0, 1],
])
const scaledRepeat = fromRows([
  [0.25, 0, 0],
  [0.25, 0, 0],
  [0, 0.25, 0],
  [0, 0.25, 0],
  [0, 0, 0.25],
  [0, 0, 0.25],
])

export const maps: readonly Case[] = (
  [
    ['dense', [3, 4, 2], general(2, 3, 1), general(5, 4, 2)],
    ['dense, the height grows', [3, 4, 2, 2], general(6, 3, 1), general(2, 4, 2)],
    ['only along the height', [3, 4, 1, 2], general(2, 3, 1), identity(4)],
    ['only along the width', [3, 4, 1, 2], identity(3), general(2, 4, 1)],
    ['one pixel', [1, 1, 1, 1], general(3, 1, 1), general(2, 1, 2)],
    ['to one pixel', [3, 4, 2, 1, 2], general(1, 3, 1), general(1, 4, 2)],
    ['flip, padding', [3, 3, 2], flip, padding],
    ['blur', [3, 3, 2], blur, blur],
    ['means of blocks', [4, 4, 3], halves, halves],
    ['sums of blocks along the height', [4, 3, 3], sums, identity(3)],
    ['scaled sums of blocks along the width', [3, 4, 3], identity(3), threes],
    ['selection along both axes', [3, 3, 2], repeated, flip],
    ['repeated and scaled', [3, 3, 2], scaledRepeat, scaledRepeat],
    ['repeated and scaled along one axis', [3, 3, 2], repeated, scaledRepeat],
    ['zero matrix', [2, 2, 2], fromRows([[0, 0]]), identity(2)],
  ] as const
).map(([what, shape, height, width]) => one(what, shape, (x) => spatialMap(x, height, width)))

/** Cases by primitive. */
