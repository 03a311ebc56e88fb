/**
 * The classifier that follows a person who labels: label propagation on the kept graph, its probabilities made to mean
 * something by labels that are left out in turn, exactly (`responses.ts`). A hundred times as quick as the fit of `handful
 * fit`, which weighs several heads by fits without each fold; `handful refit` does that.
 */
import { Random } from 'onnx-autodiff'
import { confidenceFrom, sharpened } from '../heads/confidence.js'
import { softmaxRows } from '../heads/head.js'
import { propagationLogits } from '../heads/label-propagation.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import type { OwnResponse, Propagation } from './responses.js'

/** Labels left out in turn, unless the audit has more: enough for temperature, estimate and the worst mistakes. */
const MOST_LEFT_OUT = 256
/** Scale of the logits before labels have their say, as `labelPropagation` has it. */
const EXPECTED_SCALE = 4

export interface LabelledImages {
  /** Ascending. */
  readonly images: Int32Array
  /** `[images]` positions in `classes`. */
  readonly targets: Int32Array
  /** Numbers of the classes that have a label, ascending. */
  readonly classes: readonly number[]
  /** `[images]` whether each was labelled blind, drawn at random. */
  readonly audit: readonly boolean[]
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

/** @param rows all images */
export async function quickFit(
  propagation: Propagation,
  labelled: LabelledImages,
  rows: number,
  { seed, patience, signal }: QuickFitOptions,
): Promise<QuickFit> {
  const { images, targets, classes } = labelled
  const wanted = toBeJudged(labelled, rows, seed)
  const known = (i: number): boolean => propagation.knows(images[i])
  const unknown = wanted.filter((i) => !known(i))
  const later = new Set(unknown.slice(patience))
  const positions = Int32Array.from(wanted.filter((i) => !later.has(i))).sort()
  const left = positions.map((i) => images[i])
  const { scores, mass, own } = await propagation.respond(images, targets, classes.length, left, signal)
  const judged = leftOut(labelled, { scores, mass, own }, positions)
  const truth = positions.map((i) => targets[i])
  softmaxRows(judged, EXPECTED_SCALE)
  const confidence = confidenceFrom(judged, truth, images.length)
  const logits = propagationLogits(scores, mass)
  softmaxRows(logits, EXPECTED_SCALE)
  return {
    probabilities: sharpened(logits, confidence),
    judged: { positions, probabilities: sharpened(judged, confidence) },
    settled: later.size === 0,
  }
}

/** Positions of the labels that are left out in turn: which, the labels and the seed alone decide. */
function toBeJudged(
  { images, targets, classes, audit }: LabelledImages,
  rows: number,
  seed: number,
): number[] {
  const counts = new Int32Array(classes.length)
  for (const target of targets) counts[target]++
  const rank = new Random(seed, 'labels left out').permutation(rows)
  return [...images.keys()]
    .filter((i) => counts[targets[i]] > 1)
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
