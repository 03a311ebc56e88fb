/** Losses: means over all elements or rows unless said otherwise. */
import { abs, add, exp, log, mul, neg, relu, sigmoid, sub } from '../graph/elementwise.js'
import { sum } from '../graph/broadcast.js'
import { mean } from '../graph/reduce.js'
import { oneHot } from '../graph/select.js'
import { GraphError, sameShape, shapeError } from '../graph/shape.js'
import { type Composite, compose, type Tensor } from '../graph/tensor.js'
import { logSoftmax } from './activations.js'

type None = Record<string, never>

/** logits [batch, classes], labels int32 [batch] -> the mean of -log softmax(logits)[label]. */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  if (logits.shape.length !== 2 || labels.shape.length !== 1 || logits.shape[0] !== labels.shape[0]) {
    shapeError('crossEntropy', [logits.shape, labels.shape], 'logits [batch, classes] and labels [batch]')
  }
  if (labels.dtype !== 'int32')
    throw new GraphError(`crossEntropy (labels): got ${labels.dtype}, expected int32`)
  const [batch, classes] = logits.shape
  return mul(sum(mul(logSoftmax(logits), oneHot(labels, classes))), -1 / batch)
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
