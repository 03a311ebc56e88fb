/** Rearrangements between space, channels and rows. Composites, so that an exported model names them as usual. */
import { shapeError, sizeOf } from '../graph/shape.js'
import { type Composite, compose, type Tensor } from '../graph/tensor.js'
import { reshape, transpose } from '../graph/movement.js'

/**
 * What a block of pixels becomes: its numbers channel by channel, each row by row, as PyTorch has them (`channelFirst`), or
 * row by row, each pixel's channels together as they are stored (`channelLast`). The latter moves whole runs of channels,
 * which of large blocks takes a third of the time.
 */
export type BlockOrder = 'channelFirst' | 'channelLast'

interface Blocks {
  readonly factor: number
  readonly order: BlockOrder
}

const shuffle: Composite<Blocks> = {
  name: 'pixelShuffle',
  ordinary: (emitter, node) => [
    emitter.node('DepthToSpace', [emitter.get(node.inputs[0], 'nchw')], {
      blocksize: node.attributes.factor,
      mode: node.attributes.order === 'channelFirst' ? 'CRD' : 'DCR',
    }),
    'nchw',
  ],
  expand: ([x], { factor: r, order }) => {
    const [h, w, n, numbers] = x.shape
    const c = numbers / (r * r)
    const pixels =
      order === 'channelFirst'
        ? transpose(reshape(x, [h, w, n, c, r, r]), [0, 4, 1, 5, 2, 3])
        : transpose(reshape(x, [h, w, n, r, r, c]), [0, 3, 1, 4, 2, 5])
    return reshape(pixels, [h * r, w * r, n, c])
  },
}

/**
 * [h, w, n, c r r] -> [h r, w r, n, c]. Channel (k r + i) r + j goes to row i, column j of its block, channel k; by
 * `channelLast` channel (i r + j) c + k does.
 */
export function pixelShuffle(x: Tensor, factor: number, order: BlockOrder = 'channelFirst'): Tensor {
  if (x.shape.length !== 4 || x.shape[3] % (factor * factor) !== 0) {
    shapeError(
      'pixelShuffle',
      [x.shape],
      `[height, width, batch, channels] with channels that divide by ${factor * factor}`,
    )
  }
  return compose(shuffle, [x], { factor, order })
}

const unshuffle: Composite<Blocks> = {
  name: 'pixelUnshuffle',
  /** Not SpaceToDepth: it puts the block before the channel, and browsers' interpreters know the two that this takes. */
  ordinary: (emitter, node) => {
    const {
      inputs: [x],
      attributes: { factor: r, order },
    } = node
    const [h, w, , c] = x.shape
    const split = emitter.node('Reshape', [emitter.get(x, 'nchw'), emitter.ints([0, c, h / r, r, w / r, r])])
    const perm = order === 'channelFirst' ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]
    const moved = emitter.node('Transpose', [split], { perm })
    return [emitter.node('Reshape', [moved, emitter.ints([0, c * r * r, h / r, w / r])]), 'nchw']
  },
  expand: ([x], { factor: r, order }) => {
    const [h, w, n, c] = x.shape
    const blocks = reshape(x, [h / r, r, w / r, r, n, c])
    const moved = transpose(blocks, order === 'channelFirst' ? [0, 2, 4, 5, 1, 3] : [0, 2, 4, 1, 3, 5])
    return reshape(moved, [h / r, w / r, n, c * r * r])
  },
}

/** [h r, w r, n, c] -> [h, w, n, c r r]: the inverse of pixelShuffle, with the same order. */
export function pixelUnshuffle(x: Tensor, factor: number, order: BlockOrder = 'channelFirst'): Tensor {
  if (x.shape.length !== 4 || x.shape[0] % factor !== 0 || x.shape[1] % factor !== 0) {
    shapeError(
      'pixelUnshuffle',
      [x.shape],
      `[height, width, batch, channels] with a height and width that divide by ${factor}`,
    )
  }
  return compose(unshuffle, [x], { factor, order })
}

type None = Record<string, never>

const flatten: Composite<None> = {
  name: 'flattenImage',
  ordinary: (emitter, node) => {
    const rows = emitter.node('Transpose', [emitter.get(node.inputs[0], 'nchw')], { perm: [0, 2, 3, 1] })
    return [emitter.node('Flatten', [rows], { axis: 1 }), 'plain']
  },
  expand: ([x]) => {
    const [h, w, n, c] = x.shape
    return reshape(transpose(reshape(x, [h * w, n, c]), [1, 0, 2]), [n, sizeOf([h, w, c])])
  },
}

/** [h, w, n, c] -> [n, h w c]: all of an image's numbers in a row, in the order row, column, channel. */
export function flattenImage(x: Tensor): Tensor {
  if (x.shape.length !== 4) shapeError('flattenImage', [x.shape], '[height, width, batch, channels]')
  return compose(flatten, [x], {})
}

interface ImageShape {
  readonly image: readonly [number, number, number]
}

const unflatten: Composite<ImageShape> = {
  name: 'unflattenImage',
  ordinary: (emitter, node) => {
    const rows = emitter.node('Reshape', [
      emitter.get(node.inputs[0]),
      emitter.ints([-1, ...node.attributes.image]),
    ])
    return [emitter.node('Transpose', [rows], { perm: [0, 3, 1, 2] }), 'nchw']
  },
  expand: ([x], { image: [h, w, c] }) =>
    reshape(transpose(reshape(x, [x.shape[0], h * w, c]), [1, 0, 2]), [h, w, x.shape[0], c]),
}

/** [n, h w c] -> [h, w, n, c]: the inverse of flattenImage. */
export function unflattenImage(x: Tensor, image: readonly [number, number, number]): Tensor {
  if (x.shape.length !== 2 || x.shape[1] !== sizeOf(image))
    shapeError('unflattenImage', [x.shape, image], 'as many columns as the image has numbers')
  return compose(unflatten, [x], { image })
}

const batchSecondLast: Composite<None> = {
  name: 'fromBatchFirst',
  ordinary: (emitter, node) => [
    emitter.node('Transpose', [emitter.get(node.inputs[0])], { perm: [0, 3, 1, 2] }),
    'nchw',
  ],
  expand: ([x]) => transpose(x, [1, 2, 0, 3]),
}

/** [n, h, w, c], as images are stored, -> [h, w, n, c], as the engine computes. */
export function fromBatchFirst(x: Tensor): Tensor {
  if (x.shape.length !== 4) shapeError('fromBatchFirst', [x.shape], '[batch, height, width, channels]')
  return compose(batchSecondLast, [x], {})
}

const batchFirst: Composite<None> = {
  name: 'toBatchFirst',
  ordinary: (emitter, node) => [
    emitter.node('Transpose', [emitter.get(node.inputs[0], 'nchw')], { perm: [0, 2, 3, 1] }),
    'plain',
  ],
  expand: ([x]) => transpose(x, [2, 0, 1, 3]),
}

/** [h, w, n, c] -> [n, h, w, c]: the inverse of fromBatchFirst. */
export function toBatchFirst(x: Tensor): Tensor {
  if (x.shape.length !== 4) shapeError('toBatchFirst', [x.shape], '[height, width, batch, channels]')
  return compose(batchFirst, [x], {})
}
