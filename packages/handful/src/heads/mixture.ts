/**
 * A mixture of directions: each class a mean direction, all of one concentration (von Mises-Fisher; Banerjee et al., "Clustering
 * on the unit hypersphere", JMLR 2005), fitted to labelled and unlabelled rows by expectation and maximisation. Unlabelled rows
 * weigh a tenth of labelled ones, else with a label or two a class the means drift off their classes (Nigam et al., "Text
 * classification from labeled and unlabeled documents using EM", Machine Learning 2000, section 5.3). Where classes are
 * clouds rather than clusters that a graph can follow it is better than label propagation from few labels, and the two err on
 * different images.
 */
import { featureMatrix, type FeatureMatrix, scaledToUnitRows, selectRows } from '../numerics/matrix.js'
import { type HeadEntry, plainSeconds } from './head-entry.js'
import {
  labelledRows,
  type LabelledRows,
  type RowHead,
  type RowProblem,
  setLabels,
  softmaxRows,
} from './head.js'
import { linearHead } from './linear-form.js'

export interface MixtureOptions {
  /** How close rows of length 1 lie to their class's direction: the logit is this times the cosine. Default 20. */
  readonly concentration?: number
  /** Of an unlabelled row beside a labelled one. Default 0.1. */
  readonly unlabelledWeight?: number
  /** Default 10. */
  readonly rounds?: number
}

export function directionMixture({
  concentration = 20,
  unlabelledWeight = 0.1,
  rounds = 10,
}: MixtureOptions = {}): RowHead {
  const name = 'mixture of directions'
  return {
    name,
    async fit(problem) {
      const seen = sampled(problem)
      const labelled = labelledRows(seen)
      let directions = meansOfLabelled(labelled)
      for (let round = 0; round < rounds; round++) {
        const shares = await sharesOf(seen, labelled, { directions, concentration, unlabelledWeight })
        // Rows of labelled images hold their class alone.
        directions = scaledToUnitRows(
          await seen.linearAlgebra.matmul(shares, seen.features, { transposeA: true }),
        )
      }
      const { rows: classes, columns } = directions
      const weight = featureMatrix(columns, classes)
      for (let c = 0; c < classes; c++)
        for (let j = 0; j < columns; j++)
          weight.data[j * classes + c] = concentration * directions.data[c * columns + j]
      const bias = new Float64Array(classes)
      return linearHead({ name, chosen: { concentration, rounds }, weight, bias }, problem, labelled)
    },
  }
}

/** Of very many unlabelled rows so many: means of 10,000 lie within a hundredth of their spread. */
const MOST_UNLABELLED = 10_000

/** The problem with all labelled rows and a draw of the others. */
function sampled(problem: RowProblem): RowProblem {
  const { labels, features, random } = problem
  const places = [...labels.keys()]
  const unlabelled = places.filter((row) => labels[row] < 0)
  if (unlabelled.length <= MOST_UNLABELLED) return problem
  const order = random.child('mixture').permutation(unlabelled.length).subarray(0, MOST_UNLABELLED)
  const kept = [...places.filter((row) => labels[row] >= 0), ...Array.from(order, (i) => unlabelled[i])]
  return {
    ...problem,
    sources: undefined,
    accepted: undefined,
    features: selectRows(features, kept),
    labels: Int32Array.from(kept, (row) => labels[row]),
  }
}

function meansOfLabelled({ features, targets, classes }: LabelledRows): FeatureMatrix {
  const { columns } = features
  const sums = featureMatrix(classes.length, columns)
  for (const [i, target] of targets.entries())
    for (let j = 0; j < columns; j++) sums.data[target * columns + j] += features.data[i * columns + j]
  return scaledToUnitRows(sums)
}

/** `[rows, labelled classes]` how much of each row is each class's. */
async function sharesOf(
  { features, linearAlgebra }: RowProblem,
  labelled: LabelledRows,
  {
    directions,
    concentration,
    unlabelledWeight,
  }: { readonly directions: FeatureMatrix } & Required<Omit<MixtureOptions, 'rounds'>>,
): Promise<FeatureMatrix> {
  const shares = await linearAlgebra.matmul(features, directions, { transposeB: true })
  softmaxRows(shares, concentration)
  const { data } = shares
  for (let at = 0; at < data.length; at++) data[at] *= unlabelledWeight
  setLabels(shares, labelled)
  return shares
}

export const mixtureEntry: HeadEntry<RowHead> = {
  worksOn: 'rows',
  make: () => directionMixture(),
  seconds: (fit) =>
    plainSeconds(fit) + Math.min(fit.trainImages, MOST_UNLABELLED) * fit.components * fit.classCount * 4e-8,
}
