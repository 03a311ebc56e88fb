/**
 * The classifier that follows a person who labels: label propagation on the kept graph and ridge regression, multiplied. Where
 * features lie in clusters the first is far better, where they are clouds the second, and they err on different images. How
 * much each weighs, and what their probabilities mean, is what labels say that are left out in turn, exactly (`responses.ts`,
 * `quick-ridge.ts`). A hundred times as quick as the head `auto` of `handful fit`, which does the same by fits without each fold.
 */
import { Random } from 'onnx-autodiff'
import {
  AS_SAID,
  confidenceFrom,
  leftOutLikelihood,
  sharpened,
  weightedProduct,
} from '../heads/confidence.js'
import { softmaxRows } from '../heads/head.js'
import { propagationLogits } from '../heads/label-propagation.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { quickRidge } from './quick-ridge.js'
import type { OwnResponse, Propagation } from './responses.js'

/** Labels left out in turn, unless the audit has more: enough for temperature, estimate and the worst mistakes. */
const MOST_LEFT_OUT = 256
/** Scales of the logits before labels have their say, as `labelPropagation` and `ridgeRegression` have them. */
const EXPECTED_SCALE = { propagation: 4, ridge: 12 }
/** What ridge regression weighs in the product, in quarters, and what it does as long as labels do not speak against it. */
const RIDGE_SHARES = [0, 0.25, 0.5, 0.75, 1]
const EXPECTED_SHARE = 0.25
/** Nats that a share has to gain for each quarter that it is elsewhere than expected: noise of a few labels is less. */
const CAUTION = 1

export interface LabelledImages {
  /** Ascending. */
  readonly images: Int32Array
  /** `[images]` positions in `classes`. */
  readonly targets: Int32Array
  /** Numbers of the classes that have a label, ascending. */
  readonly classes: readonly number[]
  /** `[images]` whether each was labelled blind, drawn at random. */
  readonly audit: readonly boolean[]
  /** `[images]` whether each was accepted with others for being sure: what is predicted says so, and it proves nothing. */
  readonly accepted: readonly boolean[]
}

/** Labels, each as the others have it. */
export interface Judged {
  /** Positions in LabelledImages. */
  readonly positions: Int32Array
  /** `[judged, classes]` */
  readonly probabilities: FeatureMatrix
}

export interface QuickFit {
  /** `[images, classes]` */
  readonly probabilities: FeatureMatrix
  readonly judged: Judged
  /** Whether all labels that are to be judged are; else another fit is to follow. */
  readonly settled: boolean
}

export interface QuickFitOptions {
  readonly seed: number
  /** New labels that are judged at most. */
  readonly patience: number
  readonly signal?: AbortSignal
}

/** All images as both parts see them. */
export interface QuickFeatures {
  readonly features: FeatureMatrix
  readonly propagation: Propagation
  readonly linearAlgebra: LinearAlgebra
}

/** Fits both parts to the labels and weighs them. */
export async function quickFit(
  { features, propagation, linearAlgebra }: QuickFeatures,
  labelled: LabelledImages,
  { seed, patience, signal }: QuickFitOptions,
): Promise<QuickFit> {
  const { images, targets, classes } = labelled
  const wanted = toBeJudged(labelled, features.rows, seed)
  const known = (i: number): boolean => propagation.knows(images[i])
  const unknown = wanted.filter((i) => !known(i))
  const later = new Set(unknown.slice(patience))
  const positions = Int32Array.from(wanted.filter((i) => !later.has(i))).sort()
  const left = positions.map((i) => images[i])
  const { scores, mass, own } = await propagation.respond(images, targets, classes.length, left, signal)
  const spread = leftOut(labelled, { scores, mass, own }, positions)
  const ridge = await quickRidge(
    features,
    { images, targets, classCount: classes.length },
    positions,
    linearAlgebra,
  )
  signal?.throwIfAborted()
  const truth = positions.map((i) => targets[i])
  const evidence = labelled.accepted.filter((accepted) => !accepted).length
  const parts = [
    { judged: spread, all: propagationLogits(scores, mass), scale: EXPECTED_SCALE.propagation },
    { judged: ridge.left, all: ridge.scores, scale: EXPECTED_SCALE.ridge },
  ].map(({ judged, all, scale }) => calibrated(judged, all, scale, truth, evidence))
  const share = ridgeShare(
    parts.map((part) => part.judged),
    truth,
  )
  const product = (of: 'judged' | 'all'): FeatureMatrix =>
    weightedProduct(
      parts.map((part) => part[of]),
      [1 - share, share],
    )
  const judged = product('judged')
  const confidence = confidenceFrom(judged, truth, evidence)
  return {
    probabilities: sharpened(product('all'), confidence),
    judged: { positions, probabilities: sharpened(judged, confidence) },
    settled: later.size === 0,
  }
}

interface Part {
  readonly judged: FeatureMatrix
  readonly all: FeatureMatrix
}

function calibrated(
  judged: FeatureMatrix,
  all: FeatureMatrix,
  scale: number,
  truth: Int32Array,
  labels: number,
): Part {
  softmaxRows(judged, scale)
  softmaxRows(all, scale)
  const confidence = confidenceFrom(judged, truth, labels)
  return { judged: sharpened(judged, confidence), all: sharpened(all, confidence) }
}

/** By the likelihood of labels that neither has seen; without any, propagation alone. */
function ridgeShare([spread, ridge]: readonly FeatureMatrix[], truth: Int32Array): number {
  if (truth.length === 0) return 0
  let best = { share: EXPECTED_SHARE, value: -Infinity }
  for (const share of RIDGE_SHARES) {
    const judged = weightedProduct([spread, ridge], [1 - share, share])
    const likelihood = leftOutLikelihood(judged, truth, AS_SAID)
    const value = likelihood - CAUTION * 4 * Math.abs(share - EXPECTED_SHARE)
    if (value > best.value) best = { share, value }
  }
  return best.share
}

/** Positions of the labels that are left out in turn: which, the labels and the seed alone decide. */
function toBeJudged(
  { images, targets, classes, audit, accepted }: LabelledImages,
  rows: number,
  seed: number,
): number[] {
  const counts = new Int32Array(classes.length)
  for (const target of targets) counts[target]++
  const rank = new Random(seed, 'labels left out').permutation(rows)
  return [...images.keys()]
    .filter((i) => counts[targets[i]] > 1 && !accepted[i])
    .sort((a, b) => Number(audit[b]) - Number(audit[a]) || rank[images[a]] - rank[images[b]])
    .slice(0, Math.max(MOST_LEFT_OUT, audit.filter(Boolean).length))
}

interface Diffused {
  readonly scores: Float64Array
  readonly mass: Float64Array
  readonly own: readonly OwnResponse[]
}

/** `[judged, classes]` logits of images without their own label. */
function leftOut(
  { images, targets, classes }: LabelledImages,
  { scores, mass, own }: Diffused,
  positions: Int32Array,
): FeatureMatrix {
  const width = classes.length
  const logits = featureMatrix(positions.length, width)
  positions.forEach((i, at) => {
    const remaining = scores.slice(images[i] * width, (images[i] + 1) * width)
    const remainingMass = mass.slice()
    remaining[targets[i]] -= own[at].score
    remainingMass[targets[i]] -= own[at].mass
    logits.data.set(propagationLogits(remaining, remainingMass).data, at * width)
  })
  return logits
}
