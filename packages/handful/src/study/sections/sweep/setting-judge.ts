/**
 * What is said of the features of one layer at one noise level: by the labelled few, by images without labels, and by test
 * images, whose labels are counted right and wrong by the `TestSet` alone.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../../../data/test-set.js'
import { neighbourGraph } from '../../../features/neighbour-graph.js'
import { createHead, type HeadName, isSmoothed } from '../../../heads/registry.js'
import { smoothedFeatures } from '../../../heads/smoothed.js'
import { argmaxRows, selectRows } from '../../../numerics/matrix.js'
import type { StageContext } from '../../../stages/stage.js'
import { leaveOneOutLikelihood, neighbourAgreement } from './choose.js'
import type { NoisedFeatures } from './noised-features.js'
import type { StudySweep } from './schema.js'

type Judged = Pick<StudySweep['points'][number], 'accuracies' | 'crossValidated' | 'labelFree'>

export interface SettingJudge {
  /** Of the labels, each predicted from the others; undefined where there are too few. */
  likelihood(features: NoisedFeatures, labels: Int32Array): Promise<number | undefined>
  /** On the test images, one for each draw; none without test images. */
  accuracies(features: NoisedFeatures, draws: readonly Int32Array[]): Promise<number[]>
  judge(features: NoisedFeatures, draws: readonly Int32Array[]): Promise<Judged>
}

const GRAPH_HEADS: ReadonlySet<HeadName> = new Set(['propagation', 'propagation-plain', 'poisson', 'graph'])

export interface JudgedBy {
  readonly classCount: number
  readonly head: HeadName
  /** The training image of each row of features. */
  readonly rows: Int32Array
  /** Rows that augmented images are versions of. */
  readonly originals: Int32Array
  readonly scored?: TestSet
}

export function settingJudge(
  { classCount, head, rows, originals, scored }: JudgedBy,
  context: StageContext,
): SettingJudge {
  const ownLabels = (labels: Int32Array): Int32Array => Int32Array.from(rows, (row) => labels[row])
  const random = (purpose: string, draw: number): Random =>
    new Random(context.seed, `sweep/${purpose}/draw ${draw}`)

  const likelihood: SettingJudge['likelihood'] = ({ train: features }, labels) => {
    const { linearAlgebra } = context
    return leaveOneOutLikelihood({
      features,
      labels: ownLabels(labels),
      classCount,
      random: random('likelihood', 0),
      linearAlgebra,
    })
  }

  const accuracies: SettingJudge['accuracies'] = async ({ train: features, test: seen }, some) => {
    if (scored === undefined || seen === undefined) return []
    const { linearAlgebra, signal } = context
    const onGraph = GRAPH_HEADS.has(head) || isSmoothed(head)
    const graph = onGraph ? await neighbourGraph(features, linearAlgebra) : undefined
    const smoothed = isSmoothed(head) ? await smoothedFeatures({ features, graph, linearAlgebra }) : undefined
    const found: number[] = []
    for (const [draw, labels] of some.entries()) {
      signal.throwIfAborted()
      const problem = {
        features,
        labels: ownLabels(labels),
        classCount,
        random: random(head, draw),
        linearAlgebra,
        graph,
        smoothed,
      }
      const fitted = await createHead(head).fit(problem)
      found.push(scored.score(argmaxRows(await fitted.predict(seen))).accuracy)
    }
    return found
  }

  const judge: SettingJudge['judge'] = async (features, some) => {
    const crossValidated: number[] = []
    for (const labels of some) {
      const value = await likelihood(features, labels)
      if (value !== undefined) crossValidated.push(value)
    }
    const clean = selectRows(features.train, originals)
    return {
      accuracies: await accuracies(features, some),
      crossValidated,
      labelFree: await neighbourAgreement(clean, features.augmented, context.linearAlgebra),
    }
  }

  return { likelihood, accuracies, judge }
}
