/**
 * A head distilled into a small one (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015): layers
 * trained on the probabilities that the head gives all of its training images. A head that classifies by its training images
 * grows with their number; what comes out does not. Of one linear layer and two with a ReLU between, the better one on images
 * that neither was fitted to; how often it agrees is counted on others again.
 */
import type { Random } from 'onnx-autodiff'
import { usageError } from '../errors.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, selectRows } from '../numerics/matrix.js'
import { type Estimate, wilsonInterval } from '../numerics/statistics.js'
import { overAllClasses, type PredictorParameters } from './head.js'
import { IMPOSSIBLE_LOGIT } from './linear-form.js'
import { referencesOf, restorePredictor } from './predictor.js'
import { trainLayers } from './small-network.js'

export interface Distilled {
  readonly parameters: PredictorParameters
  /** Share of the images below that get the class which the whole head gives them. */
  readonly agreement: Estimate
  /** Training images that it was neither fitted to nor chosen by. */
  readonly images: number
  /** Over these: mean over images of the largest difference between two probabilities. */
  readonly difference: number
}

const HIDDEN = 128
/** One in so many is kept apart to choose by, and one to count on. */
const APART = 10
const [BATCH, LEARNING_RATE] = [64, 2e-3]
/** Rows that training goes through: a few seconds, whatever there are. */
const ROWS_SEEN = 1_000_000
const [FEWEST_EPOCHS, MOST_EPOCHS] = [5, 300]
/** Fewer leave no image to choose by and none to count on. */
const FEWEST_IMAGES = APART

/** @throws HandfulError (wrong use) for a head that is small already, or one of too few images */
export async function distil(
  head: PredictorParameters,
  { linearAlgebra, random }: { readonly linearAlgebra: LinearAlgebra; readonly random: Random },
): Promise<Distilled> {
  const rows = referencesOf(head)
  if (rows === undefined || rows.rows < FEWEST_IMAGES)
    throw usageError({
      what: '--distil',
      got: rows === undefined ? 'a classifier that is small already' : `one of ${rows.rows} images`,
      expected: `one that classifies by its training images, of ${FEWEST_IMAGES} at least`,
      hint: 'leave it out',
    })
  const teacher = await restorePredictor(head, linearAlgebra)(rows)
  const order = random.child('distil, images apart').permutation(rows.rows)
  const part = (from: number, to: number): Pair => pairOf(rows, teacher, order.subarray(from, to))
  const apart = Math.floor(rows.rows / APART)
  const [chosenBy, counted, fittedTo] = [part(0, apart), part(apart, 2 * apart), part(2 * apart, rows.rows)]
  let best: { readonly parameters: PredictorParameters; readonly loss: number } | undefined
  for (const hidden of [[], [HIDDEN]]) {
    const parameters = await fit(fittedTo, hidden, random.child(`distil, ${hidden.length} hidden`))
    const loss = crossEntropy(
      await restorePredictor(parameters, linearAlgebra)(chosenBy.rows),
      chosenBy.teacher,
    )
    if (best === undefined || loss < best.loss) best = { parameters, loss }
  }
  if (best === undefined) throw new Error('internal: distil: got no candidate, expected two')
  const found = await restorePredictor(best.parameters, linearAlgebra)(counted.rows)
  const { same, difference } = compared(found, counted.teacher)
  return {
    parameters: best.parameters,
    agreement: wilsonInterval(same / found.rows, found.rows),
    images: found.rows,
    difference,
  }
}

interface Pair {
  readonly rows: FeatureMatrix
  readonly teacher: FeatureMatrix
}

const pairOf = (rows: FeatureMatrix, teacher: FeatureMatrix, places: Uint32Array): Pair => ({
  rows: selectRows(rows, [...places]),
  teacher: selectRows(teacher, [...places]),
})

/** A class that the head never gives has no part in the training, and stays impossible. */
async function fit(
  { rows, teacher }: Pair,
  hidden: readonly number[],
  random: Random,
): Promise<PredictorParameters> {
  const { rows: count, columns: classCount, data } = teacher
  const classes = Int32Array.from({ length: classCount }, (_, c) => c).filter((c) =>
    Array.from({ length: count }, (_, i) => data[i * classCount + c]).some((p) => p > 0),
  )
  const targets = featureMatrix(count, classes.length)
  for (let i = 0; i < count; i++)
    classes.forEach((c, k) => (targets.data[i * classes.length + k] = data[i * classCount + c]))
  const epochs = Math.min(MOST_EPOCHS, Math.max(FEWEST_EPOCHS, Math.round(ROWS_SEEN / count)))
  const settings = { epochs, batchSize: BATCH, learningRate: LEARNING_RATE }
  const layers = await trainLayers({ features: rows, targets }, hidden, settings, random)
  const bias = featureMatrix(1, classCount)
  bias.data.fill(IMPOSSIBLE_LOGIT)
  const [first, last] = [layers[0], layers[layers.length - 1]]
  classes.forEach((c, k) => (bias.data[c] = last.bias[k]))
  const weight = overAllClasses(last.weight, classes, classCount)
  const arrays: Record<string, FeatureMatrix> =
    layers.length === 1
      ? { weight, bias }
      : {
          weight1: first.weight,
          bias1: featureMatrix(1, first.bias.length, first.bias),
          weight2: weight,
          bias2: bias,
        }
  return { kind: layers.length === 1 ? 'linear' : 'mlp', classCount, settings: {}, arrays }
}

const SMALLEST = 1e-12

function crossEntropy(found: FeatureMatrix, teacher: FeatureMatrix): number {
  return -teacher.data.reduce((sum, p, at) => sum + p * Math.log(Math.max(found.data[at], SMALLEST)), 0)
}

/** How many rows have their largest number in the same column, and the mean of their largest differences. */
export function compared(
  found: FeatureMatrix,
  teacher: FeatureMatrix,
): { readonly same: number; readonly difference: number } {
  const { rows, columns } = teacher
  const best = (data: Float32Array): number => data.indexOf(Math.max(...data))
  let [same, difference] = [0, 0]
  for (let i = 0; i < rows; i++) {
    const [a, b] = [found, teacher].map(({ data }) => data.subarray(i * columns, (i + 1) * columns))
    if (best(a) === best(b)) same++
    difference += a.reduce((most, p, c) => Math.max(most, Math.abs(p - b[c])), 0) / rows
  }
  return { same, difference }
}
