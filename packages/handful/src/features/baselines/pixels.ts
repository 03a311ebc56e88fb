/**
 * The images' own numbers: the floor under everything. Of images of 128 pixels and more the means over squares: finer
 * pixels tell classes apart no better, and take memory and time by their square.
 */
import { averagePool, flattenImage } from 'onnx-autodiff'
import { z } from 'zod'
import { imageAt, imageBytes, type Images } from '../../data/image-set.js'
import { imageInput, toUnitRange } from '../../models/common.js'
import type { FeatureNetwork, ImageShape } from '../../models/model.js'
import { featureMatrix, type FeatureMatrix } from '../../numerics/matrix.js'
import type { LinearAlgebra } from '../../numerics/linear-algebra.js'
import { rawPixels } from '../extract.js'
import { type FeatureSpace, normalisedSpace, type SpaceContext } from '../feature-space.js'
import type { FeatureSource, Splits } from '../feature-sources.js'
import { headComponents, reducedComponents, reduceFeatures } from '../reduce.js'
import { type Baseline, defineBaseline } from './baseline.js'

const PIXELS = 'pixels'

/** Squares are so small that at least so many of them a side remain. */
const FEWEST_SQUARES = 64

/** The side of the squares that pixels are means of: 1 up to 127 pixels, 2 at 128, 3 at 224. */
export const pixelSquare = (side: number): number => Math.max(1, Math.floor(side / FEWEST_SQUARES))

type Size = Pick<Images, 'height' | 'width' | 'channels'>

const inSquares = ({ height, width, channels }: Size): Size => {
  const square = pixelSquare(height)
  return { height: Math.floor(height / square), width: Math.floor(width / square), channels }
}

/**
 * The numbers that heads are given, in 0..1, in the order row, column, channel. What does not fill a square at the right
 * and at the bottom falls away.
 */
export function pixelMeans(images: Images): FeatureMatrix {
  const square = pixelSquare(images.height)
  if (square === 1) return rawPixels(images)
  const { height, width, channels } = inSquares(images)
  const means = featureMatrix(images.count, height * width * channels)
  for (let i = 0; i < images.count; i++) {
    const pixels = imageAt(images, i)
    const row = means.data.subarray(i * means.columns, (i + 1) * means.columns)
    for (let y = 0; y < height * square; y++) {
      for (let x = 0; x < width * square; x++) {
        const from = (y * images.width + x) * channels
        const to = (Math.floor(y / square) * width + Math.floor(x / square)) * channels
        for (let c = 0; c < channels; c++) row[to + c] += pixels[from + c] / (255 * square ** 2)
      }
    }
  }
  return means
}

const pixelSource = (images: Images, mirror: boolean): FeatureSource => ({
  columns: imageBytes(inSquares(images)),
  extract: (block) => Promise.resolve(pixelRows({ ...images, ...block, paths: [] }, mirror)),
})

/** @param mirror whether they are means over an image and its mirrored image */
function pixelRows(images: Images, mirror: boolean): FeatureMatrix {
  const means = pixelMeans(images)
  if (mirror) averageMirrored(means, inSquares(images))
  return means
}

/** Each pair of numbers that mirroring exchanges becomes its mean, in place. */
function averageMirrored({ data }: FeatureMatrix, { width, channels }: Size): void {
  const line = width * channels
  for (let start = 0; start < data.length; start += line) {
    for (let x = 0; x < Math.floor(width / 2); x++) {
      for (let c = 0; c < channels; c++) {
        const [left, right] = [start + x * channels + c, start + (width - 1 - x) * channels + c]
        data[left] = data[right] = (data[left] + data[right]) / 2
      }
    }
  }
}

/** Numbers of all images that stand in memory together: 1 GiB. */
const TOGETHER = 2 ** 28

/**
 * The images' own pixels, which every model has to beat.
 * @param context `components`: as many as the features have that they stand beside; those of learned ones unless given;
 *   `mirror`: means over an image and its mirrored image, where these features are such too
 */
export async function pixelFeatures(
  { train, test }: Splits,
  linearAlgebra: LinearAlgebra,
  {
    components = headComponents(train),
    mirror = false,
    ...context
  }: Omit<SpaceContext, 'linearAlgebra'> & {
    readonly components?: number
    readonly mirror?: boolean
  } = {},
): Promise<FeatureSpace> {
  const { columns, extract } = pixelSource(train, mirror)
  if (train.count * columns > TOGETHER) {
    const { signal } = context
    const reduced = await reduceFeatures(
      { groups: [{ blocks: [columns] }], extract },
      train,
      test ? [test.images] : [],
      { components: reducedComponents(components), seed: 0, linearAlgebra, signal },
    )
    const named = { name: 'raw pixels', baseline: true, reductions: reduced.reductions }
    const rows = { train: reduced.train, test: reduced.others.at(0) }
    return normalisedSpace({ ...named, ...rows }, { components }, { linearAlgebra, ...context })
  }
  const raw = { train: pixelRows(train, mirror), test: test && pixelRows(test.images, mirror) }
  return normalisedSpace(
    { name: 'raw pixels', baseline: true, ...raw },
    { components },
    { linearAlgebra, ...context },
  )
}

/** Pixels to `pixels` [n, numbers]: pixelMeans for blocks. */
function pixelNetwork(image: ImageShape): FeatureNetwork {
  const pixels = imageInput(image)
  const square = pixelSquare(image.size)
  const whole = toUnitRange(pixels)
  const outputs = { [PIXELS]: flattenImage(square === 1 ? whole : averagePool(whole, square)) }
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
  open: (images) => Promise.resolve({ ...pixelSource(images, false), detail: 'the numbers of the image' }),
}
