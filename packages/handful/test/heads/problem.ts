/** Small problems with a known answer that the head tests share. */
import { Random } from 'onnx-autodiff'
import {
  featureMatrix,
  scaledToUnitRows,
  type FeatureMatrix,
  type UnitRows,
  unitRows,
} from '../../src/numerics/matrix.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { FeatureSpace } from '../../src/features/feature-space.js'
import { headProblem, type HeadProblem } from '../../src/heads/head.js'

export const linearAlgebra = plainLinearAlgebra()

export interface Blobs {
  readonly features: UnitRows
  readonly truth: Int32Array
}

/** Gaussian blobs about random centres, classes in turn, rows of length 1. */
export function blobs(rows: number, classes: number, columns: number, spread: number, seed = 1): Blobs {
  const random = new Random(seed, 'blobs')
  const centres = random.fillNormal(new Float32Array(classes * columns))
  const features = featureMatrix(rows, columns)
  for (let at = 0; at < features.data.length; at++) {
    const row = Math.floor(at / columns)
    features.data[at] = centres[(row % classes) * columns + (at % columns)] + spread * random.normal()
  }
  return {
    features: scaledToUnitRows(features),
    truth: Int32Array.from({ length: rows }, (_, row) => row % classes),
  }
}

/** The first `perClass` rows of each class keep their label. */
export function firstLabels(truth: Int32Array, perClass: number): Int32Array {
  const counts = new Map<number, number>()
  return truth.map((label) => {
    const count = counts.get(label) ?? 0
    counts.set(label, count + 1)
    return count < perClass ? label : -1
  })
}

export function problem(
  features: FeatureMatrix,
  labels: Int32Array | readonly number[],
  classCount: number,
  more: Partial<HeadProblem> = {},
): HeadProblem {
  const random = new Random(7, 'test')
  const space = new FeatureSpace({ train: unitRows(features) }, { linearAlgebra })
  return { ...headProblem(space, { labels: Int32Array.from(labels), classCount, random }), ...more }
}

export function share(predicted: Int32Array, truth: Int32Array): number {
  return predicted.reduce((right, label, row) => right + Number(label === truth[row]), 0) / truth.length
}
