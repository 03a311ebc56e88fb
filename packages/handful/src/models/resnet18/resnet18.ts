/**
 * ResNet-18 (He et al., "Deep residual learning for image recognition", arXiv 1512.03385), trained from scratch on the
 * labelled few: the supervised baseline of every comparison. Parameters carry torchvision's names.
 *
 *   image -> stem -> 4 stages of 2 blocks, widths w 2w 4w 8w, halved between stages -> mean over space -> logits
 *   block: relu(norm(conv3x3(relu(norm(conv3x3(x))))) + x), x by a strided 1x1 convolution and a norm where shapes differ
 *
 * Two stems. `imagenet`: 7x7 with stride 2 and 3x3 max pooling with stride 2, as published for 224 pixels; on images of
 * 28 or 32 pixels it leaves 8x8 for the first stage and is cheap. `small`: 3x3 without pooling, as the paper's section 4.2
 * has it for CIFAR-10: stronger there and some fifteen times dearer.
 */
import {
  add,
  batchNorm,
  convolution,
  heNormal,
  type Layer,
  linear,
  maxPool,
  mean,
  type Parameters,
  relu,
  type Tensor,
} from 'onnx-autodiff'
import { z } from 'zod'
import { STEMS } from '../../names.js'
import type { ImageShape } from '../model.js'
import {
  type Classified,
  optimiserSchema,
  type SupervisedModel,
  type SupervisedNetwork,
} from '../supervised-network.js'

export const resnet18Schema = optimiserSchema.extend({
  stem: z.enum(STEMS),
  /** Channels of the first stage; 64 in the paper. */
  width: z.int().min(1),
})

export type Resnet18Config = z.infer<typeof resnet18Schema>

const baseline: Resnet18Config = {
  stem: 'imagenet',
  width: 64,
  optimiser: 'sgd',
  // With batches of 64; the usual 0.1 is for 128 and hours of training.
  learningRate: 0.05,
  weightDecay: 5e-4,
  // Batch norm over a few images makes the first steps of a large rate rough.
  warmUpSteps: 50,
}

/**
 * `study`: the published comparison's Adam at a constant 1e-3. `small`: the stronger stem. `strong`: that
 * stem in a width that a core trains in minutes, and averaged weights.
 */
export const resnet18Presets: Readonly<Record<'imagenet' | 'small' | 'strong' | 'study', Resnet18Config>> = {
  imagenet: baseline,
  small: { ...baseline, stem: 'small' },
  strong: { ...baseline, stem: 'small', width: 24, emaHalfLife: 0.02 },
  study: {
    ...baseline,
    optimiser: 'adam',
    learningRate: 1e-3,
    weightDecay: 0,
    warmUpSteps: 0,
    decay: 'none',
  },
}

const STAGES = [1, 2, 3, 4] as const
const BLOCKS = [0, 1] as const

interface ConvolutionGeometry {
  readonly from: number
  readonly to: number
  readonly kernel: number
  readonly stride: number
}

/** A convolution without bias and the norm after it, initialised as torchvision does (variance 2 / fan out). */
function normalised(
  conv: Parameters,
  norm: Parameters,
  { from, to, kernel, stride }: ConvolutionGeometry,
): Layer {
  const convolve = convolution(conv, {
    inputs: from,
    outputs: to,
    kernel,
    stride,
    padding: (kernel - 1) / 2,
    bias: false,
    initialize: heNormal(kernel * kernel * to),
  })
  const normalise = batchNorm(norm, to)
  return (x) => normalise(convolve(x))
}

function block(p: Parameters, from: number, to: number, stride: number): Layer {
  const first = normalised(p.scope('conv1'), p.scope('bn1'), { from, to, kernel: 3, stride })
  const second = normalised(p.scope('conv2'), p.scope('bn2'), { from: to, to, kernel: 3, stride: 1 })
  const skip =
    stride === 1 && from === to
      ? undefined
      : normalised(p.scope('downsample.0'), p.scope('downsample.1'), { from, to, kernel: 1, stride })
  return (x) => relu(add(second(relu(first(x))), skip ? skip(x) : x))
}

function build(
  { stem, width }: Pick<Resnet18Config, 'stem' | 'width'>,
  p: Parameters,
  { channels }: ImageShape,
  classCount: number,
): (x: Tensor) => Classified {
  const geometry = { from: channels, to: width, ...STEM_GEOMETRY[stem] }
  const first = normalised(p.scope('conv1'), p.scope('bn1'), geometry)
  const stages = STAGES.map((stage) => {
    const to = width * 2 ** (stage - 1)
    return BLOCKS.map((i) => {
      const entering = i === 0 && stage > 1
      return block(p.scope(`layer${stage}.${i}`), entering ? to / 2 : to, to, entering ? 2 : 1)
    })
  })
  const classify = linear(p.scope('fc'), { inputs: 8 * width, outputs: classCount })
  return (x) => {
    const layers: Record<string, Tensor> = {}
    let h = relu(first(x))
    if (stem === 'imagenet') h = maxPool(h, 3, { stride: 2, padding: 1 })
    layers.stem = h
    stages.forEach((blocks, i) => {
      h = blocks.reduce((y, each) => each(y), h)
      layers[`layer${i + 1}`] = h
    })
    layers.mean = mean(h, [0, 1])
    return { layers, logits: classify(layers.mean) }
  }
}

const STEM_GEOMETRY = { imagenet: { kernel: 7, stride: 2 }, small: { kernel: 3, stride: 1 } } as const

/** The network; its layers are `stem`, `layer1` to `layer4` (each after its last ReLU) and `mean`, 8w numbers. */
export const resnet18 = (config: Pick<Resnet18Config, 'stem' | 'width'>): SupervisedNetwork => ({
  title: `ResNet-18, ${config.stem === 'imagenet' ? '7x7 stem with pooling' : '3x3 stem'}${config.width === 64 ? '' : `, width ${config.width}`}`,
  build: (p, image, classCount) => build(config, p, image, classCount),
  layers: ['stem', 'layer1', 'layer2', 'layer3', 'layer4', 'mean'],
  last: { layer: 'mean', weight: 'fc.weight', bias: 'fc.bias' },
})

export const resnet18Model: SupervisedModel = {
  name: 'resnet18',
  stems: {
    imagenet: { id: 'resnet18', shortTitle: 'ResNet-18', stepSeconds: 0.06 },
    small: { id: 'resnet18-small', shortTitle: 'ResNet-18, 3x3 stem', stepSeconds: 0.7 },
  },
  optimiserSeconds: 0.045,
  network: resnet18,
  untrained: { network: resnet18(resnet18Presets.imagenet), features: { layers: ['mean'], pooling: 'mean' } },
}
