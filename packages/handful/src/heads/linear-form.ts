/**
 * Heads whose logits are linear in the features share this form: a weight and a bias that also go into the exported ONNX
 * model.
 */
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { overAllClasses, type FittedHead, type LabelledRows, type RowProblem } from './head.js'
import { restorePredictor } from './predictor.js'

/** The bias of a class without a label: finite, so that every file format holds it, and impossible all the same. */
export const IMPOSSIBLE_LOGIT = -1e4

export interface LinearFit {
  readonly name: string
  readonly chosen: Readonly<Record<string, number | string>>
  /** `[columns, classes]` of the labelled classes. */
  readonly weight: FeatureMatrix
  /** `[classes]` */
  readonly bias: ArrayLike<number>
  /** `[labelled, classes]` probabilities, NaN where there are none. */
  readonly leaveOneOut?: FeatureMatrix
}

/** A fitted head of a weight and a bias over the labelled classes. */
export function linearHead(
  fit: LinearFit,
  problem: RowProblem,
  labelled: LabelledRows,
): FittedHead<RowProblem> {
  const { classCount } = problem
  const { classes } = labelled
  const bias = featureMatrix(1, classCount)
  bias.data.fill(IMPOSSIBLE_LOGIT)
  classes.forEach((c, i) => (bias.data[c] = fit.bias[i]))
  const weight = overAllClasses(fit.weight, classes, classCount)
  return parametricHead(
    { name: fit.name, chosen: fit.chosen, kind: 'linear', arrays: { weight, bias } },
    problem,
    fit.leaveOneOut && overAllClasses(fit.leaveOneOut, classes, classCount),
  )
}

export interface ParametricFit {
  readonly name: string
  readonly chosen: Readonly<Record<string, number | string>>
  readonly kind: 'linear' | 'mlp'
  /** Over all classes. */
  readonly arrays: Readonly<Record<string, FeatureMatrix>>
}

/** A fitted head that treats the rows given at fit as it does new ones. */
export function parametricHead(
  { name, chosen, kind, arrays }: ParametricFit,
  problem: RowProblem,
  leaveOneOut?: FeatureMatrix,
): FittedHead<RowProblem> {
  const parameters = { kind, classCount: problem.classCount, settings: {}, arrays }
  const predict = restorePredictor(parameters, problem.linearAlgebra)
  return {
    name,
    chosen,
    probabilities: () => predict(problem.features),
    predict,
    parameters,
    leaveOneOut,
  }
}
