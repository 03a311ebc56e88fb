/** Rearrangements between space, channels and rows. Composites, so that an exported model names them as usual. */
import { shapeError, sizeOf } from '../graph/shape.js'
import { type Composite, compose, type Tensor } from '../graph/tensor.js'
import { reshape, transpose } from '../graph/movement.js'

interface Factor {
  readonly factor: number
}

const shuffle: Composite<Factor> = {
  name: 'pixelShuffle',
  ordinary: (emitter, node) => [
    emitter.node('DepthToSpace', [emitter.get(node.inputs[0], 'nchw')], {
      blocksize: node.attributes.factor,
      mode: 'CRD',
    }),
    'nchw',
  ],
  expand: ([x], { factor: r }) => {
    const [h, w, n, c] = x.shape
    const blocks = reshape(x, [h, w, n, c / (r * r), r, r])
    return reshape(transpose(blocks, [0, 4, 1, 5, 2, 3]), [h * r, w * r, n, c / (r * r)])
  },
}

/** [h, w, n, c r r] -> [h r, w r, n, c]; channel (k r + i) r + j goes to row i, column j of its block, channel k. */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  if (x.shape.length !== 4 || x.shape[3] % (factor * factor) !== 0) {
    shapeError(
      'pixelShuffle',
      [x.shape],
      `[height, width, batch, channels] with channels that divide by ${factor * factor}`,
    )
  }
  return compose(shuffle, [x], { factor })
}

const unshuffle: Composite<Factor> = {
  name: 'pixelUnshuffle',
  /** SpaceToDepth puts the block before the channel; this puts the channel first, as pixelShuffle reads it. */
  ordinary: (emitter, node) => {
    const {
      inputs: [x],
      attributes: { factor: r },
    } = node
    const [h, w, , c] = x.shape
    const split = emitter.node('Reshape', [emitter.get(x, 'nchw'), emitter.ints([0, c, h / r, r, w / r, r])])
    const moved = emitter.node('Transpose', [split], { perm: [0, 1, 3, 5, 2, 4] })
    return [emitter.node('Reshape', [moved, emitter.ints([0, c * r * r, h / r, w / r])]), 'nchw']
  },
  expand: ([x], { factor: r }) => {
    const [h, w, n, c] = x.shape
    const blocks = reshape(x, [h / r, r, w / r, r, n, c])
    return reshape(transpose(blocks, [0, 2, 4, 5, 1, 3]), [h / r, w / r, n, c * r * r])
  },
}

/** [h r, w r, n, c] -> [h, w, n, c r r]: the inverse of pixelShuffle. */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  if (x.shape.length !== 4 || x.shape[0] % factor !== 0 || x.shape[1] % factor !== 0) {
    shapeError(
      'pixelUnshuffle',
      [x.shape],
      `[height, width, batch, channels] with a height and width that divide by ${factor}`,
    )
  }
  return compose(unshuffle, [x], { factor })
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
