/** The networks of a VQ-VAE, and pixels as they want them; see vqvae.ts. */
import {
  add,
  averagePool,
  cast,
  constant,
  convolution,
  fromBatchFirst,
  type Layer,
  mul,
  padImage,
  type Parameters,
  pixelShuffle,
  pixelUnshuffle,
  relu,
  sub,
  type Tensor,
  toBatchFirst,
  transposedConvolution,
  upsampleNearest,
} from 'onnx-autodiff'
import type { ImageShape } from '../model.js'
import { type Codebook, codebook } from './codebook.js'
import { checkChannels, type VqVaeConfig } from './config.js'

export type Layers = Readonly<Record<string, Tensor>>

export interface VqVaeNetwork {
  /** [h, w, n, channels], normalised -> hidden layers, z [h / 4, w / 4, n, codeSize] among them as `encoder.code`. */
  readonly encode: (x: Tensor) => Layers & Readonly<Record<'encoder.code', Tensor>>
  readonly book: Codebook
  /** q -> hidden layers, and the image, normalised. */
  readonly decode: (q: Tensor) => { readonly layers: Layers; readonly output: Tensor }
}

/** Side of the map of codes. Sizes that are no multiple of 4 get a margin at the bottom and right. */
export const codeSide = ({ size }: ImageShape): number => Math.ceil(size / 4)

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
      inChannels: width,
      outChannels: half,
      kernel: 3,
      padding: 1,
      bias: false,
    })
    const conv2 = convolution(scope.scope('conv2'), {
      inChannels: half,
      outChannels: width,
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
  const { stem, encoderWidth, decoderWidth, residuals, codeSize } = config
  const { size, channels } = image
  const margin = 4 * codeSide(image) - size
  const patches = stem === 'patches'
  const same = { kernel: 3, padding: 1 } as const
  const halving = { kernel: 4, stride: 2, padding: 1 } as const

  const e = p.scope('encoder')
  const half = encoderWidth >> 1
  const conv1 = convolution(e.scope('conv1'), {
    inChannels: patches ? 4 * channels : channels,
    outChannels: half,
    ...(patches ? same : halving),
  })
  const conv2 = convolution(e.scope('conv2'), {
    inChannels: half,
    outChannels: encoderWidth,
    ...(patches ? same : halving),
  })
  const conv3 = convolution(e.scope('conv3'), {
    inChannels: encoderWidth,
    outChannels: encoderWidth,
    ...same,
  })
  const encoderBlocks = residualBlocks(e, encoderWidth, residuals)
  const toCode = convolution(e.scope('code'), { inChannels: encoderWidth, outChannels: codeSize, kernel: 1 })

  const book = codebook(p.scope('codebook'), config)

  const d = p.scope('decoder')
  const fromCode = convolution(d.scope('conv'), { inChannels: codeSize, outChannels: decoderWidth, ...same })
  const decoderBlocks = residualBlocks(d, decoderWidth, residuals)
  const upOptions = { inChannels: decoderWidth, outChannels: decoderWidth >> 1 }
  const lastOptions = { inChannels: decoderWidth >> 1, outChannels: patches ? 4 * channels : channels }
  const up = patches
    ? convolution(d.scope('up'), { ...upOptions, ...same })
    : transposedConvolution(d.scope('up'), { ...upOptions, ...halving })
  const last = patches
    ? convolution(d.scope('last'), { ...lastOptions, ...same })
    : transposedConvolution(d.scope('last'), { ...lastOptions, ...halving })
  return {
    encode(x) {
      const whole = padImage(x, [0, margin, 0, margin])
      const first = relu(conv1(patches ? pixelUnshuffle(whole, 2) : whole))
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
      const pixels = patches ? pixelShuffle(last(finer), 2) : last(finer)
      return {
        layers: { 'decoder.conv': relu(spread), ...layers, 'decoder.up': finer },
        output: padImage(pixels, [0, -margin, 0, -margin]),
      }
    },
  }
}

/** uint8 [n, h, w, c] -> float [h, w, n, c], less the mean and over the deviation. */
export function normalised({ mean: centre, deviation }: VqVaeConfig, pixels: Tensor): Tensor {
  const x = fromBatchFirst(cast(pixels, 'float32'))
  const scale = constant(
    deviation.map((each) => 1 / (255 * each)),
    [deviation.length],
  )
  return sub(
    mul(x, scale),
    constant(
      centre.map((each, i) => each / deviation[i]),
      [centre.length],
    ),
  )
}

/** The inverse: [h, w, n, c] -> [n, h, w, c] in 0..1. */
export const shown = ({ mean: centre, deviation }: VqVaeConfig, x: Tensor): Tensor =>
  toBatchFirst(add(mul(x, constant(deviation, [deviation.length])), constant(centre, [centre.length])))
