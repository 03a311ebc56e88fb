/**
 * A head as a graph of the engine's primitives: rows of features to logarithms of probabilities, as `heads/predictor.ts`
 * computes them in TypeScript. Logarithms go from part to part, since small probabilities lose their digits in float32;
 * a class that is ruled out stands at `RULED_OUT`.
 */
import {
  add,
  concat,
  div,
  exp,
  gather,
  greater,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  minimum,
  mul,
  type NamedArray,
  pow,
  relu,
  reshape,
  slice,
  sqrt,
  sub,
  sum,
  type Tensor,
  topK,
  where,
} from 'onnx-autodiff'
import type { Normalisation } from '../features/normalise.js'
import type { Kernel } from '../features/neighbour-graph.js'
import { confidenceOf } from '../heads/confidence.js'
import type { PredictorParameters } from '../heads/head.js'
import { neighbourSettings, viewsOf } from '../heads/predictor.js'
import { type FeatureMatrix, matrixArray } from '../numerics/matrix.js'

/** Declares a fixed array and gives its tensor. */
export type Declare = (name: string, array: NamedArray) => Tensor

/** Its exponential is 0. */
const RULED_OUT = -1e4
/** Exponentials below this are 0 in float32: what `heads/` holds as a probability of 0. */
const LOG_OF_ZERO = Math.log(2 ** -150)
/** As `weightedProduct` has it. */
const LOG_OF_SMALLEST = Math.log(1e-12)
/** Above 0 in float32, whatever it is divided or multiplied by. */
const TINY = 1e-30
/** Of float32 with all its digits. */
const SMALLEST_NORMAL = 1.2e-38
/** As `kernelWeights` has it. */
const SMALLEST_SQUARE = 1e-6

/** `unit((x - centre) projection)`: `[n, inputs]` to `[n, components]`; rows of zeros stay. */
export function normalisedRows(
  features: Tensor,
  { centre, projection }: Normalisation,
  declare: Declare,
): Tensor {
  const vector = { dtype: 'float32', shape: [centre.length], data: centre } as const
  const projected = matmul(
    sub(features, declare('centre', vector)),
    declare('projection', matrixArray(projection)),
  )
  const square = sum(mul(projected, projected), [1], true)
  return div(projected, sqrt(maximum(square, TINY)))
}

/** Parts side by side, `[n, numbers]` each. */
export const sideBySide = (parts: readonly Tensor[]): Tensor =>
  parts.length === 1 ? parts[0] : concat(parts, 1)

/** `[n, columns]` rows of length 1 to `[n, classes]` logarithms of probabilities. */
export function headLogarithms(parameters: PredictorParameters, rows: Tensor, declare: Declare): Tensor {
  const { exponent, bend, doubt } = confidenceOf(parameters.settings)
  const own = plainLogarithms(parameters, rows, declare)
  if (exponent === 1 && bend === 1 && doubt === 0) return own
  const behind = sub(max(own, 1, true), own)
  const bent = bend === 1 ? behind : pow(behind, bend)
  const sure = logSoftmax(where(isPossible(own), mul(bent, -exponent), RULED_OUT))
  if (doubt === 0) return sure
  const possible = where(isPossible(own), 1, 0)
  const share = div(mul(possible, doubt), sum(possible, [1], true))
  const mixed = add(mul(exp(sure), 1 - doubt), share)
  return where(isPossible(own), log(maximum(mixed, TINY)), RULED_OUT)
}

const isPossible = (logarithms: Tensor): Tensor => greater(logarithms, LOG_OF_ZERO)

/** Before they are sharpened. */
function plainLogarithms(parameters: PredictorParameters, rows: Tensor, declare: Declare): Tensor {
  const { kind, arrays, factors = [] } = parameters
  const given = (name: string): Tensor => declare(name, matrixArray(arrays[name]))
  const layer = (x: Tensor, number: '' | '1' | '2'): Tensor =>
    add(matmul(x, given(`weight${number}`)), given(`bias${number}`))
  switch (kind) {
    case 'linear':
      return logSoftmax(layer(rows, ''))
    case 'mlp':
      return logSoftmax(layer(relu(layer(rows, '1')), '2'))
    case 'views': {
      const [weight, bias] = [given('weight'), given('bias')]
      const views = viewsOf(parameters)
      const numbers = arrays.weight.rows
      const each = Array.from({ length: views }, (_, view) => {
        const own = slice(rows, 1, view * numbers, (view + 1) * numbers)
        return logSoftmax(add(matmul(own, weight), bias))
      })
      const greatest = each.reduce((a, b) => maximum(a, b))
      const total = each.map((logarithms) => exp(sub(logarithms, greatest))).reduce((a, b) => add(a, b))
      return add(greatest, log(div(total, views)))
    }
    case 'neighbours':
      return neighbourLogarithms(parameters, rows, declare)
    case 'product': {
      const parts = factors.map((factor, i) =>
        headLogarithms(factor.parameters, rows, (name, array) => declare(`${i}/${name}`, array)),
      )
      const product = parts
        .map((part, i) => mul(maximum(part, LOG_OF_SMALLEST), factors[i].weight))
        .reduce((a, b) => add(a, b))
      const likeliest = parts.reduce((a, b) => maximum(a, b))
      return logSoftmax(where(isPossible(likeliest), product, RULED_OUT))
    }
  }
}

/** The mean of the nearest stored rows' probabilities under the kernel. */
function neighbourLogarithms(parameters: PredictorParameters, rows: Tensor, declare: Declare): Tensor {
  const { k: asked, kernel } = neighbourSettings(parameters)
  const { references, probabilities } = parameters.arrays
  const [n] = rows.shape
  const k = Math.min(asked, references.rows)
  const stored = declare('references', matrixArray(transposed(references)))
  const { values, indices } = topK(matmul(rows, stored), k)
  const weights = kernelTensor(kernel, values, k)
  const total = sum(weights, [1], true)
  // A row that is near to nothing gets the plain mean.
  const shares = where(greater(total, 0), div(weights, maximum(total, TINY)), 1 / k)
  const nearest = gather(declare('probabilities', matrixArray(probabilities)), indices)
  const mean = sum(mul(reshape(shares, [n, k, 1]), nearest), [1])
  return where(greater(mean, 0), log(maximum(mean, SMALLEST_NORMAL)), RULED_OUT)
}

/** Weights of neighbours from `[n, k]` cosines, the nearest first. */
function kernelTensor(kernel: Kernel, cosines: Tensor, k: number): Tensor {
  const most = minimum(cosines, 1)
  if (kernel === 'cosine cubed') {
    const positive = maximum(most, 0)
    return mul(mul(positive, positive), positive)
  }
  const square = (cosine: Tensor): Tensor => sub(2, mul(cosine, 2))
  const farthest = maximum(square(slice(cosines, 1, k - 1, k)), SMALLEST_SQUARE)
  return exp(div(mul(square(most), -4), farthest))
}

/** Stored as the product reads them. */
function transposed({ rows, columns, data }: FeatureMatrix): FeatureMatrix {
  const result = new Float32Array(data.length)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]
  return { rows: columns, columns: rows, data: result }
}
