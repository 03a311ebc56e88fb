/**
 * The denoising network: a UNet (Ronneberger et al., arXiv 1505.04597) that takes a noisy image and an embedding of its
 * noise level. Its blocks have names: `down0.0`, ... on the way down from the finest level, `middle.0`, ... at the lowest
 * one, `up1.0`, `up0.0`, ... on the way back. Two kinds of block:
 *
 *   study     y = relu(conv(relu(conv(x)))) + skip(x); the embedding comes as constant planes beside the image
 *   residual  y = conv(silu(norm(conv(silu(norm(x))) + embedding))) + skip(x), with attention where asked for
 *
 * Down: average pooling of 2x2, an odd last row or column left out. Up: every pixel twice each way, then zeros at the
 * bottom and right where the level above is odd (3 -> 6 -> 7), so that pixels stay above those they were pooled from.
 */
import {
  add,
  averagePool,
  concat,
  convolution,
  groupNorm,
  type Layer,
  linear,
  matmul,
  mul,
  padImage,
  type Parameters,
  relu,
  reshape,
  silu,
  slice,
  softmax,
  type Tensor,
  transpose,
  upsampleNearest,
  zeros,
} from 'onnx-autodiff'
import { HandfulError } from '../../errors.js'
import type { ImageShape } from '../model.js'
import { fromPatches, imagePatches, type Patching, patching, squaresIn, squaresOut } from '../patching.js'

/** What the network is built by; a model's configuration has all of it. */
export interface UNetConfig {
  readonly network: 'study' | 'residual'
  /** Channels of the first level. */
  readonly width: number
  /** Channels of each level in units of the width, finest first; each level halves the resolution. */
  readonly multipliers: readonly number[]
  /** Blocks of a level on the way down and again on the way up; twice as many at the lowest one. */
  readonly blocks: number
  /** Side of the squares of pixels that become channels before anything else. */
  readonly patch: number
  /** Kernel of the convolutions that these enter and leave by; left out, as in older runs, 3. */
  readonly patchKernel?: 1 | 3
  /** Groups of the group norm. */
  readonly groups: number
  /** Self-attention behind each block of so many of the lowest levels. */
  readonly attention: number
}

/** What a noise level stands for. */
export interface Noise {
  /** 0 (clean) to 1000 (noise). */
  readonly level: number
  /** Factor of the image. */
  readonly alpha: number
  /** Factor of the noise. */
  readonly sigma: number
  /** log(alpha^2 / sigma^2). */
  readonly logSnr: number
}

export interface BlockPlan {
  readonly name: string
  /** Place of its level, 0 the finest. */
  readonly level: number
  readonly side: number
  readonly inChannels: number
  /** Between its two convolutions: the level's own number of channels. */
  readonly midChannels: number
  readonly outChannels: number
}

/** Constant planes of the study's network: 16 of the log-SNR, and 4 of zeros where it once had a class embedding. */
const LEVEL_PLANES = 16
const ZERO_PLANES = 4

/** Frequencies in turns per unit of log-SNR: eight draws from a normal distribution of deviation 0.2, made once. */
export const FOURIER_FREQUENCIES = [0.0731, -0.2914, 0.1587, -0.0268, 0.3342, -0.1193, 0.2105, -0.1876]

/** Numbers in the embedding of a noise level. */
export const embeddingSize = ({ network, width }: UNetConfig): number =>
  network === 'study' ? LEVEL_PLANES + ZERO_PLANES : width

/**
 * What the network is told of the noise level: cosines and sines of the log-SNR at fixed frequencies, or the sinusoidal
 * embedding of the level with periods from 2 pi to 20,000 pi (Vaswani et al., arXiv 1706.03762).
 */
export function embedNoise(config: UNetConfig, { level, logSnr }: Noise): number[] {
  if (config.network === 'study') {
    const angles = FOURIER_FREQUENCIES.map((frequency) => 2 * Math.PI * frequency * logSnr)
    return [...angles.map(Math.cos), ...angles.map(Math.sin), ...new Array<number>(ZERO_PLANES).fill(0)]
  }
  const half = config.width / 2
  const angles = Array.from({ length: half }, (_, i) => level * 10_000 ** (-i / half))
  return [...angles.map(Math.sin), ...angles.map(Math.cos)]
}

/** Sides of the levels, finest first. */
function sidesOf({ patch, multipliers }: UNetConfig, { size }: ImageShape): number[] {
  const sides = [Math.ceil(size / patch)]
  while (sides.length < multipliers.length) sides.push(Math.floor(sides[sides.length - 1] / 2))
  if (sides[sides.length - 1] < 1) {
    const smallest = patch * 2 ** (multipliers.length - 1)
    throw new HandfulError({
      what: 'image size',
      where: 'diffusion model',
      got: `${size} pixels`,
      expected: `at least ${smallest} for ${multipliers.length} levels and patches of ${patch}`,
      hint: 'use fewer levels or larger images',
    })
  }
  return sides
}

/** Every block in the order of computation. */
export function planBlocks(config: UNetConfig, image: ImageShape): BlockPlan[] {
  const { network, width, multipliers, blocks } = config
  const sides = sidesOf(config, image)
  const channels = multipliers.map((multiplier) => width * multiplier)
  const isStudy = network === 'study'
  const lowest = channels.length - 1
  const first = isStudy ? image.channels + LEVEL_PLANES + ZERO_PLANES : channels[0]
  const last = isStudy ? image.channels : channels[0]
  const stage = (
    name: string,
    level: number,
    count: number,
    inChannels: number,
    outChannels: number,
  ): BlockPlan[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `${name}.${i}`,
      level,
      side: sides[level],
      inChannels: i === 0 ? inChannels : channels[level],
      midChannels: channels[level],
      outChannels: i === count - 1 ? outChannels : channels[level],
    }))
  const upper = channels.slice(0, lowest).map((own, level) => ({ own, level }))
  return [
    ...upper.flatMap(({ own, level }) =>
      stage(`down${level}`, level, blocks, channels[level - 1] ?? first, own),
    ),
    ...stage('middle', lowest, 2 * blocks, channels[lowest - 1], channels[lowest - 1]),
    // Twice the level's channels: those from below, reduced before they were enlarged, and the skip connection's.
    ...upper
      .toReversed()
      .flatMap(({ own, level }) => stage(`up${level}`, level, blocks, 2 * own, channels[level - 1] ?? last)),
  ]
}

/** Sets channels to zero in training: x [h, w, n, channels]. */
export type Dropout = (name: string, x: Tensor) => Tensor

export const noDropout: Dropout = (_, x) => x

type Block = (x: Tensor, embedding: Tensor) => Tensor

const conv = (
  p: Parameters,
  inChannels: number,
  outChannels: number,
  { kernel = 3, startAtZero = false }: { readonly kernel?: 1 | 3; readonly startAtZero?: boolean } = {},
): Layer =>
  convolution(p, {
    inputs: inChannels,
    outputs: outChannels,
    kernel,
    padding: (kernel - 1) / 2,
    initialize: startAtZero ? zeros : undefined,
  })

function skip(p: Parameters, { inChannels, outChannels }: BlockPlan): Layer {
  return inChannels === outChannels
    ? (x) => x
    : convolution(p.scope('skip'), { inputs: inChannels, outputs: outChannels, kernel: 1, bias: false })
}

/** No channel of the predicted image is dropped: behind the last convolution `isLast` leaves dropout out. */
function studyBlock(p: Parameters, plan: BlockPlan, dropout: Dropout, isLast: boolean): Block {
  const conv1 = conv(p.scope('conv1'), plan.inChannels, plan.midChannels)
  const conv2 = conv(p.scope('conv2'), plan.midChannels, plan.outChannels)
  const past = skip(p, plan)
  return (x) => {
    const h = conv2(relu(dropout(`${plan.name}.0`, conv1(x))))
    return add(relu(isLast ? h : dropout(`${plan.name}.1`, h)), past(x))
  }
}

function residualBlock(
  p: Parameters,
  plan: BlockPlan,
  dropout: Dropout,
  { groups, width }: UNetConfig,
): Block {
  const norm1 = groupNorm(p.scope('norm1'), plan.inChannels, groups)
  const conv1 = conv(p.scope('conv1'), plan.inChannels, plan.midChannels)
  const shift = linear(p.scope('embedding'), { inputs: 4 * width, outputs: plan.midChannels })
  const norm2 = groupNorm(p.scope('norm2'), plan.midChannels, groups)
  const conv2 = conv(p.scope('conv2'), plan.midChannels, plan.outChannels, { startAtZero: true })
  const past = skip(p, plan)
  return (x, embedding) => {
    const h = add(conv1(silu(norm1(x))), shift(embedding))
    return add(conv2(dropout(plan.name, silu(norm2(h)))), past(x))
  }
}

/** Self-attention over the pixels with one head: x + W softmax(q k' / sqrt(channels)) v (arXiv 1706.03762). */
function attention(p: Parameters, channels: number, groups: number): Layer {
  const norm = groupNorm(p.scope('norm'), channels, groups)
  const query = linear(p.scope('query'), { inputs: channels, outputs: channels })
  // A bias of the keys adds the same to all scores of a pixel, which the softmax ignores.
  const key = linear(p.scope('key'), { inputs: channels, outputs: channels, bias: false })
  const value = linear(p.scope('value'), { inputs: channels, outputs: channels })
  const output = linear(p.scope('output'), { inputs: channels, outputs: channels, initialize: zeros })
  return (x) => {
    const [h, w, n, c] = x.shape
    const pixels = reshape(norm(x), [h * w, n, c])
    const perImage = (layer: Layer): Tensor => transpose(layer(pixels), [1, 0, 2])
    const scores = mul(matmul(perImage(query), perImage(key), { transposeB: true }), 1 / Math.sqrt(c))
    const mixed = transpose(matmul(softmax(scores), perImage(value)), [1, 0, 2])
    return add(x, reshape(output(mixed), [h, w, n, c]))
  }
}

export interface Denoised {
  /** What the parameterisation says, [h, w, n, channels] as the image. */
  readonly prediction: Tensor
  /** Outputs of the blocks by name. */
  readonly layers: Readonly<Record<string, Tensor>>
}

/** x [size, size, n, channels], embedding [n, numbers], or [1, numbers] for a whole batch at one level. */
export type Denoiser = (x: Tensor, embedding: Tensor) => Denoised

export function denoiser(
  p: Parameters,
  config: UNetConfig,
  image: ImageShape,
  dropout: Dropout = noDropout,
): Denoiser {
  if (config.network === 'study') return studyUNet(p, planBlocks(config, image), dropout)
  const onSquares = squareDenoiser(p, config, image, dropout)
  const cut = squaresOf(config, image)
  return (x, embedding) => {
    const { prediction, layers } = onSquares(imagePatches(x, cut), embedding)
    return { prediction: fromPatches(prediction, cut), layers }
  }
}

function studyUNet(p: Parameters, plans: readonly BlockPlan[], dropout: Dropout): Denoiser {
  const blocks = plans.map((plan, i) => studyBlock(p.scope(plan.name), plan, dropout, i === plans.length - 1))
  return (x, embedding) => {
    const [rows, numbers] = embedding.shape
    // Ones of the image's own batch, for an embedding of one row.
    const everywhere = add(mul(slice(x, 3, 0, 1), 0), 1)
    const planes = mul(everywhere, reshape(embedding, [1, 1, rows, numbers]))
    const { layers, last } = throughLevels(plans, blocks, concat([x, planes], 3), embedding)
    return { prediction: last, layers }
  }
}

/** How images are cut into squares by the residual network. */
export const squaresOf = ({ patch }: UNetConfig, image: ImageShape): Patching => patching(image, patch, 1)

/**
 * The residual network on squares: x and the prediction are [side, side, n, channels patch patch], in the order of
 * `squareOrder`. Parameters are those of `denoiser`.
 */
export function squareDenoiser(
  p: Parameters,
  config: UNetConfig,
  image: ImageShape,
  dropout: Dropout = noDropout,
): Denoiser {
  const { width, multipliers, patch, groups, patchKernel: kernel = 3 } = config
  const plans = planBlocks(config, image)
  const outer = width * multipliers[0]
  const ends = { channels: image.channels, patch, width: outer, kernel }
  const embed1 = linear(p.scope('embedding1'), { inputs: width, outputs: 4 * width })
  const embed2 = linear(p.scope('embedding2'), { inputs: 4 * width, outputs: 4 * width })
  const first = squaresIn(p.scope('first'), ends)
  const blocks = plans.map((plan): Block => {
    const block = residualBlock(p.scope(plan.name), plan, dropout, config)
    if (plan.level < multipliers.length - config.attention) return block
    const attend = attention(p.scope(`${plan.name}.attention`), plan.outChannels, groups)
    return (x, embedding) => attend(block(x, embedding))
  })
  const norm = groupNorm(p.scope('norm'), outer, groups)
  const last = squaresOut(p.scope('last'), { ...ends, initialize: zeros })
  return (x, embedding) => {
    const told = silu(embed2(silu(embed1(embedding))))
    const through = throughLevels(plans, blocks, first(x), told)
    return { prediction: last(silu(norm(through.last))), layers: through.layers }
  }
}

function throughLevels(
  plans: readonly BlockPlan[],
  blocks: readonly Block[],
  stem: Tensor,
  embedding: Tensor,
): { layers: Record<string, Tensor>; last: Tensor } {
  const layers: Record<string, Tensor> = {}
  const skips: Tensor[] = []
  let h = stem
  let level = 0
  plans.forEach((plan, i) => {
    if (plan.level > level) {
      skips.push(h)
      h = averagePool(h, 2)
    } else if (plan.level < level) {
      h = concat([enlarged(h, plan.side), skips.pop() as Tensor], 3)
    }
    level = plan.level
    h = layers[plan.name] = blocks[i](h, embedding)
  })
  return { layers, last: h }
}

function enlarged(x: Tensor, side: number): Tensor {
  const twice = upsampleNearest(x, 2)
  const missing = side - twice.shape[0]
  return missing === 0 ? twice : padImage(twice, [0, missing, 0, missing])
}
