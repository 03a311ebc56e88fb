/**
 * A plain head on the leading components of features alone. With a handful of labels the many small components are mostly
 * noise to a network or a logistic regression, and half-whitened features hold much of it. Twice as many components as
 * classes are kept: enough that the classes can lie apart in them (as many as classes would do), few enough for the labels.
 * Measured among MNIST's training images alone, a network of two layers gains 12 points at 2 labels per class, 5 at 8.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import type { RowHead } from './head.js'
import { parametricHead } from './linear-form.js'
import type { HeadEntry } from './head-entry.js'

const COMPONENTS_PER_CLASS = 2
/** Of two or three classes, each may still have kinds. */
const FEWEST_COMPONENTS = 16

/** Components that a compact head works on. */
export const compactComponents = (columns: number, classCount: number): number =>
  Math.min(columns, Math.max(FEWEST_COMPONENTS, COMPONENTS_PER_CLASS * classCount))

/** @param head one whose parameters are layers on the features: of kind `linear` or `mlp` */
export function compact(head: RowHead): RowHead {
  const name = `${head.name} on leading components`
  return {
    name,
    async fit(problem) {
      const { features, classCount } = problem
      const components = compactComponents(features.columns, classCount)
      const { columns: leading, scale } = leadingColumns(features, components)
      const fitted = await head.fit({ ...problem, features: leading })
      const { kind, arrays } = fitted.parameters
      if (kind !== 'linear' && kind !== 'mlp')
        throw new Error(`internal: compact: got ${head.name}, expected layers`)
      const first = kind === 'linear' ? 'weight' : 'weight1'
      const whole = {
        name,
        chosen: { ...fitted.chosen, components },
        kind,
        arrays: { ...arrays, [first]: overAllColumns(arrays[first], features.columns, scale) },
      }
      const { leaveOneOut, settled } = fitted
      return { ...parametricHead(whole, problem, leaveOneOut), settled: settled && compact(settled) }
    },
  }
}

/** The first columns, scaled as a whole so that rows are of length 1 in the root mean square, as heads expect them. */
function leadingColumns(
  { rows, columns, data }: FeatureMatrix,
  count: number,
): { columns: FeatureMatrix; scale: number } {
  const result = featureMatrix(rows, count)
  let squares = 0
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < count; j++) {
      const value = data[i * columns + j]
      result.data[i * count + j] = value
      squares += value * value
    }
  }
  const scale = squares > 0 ? Math.sqrt(rows / squares) : 1
  for (let i = 0; i < result.data.length; i++) result.data[i] *= scale
  return { columns: result, scale }
}

/** Weights of the leading columns as weights of all: the rest weighs nothing. */
function overAllColumns({ columns, data }: FeatureMatrix, inputs: number, scale: number): FeatureMatrix {
  const result = featureMatrix(inputs, columns)
  data.forEach((value, i) => (result.data[i] = scale * value))
  return result
}

export const compactEntry = (entry: HeadEntry<RowHead>): HeadEntry<RowHead> => ({
  worksOn: 'rows',
  epochs: entry.epochs,
  make: (options) => compact(entry.make(options)),
  seconds: (fit) => entry.seconds({ ...fit, components: compactComponents(fit.components, fit.classCount) }),
})
