/**
 * What is said of the features of one layer at one noise level: by the labelled few, by images without labels, and by test
 * images, whose labels are counted right and wrong by the `TestSet` alone.
 */
import { Random } from 'onnx-autodiff'
import type { TestSet } from '../../../data/test-set.js'
import { headProblem } from '../../../heads/head.js'
import { createHead, type OwnHeads } from '../../../heads/registry.js'
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

export interface JudgedBy {
  readonly classCount: number
  readonly head: string
  readonly own?: OwnHeads
  /** The training image of each row of features. */
  readonly rows: Int32Array
  /** Rows that augmented images are versions of. */
  readonly originals: Int32Array
  readonly scored?: TestSet
}

export function settingJudge(
  { classCount, head, own, rows, originals, scored }: JudgedBy,
  context: StageContext,
): SettingJudge {
  const ownLabels = (labels: Int32Array): Int32Array => Int32Array.from(rows, (row) => labels[row])
  const random = (purpose: string, draw: number): Random =>
    new Random(context.seed, `sweep/${purpose}/draw ${draw}`)

  const likelihood: SettingJudge['likelihood'] = ({ space }, labels) =>
    leaveOneOutLikelihood({
      features: space.train,
      labels: ownLabels(labels),
      classCount,
      random: random('likelihood', 0),
      linearAlgebra: context.linearAlgebra,
    })

  const accuracies: SettingJudge['accuracies'] = async ({ space }, some) => {
    if (scored === undefined || space.test === undefined) return []
    const found: number[] = []
    for (const [draw, labels] of some.entries()) {
      context.signal.throwIfAborted()
      const given = { labels: ownLabels(labels), classCount, random: random(head, draw) }
      const fitted = await createHead(head, undefined, own).fit(headProblem(space, given))
      found.push(scored.score(argmaxRows(await fitted.predict(space.test))).accuracy)
    }
    return found
  }

  const judge: SettingJudge['judge'] = async (features, some) => {
    const crossValidated: number[] = []
    for (const labels of some) {
      const value = await likelihood(features, labels)
      if (value !== undefined) crossValidated.push(value)
    }
    const clean = selectRows(features.space.train, originals)
    return {
      accuracies: await accuracies(features, some),
      crossValidated,
      labelFree: await neighbourAgreement(clean, features.augmented, context.linearAlgebra),
    }
  }

  return { likelihood, accuracies, judge }
}
