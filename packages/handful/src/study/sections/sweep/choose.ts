/**
 * Choosing layer and noise level without test labels: by what the labelled few say of features (leave-one-out
 * log-likelihood of ridge regression), by how images without labels keep their neighbours under augmentation, or not at all.
 * Nothing here is given a test image or a hidden label.
 */
import type { Random } from 'onnx-autodiff'
import type { LinearAlgebra } from '../../../numerics/linear-algebra.js'
import { unitRows, type UnitRows } from '../../../numerics/matrix.js'
import { labelledRows } from '../../../heads/head.js'
import { ridgeRegression } from '../../../heads/ridge.js'
import type { FeatureRequest } from '../../../models/feature-request.js'
import type { BoundModel } from '../../../models/model.js'

/** Where features are taken: a layer, or several beside each other (`a+b`), at a noise level. */
export interface Setting {
  readonly layer: string
  readonly noiseLevel: number
}

/** A setting and its value of a criterion, higher is better. */
export interface Rated extends Setting {
  readonly value: number
}

export interface LabelledProblem {
  /** `[rows, columns]`, normalised. */
  readonly features: UnitRows
  /** `[rows]`, -1 where there is none. */
  readonly labels: Int32Array
  readonly classCount: number
  readonly random: Random
  readonly linearAlgebra: LinearAlgebra
}

/** Probabilities below this are rounding, and one of them must not outweigh all other labels. */
const SMALLEST_PROBABILITY = 1e-6

/**
 * Mean log-likelihood of the labels, each predicted from the others by ridge regression; higher is better, and
 * `-log(classes)` is guessing. Classes with a single label can't be judged.
 * @returns undefined where no class has two labels
 */
export async function leaveOneOutLikelihood(problem: LabelledProblem): Promise<number | undefined> {
  const { rows, targets, classes, features } = labelledRows(problem)
  // The head is given the labelled rows alone: it uses no others, and there are few of them.
  const labels = targets.map((target) => classes[target])
  const { leaveOneOut } = await ridgeRegression().fit({ ...problem, features, labels })
  let sum = 0
  let judged = 0
  for (let i = 0; leaveOneOut !== undefined && i < rows.length; i++) {
    const probability = leaveOneOut.data[i * leaveOneOut.columns + labels[i]]
    if (Number.isNaN(probability)) continue
    sum += Math.log(Math.max(probability, SMALLEST_PROBABILITY))
    judged++
  }
  return judged === 0 ? undefined : sum / judged
}

/** Neighbours compared: enough that their shares tell settings apart, few enough to be of an image's own kind. */
const NEIGHBOURS = 10

/**
 * Share of an image's nearest neighbours, among the other images, that stay its nearest when it is augmented: 0 to 1. It
 * grows with what features know of things that augmentation leaves alone, and falls with noise.
 *
 * @param clean `[images, columns]` of the images as they are
 * @param augmented `[images, columns]` of an augmented version of each
 */
export async function neighbourAgreement(
  clean: UnitRows,
  augmented: UnitRows,
  linearAlgebra: LinearAlgebra,
): Promise<number> {
  const k = Math.min(NEIGHBOURS, clean.rows - 1)
  const references = unitRows(clean)
  const own = await linearAlgebra.nearest(references, references, k, { excludeSelf: true })
  // One more is asked for, since an augmented image's nearest is, at best, the image itself.
  const moved = await linearAlgebra.nearest(unitRows(augmented), references, k + 1)
  let kept = 0
  for (let i = 0; i < clean.rows; i++) {
    const before = new Set(own.indices.subarray(i * own.k, (i + 1) * own.k))
    const after = [...moved.indices.subarray(i * moved.k, (i + 1) * moved.k)].filter((row) => row !== i)
    kept += after.slice(0, k).filter((row) => before.has(row)).length
  }
  return kept / (clean.rows * k)
}

/**
 * Values averaged with those of the neighbouring noise levels of the same layer (a half, a quarter either side): a single
 * good value among poor ones is chance.
 */
export function overNeighbours(rated: readonly Rated[]): Rated[] {
  const layers = [...new Set(rated.map(({ layer }) => layer))]
  return layers.flatMap((layer) => {
    const own = rated.filter((each) => each.layer === layer).toSorted((a, b) => a.noiseLevel - b.noiseLevel)
    return own.map((each, i) => {
      const beside = [own[i - 1], own[i + 1]].filter((other) => other !== undefined)
      const sum = beside.reduce((total, { value }) => total + value / 4, each.value / 2)
      return { ...each, value: sum / (1 / 2 + beside.length / 4) }
    })
  })
}

/** The best setting by values averaged over neighbouring noise levels; the earlier of equals. */
export function bestSetting(rated: readonly Rated[]): Setting | undefined {
  const known = rated.filter(({ value }) => Number.isFinite(value))
  if (known.length === 0) return undefined
  const { layer, noiseLevel } = overNeighbours(known).reduce((a, b) => (b.value > a.value ? b : a))
  return { layer, noiseLevel }
}

/** Little noise, at which details show, and more, at which the whole does (sigma 0.16 and 0.57 of the study's schedule). */
const TWO_LEVELS = [50, 200]

/**
 * Without choosing: the first two layers that features are taken of by default, each at two noise levels, all beside
 * each other.
 * @returns undefined for a model that knows no noise
 */
export function withoutChoosing(
  model: BoundModel,
): (FeatureRequest & Required<Pick<FeatureRequest, 'noiseLevels'>>) | undefined {
  const { noiseLevel, layers, ...request } = model.defaultFeatures
  if (noiseLevel === undefined) return undefined
  return { ...request, layers: layers.slice(0, 2), noiseLevels: TWO_LEVELS }
}

/** As `handful features` takes it. */
export function settingFlags(layers: readonly string[], noiseLevels: readonly number[]): string {
  return `--layers ${layers.join(',')} --noise-level ${noiseLevels.join(',')}`
}
