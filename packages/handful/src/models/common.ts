/** Pieces that several models share: pixels in and out, pooling of layers. */
import {
  adaptiveAveragePool,
  BATCH_MARKER,
  cast,
  flattenImage,
  fromBatchFirst,
  input,
  mean,
  mul,
  sub,
  type Tensor,
} from 'onnx-autodiff'
import { usageError } from '../errors.js'
import type { AugmentationName, Pooling } from '../names.js'
import type { FeatureRequest } from './feature-request.js'
import type { FeatureNetwork, ImageShape, LayerDescription, Weights } from './model.js'

/** uint8 [n, h, w, c] -> float [h, w, n, c] in 0..255. */
export const greyLevels = (pixels: Tensor): Tensor => fromBatchFirst(cast(pixels, 'float32'))

/** Grey levels 0..255 -> 0..1. */
export const unitRange = (levels: Tensor): Tensor => mul(levels, 1 / 255)

/** Grey levels 0..255 -> -1..1. */
export const signedRange = (levels: Tensor): Tensor => sub(mul(levels, 2 / 255), 1)

/** uint8 [n, h, w, c] -> float [h, w, n, c] in 0..1. */
export const toUnitRange = (pixels: Tensor): Tensor => unitRange(greyLevels(pixels))

/** uint8 [n, h, w, c] -> float [h, w, n, c] in -1..1. */
export const toSignedRange = (pixels: Tensor): Tensor => signedRange(greyLevels(pixels))

/** What leaves the subject of an image what it is: grey images are written characters and small shapes. */
export const suitedAugmentation = ({ channels }: ImageShape): AugmentationName =>
  channels === 1 ? 'shapes' : 'photos'

/** What two views that are to be known for the same are distorted by: both show other parts of the image. */
export const viewAugmentation = ({ channels }: ImageShape): AugmentationName =>
  channels === 1 ? 'covered' : 'crops'

/** Floats 0..1 as bytes. */
export const toBytes = (values: ArrayLike<number>): Uint8Array =>
  Uint8Array.from(values, (value) => Math.round(Math.min(Math.max(value, 0), 1) * 255))

/** A layer [h, w, n, c] (or [n, c]) as rows [n, numbers]; cells of a grid in the order row, column, channel. */
export function pooledRows(layer: Tensor, pooling: Pooling): Tensor {
  if (layer.shape.length === 2) return layer
  if (pooling === 'mean') return mean(layer, [0, 1])
  if (pooling === 'none') return flattenImage(layer)
  const cells = pooling === '2x2' ? 2 : 4
  const [h, w] = layer.shape
  return flattenImage(
    h <= cells && w <= cells ? layer : adaptiveAveragePool(layer, [Math.min(h, cells), Math.min(w, cells)]),
  )
}

/** The shape of so many images: [count, size, size, channels]. */
export const imageDimensions = (count: number, { size, channels }: ImageShape): number[] => [
  count,
  size,
  size,
  channels,
]

/** The input `image` of a network in use, uint8 [n, size, size, channels] with any n. */
export const imageInput = (image: ImageShape): Tensor =>
  input('image', imageDimensions(BATCH_MARKER, image), 'uint8')

/** The straight way from the first of two rows, one after the other, to the second: `steps` rows, at least 2. */
export function straightWay(pair: Float32Array, steps: number): Float32Array {
  const length = pair.length / 2
  const [from, to] = [pair.subarray(0, length), pair.subarray(length)]
  return Float32Array.from({ length: steps * length }, (_, i) => {
    const share = Math.floor(i / length) / (steps - 1)
    return from[i % length] + share * (to[i % length] - from[i % length])
  })
}

/** @throws HandfulError for a name that is not among `known`; `where` says which model */
export function checkLayers(where: string, known: readonly string[], layers: readonly string[]): void {
  const unknown = layers.find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw usageError({ what: 'layer', where, got: `"${unknown}"`, expected: `one of ${known.join(', ')}` })
}

/**
 * The layers of a request as rows, by their names. `where` says which model in an error.
 * @throws HandfulError for a name that is not among `all`
 */
export function chosenRows(
  where: string,
  all: Readonly<Record<string, Tensor>>,
  { layers, pooling }: Pick<FeatureRequest, 'layers' | 'pooling'>,
): Record<string, Tensor> {
  checkLayers(where, Object.keys(all), layers)
  return Object.fromEntries(layers.map((name) => [name, pooledRows(all[name], pooling)]))
}

/**
 * The network from images to the layers of a request.
 * @param layersOf all layers of the network in use, of the input `image`
 * @throws HandfulError as `chosenRows`
 */
export function layerNetwork(
  where: string,
  layersOf: (pixels: Tensor) => Readonly<Record<string, Tensor>>,
  { image, weights, request }: { image: ImageShape; weights: Weights; request: FeatureRequest },
): FeatureNetwork {
  const pixels = imageInput(image)
  const outputs = chosenRows(where, layersOf(pixels), request)
  return { program: { inputs: [pixels], outputs, parameters: weights } }
}

/** Layers [h, w, n, c] and [n, c] as they are listed: without the batch. */
export const describeLayers = (all: Readonly<Record<string, Tensor>>): LayerDescription[] =>
  Object.entries(all).map(([name, { shape }]) => ({ name, shape: shape.toSpliced(shape.length - 2, 1) }))
