/** The images' own numbers as a network: what rawPixels gives, for images that come in blocks. */
import { flattenImage } from 'onnx-autodiff'
import { imageInput, toUnitRange } from '../models/common.js'
import type { FeatureNetwork, ImageShape } from '../models/model.js'

/** Name of the network's output. */
export const PIXELS = 'pixels'

/** Pixels to `pixels` [n, size * size * channels] in 0..1, in the order row, column, channel. */
export function pixelNetwork(image: ImageShape): FeatureNetwork {
  const pixels = imageInput(image)
  const outputs = { [PIXELS]: flattenImage(toUnitRange(pixels)) }
  return { program: { inputs: [pixels], outputs, parameters: {} } }
}
