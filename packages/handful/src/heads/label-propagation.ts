/**
 * Label propagation (Zhou et al., "Learning with local and global consistency", NIPS 2003): `F = (I - alpha S)^-1 Y` with
 * `S = D^-1/2 W D^-1/2` on the graph of nearest neighbours. With class-mass normalisation (Zhu, Ghahramani and Lafferty,
 * ICML 2003) each class's column is divided by its sum, so that a class whose labels happen to sit at well-connected
 * images does not swallow the others.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { symmetricNormalised } from '../numerics/sparse.js'
import { graphHead, type GraphMethod } from './graph-head.js'
import type { Kernel } from '../features/neighbour-graph.js'
import type { Head } from './head.js'
import { solveDiffusion } from '../numerics/conjugate-gradients.js'
import { graphSeconds, type HeadEntry } from './head-entry.js'

export interface LabelPropagationOptions {
  /** Neighbours of each image that make the graph. Default 10. */
  readonly k?: number
  /** How far labels spread, in [0, 1). Default 0.99 with class-mass normalisation, 0.9 without. */
  readonly alpha?: number
  /** Default true. */
  readonly massNormalisation?: boolean
  readonly kernel?: Kernel
  /** Labels left out in turn at most, for the temperature and `leaveOneOut`. Default 20. */
  readonly leaveOut?: number
}

/**
 * The head `propagation` (Zhou et al., NIPS 2003), with class-mass normalisation (Zhu et al., ICML 2003) unless
 * `massNormalisation` is false.
 */
export function labelPropagation(options: LabelPropagationOptions = {}): Head {
  const { k = 10, massNormalisation = true, kernel = 'cosine cubed' } = options
  const alpha = options.alpha ?? (massNormalisation ? 0.99 : 0.9)
  const method: GraphMethod = {
    name: massNormalisation ? 'label propagation' : 'label propagation without class-mass normalisation',
    chosen: { k, alpha, kernel },
    k,
    kernel,
    leaveOut: options.leaveOut,
    expectedScale: () => (massNormalisation ? 4 : 1.5),

    solver(weights) {
      const normalised = symmetricNormalised(weights)
      return async (sources, tolerance) =>
        (await solveDiffusion(normalised, alpha, sources, tolerance.length, { tolerance })).solution
    },

    logits(scores, mass) {
      return propagationLogits(scores, massNormalisation ? mass : new Float64Array(mass.length).fill(1))
    },

    without({ scores, mass, left, ownScore, ownMass }, labelled, index) {
      const classes = labelled.classes.length
      const target = labelled.targets[left[index]]
      const row = labelled.rows[left[index]] * classes
      const remaining = scores.slice(row, row + classes)
      const remainingMass = mass.slice()
      remaining[target] -= ownScore[index]
      remainingMass[target] -= ownMass[index]
      return { scores: remaining, mass: remainingMass }
    },
  }
  return graphHead(method)
}

/** Scores that the solver's tolerance cannot tell from 0 count as this share of the row's largest. */
const SMALLEST_SHARE = 1e-6

/** `[rows, classes]` log(score / mass) of each row, less that of the row's largest; rows without any score are all 0. */
export function propagationLogits(scores: Float64Array, mass: Float64Array): FeatureMatrix {
  const classes = mass.length
  const logits = featureMatrix(scores.length / classes, classes)
  for (let at = 0; at < scores.length; at += classes) {
    let largest = 0
    for (let c = 0; c < classes; c++) largest = Math.max(largest, scores[at + c] / mass[c])
    if (largest === 0) continue
    for (let c = 0; c < classes; c++) {
      logits.data[at + c] = Math.log(Math.max(scores[at + c] / mass[c] / largest, SMALLEST_SHARE))
    }
  }
  return logits
}

export const propagationEntry: HeadEntry = {
  worksOn: 'graph',
  make: () => labelPropagation(),
  seconds: graphSeconds(0.5),
  alwaysCompared: true,
}

export const plainPropagationEntry: HeadEntry = {
  worksOn: 'graph',
  make: () => labelPropagation({ massNormalisation: false }),
  seconds: graphSeconds(0.5),
}
