/** The images' own numbers: the floor under everything. */
import { flattenImage } from 'onnx-autodiff'
import { z } from 'zod'
import { imageBytes } from '../../data/image-set.js'
import { imageInput, toUnitRange } from '../../models/common.js'
import type { FeatureNetwork, ImageShape } from '../../models/model.js'
import { rawPixels } from '../extract.js'
import { type Baseline, defineBaseline } from './baseline.js'

const PIXELS = 'pixels'

/** Pixels to `pixels` [n, size * size * channels] in 0..1, in the order row, column, channel: rawPixels for blocks. */
function pixelNetwork(image: ImageShape): FeatureNetwork {
  const pixels = imageInput(image)
  const outputs = { [PIXELS]: flattenImage(toUnitRange(pixels)) }
  return { program: { inputs: [pixels], outputs, parameters: {} } }
}

const asNetwork = defineBaseline({
  name: 'pixels',
  title: 'raw pixels',
  imagesPerSecond: 20_000,
  schema: z.strictObject({}),
  values: {},
  fit: ({ height: size, channels }) => ({
    network: pixelNetwork({ size, channels }),
    outputs: [PIXELS],
    detail: 'raw pixels',
  }),
})

export const pixels: Baseline = {
  ...asNetwork,
  studySettings: () => ({}),
  // A study has all images in memory: no network is needed.
  open: (images) =>
    Promise.resolve({
      columns: imageBytes(images),
      detail: 'the numbers of the image',
      extract: async (block) => rawPixels({ ...images, ...block, paths: [] }),
    }),
}
