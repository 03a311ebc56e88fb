/**
 * Layers of StyleGAN2 (Karras et al., arXiv 1912.04958). Weights are kept at unit variance and scaled when they are used
 * (equalised learning rate, arXiv 1710.10196). The gain sqrt(2) of a leaky ReLU stands in the layer before it:
 * g lrelu(u) = lrelu(g u), and scaling a weight costs less than scaling an image.
 */
import {
  add,
  blurImage,
  conv2d,
  convTranspose2d,
  filled,
  type Layer,
  leakyRelu,
  matmul,
  mean,
  mul,
  normal,
  type Parameters,
  reciprocal,
  sqrt,
  sum,
  type Tensor,
  zeros,
} from 'onnx-autodiff'

const SLOPE = 0.2
/** Variance after leaky ReLU of slope 0.2 is about half of that before. */
const GAIN = Math.SQRT2
const BLUR = [1, 3, 3, 1]
const EPSILON = 1e-8

const activate = (x: Tensor): Tensor => leakyRelu(x, SLOPE)

/** z / rms(z) for rows [n, numbers]. */
export const pixelNorm = (z: Tensor): Tensor =>
  mul(z, reciprocal(sqrt(add(mean(mul(z, z), 1, true), EPSILON))))

export interface EqualLinearOptions {
  readonly inputs: number
  readonly outputs: number
  readonly activated?: boolean
  /** Learning rate as a share of the optimiser's. */
  readonly rate?: number
  readonly bias?: number
}

/** [n, inputs] -> [n, outputs]. */
export function equalLinear(
  p: Parameters,
  { inputs, outputs, activated = false, rate = 1, bias = 0 }: EqualLinearOptions,
): Layer {
  const weight = p.get('weight', [inputs, outputs], normal(1 / rate))
  const offset = p.get('bias', [outputs], filled(bias))
  const scale = rate * (activated ? GAIN : 1)
  return (x) => {
    // The result is scaled, not the weight: it is the smaller of the two.
    const y = add(mul(matmul(x, weight), scale / Math.sqrt(inputs)), mul(offset, scale))
    return activated ? activate(y) : y
  }
}

export interface EqualConvolutionOptions {
  readonly inChannels: number
  readonly outChannels: number
  readonly kernel: 1 | 3
  /** Blurs and keeps every second pixel. */
  readonly down?: boolean
  /** Bias and leaky ReLU; without them the result is the bare convolution's. */
  readonly activated?: boolean
  /** Brings the weight [kernel, kernel, in, out] into the order of what it is applied to. */
  readonly arrange?: (weight: Tensor) => Tensor
}

/** [h, w, n, in] -> [h, w, n, out], or half as high and wide. */
export function equalConvolution(p: Parameters, options: EqualConvolutionOptions): Layer {
  const { inChannels, outChannels, kernel, down = false, activated = true, arrange } = options
  const weight = p.get('weight', [kernel, kernel, inChannels, outChannels], normal(1))
  const offset = activated ? p.get('bias', [outChannels], zeros) : undefined
  const scale = (activated ? GAIN : 1) / Math.sqrt(inChannels * kernel * kernel)
  return (x) => {
    const w = mul(arrange ? arrange(weight) : weight, scale)
    const y = !down
      ? conv2d(x, w, { padding: (kernel - 1) / 2 })
      : kernel === 1
        ? conv2d(blurImage(x, BLUR, { down: 2, padding: [1, 1] }), w)
        : conv2d(blurImage(x, BLUR, { padding: [2, 2] }), w, { stride: 2 })
    return offset ? activate(add(y, mul(offset, GAIN))) : y
  }
}

export interface ModulatedOptions {
  readonly inChannels: number
  readonly outChannels: number
  readonly latent: number
}

/** Input channels' factors from a style: [n, latent] -> [n, channels], 1 at first. */
const modulation = (p: Parameters, latent: number, channels: number): Layer =>
  equalLinear(p.scope('modulation'), { inputs: latent, outputs: channels, bias: 1 })

/** x [h, w, n, in] and style [n, latent], noise [h, w, n, 1] where there is any -> [h, w, n, out]. */
export type StyledLayer = (x: Tensor, style: Tensor, noise?: Tensor) => Tensor

/**
 * A 3x3 convolution with weights w s_i / |w s| per image, noise, bias and leaky ReLU. No weights per image are needed:
 * the style scales the input's channels, and r_o = rsqrt(sum over taps and i of (w s_i)^2) the output's.
 */
export function styledConvolution(
  p: Parameters,
  options: ModulatedOptions & { readonly up: boolean },
): StyledLayer {
  const { inChannels, outChannels, latent, up } = options
  const modulate = modulation(p, latent, inChannels)
  const scale = 1 / Math.sqrt(inChannels * 9)
  // A transposed convolution's filter is [kernel, kernel, out, in].
  const weight = p.get(
    'weight',
    up ? [3, 3, outChannels, inChannels] : [3, 3, inChannels, outChannels],
    normal(1),
  )
  const strength = p.get('noise', [], zeros)
  const bias = p.get('bias', [outChannels], zeros)
  return (x, style, noise) => {
    const s = modulate(style)
    const w = mul(weight, scale)
    const squares = matmul(mul(s, s), sum(mul(w, w), [0, 1]), { transposeB: up })
    const modulated = mul(x, s)
    // Of the zeros between pixels that upsampling puts in, the blur has to make up for a factor of four.
    const y = up
      ? blurImage(convTranspose2d(modulated, w, { stride: 2 }), BLUR, { padding: [1, 1] })
      : conv2d(modulated, w, { padding: 1 })
    const demodulated = mul(y, mul(reciprocal(sqrt(add(squares, EPSILON))), up ? 4 * GAIN : GAIN))
    const noisy = noise ? add(demodulated, mul(noise, mul(strength, GAIN))) : demodulated
    return activate(add(noisy, mul(bias, GAIN)))
  }
}

/**
 * A modulated 1x1 convolution without demodulation: features to pixels.
 * @param arrange brings what is stored along an axis channel by channel into the order of the pixels
 */
export function toPixels(
  p: Parameters,
  { inChannels, outChannels, latent }: ModulatedOptions,
  arrange: (stored: Tensor, axis: number) => Tensor = (stored) => stored,
): StyledLayer {
  const modulate = modulation(p, latent, inChannels)
  const weight = p.get('weight', [1, 1, inChannels, outChannels], normal(1))
  const bias = p.get('bias', [outChannels], zeros)
  return (x, style) =>
    add(conv2d(mul(x, modulate(style)), mul(arrange(weight, 3), 1 / Math.sqrt(inChannels))), arrange(bias, 0))
}

/** Twice as high and wide. */
export const upsampleSmooth = (x: Tensor): Tensor => blurImage(x, BLUR, { up: 2, padding: [2, 1] })
