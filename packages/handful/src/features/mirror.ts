/**
 * Mirrored images. Where they look like the others, as photographs of things do and letters do not, features of an image and
 * of its mirrored image are two views of one thing, and their mean is the better feature: on CIFAR-10 whitened patches gain
 * 2 to 5 points at 2 to 128 labels a class.
 *
 * Whether they do is seen without a label: an image, and the same mirrored, are each held against the other images of the
 * set. The nearest of these is as near to the one as to the other where mirroring leaves the kind of image what it is.
 */
import { Random } from 'onnx-autodiff'
import { imageAt, type Images, imagesAt } from '../data/image-set.js'
import type { MirrorChoice } from '../names.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, scaledToUnitRows } from '../numerics/matrix.js'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'

/** Images that are looked at, at most. */
const LOOKED_AT = 600
/** Below so many, the nearest other image says little. */
const FEWEST = 50
/** Side that they are shrunk to, at most: fine detail tells nothing of kinds. */
const SIDE = 32
/**
 * How near the nearest other image is to the mirrored one, by cosine, as a share of how near it is to the image itself.
 * CIFAR-10 and CIFAR-100 have 0.996 and 0.998, waste on a table 0.97; digits 0.69 and 0.75, hand signs 0.67.
 */
const ALIKE = 0.9

/** Whether mirrored images look like the images of a set. What it says depends on the images and the seed alone. */
export async function looksMirrored(
  images: Images,
  { seed, linearAlgebra }: { readonly seed: number; readonly linearAlgebra: LinearAlgebra },
): Promise<boolean> {
  if (images.count < FEWEST) return false
  const places = new Random(seed, 'images that are mirrored').permutation(images.count).slice(0, LOOKED_AT)
  const some = imagesAt(images, places)
  const own = shrunk(some)
  const turned = mirroredRows(own, some)
  centreBoth(own.rows, turned)
  const [plain, mirrored] = [scaledToUnitRows(own.rows), scaledToUnitRows(turned)]
  return (
    nearestOther(await linearAlgebra.matmul(mirrored, plain, { transposeB: true })) >=
    ALIKE * nearestOther(await linearAlgebra.matmul(plain, plain, { transposeB: true }))
  )
}

/** Whether features are means over mirrored images: as asked, or as the images look. */
export async function mirrorsImages(
  images: Images,
  {
    mirror,
    seed,
    threads,
    device,
  }: {
    readonly mirror: MirrorChoice
    readonly seed: number
    readonly threads: number
    readonly device: string
  },
): Promise<boolean> {
  if (mirror !== 'auto') return mirror === 'yes'
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    return await looksMirrored(images, { seed, linearAlgebra })
  } finally {
    await linearAlgebra.close()
  }
}

interface Shrunk {
  readonly rows: FeatureMatrix
  readonly side: number
}

/** Means over squares of pixels. */
function shrunk(images: Images): Shrunk {
  const { count, height, channels } = images
  const square = Math.max(1, Math.floor(height / SIDE))
  const side = Math.floor(height / square)
  const rows = featureMatrix(count, side * side * channels)
  for (let i = 0; i < count; i++) {
    const pixels = imageAt(images, i)
    const row = rows.data.subarray(i * rows.columns, (i + 1) * rows.columns)
    for (let y = 0; y < side * square; y++) {
      for (let x = 0; x < side * square; x++) {
        const to = (Math.floor(y / square) * side + Math.floor(x / square)) * channels
        for (let c = 0; c < channels; c++) row[to + c] += pixels[(y * height + x) * channels + c]
      }
    }
  }
  return { rows, side }
}

function mirroredRows({ rows, side }: Shrunk, { channels }: Pick<Images, 'channels'>): FeatureMatrix {
  const turned = featureMatrix(rows.rows, rows.columns)
  for (let line = 0; line < rows.rows * side; line++) {
    for (let x = 0; x < side; x++) {
      const from = (line * side + x) * channels
      turned.data.set(rows.data.subarray(from, from + channels), (line * side + side - 1 - x) * channels)
    }
  }
  return turned
}

/** Less the mean of both, so that neither is nearer to the others by what all have in common. */
function centreBoth(a: FeatureMatrix, b: FeatureMatrix): void {
  const means = new Float64Array(a.columns)
  const share = 1 / (2 * a.rows)
  for (const { data } of [a, b])
    for (let at = 0; at < data.length; at++) means[at % a.columns] += share * data[at]
  for (const { data } of [a, b]) for (let at = 0; at < data.length; at++) data[at] -= means[at % a.columns]
}

/** Mean over rows of the greatest product with another row. */
function nearestOther({ rows, columns, data }: FeatureMatrix): number {
  let sum = 0
  for (let i = 0; i < rows; i++) {
    let greatest = -Infinity
    for (let j = 0; j < columns; j++) if (j !== i) greatest = Math.max(greatest, data[i * columns + j])
    sum += greatest / rows
  }
  return sum
}
