/**
 * Features smoothed by the neighbour graph of the unlabelled images: its diffusion map (Coifman and Lafon, "Diffusion
 * maps", 2006), in which images lie near that many short steps join, so that clusters are compact and a plain head does
 * from a few labels what label propagation does. With `S = D^-1/2 W D^-1/2` of the k-nearest-neighbour graph, its leading
 * eigenvectors v and eigenvalues l, image i has the coordinates
 *
 *   psi_j(i) = l_j^time v_j(i) / sqrt(d_i)
 *
 * scaled to length 1 (Ng, Jordan and Weiss 2001), which takes the degree d away again and leaves images of small groups as
 * large as others. A new image gets the mean of its nearest graph images' coordinates, weighted as the graph's edges are,
 * over l_j (Nystroem's extension): it never changes the graph.
 */
import { HandfulError } from '../errors.js'
import type { LinearAlgebra, Neighbours } from '../numerics/linear-algebra.js'
import {
  checkColumns,
  checkFinite,
  featureMatrix,
  type FeatureMatrix,
  scaledToUnitRows,
  unitRows,
  type UnitRows,
} from '../numerics/matrix.js'
import {
  graphWeights,
  type Kernel,
  kernelWeights,
  neighbourGraph,
  type NeighbourGraph,
} from './neighbour-graph.js'
import { degrees, symmetricNormalised } from '../numerics/sparse.js'
import { leadingSparseEigenvectors } from '../numerics/leading-eigenvectors.js'

/** Options of `fitSmoothing`. */
export interface SmoothingOptions {
  /** Coordinates, at most. Default 64. */
  readonly dimensions?: number
  /**
   * Steps of the diffusion: more of them weigh large clusters more against fine detail. Default so many that the last
   * coordinate weighs a fortieth of the first, since a larger graph needs more of them.
   */
  readonly time?: number
  /** Neighbours of each image that make the graph, at most. Default 10. */
  readonly k?: number
  /** Default `self-tuned`. */
  readonly kernel?: Kernel
  readonly signal?: AbortSignal
  /** Told of the eigenvectors' iterations. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A fitted smoothing: plain data, JSON and float32 arrays. */
export interface Smoothing {
  readonly kind: 'smoothing'
  readonly k: number
  readonly kernel: Kernel
  readonly time: number
  /** `[dimensions]`, descending from 1. */
  readonly eigenvalues: Float64Array
  /** `[images, columns]` the features that the graph was made of, rows of length 1. */
  readonly references: UnitRows
  /** `[images, dimensions]` coordinates at time 0: `v_j / sqrt(d)`. */
  readonly eigenvectors: FeatureMatrix
}

/**
 * Fits to the images given; labels are never looked at.
 *
 * @param features `[images, columns]`, normalised as normalise.ts does
 * @param neighbours of every image among the others, as `neighbourGraph` finds them; found here where left out
 * @throws HandfulError where the two do not belong together, or an option is out of its range
 */
export async function fitSmoothing(
  features: FeatureMatrix,
  neighbours: Neighbours | undefined,
  options: SmoothingOptions,
  linearAlgebra: LinearAlgebra,
): Promise<Smoothing> {
  checkFinite(features, 'smoothing')
  return smoothingOf(unitRows(features), neighbours, options, linearAlgebra)
}

/** The same of rows of length 1, which it keeps without a copy: of very many images one takes a gigabyte. */
async function smoothingOf(
  references: UnitRows,
  neighbours: Neighbours | undefined,
  { dimensions = 64, time, k = 10, kernel = 'self-tuned', signal, onProgress }: SmoothingOptions,
  linearAlgebra: LinearAlgebra,
): Promise<Smoothing> {
  checkOption('dimensions', dimensions, Number.isInteger(dimensions) && dimensions >= 1)
  checkOption('k', k, Number.isInteger(k) && k >= 1)
  checkOption('time', time ?? 0, time === undefined || time >= 0)
  const graph = neighbours ?? (await neighbourGraph(references, linearAlgebra, { k }))
  if (graph.rows !== references.rows || references.rows < 3) {
    throw new HandfulError({
      what: 'smoothing of features',
      where: `${references.rows} rows`,
      got: `neighbours of ${graph.rows}`,
      expected: 'those of the same images, three at least',
      hint: 'find the neighbours among the features that are smoothed',
    })
  }
  const weights = graphWeights(graph, k, kernel)
  const { values, vectors } = await leadingSparseEigenvectors(
    symmetricNormalised(weights),
    dimensions,
    linearAlgebra,
    { signal, onProgress },
  )
  const degree = degrees(weights)
  for (let i = 0; i < vectors.rows; i++) {
    const scale = degree[i] > 0 ? 1 / Math.sqrt(degree[i]) : 0
    for (let j = 0; j < vectors.columns; j++) vectors.data[i * vectors.columns + j] *= scale
  }
  return {
    kind: 'smoothing',
    k,
    kernel,
    time: time ?? stepsFor(values),
    eigenvalues: values,
    references,
    eigenvectors: vectors,
  }
}

const SMALLEST_WEIGHT = 1 / 40
const MOST_STEPS = 1000

/** Steps after which the last coordinate has the smallest weight; where all eigenvalues are 1, time changes nothing. */
function stepsFor(eigenvalues: Float64Array): number {
  const last = Math.min(eigenvalues[eigenvalues.length - 1], 1 - 1e-6)
  if (last <= 0) return 1
  return Math.min(MOST_STEPS, Math.max(1, Math.round(Math.log(SMALLEST_WEIGHT) / Math.log(last))))
}

/** `[images, dimensions]` of the images that the smoothing was fitted to. */
export function smoothedReferences({ eigenvalues, eigenvectors, time }: Smoothing): UnitRows {
  return weighted(eigenvectors, eigenvalues, time)
}

/**
 * `[rows, dimensions]` of new images, from their nearest among those that the smoothing was fitted to. Those themselves
 * have `smoothedReferences`.
 *
 * @throws HandfulError where columns do not fit or a feature is NaN
 */
export async function applySmoothing(
  { references, eigenvectors, eigenvalues, k, kernel, time }: Smoothing,
  features: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<UnitRows> {
  checkColumns(features, references.columns, 'smoothing')
  checkFinite(features, 'smoothing')
  const found = await linearAlgebra.nearest(unitRows(features), references, k)
  const weights = new Float64Array(found.k)
  const columns = eigenvectors.columns
  const means = featureMatrix(features.rows, columns)
  for (let i = 0; i < features.rows; i++) {
    kernelWeights(kernel, found.similarities, i * found.k, found.k, weights, 0)
    const sum = weights.reduce((a, b) => a + b, 0)
    for (let n = 0; n < found.k && sum > 0; n++) {
      const from = found.indices[i * found.k + n] * columns
      for (let j = 0; j < columns; j++) {
        means.data[i * columns + j] += (weights[n] / sum) * eigenvectors.data[from + j]
      }
    }
  }
  return weighted(means, eigenvalues, time - 1)
}

/** Below this an eigenvalue's coordinate is noise, and its inverse without meaning. */
const SMALLEST_EIGENVALUE = 0.01

/** Coordinates times `eigenvalue^power`, rows of length 1. */
function weighted(coordinates: FeatureMatrix, eigenvalues: Float64Array, power: number): UnitRows {
  const { rows, columns } = coordinates
  const factors = eigenvalues.map((value) => (value > SMALLEST_EIGENVALUE ? value ** power : 0))
  const data = coordinates.data.map((value, at) => value * factors[at % columns])
  return scaledToUnitRows(featureMatrix(rows, columns, data))
}

/** Coordinates that heads work on, at most; fewer for few images, of which each would otherwise tell a handful apart and no more. */
export const SMOOTHED_DIMENSIONS = 64
const IMAGES_PER_DIMENSION = 20

/** Smoothed features as heads work on them, `[rows, 64]`; two images have nothing between them that could be smoothed. */
export async function smoothedFeatures(
  features: UnitRows,
  graph: NeighbourGraph | undefined,
  linearAlgebra: LinearAlgebra,
  options: Pick<SmoothingOptions, 'signal' | 'onProgress'> = {},
): Promise<UnitRows> {
  if (features.rows < 3) return features
  const few = Math.max(2, Math.round(features.rows / IMAGES_PER_DIMENSION))
  const dimensions = Math.min(SMOOTHED_DIMENSIONS, few)
  const smoothing = await smoothingOf(features, graph, { ...options, dimensions }, linearAlgebra)
  return smoothedReferences(smoothing)
}

function checkOption(name: string, value: number, valid: boolean): void {
  if (valid) return
  throw new HandfulError({
    what: `smoothing's ${name}`,
    where: 'features',
    got: `${value}`,
    expected: name === 'time' ? 'a number of at least 0' : 'a whole number of at least 1',
  })
}
