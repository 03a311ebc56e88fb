/** Losses: means over all elements or rows unless said otherwise. */
import { abs, add, exp, less, log, mul, neg, relu, sigmoid, sub, where } from '../graph/elementwise.js'
import { sum } from '../graph/broadcast.js'
import { mean } from '../graph/reduce.js'
import { gather, oneHot } from '../graph/select.js'
import { GraphError, sameShape, shapeError } from '../graph/shape.js'
import { type Composite, compose, constant, type Tensor } from '../graph/tensor.js'
import { logSoftmax } from './activations.js'

type None = Record<string, never>

/** The labels as they are, by a look-up that a session refuses outside 0 .. classes - 1 (Gather would count -1 from the end). */
function withinClasses(labels: Tensor, classes: number): Tensor {
  const [none, all] = [0, -classes].map((value) => constant([value], [], 'int32'))
  const range = constant(
    Array.from({ length: classes }, (_, i) => i),
    [classes],
    'int32',
  )
  return gather(range, where(less(labels, none), add(labels, all), labels))
}

/**
 * logits [batch, classes], labels int32 [batch] -> the mean of -log softmax(logits)[label]. A label outside
 * 0 .. classes - 1 makes the run fail, as an index outside its table does in `embedding`; the state stays as it was.
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  if (logits.shape.length !== 2 || labels.shape.length !== 1 || logits.shape[0] !== labels.shape[0]) {
    shapeError(
      'crossEntropy',
      [logits.shape, labels.shape],
      'logits [batch, classes] and labels [batch]',
      'images that are stored batch first go through fromBatchFirst',
    )
  }
  if (labels.dtype !== 'int32')
    throw new GraphError(`crossEntropy (labels): got ${labels.dtype}, expected int32`)
  const [batch, classes] = logits.shape
  return mul(sum(mul(logSoftmax(logits), oneHot(withinClasses(labels, classes), classes))), -1 / batch)
}

const binaryCrossEntropyComposite: Composite<None> = {
  name: 'binaryCrossEntropy',
  expand: ([x, target]) => add(sub(relu(x), mul(x, target)), log(add(1, exp(neg(abs(x)))))),
  gradient: ({ inputs: [x, target] }, dy) => [mul(dy, sub(sigmoid(x), target)), neg(mul(dy, x))],
}

/** -target log(sigmoid(x)) - (1 - target) log(1 - sigmoid(x)) of every element, without overflow. */
export function binaryCrossEntropyElements(logits: Tensor, target: Tensor): Tensor {
  if (!sameShape(logits.shape, target.shape))
    shapeError('binaryCrossEntropy', [logits.shape, target.shape], 'equal shapes')
  return compose(binaryCrossEntropyComposite, [logits, target], {})
}

/** Mean binary cross-entropy with logits. */
export const binaryCrossEntropy = (logits: Tensor, target: Tensor): Tensor =>
  mean(binaryCrossEntropyElements(logits, target))

/** Mean squared error. */
export function meanSquaredError(x: Tensor, target: Tensor): Tensor {
  if (!sameShape(x.shape, target.shape))
    shapeError('meanSquaredError', [x.shape, target.shape], 'equal shapes')
  const difference = sub(x, target)
  return mean(mul(difference, difference))
}
