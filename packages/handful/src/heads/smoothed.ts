/**
 * A plain head on smoothed features (`features/smoothing.ts`): in the coordinates of the neighbour graph's diffusion map,
 * where a network or a logistic regression does from a few labels what label propagation does. New images are classified
 * as label propagation classifies them, by the mean of their nearest neighbours' probabilities.
 */
import { unitRows, type FeatureMatrix } from '../numerics/matrix.js'
import { neighbourGraph } from '../features/neighbour-graph.js'
import { fitSmoothing, smoothedReferences, type SmoothingOptions } from '../features/smoothing.js'
import type { Head, HeadProblem } from './head.js'
import { restorePredictor } from './predictor.js'

/** Neighbours of a new image; those that make the graph are as many. */
const K = 10
const KERNEL = 'self-tuned'
/** Coordinates; fewer for few images, of which each of them would otherwise tell a handful apart and no more. */
export const SMOOTHED_DIMENSIONS = 64
const IMAGES_PER_DIMENSION = 20

/** The features that such heads work on, `[rows, 64]`: found once where several heads or draws share them. */
export async function smoothedFeatures(
  { features, graph, linearAlgebra }: Pick<HeadProblem, 'features' | 'graph' | 'linearAlgebra'>,
  options: Pick<SmoothingOptions, 'signal' | 'onProgress'> = {},
): Promise<FeatureMatrix> {
  // Two images have nothing between them that could be smoothed.
  if (features.rows < 3) return features
  const dimensions = Math.min(
    SMOOTHED_DIMENSIONS,
    Math.max(2, Math.round(features.rows / IMAGES_PER_DIMENSION)),
  )
  const smoothing = await fitSmoothing(
    features,
    graph,
    { ...options, dimensions, k: K, kernel: KERNEL },
    linearAlgebra,
  )
  return smoothedReferences(smoothing)
}

export function smoothed(head: Head): Head {
  const name = `${head.name} on smoothed features`
  return {
    name,
    async fit(problem) {
      const { features, classCount, linearAlgebra } = problem
      const graph = problem.graph ?? (await neighbourGraph(features, linearAlgebra))
      const within = problem.smoothed ?? (await smoothedFeatures({ features, graph, linearAlgebra }))
      const { graph: _graph, smoothed: _smoothed, ...rest } = problem
      const fitted = await head.fit({ ...rest, features: within })
      const probabilities = await fitted.probabilities()
      const parameters = {
        kind: 'neighbours' as const,
        classCount,
        settings: { k: Math.max(1, Math.min(K, features.rows)), kernel: KERNEL },
        arrays: { references: unitRows(features), probabilities },
      }
      return {
        name,
        chosen: fitted.chosen,
        probabilities: async () => probabilities,
        predict: restorePredictor(parameters, linearAlgebra),
        parameters,
        leaveOneOut: fitted.leaveOneOut,
      }
    },
  }
}
