/**
 * The four networks of the adversarial latent autoencoder on StyleGAN2 (Pidhorskyi et al., arXiv 2004.04467; Karras et
 * al., arXiv 1912.04958; REFERENCE.md 1.5):
 *
 *   F: z -> w, a small network     G: w -> image, by styles     E: image -> w     D: w -> real or generated
 *
 * Images inside are [size / tile, size / tile, n, tile tile colours] in -1..1, see `networkImages`.
 */
import {
  add,
  concat,
  constant,
  expand,
  flattenImage,
  mean,
  mul,
  normal,
  type Parameters,
  pixelShuffle,
  pixelUnshuffle,
  reshape,
  slice,
  sqrt,
  sub,
  type Tensor,
  transpose,
  zeros,
} from 'onnx-autodiff'
import { type GanConfig, geometry } from './config.js'
import { fromTiles, toTiles } from './network-images.js'
import {
  equalConvolution,
  equalLinear,
  pixelNorm,
  styledConvolution,
  toPixels,
  upsampleSmooth,
} from './style-layers.js'
import type { ImageShape } from '../model.js'

/** z [n, latent] -> w [n, latent]. */
export function mapping(
  p: Parameters,
  { latent, mappingLayers, mappingRate }: GanConfig,
): (z: Tensor) => Tensor {
  const layers = Array.from({ length: mappingLayers }, (_, i) =>
    equalLinear(p.scope(`layer${i}`), {
      inputs: latent,
      outputs: latent,
      activated: true,
      rate: mappingRate,
    }),
  )
  return (z) => layers.reduce((h, layer) => layer(h), pixelNorm(z))
}

/** w [n, latent] -> scores [n, 1]: above 0 for real. */
export function discriminator(
  p: Parameters,
  { latent, discriminatorLayers }: GanConfig,
): (w: Tensor) => Tensor {
  const layers = Array.from({ length: discriminatorLayers }, (_, i) => {
    const last = i === discriminatorLayers - 1
    return equalLinear(p.scope(`layer${i}`), { inputs: latent, outputs: last ? 1 : latent, activated: !last })
  })
  return (w) => layers.reduce((h, layer) => layer(h), w)
}

/** Styles [n, latent], `geometry().styles` of them, and noise planes or none -> images. */
export type Generator = (styles: readonly Tensor[], noise?: readonly Tensor[]) => Tensor

export function generator(p: Parameters, config: GanConfig, image: ImageShape): Generator {
  const { channels, latent, patch } = config
  const { base, levels, colours, tile } = geometry(config, image)
  const start = p.get('constant', [base, base, 1, channels[0]], normal(1))
  const convolution = (name: string, inChannels: number, outChannels: number, up: boolean) =>
    styledConvolution(p.scope(name), { inChannels, outChannels, latent, up })
  const pixels = (level: number) =>
    toPixels(
      p.scope(`pixels${level}`),
      { inChannels: channels[level], outChannels: colours * patch * patch, latent },
      (stored, axis) => inTileOrder(stored, axis, patch, tile),
    )
  const enlarged = (picture: Tensor): Tensor => toTiles(upsampleSmooth(fromTiles(picture, tile)), tile)
  const first = { convolution: convolution('first', channels[0], channels[0], false), pixels: pixels(0) }
  const finer = Array.from({ length: levels }, (_, i) => ({
    up: convolution(`up${i + 1}`, channels[i], channels[i + 1], true),
    convolution: convolution(`convolution${i + 1}`, channels[i + 1], channels[i + 1], false),
    pixels: pixels(i + 1),
  }))
  return (styles, noise = []) => {
    let h = first.convolution(start, styles[0], noise[0])
    let picture = squaresToTiles(first.pixels(h, styles[1]), patch, tile)
    finer.forEach((level, i) => {
      h = level.up(h, styles[2 * i + 1], noise[2 * i + 1])
      h = level.convolution(h, styles[2 * i + 2], noise[2 * i + 2])
      picture = add(enlarged(picture), squaresToTiles(level.pixels(h, styles[2 * i + 3]), patch, tile))
    })
    return picture
  }
}

export interface Encoded {
  /** Names as `encoderLayers` lists them, `w` among them. */
  readonly layers: Readonly<Record<string, Tensor>>
  readonly w: Tensor
  /** Of the batch, where the encoder looks at it: what the running average takes in. */
  readonly deviation?: Tensor
}

export interface Encoder {
  (x: Tensor): Encoded
  /** The running average of the deviation, where there is one. */
  readonly runningDeviation?: Tensor
}

/** Names and shapes of the layers that features can be taken from, in the order of the network. */
export function encoderLayers(config: GanConfig, image: ImageShape): { name: string; shape: number[] }[] {
  const { base, levels } = geometry(config, image)
  const blocks = Array.from({ length: levels }, (_, i) => levels - 1 - i)
  return [
    ...blocks.map((level, i) => ({
      name: `block${i + 1}`,
      shape: [base * 2 ** level, base * 2 ** level, config.channels[level]],
    })),
    { name: 'last', shape: [base, base, config.channels[0]] },
    { name: 'hidden', shape: [config.hidden] },
    { name: 'w', shape: [config.latent] },
  ]
}

/** Images -> w by residual blocks, each half as fine as the one before. */
export function encoder(p: Parameters, config: GanConfig, image: ImageShape): Encoder {
  const { channels, patch, hidden, latent, deviationGroup } = config
  const { base, levels, colours, tile } = geometry(config, image)
  const stem = equalConvolution(p.scope('stem'), {
    inChannels: colours * patch * patch,
    outChannels: channels[levels],
    kernel: 1,
    arrange: (weight) => inTileOrder(weight, 2, patch, tile),
  })
  const blocks = Array.from({ length: levels }, (_, i) => {
    const [inChannels, outChannels] = [channels[levels - i], channels[levels - i - 1]]
    const scope = p.scope(`block${i + 1}`)
    const first = equalConvolution(scope.scope('first'), { inChannels, outChannels: inChannels, kernel: 3 })
    const second = equalConvolution(scope.scope('second'), { inChannels, outChannels, kernel: 3, down: true })
    const skip = equalConvolution(scope.scope('skip'), {
      inChannels,
      outChannels,
      kernel: 1,
      down: true,
      activated: false,
    })
    return (x: Tensor): Tensor => mul(add(second(first(x)), skip(x)), Math.SQRT1_2)
  })
  const running = deviationGroup === null ? undefined : p.buffer('deviation', [], zeros)
  const last = equalConvolution(p.scope('last'), {
    inChannels: channels[0] + (running ? 1 : 0),
    outChannels: channels[0],
    kernel: 3,
  })
  const dense = equalLinear(p.scope('hidden'), {
    inputs: base * base * channels[0],
    outputs: hidden,
    activated: true,
  })
  const code = equalLinear(p.scope('code'), { inputs: hidden, outputs: latent })
  const encode = (x: Tensor): Encoded => {
    let h = stem(tilesToSquares(x, patch, tile))
    const layers: Record<string, Tensor> = {}
    blocks.forEach((block, i) => (layers[`block${i + 1}`] = h = block(h)))
    const own =
      deviationGroup === null || p.mode === 'evaluate' ? undefined : groupDeviation(h, deviationGroup)
    layers.last = last(running ? concat([h, own ? plane(own, h) : fixedPlane(running, h)], 3) : h)
    layers.hidden = dense(flattenImage(layers.last))
    layers.w = code(layers.hidden)
    return { layers, w: layers.w, deviation: own && mean(own) }
  }
  return Object.assign(encode, { runningDeviation: running })
}

/**
 * Tiles -> squares of pixels, [size / patch, size / patch, n, patch patch colours]: channel by channel where tiles are
 * single pixels, else tile by tile.
 */
function tilesToSquares(x: Tensor, patch: number, tile: number): Tensor {
  if (patch === tile) return x
  return tile === 1 ? pixelUnshuffle(x, patch) : pixelUnshuffle(x, patch / tile, 'channelLast')
}

/** The inverse. */
function squaresToTiles(x: Tensor, patch: number, tile: number): Tensor {
  if (patch === tile) return x
  return tile === 1 ? pixelShuffle(x, patch) : pixelShuffle(x, patch / tile, 'channelLast')
}

/** An axis of weights, stored channel by channel, in the order of squares that consist of tiles. */
function inTileOrder(weights: Tensor, axis: number, patch: number, tile: number): Tensor {
  if (tile === 1) return weights
  const { shape } = weights
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)]
  const tiles = patch / tile
  const apart = [...before, shape[axis] / (patch * patch), tiles, tile, tiles, tile, ...after]
  // Channel, (tile, row), (tile, column) -> tile, row, column, channel.
  const order = [1, 3, 2, 4, 0].map((place) => axis + place)
  const moved = transpose(reshape(weights, apart), [
    ...before.keys(),
    ...order,
    ...after.map((_, i) => axis + order.length + i),
  ])
  return reshape(moved, shape)
}

/**
 * How much the images of each group differ: the standard deviation over the group, averaged over pixels and channels.
 * [h, w, n, c] -> [n, 1]; image i is in group i mod (n / group), as in StyleGAN2.
 */
function groupDeviation(x: Tensor, group: number): Tensor {
  const [h, w, n, c] = x.shape
  let size = Math.min(group, n)
  while (n % size !== 0) size--
  const groups = n / size
  const apart = reshape(x, [h, w, size, groups, c])
  const difference = sub(apart, mean(apart, 2, true))
  const deviation = sqrt(add(mean(mul(difference, difference), 2), 1e-8))
  return reshape(expand(mean(deviation, [0, 1, 3]), [size, groups]), [n, 1])
}

/** One number per image as a channel beside those of `x`. */
const plane = (value: Tensor, { shape: [h, w] }: Tensor): Tensor =>
  mul(constant(new Float32Array(h * w).fill(1), [h, w, 1, 1]), value)

/** One number for all images as a channel, at any batch size. */
const fixedPlane = (value: Tensor, x: Tensor): Tensor => add(mul(slice(x, 3, 0, 1), 0), value)
