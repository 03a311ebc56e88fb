/**
 * Normalisation layers as functions. Variance is E[x^2] - E[x]^2, so that all but two passes forward and three back are
 * arithmetic on small tensors; float32 keeps about (mean / deviation)^2 * 1e-7 of relative error, which after a
 * convolution is nothing, and a negative variance is cut to zero.
 *
 * With xhat = (x - mu) r, r = rsqrt(var + epsilon), and g = gamma dy:
 *   dx = r (g - mean(g) - xhat mean(g xhat)) = dy (gamma r) + x c1 + c0.
 */
import { add, mul, neg, reciprocal, relu, sqrt, sub } from '../graph/elementwise.js'
import { matmul } from '../graph/matmul.js'
import { reshape } from '../graph/movement.js'
import { sum } from '../graph/broadcast.js'
import { mean } from '../graph/reduce.js'
import { attributeError, GraphError, shapeError, shapeText, sizeOf } from '../graph/shape.js'
import { type Composite, compose, constant, type Tensor } from '../graph/tensor.js'

interface Epsilon {
  readonly epsilon: number
}

const deviationInverse = (squares: Tensor, mu: Tensor, epsilon: number): Tensor =>
  reciprocal(sqrt(add(relu(sub(squares, mul(mu, mu))), epsilon)))

/** x as [pixels, batch, channels]. */
const pixelRows = (x: Tensor): Tensor => {
  const [n, c] = x.shape.slice(-2)
  return reshape(x, [sizeOf(x.shape) / (n * c), n, c])
}

/** Means within groups of neighbouring channels, given back to every channel: [n, c] -> [n, c]. */
function groupMeans(x: Tensor, groups: number): Tensor {
  const c = x.shape[1]
  const per = c / groups
  const same = Float64Array.from({ length: c * c }, (_, i) =>
    Math.floor(Math.floor(i / c) / per) === Math.floor((i % c) / per) ? 1 / per : 0,
  )
  return groups === c ? x : matmul(x, constant(same, [c, c]))
}

interface GroupNormAttributes extends Epsilon {
  readonly groups: number
}

function groupStatistics(
  x: Tensor,
  { groups, epsilon }: GroupNormAttributes,
): { flat: Tensor; mu: Tensor; inverse: Tensor } {
  const flat = pixelRows(x)
  const mu = groupMeans(mean(flat, 0), groups)
  return { flat, mu, inverse: deviationInverse(groupMeans(mean(mul(flat, flat), 0), groups), mu, epsilon) }
}

const groupNormComposite: Composite<GroupNormAttributes> = {
  name: 'groupNorm',
  ordinary: (emitter, node) => {
    const {
      inputs: [x, gamma, beta],
      attributes: { groups, epsilon },
    } = node
    const image = x.shape.length === 4
    const source = image ? emitter.get(x, 'nchw') : emitter.get(x)
    const grouped = emitter.node('Reshape', [source, emitter.ints([0, groups, -1])])
    const unit = (value: number): string => emitter.floats(new Float64Array(groups).fill(value), [groups])
    const normal = emitter.node('InstanceNormalization', [grouped, unit(1), unit(0)], {
      epsilon: { float: epsilon },
    })
    const back = image ? [0, x.shape[3], x.shape[0], x.shape[1]] : [0, x.shape[x.shape.length - 1]]
    if (!image && x.shape.length !== 2)
      throw new GraphError(
        `export (groupNorm): got ${shapeText(x.shape)}, expected an image or [batch, channels]`,
      )
    const restored = emitter.node('Reshape', [normal, emitter.ints(back)])
    const side = (tensor: Tensor): string => (image ? emitter.alongside(tensor) : emitter.get(tensor))
    return [
      emitter.node('Add', [emitter.node('Mul', [restored, side(gamma)]), side(beta)]),
      image ? 'nchw' : 'plain',
    ]
  },
  expand: ([x, gamma, beta], attributes) => {
    const { flat, mu, inverse } = groupStatistics(x, attributes)
    const scale = mul(inverse, gamma)
    return reshape(add(mul(flat, scale), sub(beta, mul(mu, scale))), x.shape)
  },
  gradient: ({ inputs: [x, gamma], attributes }, dy) => {
    const { flat, mu, inverse } = groupStatistics(x, attributes)
    const d = pixelRows(dy)
    const pixels = flat.shape[0]
    const meanD = mean(d, 0)
    const meanDx = mul(sub(mean(mul(d, flat), 0), mul(mu, meanD)), inverse)
    const first = groupMeans(mul(meanD, gamma), attributes.groups)
    const second = groupMeans(mul(meanDx, gamma), attributes.groups)
    const c1 = neg(mul(mul(inverse, inverse), second))
    const c0 = sub(mul(neg(c1), mu), mul(inverse, first))
    const dx = add(add(mul(d, mul(inverse, gamma)), mul(flat, c1)), c0)
    return [reshape(dx, x.shape), sum(mul(meanDx, pixels), 0), sum(mul(meanD, pixels), 0)]
  },
}

/** x [..., batch, channels], gamma and beta [channels]; statistics per image and group (Wu and He, arXiv 1803.08494). */
export function groupNorm(x: Tensor, gamma: Tensor, beta: Tensor, groups: number, epsilon = 1e-5): Tensor {
  const channels = x.shape[x.shape.length - 1]
  if (x.shape.length < 2 || gamma.shape[0] !== channels || beta.shape[0] !== channels) {
    shapeError(
      'groupNorm',
      [x.shape, gamma.shape, beta.shape],
      'x [..., batch, channels], gamma and beta [channels]',
    )
  }
  if (channels % groups !== 0)
    attributeError('groupNorm', 'groups', groups, `a divisor of the ${channels} channels`)
  return compose(groupNormComposite, [x, gamma, beta], { groups, epsilon })
}

const channelRows = (x: Tensor): Tensor => reshape(x, [-1, x.shape[x.shape.length - 1]])

/** Mean and biased variance of each channel over everything else, [channels] each. */
export function batchStatistics(x: Tensor): { mean: Tensor; variance: Tensor } {
  const flat = channelRows(x)
  const mu = mean(flat, 0)
  return { mean: mu, variance: relu(sub(mean(mul(flat, flat), 0), mul(mu, mu))) }
}

const batchNormComposite: Composite<Epsilon> = {
  name: 'batchNorm',
  ordinary: () => {
    throw new GraphError(
      "export (batchNorm): got the statistics of a batch, expected running ones; build the network with new Parameters('evaluate')",
    )
  },
  expand: ([x, gamma, beta], { epsilon }) => {
    const flat = channelRows(x)
    const mu = mean(flat, 0)
    const scale = mul(deviationInverse(mean(mul(flat, flat), 0), mu, epsilon), gamma)
    return reshape(add(mul(flat, scale), sub(beta, mul(mu, scale))), x.shape)
  },
  gradient: ({ inputs: [x, gamma], attributes: { epsilon } }, dy) => {
    const flat = channelRows(x)
    const d = channelRows(dy)
    const rows = flat.shape[0]
    const mu = mean(flat, 0)
    const inverse = deviationInverse(mean(mul(flat, flat), 0), mu, epsilon)
    const scale = mul(inverse, gamma)
    const meanD = mean(d, 0)
    const meanDx = mul(sub(mean(mul(d, flat), 0), mul(mu, meanD)), inverse)
    const c1 = neg(mul(mul(scale, inverse), meanDx))
    const c0 = sub(mul(neg(c1), mu), mul(scale, meanD))
    const dx = add(add(mul(d, scale), mul(flat, c1)), c0)
    return [reshape(dx, x.shape), mul(meanDx, rows), mul(meanD, rows)]
  },
}

/** x [..., channels] by the statistics of this batch (Ioffe and Szegedy, arXiv 1502.03167). */
export function batchNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon = 1e-5): Tensor {
  const channels = x.shape[x.shape.length - 1]
  if (gamma.shape[0] !== channels || beta.shape[0] !== channels) {
    shapeError(
      'batchNorm',
      [x.shape, gamma.shape, beta.shape],
      'x [..., channels], gamma and beta [channels]',
    )
  }
  return compose(batchNormComposite, [x, gamma, beta], { epsilon })
}

/** x [..., channels] over its last axis (Ba et al., arXiv 1607.06450). */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon = 1e-5): Tensor {
  const centred = sub(x, mean(x, -1, true))
  const inverse = reciprocal(sqrt(add(mean(mul(centred, centred), -1, true), epsilon)))
  return add(mul(mul(centred, inverse), gamma), beta)
}

/** x [..., channels] divided by the root of its mean square over the last axis (Zhang and Sennrich, arXiv 1910.07467). */
export function rmsNorm(x: Tensor, gamma: Tensor, epsilon = 1e-6): Tensor {
  const inverse = reciprocal(sqrt(add(mean(mul(x, x), -1, true), epsilon)))
  return mul(mul(x, inverse), gamma)
}
