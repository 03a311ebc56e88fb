/** What the chosen head gave for the images of a fit: probabilities, and how unlike all classes they are. */
import { type NamedArray } from 'onnx-autodiff'
import { z } from 'zod'
import { readArrays } from '../../files/array-file.js'
import type { FeatureSpace } from '../../features/feature-space.js'
import { headProblem } from '../../heads/head.js'
import { fitUnlike, restoreUnlike, unlikeSettingsSchema } from '../../heads/unlike.js'
import { matrixOf } from '../../numerics/matrix.js'
import { headSchema, unlikeArrays, unlikeOf } from '../../runs/fitted-arrays.js'
import type { Stage } from '../../stages/stage.js'
import { comparisonSchema, type Fitting } from './fitting.js'

/** What the stage of heads keeps. */
export const headsSchema = z.object({
  compared: z.array(comparisonSchema),
  /** The chosen head, fitted to the first draw: its arrays and what it gives for training and test images. */
  head: headSchema,
  /** Place of its space among the learned ones. */
  space: z.int().nonnegative(),
  /** Where its neighbours were searched approximately. */
  recall: z.number().optional(),
  /** How unlike all classes images are; none where there is too little to tell by. */
  unlike: unlikeSettingsSchema.optional(),
  file: z.string(),
})

export type HeadsStage = Stage<z.infer<typeof headsSchema>>

/** What tells images of none of the classes, and the scores of the images that there are. */
export async function unlikeArraysOf(space: FeatureSpace, given: Parameters<typeof headProblem>[1]) {
  const problem = headProblem(space, given)
  const found = await fitUnlike(problem)
  if (found === undefined) return undefined
  const { parameters, ofTrain } = found
  const column = (data: Float32Array): NamedArray => ({ dtype: 'float32', shape: [data.length], data })
  const score = restoreUnlike(parameters, problem.neighboursOf)
  return {
    settings: parameters.settings,
    arrays: {
      ...unlikeArrays(parameters),
      [UNLIKE_TRAIN]: column(ofTrain),
      ...(space.test && { [UNLIKE_TEST]: column(await score(space.test)) }),
    },
  }
}

const UNLIKE_TRAIN = 'unlike.train'
const UNLIKE_TEST = 'unlike.test'

/** What the chosen head gave. */
export async function probabilitiesOf({ run }: Fitting, heads: HeadsStage) {
  const { head, file, unlike } = await run.store.result(heads)
  const { arrays } = await readArrays(run.path(file))
  return {
    head,
    arrays,
    train: matrixOf(arrays.train),
    test: Object.hasOwn(arrays, 'test') ? matrixOf(arrays.test) : undefined,
    unlike: unlike && {
      parameters: unlikeOf(unlike, arrays),
      train: arrays[UNLIKE_TRAIN].data as Float32Array,
      test: Object.hasOwn(arrays, UNLIKE_TEST) ? (arrays[UNLIKE_TEST].data as Float32Array) : undefined,
    },
  }
}
