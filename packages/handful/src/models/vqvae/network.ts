/** The networks of a VQ-VAE, and pixels as they want them; see vqvae.ts. */
import {
  add,
  averagePool,
  constant,
  convolution,
  type Layer,
  mul,
  padImage,
  type Parameters,
  relu,
  sub,
  type Tensor,
  toBatchFirst,
  transposedConvolution,
  upsampleNearest,
} from 'onnx-autodiff'
import { greyLevels } from '../common.js'
import type { ImageShape } from '../model.js'
import {
  fromPatches,
  type Patching,
  patching,
  perSquareNumber,
  squaresIn,
  squaresOut,
  toPatches,
} from '../patching.js'
import { type Codebook, codebook } from './codebook.js'
import { checkChannels, type VqVaeConfig } from './config.js'

export type Layers = Readonly<Record<string, Tensor>>

export interface VqVaeNetwork {
  /** How images are cut into squares, where they are: the network's images are [side, side, n, channels patch patch] then. */
  readonly cut?: Patching
  /** Images, normalised -> hidden layers, z [codeSide, codeSide, n, codeSize] among them as `encoder.code`. */
  readonly encode: (x: Tensor) => Layers & Readonly<Record<'encoder.code', Tensor>>
  readonly book: Codebook
  /** q -> hidden layers, and the image, normalised. */
  readonly decode: (q: Tensor) => { readonly layers: Layers; readonly output: Tensor }
}

/** Side of the map of codes, each of two squares a side. Sizes that do not divide by that get a margin at the bottom and right. */
export const codeSide = ({ patch = 2 }: VqVaeConfig, { size }: ImageShape): number =>
  Math.ceil(size / (2 * patch))

/** Residual blocks; gives each one's output after the ReLU that follows, as `<name>.residual1` and so on. */
function residualBlocks(
  p: Parameters,
  width: number,
  count: number,
): (x: Tensor) => { layers: Layers; output: Tensor } {
  const own = Array.from({ length: count }, (_, i): Layer => {
    const scope = p.scope(`residual${i + 1}`)
    const half = width >> 1
    const conv1 = convolution(scope.scope('conv1'), {
      inputs: width,
      outputs: half,
      kernel: 3,
      padding: 1,
      bias: false,
    })
    const conv2 = convolution(scope.scope('conv2'), {
      inputs: half,
      outputs: width,
      kernel: 1,
      bias: false,
    })
    return (active) => conv2(relu(conv1(active)))
  })
  return (x) => {
    const layers: Record<string, Tensor> = {}
    let [h, active] = [x, relu(x)]
    own.forEach((block, i) => {
      h = add(h, block(active))
      layers[`${p.prefix}residual${i + 1}`] = active = relu(h)
    })
    return { layers, output: active }
  }
}

export function network(p: Parameters, config: VqVaeConfig, image: ImageShape): VqVaeNetwork {
  checkChannels(config, image)
  const { stem, encoderWidth, decoderWidth, residuals, codeSize, patch = 2 } = config
  const { size, channels } = image
  const margin = 4 * Math.ceil(size / 4) - size
  const patches = stem === 'patches'
  const cut = patches ? patching(image, patch, 2) : undefined
  const same = { kernel: 3, padding: 1 } as const
  const halving = { kernel: 4, stride: 2, padding: 1 } as const

  const e = p.scope('encoder')
  const half = encoderWidth >> 1
  const conv1 = patches
    ? squaresIn(e.scope('conv1'), { channels, patch, width: half })
    : convolution(e.scope('conv1'), { inputs: channels, outputs: half, ...halving })
  const conv2 = convolution(e.scope('conv2'), {
    inputs: half,
    outputs: encoderWidth,
    ...(patches ? same : halving),
  })
  const conv3 = convolution(e.scope('conv3'), {
    inputs: encoderWidth,
    outputs: encoderWidth,
    ...same,
  })
  const encoderBlocks = residualBlocks(e, encoderWidth, residuals)
  const toCode = convolution(e.scope('code'), { inputs: encoderWidth, outputs: codeSize, kernel: 1 })

  const book = codebook(p.scope('codebook'), config)

  const d = p.scope('decoder')
  const fromCode = convolution(d.scope('conv'), { inputs: codeSize, outputs: decoderWidth, ...same })
  const decoderBlocks = residualBlocks(d, decoderWidth, residuals)
  const upOptions = { inChannels: decoderWidth, outChannels: decoderWidth >> 1 }
  const width = decoderWidth >> 1
  const up = patches
    ? convolution(d.scope('up'), { ...upOptions, ...same })
    : transposedConvolution(d.scope('up'), { ...upOptions, ...halving })
  const last = patches
    ? squaresOut(d.scope('last'), { channels, patch, width })
    : transposedConvolution(d.scope('last'), { inputs: width, outputs: channels, ...halving })
  return {
    cut,
    encode(x) {
      const first = relu(conv1(patches ? x : padImage(x, [0, margin, 0, margin])))
      const second = relu(conv2(patches ? averagePool(first, 2) : first))
      const third = conv3(second)
      const { layers, output } = encoderBlocks(third)
      return {
        'encoder.conv1': first,
        'encoder.conv2': second,
        'encoder.conv3': relu(third),
        ...layers,
        'encoder.code': toCode(output),
      }
    },
    book,
    decode(q) {
      const spread = fromCode(q)
      const { layers, output } = decoderBlocks(spread)
      const finer = relu(up(patches ? upsampleNearest(output, 2) : output))
      const pixels = last(finer)
      return {
        layers: { 'decoder.conv': relu(spread), ...layers, 'decoder.up': finer },
        output: patches ? pixels : padImage(pixels, [0, -margin, 0, -margin]),
      }
    },
  }
}

/** uint8 [n, h, w, c] -> float [h, w, n, c], less the mean and over the deviation; or its squares. */
export function normalised({ mean: centre, deviation }: VqVaeConfig, pixels: Tensor, cut?: Patching): Tensor {
  const scaled = (levels: Tensor): Tensor => {
    const each = (values: readonly number[]): Tensor => {
      const repeated = levels.shape[3] === values.length ? values : perSquareNumber(values, cut?.patch ?? 1)
      return constant(repeated, [repeated.length])
    }
    return sub(
      mul(levels, each(deviation.map((value) => 1 / (255 * value)))),
      each(centre.map((value, i) => value / deviation[i])),
    )
  }
  return cut === undefined ? scaled(greyLevels(pixels)) : toPatches(pixels, cut, scaled)
}

/** The network's output -> [n, h, w, c] in 0..1. */
export function shown({ mean: centre, deviation }: VqVaeConfig, output: Tensor, cut?: Patching): Tensor {
  const x = cut === undefined ? output : fromPatches(output, cut)
  return toBatchFirst(add(mul(x, constant(deviation, [deviation.length])), constant(centre, [centre.length])))
}
