/**
 * Poisson learning (Calder et al., arXiv 2006.11184): `L u = sum over labelled rows j of (onehot(y_j) - mean) delta_j` with
 * `L = D - W`, `sum_i d_i u_i = 0`; the class of the largest u. Unlike a condition that fixes u at the labels, sources
 * keep u from flattening to a constant at one label per class. Each class's column is divided by its number of labels
 * (the paper's diag(b / mean) with uniform b): how many of a class were labelled says nothing of how many there are, and
 * without it one label more decides whole clusters of images that hang on the rest by thin edges.
 */
import { featureMatrix } from '../numerics/matrix.js'
import { degrees, symmetricNormalised } from '../numerics/sparse.js'
import { graphHead, type GraphMethod } from './graph-head.js'
import type { Kernel } from '../features/neighbour-graph.js'
import type { Head } from './head.js'
import { solveDiffusion } from '../numerics/conjugate-gradients.js'
import { graphSeconds, type HeadEntry } from './head-entry.js'

export interface PoissonOptions {
  /** Neighbours of each image that make the graph. Default 10; results hardly change from 6 to 20. */
  readonly k?: number
  /** Default `cosine cubed`: 1 to 2 points above the paper's `self-tuned` at 1-2 labels per class on raw MNIST pixels. */
  readonly kernel?: Kernel
  /** Labels left out in turn at most, for the temperature and `leaveOneOut`. Default 20. */
  readonly leaveOut?: number
}

/** What u is multiplied by, in units of its root mean square, where the labels do not say. */
const EXPECTED_SCALE = 3
const NO_MASS = new Float64Array(0)

/** The head `poisson` (Calder et al., arXiv 2006.11184), each class's column divided by its number of labels. */
export function poissonLearning(options: PoissonOptions = {}): Head {
  const { k = 10, kernel = 'cosine cubed' } = options
  const method: GraphMethod = {
    name: 'Poisson learning',
    chosen: { k, kernel },
    k,
    kernel,
    leaveOut: options.leaveOut,
    expectedScale(scores, labelled) {
      const square = this.logits(scores, NO_MASS, labelled).data.reduce(
        (sum, value) => sum + value * value,
        0,
      )
      return square > 0 ? EXPECTED_SCALE / Math.sqrt(square / scores.length) : 1
    },

    solver(weights, labelled) {
      const size = weights.size
      const degree = degrees(weights)
      const roots = degree.map(Math.sqrt)
      const normalised = symmetricNormalised(weights)
      const connected = labelled.rows.filter((row) => roots[row] > 0)
      return async (sources, tolerance) => {
        const width = tolerance.length
        const right = new Float64Array(size * width)
        const sums = new Float64Array(width)
        for (const row of connected) for (let c = 0; c < width; c++) sums[c] += sources[row * width + c]
        // Sources that do not sum to 0 have no solution: the same is taken away at every labelled row first. In the sums
        // over labels that scores are made of, this part cancels.
        for (const row of connected) {
          for (let c = 0; c < width; c++) {
            right[row * width + c] = (sources[row * width + c] - sums[c] / connected.length) / roots[row]
          }
        }
        const { solution } = await solveDiffusion(normalised, 1, right, width, { tolerance })
        const means = new Float64Array(width)
        let total = 0
        for (let row = 0; row < size; row++) {
          total += degree[row]
          for (let c = 0; c < width; c++) {
            const value = roots[row] === 0 ? 0 : solution[row * width + c] / roots[row]
            solution[row * width + c] = value
            means[c] += degree[row] * value
          }
        }
        for (let at = 0; at < solution.length; at++) solution[at] -= total > 0 ? means[at % width] / total : 0
        return solution
      }
    },

    logits(scores, _mass, labelled) {
      const classes = labelled.classes.length
      const logits = featureMatrix(scores.length / classes, classes)
      for (let at = 0; at < scores.length; at++) logits.data[at] = scores[at] / labelled.counts[at % classes]
      return logits
    },

    without({ scores, mass, left, ownScore }, labelled, index) {
      const classes = labelled.classes.length
      const target = labelled.targets[left[index]]
      const row = labelled.rows[left[index]] * classes
      const remaining = scores.slice(row, row + classes)
      const count = labelled.counts[target]
      remaining[target] = ((remaining[target] - ownScore[index]) * count) / (count - 1)
      return { scores: remaining, mass }
    },
  }
  return graphHead(method)
}

export const poissonEntry: HeadEntry = {
  worksOn: 'graph',
  make: () => poissonLearning(),
  seconds: graphSeconds(0.7),
}
