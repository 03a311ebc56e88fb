/**
 * Predictors for new rows from stored parameters: a few forms cover all heads. They solve nothing, so the same answer
 * comes from a run folder on another day.
 */
import { z } from 'zod'
import { HandfulError } from '../errors.js'
import {
  checkColumns,
  checkFinite,
  featureMatrix,
  storedUnitRows,
  unitRows,
  type FeatureMatrix,
} from '../numerics/matrix.js'
import type { LinearAlgebra, Neighbours } from '../numerics/linear-algebra.js'
import { type Kernel, kernelWeights } from '../features/neighbour-graph.js'
import { type Confidence, confidenceOf, sharpened, weightedProduct } from './confidence.js'
import { softmaxRows, type FittedHead, type HeadProblem, type PredictorParameters } from './head.js'

/** `[rows, classCount]` probabilities. */
export type Predictor = (features: FeatureMatrix) => Promise<FeatureMatrix>

const settingsOf = {
  linear: z.object({}).loose(),
  mlp: z.object({}).loose(),
  neighbours: z.object({
    k: z.number().int().min(1),
    kernel: z.enum(['cosine cubed', 'self-tuned']),
  }),
  product: z.object({}).loose(),
  views: z.object({ views: z.number().int().min(1) }),
}

/** Of a predictor of this kind. @throws ZodError for others */
export const neighbourSettings = ({
  settings,
}: Pick<PredictorParameters, 'settings'>): z.infer<typeof settingsOf.neighbours> =>
  settingsOf.neighbours.parse(settings)

/** How many views of an image a predictor of this kind has rows of. @throws ZodError for others */
export const viewsOf = ({ settings }: Pick<PredictorParameters, 'settings'>): number =>
  settingsOf.views.parse(settings).views

/** Finds the nearest references of rows. */
export type Search = (rows: FeatureMatrix, k: number) => Promise<Neighbours>

/** A search among references that several ask for the same rows: it is made once. */
export function sharedSearch(references: FeatureMatrix, linearAlgebra: LinearAlgebra): Search {
  const known = storedUnitRows(references)
  const found = new WeakMap<FeatureMatrix, Map<number, Promise<Neighbours>>>()
  return (rows, k) => {
    const ofRows = found.get(rows) ?? new Map<number, Promise<Neighbours>>()
    found.set(rows, ofRows)
    const neighbours = ofRows.get(k) ?? linearAlgebra.nearest(unitRows(rows), known, k)
    ofRows.set(k, neighbours)
    return neighbours
  }
}

/** The rows that a predictor classifies by, where it keeps any: those of its fit. */
export const referencesOf = ({ arrays, factors = [] }: PredictorParameters): FeatureMatrix | undefined =>
  Object.hasOwn(arrays, 'references')
    ? arrays.references
    : factors.map(({ parameters }) => referencesOf(parameters)).find((found) => found !== undefined)

/**
 * A predictor of stored parameters. Throws HandfulError where arrays are missing or do not fit each other.
 * @param search among the references, where something knows their neighbours already
 */
export function restorePredictor(
  parameters: PredictorParameters,
  linearAlgebra: LinearAlgebra,
  search?: Search,
): Predictor {
  const confidence = storedConfidence(parameters)
  const predict = predictorOf(parameters, linearAlgebra, search)
  return async (features) => sharpened(await predict(features), confidence)
}

function storedConfidence(parameters: PredictorParameters): Confidence {
  try {
    return confidenceOf(parameters.settings)
  } catch {
    throw badParameters(parameters, JSON.stringify(parameters.settings), 'a confidence above 0')
  }
}

/** As the head gave it, before its probabilities were sharpened. */
function predictorOf(
  parameters: PredictorParameters,
  linearAlgebra: LinearAlgebra,
  search?: Search,
): Predictor {
  const array = (name: string): FeatureMatrix => {
    const found = parameters.arrays[name]
    if (found !== undefined) return found
    throw badParameters(
      parameters,
      `arrays ${Object.keys(parameters.arrays).join(', ')}`,
      `one named ${name}`,
    )
  }
  const settings = settingsOf[parameters.kind].safeParse(parameters.settings)
  if (!settings.success) {
    throw badParameters(parameters, JSON.stringify(parameters.settings), z.prettifyError(settings.error))
  }
  switch (parameters.kind) {
    case 'linear': {
      const [weight, bias] = [array('weight'), array('bias')]
      checkColumns(bias, parameters.classCount, 'bias of a linear head')
      checkColumns(weight, parameters.classCount, 'weight of a linear head')
      return (features) => linear(features, weight, bias, linearAlgebra)
    }
    case 'mlp': {
      const [weight1, bias1, weight2, bias2] = ['weight1', 'bias1', 'weight2', 'bias2'].map(array)
      checkColumns(weight2, parameters.classCount, 'weight of a small network')
      return (features) => mlp(features, weight1, bias1, weight2, bias2, linearAlgebra)
    }
    case 'views': {
      const [weight, bias] = [array('weight'), array('bias')]
      checkColumns(bias, parameters.classCount, 'bias of a head of several views')
      checkColumns(weight, parameters.classCount, 'weight of a head of several views')
      return (features) => meanOfViews(features, viewsOf(parameters), weight, bias, linearAlgebra)
    }
    case 'product': {
      const factors = (parameters.factors ?? []).map(({ weight, parameters: own }) => ({
        weight,
        predict: restorePredictor(own, linearAlgebra, search),
      }))
      if (factors.length === 0) throw badParameters(parameters, 'no factors', 'at least one')
      return async (features) => {
        const found: FeatureMatrix[] = []
        for (const { predict } of factors) found.push(await predict(features))
        return weightedProduct(
          found,
          factors.map(({ weight }) => weight),
        )
      }
    }
    case 'neighbours': {
      const { k, kernel } = neighbourSettings(parameters)
      const [references, probabilities] = [array('references'), array('probabilities')]
      checkColumns(probabilities, parameters.classCount, 'probabilities of a neighbour head')
      if (references.rows !== probabilities.rows) {
        throw badParameters(parameters, `${probabilities.rows} rows of probabilities`, `${references.rows}`)
      }
      const find = search ?? sharedSearch(references, linearAlgebra)
      return async (features) => {
        const queries = checked(features, references.columns)
        return interpolate(await find(queries, k), probabilities, kernel)
      }
    }
  }
}

export interface NeighbourFit extends Pick<FittedHead, 'name' | 'chosen' | 'leaveOneOut'> {
  /** Training rows that a new row takes its probabilities from. */
  readonly k: number
  readonly kernel: Kernel
  /** `[rows, classCount]` of the rows given at fit. */
  readonly probabilities: FeatureMatrix
}

/** A fitted head that gives a new row the mean of its nearest training rows' probabilities. */
export function neighbourHead(
  { name, chosen, k, kernel, probabilities, leaveOneOut }: NeighbourFit,
  { classCount, features, linearAlgebra, references, neighboursOf }: HeadProblem,
): FittedHead {
  const parameters = {
    kind: 'neighbours' as const,
    classCount,
    settings: { k: Math.max(1, Math.min(k, features.rows)), kernel },
    arrays: { references: references(), probabilities },
  }
  return {
    name,
    chosen,
    probabilities: async () => probabilities,
    predict: restorePredictor(parameters, linearAlgebra, neighboursOf),
    parameters,
    leaveOneOut,
  }
}

function badParameters({ kind }: PredictorParameters, got: string, expected: string): HandfulError {
  const hint = 'the run folder may be damaged: fit again'
  return new HandfulError({ what: 'parameters of a head', where: kind, got, expected, hint })
}

function checked(features: FeatureMatrix, columns: number): FeatureMatrix {
  checkColumns(features, columns, 'prediction')
  checkFinite(features, 'prediction')
  return features
}

/** softmax(x W + b) */
async function linear(
  features: FeatureMatrix,
  weight: FeatureMatrix,
  bias: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<FeatureMatrix> {
  const logits = await linearAlgebra.matmul(checked(features, weight.rows), weight)
  addToRows(logits, bias)
  softmaxRows(logits)
  return logits
}

/** The mean over an image's views of softmax(x W + b); the rows of its views stand side by side. */
async function meanOfViews(
  features: FeatureMatrix,
  views: number,
  weight: FeatureMatrix,
  bias: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<FeatureMatrix> {
  const { rows, data } = checked(features, views * weight.rows)
  const each = await linear(featureMatrix(rows * views, weight.rows, data), weight, bias, linearAlgebra)
  const means = featureMatrix(rows, each.columns)
  for (let at = 0; at < each.data.length; at++) {
    const image = Math.floor(at / (views * each.columns))
    means.data[image * each.columns + (at % each.columns)] += each.data[at] / views
  }
  return means
}

/** softmax(relu(x W1 + b1) W2 + b2) */
async function mlp(
  features: FeatureMatrix,
  weight1: FeatureMatrix,
  bias1: FeatureMatrix,
  weight2: FeatureMatrix,
  bias2: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<FeatureMatrix> {
  const hidden = await linearAlgebra.matmul(checked(features, weight1.rows), weight1)
  addToRows(hidden, bias1)
  for (let i = 0; i < hidden.data.length; i++) hidden.data[i] = Math.max(0, hidden.data[i])
  return linear(hidden, weight2, bias2, linearAlgebra)
}

function addToRows({ columns, data }: FeatureMatrix, bias: FeatureMatrix): void {
  for (let i = 0; i < data.length; i++) data[i] += bias.data[i % columns]
}

/** Mean of the neighbours' probabilities under the kernel; a row that is near to nothing gets their plain mean. */
function interpolate(neighbours: Neighbours, probabilities: FeatureMatrix, kernel: Kernel): FeatureMatrix {
  const { rows, k, indices, similarities } = neighbours
  const classes = probabilities.columns
  const result = featureMatrix(rows, classes)
  const weights = new Float64Array(k)
  // Summed in float64: in float32 the mean of ten ones can be above 1.
  const row = new Float64Array(classes)
  for (let i = 0; i < rows; i++) {
    row.fill(0)
    kernelWeights(kernel, similarities, i * k, k, weights, 0)
    let total = weights.reduce((sum, weight) => sum + weight, 0)
    if (total === 0) {
      weights.fill(1)
      total = k
    }
    for (let j = 0; j < k; j++) {
      const reference = indices[i * k + j] * classes
      for (let c = 0; c < classes; c++) row[c] += (weights[j] / total) * probabilities.data[reference + c]
    }
    result.data.set(row, i * classes)
  }
  return result
}
