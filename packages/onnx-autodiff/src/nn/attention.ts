/**
 * Attention and the transformer block made of it (Vaswani et al., arXiv 1706.03762; normalised before each part, as in
 * Xiong et al., arXiv 2002.04745). Rows are [batch, length, channels].
 */
import { add, mul } from '../graph/elementwise.js'
import { matmul } from '../graph/matmul.js'
import { reshape, transpose } from '../graph/movement.js'
import { attributeError, shapeError } from '../graph/shape.js'
import { constant, type Tensor } from '../graph/tensor.js'
import { gelu, softmax } from './activations.js'
import { dropout } from './dropout.js'
import { type Layer, layerNorm, linear, sequence } from './layers.js'
import type { Parameters } from './parameters.js'

/** Channels of `attention`, which its heads share evenly. */
export interface AttentionOptions {
  readonly channels: number
  /** A divisor of the channels. */
  readonly heads: number
  /** Each place sees itself and those before it. */
  readonly causal?: boolean
  /** Share of the attention weights that dropout takes in training. */
  readonly dropout?: number
  /** Of dropout's stream. */
  readonly seed?: number
}

/** Added to scores that must not count: their softmax is 0 in float32. */
const NEVER = -1e9

/**
 * softmax(q k' / sqrt(channels)) v, over the places of each head: q [..., n, c], k [..., m, c], v [..., m, d] -> [..., n, d].
 *
 * @param weigh applied to the weights, such as dropout
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { causal = false, weigh = (x: Tensor): Tensor => x } = {},
): Tensor {
  const [places, channels] = q.shape.slice(-2)
  const keys = k.shape[k.shape.length - 2]
  if (causal && places !== keys)
    shapeError('scaledDotProductAttention', [q.shape, k.shape], 'as many queries as keys where it is causal')
  const scores = mul(matmul(q, k, { transposeB: true }), 1 / Math.sqrt(channels))
  const later = Float64Array.from({ length: places * keys }, (_, i) =>
    i % keys > Math.floor(i / keys) ? NEVER : 0,
  )
  const masked = causal ? add(scores, constant(later, [places, keys])) : scores
  return matmul(weigh(softmax(masked)), v)
}

/** [batch, length, channels] -> the same: attention of every place to the places, by several heads. */
export function selfAttention(p: Parameters, options: AttentionOptions): Layer {
  const { channels, heads, causal, dropout: share = 0, seed } = options
  if (!Number.isInteger(heads) || heads < 1 || channels % heads !== 0)
    attributeError('selfAttention', 'heads', heads, `a divisor of the ${channels} channels`)
  const project = (name: string): Layer => linear(p.scope(name), { inputs: channels, outputs: channels })
  const [query, key, value, output] = ['query', 'key', 'value', 'output'].map(project)
  const weigh = dropout(p.scope('dropout'), share, { seed })
  return (x) => {
    if (x.shape.length !== 3 || x.shape[2] !== channels)
      shapeError('selfAttention', [x.shape], `[batch, length, ${channels}]`)
    const [batch, length] = x.shape
    const split = (y: Tensor): Tensor =>
      transpose(reshape(y, [batch, length, heads, channels / heads]), [0, 2, 1, 3])
    const [q, k, v] = [query, key, value].map((layer) => split(layer(x)))
    const mixed = transpose(scaledDotProductAttention(q, k, v, { causal, weigh }), [0, 2, 1, 3])
    return output(reshape(mixed, [batch, length, channels]))
  }
}

/** Attention and the two linear layers of a transformer block. */
export interface TransformerOptions extends AttentionOptions {
  /** Channels between the two linear layers; 4 times the channels where left out. */
  readonly hidden?: number
}

/** [batch, length, channels] -> the same: x + attention(norm(x)), then the same with linear, GELU, linear. */
export function transformerBlock(p: Parameters, options: TransformerOptions): Layer {
  const { channels, hidden = 4 * channels, dropout: share = 0, seed } = options
  const lost = (name: string): Layer => dropout(p.scope(name), share, { seed })
  const attend = sequence(
    layerNorm(p.scope('norm1'), channels),
    selfAttention(p.scope('attention'), options),
    lost('dropout1'),
  )
  const transform = sequence(
    layerNorm(p.scope('norm2'), channels),
    linear(p.scope('linear1'), { inputs: channels, outputs: hidden }),
    (x) => gelu(x),
    lost('dropout2'),
    linear(p.scope('linear2'), { inputs: hidden, outputs: channels }),
    lost('dropout3'),
  )
  return (x) => {
    const h = add(x, attend(x))
    return add(h, transform(h))
  }
}
