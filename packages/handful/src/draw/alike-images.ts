/** Which images a model takes for alike: what is shown of one that draws and reconstructs nothing. */
import { Random } from 'onnx-autodiff'
import { imageAt, type Images, imagesAt } from '../data/image-set.js'
import type { PixelImage } from '../data/given-image.js'
import { besideEachOther, extractFeatures } from '../features/extract.js'
import type { RunOptions, WeightedModel } from '../models/model.js'
import { columnMeans, type FeatureMatrix, scaledToUnitRows } from '../numerics/matrix.js'

/** Images that are looked among: many kinds of which there is more than one, and little to compute. */
const AMONG = 400

/** Whether it is shown for a model: where there is nothing else to show of it. */
export const showsAlike = ({ model }: Pick<WeightedModel, 'model'>): boolean =>
  model.sample === undefined && model.reconstruct === undefined

/**
 * Rows of an image each, followed by those of some others whose features are most like its, by the cosine of features less
 * their mean. The images are the same ones for a seed, whatever the weights.
 *
 * @param across images in a row
 */
export async function alikeImages(
  { model, weights }: WeightedModel,
  images: Images,
  { rows, across, seed, ...open }: RunOptions & { rows: number; across: number; seed: number },
): Promise<PixelImage[][]> {
  const drawn = new Random(seed, 'images looked among').permutation(images.count).slice(0, AMONG)
  const some = imagesAt(images, drawn)
  const request = model.defaultFeatures
  const found = await extractFeatures(model.features(weights, request), some, request.layers, {
    ...open,
    seed,
  })
  const features = besideEachOther(request.layers.map((layer) => found[layer]))
  centre(features)
  const unit = scaledToUnitRows(features)
  const { height, width, channels } = some
  const picture = (place: number): PixelImage => ({ height, width, channels, pixels: imageAt(some, place) })
  return Array.from({ length: Math.min(rows, some.count) }, (_, place) =>
    [place, ...nearest(unit, place, across - 1)].map(picture),
  )
}

function centre(features: FeatureMatrix): void {
  const { columns, data } = features
  const means = columnMeans(features)
  for (let at = 0; at < data.length; at++) data[at] -= means[at % columns]
}

/** Places of so many other rows, the largest products first. */
function nearest({ rows, columns, data }: FeatureMatrix, place: number, count: number): number[] {
  const own = data.subarray(place * columns, (place + 1) * columns)
  const products = Array.from({ length: rows }, (_, row) =>
    own.reduce((sum, value, column) => sum + value * data[row * columns + column], 0),
  )
  return products
    .map((_, row) => row)
    .filter((row) => row !== place)
    .sort((a, b) => products[b] - products[a])
    .slice(0, count)
}
