/**
 * The k nearest labelled rows vote with their cosines cubed. k is the one that gets most labelled rows right when each is
 * left out in turn, the smallest of equals. Votes are mixed with a uniform distribution by how often that was wrong (one
 * right and one wrong added): a single neighbour's vote is no certainty.
 */
import { featureMatrix, unitRows, type FeatureMatrix } from '../numerics/matrix.js'
import type { Neighbours } from '../numerics/linear-algebra.js'
import { neighbourGraph } from '../features/neighbour-graph.js'
import { canJudge, labelledRows, overAllClasses, type LabelledRows, type RowHead } from './head.js'
import { restorePredictor } from './predictor.js'
import { type HeadEntry, plainSeconds } from './head-entry.js'

export interface NearestNeighboursOptions {
  /** Numbers of neighbours to choose from, ascending. */
  readonly k?: readonly number[]
}

const NUMBERS = [1, 3, 5, 10, 20]

/**
 * The head `neighbours`: the k nearest labelled rows vote with their cosines cubed; k is chosen by leaving each out
 * in turn.
 */
export function nearestNeighbours({ k: numbers = NUMBERS }: NearestNeighboursOptions = {}): RowHead {
  const name = 'nearest neighbours'
  return {
    name,
    async fit(problem) {
      const { linearAlgebra, classCount } = problem
      const labelled = labelledRows(problem)
      const references = unitRows(labelled.features)
      const possible = numbers.filter((k) => k < labelled.rows.length)
      const graph = await neighbourGraph(references, linearAlgebra, { k: Math.max(1, ...possible) })
      let best = vote(graph, labelled, possible[0] ?? 1)
      for (const k of possible.slice(1)) {
        const candidate = vote(graph, labelled, k)
        if (candidate.right > best.right) best = candidate
      }
      const trust = (best.right + 1) / (best.judged + 2)
      const onehot = featureMatrix(references.rows, labelled.classes.length)
      labelled.targets.forEach((target, i) => (onehot.data[i * onehot.columns + target] = 1))
      mixWithUniform(onehot, trust)
      mixWithUniform(best.votes, trust)
      const parameters = {
        kind: 'neighbours' as const,
        classCount,
        settings: { k: best.k, kernel: 'cosine cubed' },
        arrays: { references, probabilities: overAllClasses(onehot, labelled.classes, classCount) },
      }
      const predict = restorePredictor(parameters, linearAlgebra)
      return {
        name,
        chosen: { k: best.k, trust },
        probabilities: () => predict(problem.features),
        predict,
        parameters,
        leaveOneOut: overAllClasses(best.votes, labelled.classes, classCount),
      }
    },
  }
}

/** Votes of each labelled row's neighbours among the others. */
function vote({ rows, k: stride, indices, similarities }: Neighbours, labelled: LabelledRows, k: number) {
  const { targets, classes } = labelled
  const votes: FeatureMatrix = featureMatrix(rows, classes.length)
  let right = 0
  let judged = 0
  for (let i = 0; i < rows; i++) {
    const row = votes.data.subarray(i * classes.length, (i + 1) * classes.length)
    for (let j = i * stride; j < i * stride + Math.min(k, stride); j++) {
      row[targets[indices[j]]] += Math.max(1e-9, similarities[j]) ** 3
    }
    const total = row.reduce((sum, value) => sum + value, 0)
    const judges = canJudge(labelled, i)
    judged += Number(judges)
    right += Number(judges && row.indexOf(Math.max(...row)) === targets[i])
    for (let c = 0; c < row.length; c++) row[c] = judges ? row[c] / total : NaN
  }
  return { k, votes, right, judged }
}

function mixWithUniform({ columns, data }: FeatureMatrix, share: number): void {
  for (let i = 0; i < data.length; i++) data[i] = share * data[i] + (1 - share) / columns
}

export const neighboursEntry: HeadEntry<RowHead> = {
  worksOn: 'rows',
  make: () => nearestNeighbours(),
  seconds: plainSeconds,
}
