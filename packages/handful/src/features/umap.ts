/**
 * Maps of features: points laid out in the plane by UMAP (McInnes, Healy and Melville, arXiv 1802.03426) from exact
 * nearest neighbours. In typed arrays of our own: umap-js, the package there is, keeps its graph in a map of strings and
 * starts from a random layout, which tears classes apart; its graph weights are the reference of ours.
 *
 * Stochastic gradient descent on the cross entropy of the graph's weights and `1 / (1 + a d^(2 b))` of distances in the
 * plane: edges attract as often as their weight says, and each time a few random points repel.
 */
import { Random } from 'onnx-autodiff'
import { leadingSparseEigenvectors } from '../numerics/leading-eigenvectors.js'
import { type Neighbours, plainLinearAlgebra } from '../numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { pause } from '../numerics/pause.js'
import { components, type SparseMatrix, symmetricNormalised } from '../numerics/sparse.js'
import { fuzzyGraph } from './umap-graph.js'

/** Options of `umapLayout`. */
export interface UmapOptions {
  readonly seed: number
  /** How close points may lie in the plane. Default 0.1. */
  readonly minDistance?: number
  /** Default 500 up to 10,000 points, 200 beyond. */
  readonly epochs?: number
  /** `[rows, 2]` where points start; by default the graph's leading eigenvectors. */
  readonly initial?: FeatureMatrix
  readonly signal?: AbortSignal
  /** Told of epochs. */
  readonly onProgress?: (done: number, total: number) => void
}

const MANY_ROWS = 10_000

/** Of so many rows, unless said otherwise. */
export const usualEpochs = (rows: number): number => (rows <= MANY_ROWS ? 500 : 200)

const NEGATIVE_SAMPLES = 5
/** No step along an axis is longer, before the learning rate. */
const LONGEST_STEP = 4
/** The start fills a square from 0 to this, with noise of a small share of it. */
const START_SIDE = 10
const START_NOISE = 1e-4
/** Edges between two looks at the clock. */
const EDGE_BLOCK = 4096

/** `[rows, 2]` coordinates, centred. The same neighbours and seed give the same layout. */
export async function umapLayout(
  neighbours: Neighbours,
  { seed, minDistance = 0.1, epochs, initial, signal, onProgress }: UmapOptions,
): Promise<FeatureMatrix> {
  const { rows } = neighbours
  const total = epochs ?? usualEpochs(rows)
  const random = new Random(seed, 'umap')
  const graph = await fuzzyGraph(neighbours)
  const layout = startLayout(initial ?? (await spectralLayout(graph, random.child('parts'), signal)), random)
  const forces = forceTables(distanceCurve(minDistance))
  const edges = attractingEdges(graph, total)
  const negatives = random.child('negatives')
  const rest = pause()
  for (let epoch = 0; epoch < total && edges.period.length > 0; epoch++) {
    signal?.throwIfAborted()
    await layoutEpoch(layout.data, edges, { rows, epoch, rate: 1 - epoch / total, forces, negatives, rest })
    onProgress?.(epoch + 1, total)
  }
  centre(layout)
  return layout
}

/** a and b of `1 / (1 + a d^(2 b))`: the least squares fit to 1 up to `minDistance` and `exp(minDistance - d)` beyond. */
export function distanceCurve(minDistance: number): { a: number; b: number } {
  const distances = Float64Array.from({ length: 300 }, (_, i) => (3 * i) / 299)
  const wanted = distances.map((d) => (d < minDistance ? 1 : Math.exp(minDistance - d)))
  const fit = (logA: number, b: number): { error: number; step: [number, number] } => {
    // Normal equations of one Gauss-Newton step in (log a, b).
    let [error, aa, ab, bb, ga, gb] = [0, 0, 0, 0, 0, 0]
    for (let i = 1; i < distances.length; i++) {
      const power = Math.exp(logA) * distances[i] ** (2 * b)
      const value = 1 / (1 + power)
      const slope = -value * value * power
      const [da, db, residual] = [slope, slope * 2 * Math.log(distances[i]), wanted[i] - value]
      error += residual ** 2
      aa += da * da
      ab += da * db
      bb += db * db
      ga += da * residual
      gb += db * residual
    }
    const determinant = aa * bb - ab * ab
    return { error, step: [(bb * ga - ab * gb) / determinant, (aa * gb - ab * ga) / determinant] }
  }
  let [logA, b] = [0, 1]
  for (let iteration = 0; iteration < 100; iteration++) {
    const { error, step } = fit(logA, b)
    let share = 1
    while (share > 1e-6 && !(fit(logA + share * step[0], b + share * step[1]).error < error)) share /= 2
    if (share <= 1e-6) break
    logA += share * step[0]
    b += share * step[1]
  }
  return { a: Math.exp(logA), b }
}

interface Edges {
  readonly from: Int32Array
  readonly to: Int32Array
  /** Epochs between two turns of an edge: 1 for the heaviest. */
  readonly period: Float64Array
  /** The epoch of its next turn, and of its next repulsion. */
  readonly next: Float64Array
  readonly nextNegative: Float64Array
}

/** Edges in both directions, less those too light to have a turn. */
function attractingEdges({ size, offsets, columns, values }: SparseMatrix, epochs: number): Edges {
  const heaviest = values.reduce((most, value) => Math.max(most, value), 0)
  const kept: number[] = []
  const from = new Int32Array(values.length)
  const to = new Int32Array(values.length)
  for (let i = 0; i < size; i++) {
    for (let at = offsets[i]; at < offsets[i + 1]; at++) {
      if (columns[at] === i || values[at] < heaviest / epochs) continue
      from[kept.length] = i
      to[kept.length] = columns[at]
      kept.push(heaviest / values[at])
    }
  }
  const period = Float64Array.from(kept)
  const count = kept.length
  return {
    from: from.slice(0, count),
    to: to.slice(0, count),
    period,
    next: period.slice(),
    nextNegative: period.map((each) => each / NEGATIVE_SAMPLES),
  }
}

interface Epoch {
  readonly rows: number
  readonly epoch: number
  readonly rate: number
  readonly forces: Forces
  readonly negatives: Random
  readonly rest: ReturnType<typeof pause>
}

async function layoutEpoch(
  points: Float32Array,
  edges: Edges,
  { rows, epoch, rate, forces: { pull, push }, negatives, rest }: Epoch,
): Promise<void> {
  const { from, to, period, next, nextNegative } = edges
  const asFloat = new Float32Array(1)
  const asBits = new Int32Array(asFloat.buffer)
  // Hundreds of millions of draws: Marsaglia's xorshift ("Xorshift RNGs", 2003), started anew by the stream each epoch.
  let state = negatives.uint32() | 1
  for (let edge = 0; edge < period.length; edge++) {
    if (edge % EDGE_BLOCK === 0) await rest()
    if (next[edge] > epoch) continue
    const i = 2 * from[edge]
    const j = 2 * to[edge]
    let dx = points[i] - points[j]
    let dy = points[i + 1] - points[j + 1]
    let square = dx * dx + dy * dy
    if (square > 0) {
      asFloat[0] = square
      const force = pull[place(asBits[0])]
      const stepX = rate * clipped(force * dx)
      const stepY = rate * clipped(force * dy)
      points[i] += stepX
      points[i + 1] += stepY
      points[j] -= stepX
      points[j + 1] -= stepY
    }
    next[edge] += period[edge]
    const spacing = period[edge] / NEGATIVE_SAMPLES
    const count = Math.floor((epoch - nextNegative[edge]) / spacing)
    for (let sample = 0; sample < count; sample++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      const other = 2 * Math.floor(((state >>> 0) / 4294967296) * rows)
      if (other === i) continue
      dx = points[i] - points[other]
      dy = points[i + 1] - points[other + 1]
      square = dx * dx + dy * dy
      if (square > 0) {
        asFloat[0] = square
        const force = push[place(asBits[0])]
        points[i] += rate * clipped(force * dx)
        points[i + 1] += rate * clipped(force * dy)
      } else {
        points[i] += rate * LONGEST_STEP
        points[i + 1] += rate * LONGEST_STEP
      }
    }
    nextNegative[edge] += count * spacing
  }
}

/** Gradients over the squared distance, tabulated: powers would take half of the time. */
interface Forces {
  readonly pull: Float32Array
  readonly push: Float32Array
}

/** Squared distances from 2^-24 to 2^16, 512 between two powers of two: what a float32 keeps of them without 14 bits. */
const [LOWEST_EXPONENT, HIGHEST_EXPONENT] = [-24, 16]
const DROPPED_BITS = 14
const FIRST_PLACE = (LOWEST_EXPONENT + 127) << (23 - DROPPED_BITS)
const PLACES = (HIGHEST_EXPONENT - LOWEST_EXPONENT) << (23 - DROPPED_BITS)

const place = (bits: number): number => {
  const found = (bits >>> DROPPED_BITS) - FIRST_PLACE
  return found < 0 ? 0 : found >= PLACES ? PLACES - 1 : found
}

function forceTables({ a, b }: { a: number; b: number }): Forces {
  const pull = new Float32Array(PLACES)
  const push = new Float32Array(PLACES)
  const bits = Int32Array.from(
    { length: PLACES },
    (_, i) => ((FIRST_PLACE + i) << DROPPED_BITS) | (1 << (DROPPED_BITS - 1)),
  )
  for (const [i, square] of new Float32Array(bits.buffer).entries()) {
    const power = square ** b
    pull[i] = (-2 * a * b * power) / (square * (1 + a * power))
    push[i] = (2 * b) / ((0.001 + square) * (1 + a * power))
  }
  return { pull, push }
}

const clipped = (step: number): number =>
  step > LONGEST_STEP ? LONGEST_STEP : step < -LONGEST_STEP ? -LONGEST_STEP : step

/** Eigenvectors asked for: the first is constant, and some may lie on a handful of points alone. */
const EIGENVECTORS = 8
/** An eigenvector lives on at least this share of the points: others say nothing of the whole. */
const LEAST_SHARE = 0.02

/** `[rows, 2]`: two leading eigenvectors of the largest part of the graph; smaller parts each at a random place. */
async function spectralLayout(
  graph: SparseMatrix,
  random: Random,
  signal?: AbortSignal,
): Promise<FeatureMatrix> {
  const { of, count } = components(graph)
  const sizes = new Int32Array(count)
  for (const part of of) sizes[part]++
  const largest = sizes.indexOf(Math.max(...sizes))
  const members = Int32Array.from([...of.keys()].filter((i) => of[i] === largest))
  const start = featureMatrix(graph.size, 2)
  const places = Float32Array.from({ length: 2 * count }, () => random.uniform())
  for (let i = 0; i < graph.size; i++) start.data.set(places.subarray(2 * of[i], 2 * of[i] + 2), 2 * i)
  const found = await leadingSparseEigenvectors(
    symmetricNormalised(subgraph(graph, members)),
    Math.min(EIGENVECTORS, members.length),
    plainLinearAlgebra(),
    { tolerance: 1e-2, maxIterations: 10, signal },
  )
  const { rows, columns, data } = found.vectors
  const axes = wideVectors(found.vectors)
  for (const [axis, column] of axes.entries()) {
    const values = Float64Array.from({ length: rows }, (_, i) => data[i * columns + column])
    const [low, high] = range(values)
    members.forEach((member, i) => {
      start.data[2 * member + axis] = (values[i] - low) / Math.max(high - low, 1e-12)
    })
  }
  return start
}

/** The first two vectors after the constant one whose participation ratio `1 / sum v^4` is not tiny. */
function wideVectors({ rows, columns, data }: FeatureMatrix): number[] {
  const fourth = new Float64Array(columns)
  for (let i = 0; i < rows; i++) for (let c = 0; c < columns; c++) fourth[c] += data[i * columns + c] ** 4
  const later = [...fourth.keys()].slice(1)
  const wide = later.filter((c) => 1 / fourth[c] >= LEAST_SHARE * rows)
  return [...wide, ...later.filter((c) => !wide.includes(c))].slice(0, 2)
}

function subgraph({ size, offsets, columns, values }: SparseMatrix, members: Int32Array): SparseMatrix {
  if (members.length === size) return { size, offsets, columns, values }
  const place = new Int32Array(size).fill(-1)
  members.forEach((member, i) => (place[member] = i))
  const starts = new Int32Array(members.length + 1)
  members.forEach((member, i) => (starts[i + 1] = starts[i] + offsets[member + 1] - offsets[member]))
  const inner = new Int32Array(starts[members.length])
  const weights = new Float64Array(inner.length)
  members.forEach((member, i) => {
    for (let at = offsets[member]; at < offsets[member + 1]; at++) {
      const target = starts[i] + at - offsets[member]
      inner[target] = place[columns[at]]
      weights[target] = values[at]
    }
  })
  return { size: members.length, offsets: starts, columns: inner, values: weights }
}

/** A copy scaled to the square that layouts start in, with a little noise: points that start equal stay equal. */
function startLayout({ rows, columns, data }: FeatureMatrix, random: Random): FeatureMatrix {
  const layout = featureMatrix(rows, 2)
  const noise = random.child('start').fillNormal(new Float32Array(2 * rows))
  for (const axis of [0, 1]) {
    const values = Float64Array.from({ length: rows }, (_, i) => data[i * columns + axis])
    const [low, high] = range(values)
    for (let i = 0; i < rows; i++) {
      const share = high > low ? (values[i] - low) / (high - low) : 0.5
      layout.data[2 * i + axis] = START_SIDE * (share + START_NOISE * noise[2 * i + axis])
    }
  }
  return layout
}

function centre({ rows, data }: FeatureMatrix): void {
  for (const axis of [0, 1]) {
    let sum = 0
    for (let i = 0; i < rows; i++) sum += data[2 * i + axis]
    for (let i = 0; i < rows; i++) data[2 * i + axis] -= sum / rows
  }
}

function range(values: Float64Array): [low: number, high: number] {
  return [
    values.reduce((least, value) => Math.min(least, value), Infinity),
    values.reduce((most, value) => Math.max(most, value), -Infinity),
  ]
}
