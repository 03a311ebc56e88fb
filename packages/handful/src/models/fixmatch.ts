/**
 * FixMatch (Sohn et al., arXiv 2001.07685): a network learns from the labelled images, and from unlabelled ones that it is
 * sure of. A weakly distorted image is given a class; where that is sure, the strongly distorted one has to be of it too.
 *
 *   loss = CE(f(image), label) + weight mean([max q >= threshold] CE(f(strong), argmax q)),  q = teacher(weak)
 *
 * The teacher is the network of the averaged weights and averaged statistics (Cai et al., "Exponential moving average
 * normalization", arXiv 2101.08482): surer than the network of the moment, and without a backward pass. Its q is aligned
 * with the labelled images' proportions of classes (ReMixMatch, arXiv 1911.09785): q is divided by its running mean.
 */
import {
  add,
  argmin,
  cast,
  concat,
  constant,
  crossEntropy,
  div,
  greater,
  input,
  inputName,
  logSoftmax,
  max,
  mean,
  mul,
  neg,
  oneHot,
  Parameters,
  slice,
  softmax,
  stopGradient,
  sum,
  type Tensor,
} from 'onnx-autodiff'
import { z } from 'zod'
import { imageDimensions, toSignedRange } from './common.js'
import { AVERAGED, type ImageShape } from './model.js'
import {
  accuracyOf,
  optimisedStep,
  type StepOptions,
  type SupervisedNetwork,
  type SupervisedTrainable,
} from './supervised-network.js'

export const fixMatchSchema = z.strictObject({
  /** Unlabelled images of a step, for each labelled one that it has where there are enough. */
  ratio: z.int().min(1),
  /** How probable a class has to be for its image to count. */
  threshold: z.number().min(0).max(1),
  /** Of the unlabelled images' loss. */
  weight: z.number().min(0),
})

export type FixMatchOptions = z.infer<typeof fixMatchSchema>

export const fixMatchDefaults: FixMatchOptions = { ratio: 3, threshold: 0.95, weight: 1 }

/** What the guide leaves to a class that it gives nothing: a teacher that is sure enough can overrule it. */
const GUIDE_FLOOR = 1e-3

/** How slowly the running mean of the teacher's classes follows. */
const ALIGNMENT_DECAY = 0.99

export interface FixMatchStepOptions extends StepOptions, FixMatchOptions {
  /** Unlabelled images of a step. */
  readonly unlabelled: number
  /** Whether the step is told how probable each class is for each unlabelled image, beside what its teacher says. */
  readonly guided?: boolean
  /** [classCount] shares of the classes among the labelled images. */
  readonly proportions: Float32Array
}

/**
 * The program of one step: `image` uint8 [batch, size, size, channels], `labels` int32 [batch], `weak` and `strong`
 * uint8 [unlabelled, size, size, channels], and where it is guided `guide` [unlabelled, classes] -> `loss`, `accuracy` on the labelled batch, `unlabelledLoss` and `used`, the
 * share of the unlabelled images that were sure enough. Needs averaged weights.
 */
export function fixMatchStep(
  network: SupervisedNetwork,
  image: ImageShape,
  options: FixMatchStepOptions,
  seed: number,
): SupervisedTrainable {
  const { classCount, batch, unlabelled, threshold, weight, proportions, emaHalfLife = 0 } = options
  if (emaHalfLife <= 0)
    throw new Error(`internal: fixMatchStep: got emaHalfLife ${emaHalfLife}, expected some`)
  const pixels = input('image', imageDimensions(batch, image), 'uint8')
  const labels = input('labels', [batch], 'int32')
  const weak = input('weak', imageDimensions(unlabelled, image), 'uint8')
  const strong = input('strong', imageDimensions(unlabelled, image), 'uint8')

  const p = new Parameters('train')
  const seen = concat([toSignedRange(pixels), toSignedRange(strong)], 2)
  const { logits } = network.build(p, image, classCount)(seen)
  const own = slice(logits, 0, 0, batch)
  const others = slice(logits, 0, batch, batch + unlabelled)

  const teacher = new Parameters('evaluate', AVERAGED)
  const q = stopGradient(softmax(network.build(teacher, image, classCount)(toSignedRange(weak)).logits))
  const usual = input('usual classes', [classCount])
  const guide = options.guided === true ? input('guide', [unlabelled, classCount]) : undefined
  const balanced = mul(q, div(constant(proportions, [classCount]), add(usual, 1e-6)))
  const tilted = guide === undefined ? balanced : mul(balanced, add(guide, GUIDE_FLOOR))
  const aligned = div(tilted, sum(tilted, 1, true))
  const certainty = max(aligned, 1)
  const sure = threshold > 0 ? cast(greater(certainty, threshold), 'float32') : certainty
  const pseudo = guide === undefined ? oneHot(argmin(neg(aligned), 1), classCount) : aligned

  const labelledLoss = crossEntropy(own, labels)
  const each = neg(sum(mul(logSoftmax(others), stopGradient(pseudo)), 1))
  const unlabelledLoss = mean(mul(each, stopGradient(sure)))
  const loss = add(labelledLoss, mul(unlabelledLoss, weight))
  const outputs = { loss, accuracy: accuracyOf(own, labels), unlabelledLoss, used: mean(sure) }
  const inputs = [pixels, labels, weak, strong, ...(guide ? [guide] : [])]
  const trainable = optimisedStep(p, inputs, outputs, options, seed, teacher.all())
  const { program, initialState } = trainable
  const next: Tensor = add(mul(usual, ALIGNMENT_DECAY), mul(mean(q, 0), 1 - ALIGNMENT_DECAY))
  return {
    ...trainable,
    program: { ...program, state: [...(program.state ?? []), { variable: usual, next }] },
    initialState: {
      ...initialState,
      [inputName(usual)]: { dtype: 'float32', shape: [classCount], data: proportions.slice() },
    },
  }
}
