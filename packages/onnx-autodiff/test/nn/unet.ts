/** The UNet of bench/reference/unet_step.py from the engine's layers, under PyTorch's parameter names. */
import {
  add,
  averagePool,
  concat,
  convolution,
  groupNorm,
  type Layer,
  linear,
  type Parameters,
  silu,
  type Tensor,
  upsampleNearest,
} from 'onnx-autodiff'

export interface UNetOptions {
  readonly width: number
  readonly timeEmbedding: number
  readonly groups: number
}

/** image [height, width, batch, 3], time [batch, timeEmbedding] -> [height, width, batch, 3]. */
export function unet(
  p: Parameters,
  { width: w, timeEmbedding, groups }: UNetOptions,
): (image: Tensor, time: Tensor) => Tensor {
  const conv = (q: Parameters, inChannels: number, outChannels: number, kernel = 3): Layer =>
    convolution(q, { inChannels, outChannels, kernel, padding: (kernel - 1) / 2 })

  const block = (q: Parameters, channels: number, out: number): ((x: Tensor, time: Tensor) => Tensor) => {
    const norm1 = groupNorm(q.scope('norm1'), channels, groups)
    const conv1 = conv(q.scope('conv1'), channels, out)
    const shift = linear(q.scope('time'), { inputs: timeEmbedding, outputs: out })
    const norm2 = groupNorm(q.scope('norm2'), out, groups)
    const conv2 = conv(q.scope('conv2'), out, out)
    const skip = channels === out ? (x: Tensor) => x : conv(q.scope('skip'), channels, out, 1)
    return (x, time) => {
      const h = add(conv1(silu(norm1(x))), shift(time))
      return add(conv2(silu(norm2(h))), skip(x))
    }
  }

  const first = conv(p.scope('first'), 3, w)
  const down0 = block(p.scope('down0'), w, w)
  const down1 = block(p.scope('down1'), w, 2 * w)
  const middle = block(p.scope('middle'), 2 * w, 2 * w)
  const up1 = block(p.scope('up1'), 4 * w, 2 * w)
  const up0 = block(p.scope('up0'), 3 * w, w)
  const norm = groupNorm(p.scope('norm'), w, groups)
  const last = conv(p.scope('last'), w, 3)
  return (image, time) => {
    const d0 = down0(first(image), time)
    const d1 = down1(averagePool(d0, 2), time)
    const m = middle(averagePool(d1, 2), time)
    const u1 = up1(concat([upsampleNearest(m, 2), d1], 3), time)
    const u0 = up0(concat([upsampleNearest(u1, 2), d0], 3), time)
    return last(silu(norm(u0)))
  }
}
