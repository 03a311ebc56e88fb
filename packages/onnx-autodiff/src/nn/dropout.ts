/** Dropout, with masks from a named stream inside the graph. */
import { add, mul, step as above, sub } from '../graph/elementwise.js'
import { attributeError } from '../graph/shape.js'
import { type Tensor } from '../graph/tensor.js'
import { randomUniform } from '../graph/random-uniform.js'
import type { Layer } from './layers.js'
import { type Parameters, zeros } from './parameters.js'

/**
 * In training sets a share of the elements to zero and divides the others by what is left (Srivastava et al., JMLR 15,
 * 2014; PyTorch's form); in evaluation, or at a share of 0, leaves x as it is. The masks are those of the stream
 * `dropout/<scope>` of the seed; its step is a buffer of the layer, `step`, so put `p.bufferUpdates()` into the state.
 *
 * @throws GraphError for a share outside [0, 1)
 */
export function dropout(p: Parameters, share: number, { seed = 0 } = {}): Layer {
  if (!(share >= 0 && share < 1)) attributeError('dropout', 'share', share, 'a number from 0 to below 1')
  if (share === 0) return (x) => x
  // Registered in evaluation too: training and use have the same names.
  const steps = p.buffer('step', [], zeros)
  p.update(steps, add(steps, 1))
  let uses = 0
  return (x) => {
    if (p.mode === 'evaluate') return x
    const name = `dropout/${p.prefix}${uses++}`
    return mul(x, keptOrNot(randomUniform(steps, x.shape, { seed, name }), share))
  }
}

/** 1 / (1 - share) where a uniform number is at least the share, else 0. */
const keptOrNot = (uniform: Tensor, share: number): Tensor =>
  mul(sub(1, above(sub(share, uniform))), 1 / (1 - share))
