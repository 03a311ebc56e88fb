/**
 * Convolution along one axis as a bilinear algorithm: y = A [(G w) * (B x)], with * elementwise. One tile of `outputs`
 * neighbouring outputs costs as many products as B has rows. Triples are generated in exact arithmetic and checked:
 * for all outputs i, taps k, inputs s:  sum_j A[i,j] G[j,k] B[j,s] = 1 if s = i * stride + k * dilation, else 0.
 *
 * Toom-Cook interpolation at small points and infinity gives F(m, r), m outputs of an r-tap filter in m + r - 1
 * products (Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, arXiv 1509.09308). A stride
 * splits the taps by phase: each phase is a stride-1 filter over every stride-th input.
 */
import {
  equals,
  type Fraction,
  fraction,
  minus,
  one,
  over,
  plus,
  power,
  times,
  toNumber,
  zero,
} from './fraction.js'
import { GraphError } from '../graph/shape.js'
import { matrix, type SpatialMatrix } from './matrix.js'

type Rows = Fraction[][]

/** One tile: A [outputs, products], G [products, taps], B [products, inputs]. */
export interface Triple {
  readonly A: Rows
  readonly G: Rows
  readonly B: Rows
  readonly products: number
  readonly outputs: number
}

/** Small points keep the error small; the order is that of growing error in float32. */
const POINTS = [
  fraction(0),
  fraction(1),
  fraction(-1),
  fraction(2),
  fraction(-2),
  fraction(1, 2),
  fraction(-1, 2),
  fraction(4),
  fraction(-4),
]

/** Coefficients, lowest power first, of the product of (x - root). */
const polynomial = (roots: readonly Fraction[]): Fraction[] =>
  roots.reduce<Fraction[]>(
    (p, root) =>
      Array.from({ length: p.length + 1 }, (_, i) => minus(p[i - 1] ?? zero, times(root, p[i] ?? zero))),
    [one],
  )

/** F(outputs, taps) for stride 1 and dilation 1. */
export function toomCook(outputs: number, taps: number): Triple {
  const products = outputs + taps - 1
  if (products - 1 > POINTS.length) {
    throw new GraphError(
      `F(${outputs}, ${taps}) (products): got ${products}, expected at most ${POINTS.length + 1}`,
    )
  }
  if (taps === 1) return direct(outputs, 1, 1, 1)
  const points = POINTS.slice(0, products - 1)
  const others = (j: number): Fraction[] => points.filter((_, l) => l !== j)
  const last = (n: number): Fraction[] => Array.from({ length: n }, (_, i) => (i === n - 1 ? one : zero))
  const denominator = (j: number): Fraction =>
    others(j).reduce((product, q) => times(product, minus(points[j], q)), one)
  return {
    A: Array.from({ length: outputs }, (_, i) => [
      ...points.map((p) => power(p, i)),
      i === outputs - 1 ? one : zero,
    ]),
    G: [
      ...points.map((p, j) => Array.from({ length: taps }, (_, k) => over(power(p, k), denominator(j)))),
      last(taps),
    ],
    B: [...points.map((_, j) => [...polynomial(others(j)), zero]), polynomial(points)],
    products,
    outputs,
  }
}

/** A product for every output and tap: any stride and dilation, no rounding beyond the sums'. */
export function direct(outputs: number, taps: number, stride: number, dilation: number): Triple {
  const pairs = Array.from({ length: taps * outputs }, (_, j) => ({
    tap: Math.floor(j / outputs),
    output: j % outputs,
  }))
  const span = (outputs - 1) * stride + (taps - 1) * dilation + 1
  const unit = (n: number, at: number): Fraction[] =>
    Array.from({ length: n }, (_, i) => (i === at ? one : zero))
  return {
    A: Array.from({ length: outputs }, (_, i) => pairs.map(({ output }) => (output === i ? one : zero))),
    G: pairs.map(({ tap }) => unit(taps, tap)),
    B: pairs.map(({ tap, output }) => unit(span, output * stride + tap * dilation)),
    products: pairs.length,
    outputs,
  }
}

/** The taps split by phase modulo the stride, each phase by F(outputs, own taps). */
export function polyphase(outputs: number, taps: number, stride: number): Triple {
  const phases = Array.from({ length: Math.min(stride, taps) }, (_, phase) => {
    const triple = toomCook(outputs, Math.ceil((taps - phase) / stride))
    return { phase, triple }
  })
  const span = (outputs - 1) * stride + taps
  const spread = (row: readonly Fraction[], length: number, phase: number): Fraction[] => {
    const wide = new Array<Fraction>(length).fill(zero)
    row.forEach((value, i) => {
      const at = phase + i * stride
      if (at < length) wide[at] = value
      else if (!equals(value, zero)) throw new GraphError('internal: a phase reaches beyond its tile')
    })
    return wide
  }
  return {
    A: Array.from({ length: outputs }, (_, i) => phases.flatMap(({ triple }) => triple.A[i])),
    G: phases.flatMap(({ phase, triple }) => triple.G.map((row) => spread(row, taps, phase))),
    B: phases.flatMap(({ phase, triple }) => triple.B.map((row) => spread(row, Math.max(span, 1), phase))),
    products: phases.reduce((n, { triple }) => n + triple.products, 0),
    outputs,
  }
}

/** Throws unless the triple convolves exactly. */
export function checkTriple({ A, G, B }: Triple, stride: number, dilation: number): void {
  A.forEach((row, i) => {
    for (let k = 0; k < G[0].length; k++) {
      for (let s = 0; s < B[0].length; s++) {
        const total = row.reduce(
          (sum, a, j) => (a.over === 0n ? sum : plus(sum, times(a, times(G[j][k], B[j][s])))),
          zero,
        )
        const expected = s === i * stride + k * dilation ? one : zero
        if (!equals(total, expected)) {
          throw new GraphError(
            `internal: triple is wrong at output ${i}, tap ${k}, input ${s}: ${toNumber(total)}`,
          )
        }
      }
    }
  })
}

/** How one axis of a convolution goes. Padding may be negative (a crop). */
export interface AxisGeometry {
  readonly size: number
  readonly taps: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
  readonly after: number
}

export const axisOutputs = ({ size, taps, stride, dilation, before, after }: AxisGeometry): number =>
  Math.floor((size + before + after - (taps - 1) * dilation - 1) / stride) + 1

/**
 * A whole axis in tiles, padding included: B [products * tiles, size], A [out, products * tiles], both with rows
 * ordered (product, tile); G [products, taps].
 */
export interface AxisAlgorithm {
  readonly A: SpatialMatrix
  readonly B: SpatialMatrix
  readonly G: SpatialMatrix
  readonly products: number
  readonly tiles: number
}

export function tileAxis(triple: Triple, geometry: AxisGeometry): AxisAlgorithm {
  const { size, taps, stride, before } = geometry
  const out = axisOutputs(geometry)
  const { outputs, products } = triple
  const tiles = Math.ceil(out / outputs)
  const A = triple.A.map((row) => row.map(toNumber))
  const B = triple.B.map((row) => row.map(toNumber))
  const G = triple.G.map((row) => row.map(toNumber))
  return {
    products,
    tiles,
    G: matrix(products, taps, (j, k) => G[j][k]),
    B: matrix(products * tiles, size, (row, s) => {
      const [j, tile] = [Math.floor(row / tiles), row % tiles]
      return B[j][s + before - tile * outputs * stride] ?? 0
    }),
    A: matrix(out, products * tiles, (o, column) => {
      const [j, tile] = [Math.floor(column / tiles), column % tiles]
      return Math.floor(o / outputs) === tile ? A[o % outputs][j] : 0
    }),
  }
}
