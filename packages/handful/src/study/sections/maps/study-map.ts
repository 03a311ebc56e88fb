/**
 * A method's features as a map: training images laid out in the plane, and how well the classes are apart in the features.
 * Labels only colour it: neither the layout nor anything else is chosen by them, and test images have no part in it.
 */
import { Random } from 'onnx-autodiff'
import { type Images, imageAt } from '../../../data/image-set.js'
import { HandfulError } from '../../../errors.js'
import type { Neighbours } from '../../../numerics/linear-algebra.js'
import { type FeatureMatrix, selectRows, type UnitRows } from '../../../numerics/matrix.js'
import { FeatureSpace } from '../../../features/feature-space.js'
import { neighbourhoodPurity, silhouette } from '../../../features/neighbourhood.js'
import { spreadPoints } from '../../../features/spread.js'
import { umapLayout } from '../../../features/umap.js'
import { thumbnail } from '../../../draw/thumbnails.js'
import type { StageContext } from '../../../stages/stage.js'
import type { StudyMap } from './schema.js'

export interface MapInput {
  readonly method: string
  /** `[images, columns]` of the training images, normalised: rows of length 1. */
  readonly features: UnitRows
  readonly images: Images
  /** `[images]`, -1 where unknown: those are left out. */
  readonly labels: Int32Array
  readonly classNames: readonly string[]
}

export interface MapOptions {
  /** Images on the map, drawn where there are more. Default 10,000. */
  readonly most?: number
  /** Pictures on it. Default 150. */
  readonly thumbnails?: number
  /** How close points may lie in the plane. Default 0.1. */
  readonly minDistance?: number
  /** Of the layout. */
  readonly epochs?: number
}

export const MOST_POINTS = 10_000

/** Expected: UMAP of 10,000 points takes 40 s. */
export const layoutSeconds = (images: number): number =>
  3 + (40 * Math.min(images, MOST_POINTS)) / MOST_POINTS

const THUMBNAILS = 150

/** @throws HandfulError where fewer than two classes are labelled */
export async function studyMap(
  { method, features, images, labels, classNames }: MapInput,
  context: StageContext,
  options: MapOptions = {},
): Promise<StudyMap> {
  const { linearAlgebra, seed, signal } = context
  const rows = drawRows(labels, options.most ?? MOST_POINTS, seed)
  const own = Int32Array.from(rows, (row) => labels[row])
  if (new Set(own).size < 2) {
    throw new HandfulError({
      what: 'labels',
      where: `map of ${method}`,
      got: `${new Set(own).size} labelled classes of ${classNames.length}`,
      expected: 'at least two',
      hint: 'label images of another class',
    })
  }
  const some = selectRows(features, rows)
  const { neighbours, coordinates } = await layOut(
    new FeatureSpace({ train: some }, { linearAlgebra, signal }),
    context,
    options,
  )
  const purity = neighbourhoodPurity(neighbours, own)
  const apart = await silhouette(some, own, { random: new Random(seed, 'map/silhouette'), signal })
  if (purity === undefined || apart === undefined)
    throw new Error('internal: map: two classes without numbers')
  return {
    method,
    ...axes(coordinates),
    label: [...own],
    purity: purity.purity,
    purityByChance: purity.byChance,
    silhouette: apart,
    thumbnails: await mapThumbnails(coordinates, images, rows, options.thumbnails ?? THUMBNAILS, seed),
  }
}

/** Exact neighbours of all rows, and where UMAP puts them. */
export async function layOut(
  space: FeatureSpace,
  { seed, signal, onProgress }: Pick<StageContext, 'seed' | 'signal' | 'onProgress'>,
  { minDistance, epochs }: Pick<MapOptions, 'minDistance' | 'epochs'> = {},
): Promise<{ neighbours: Neighbours; coordinates: FeatureMatrix }> {
  const neighbours = await space.graph()
  const coordinates = await umapLayout(neighbours, { seed, minDistance, epochs, signal, onProgress })
  return { neighbours, coordinates }
}

/** Coordinates as two lists, to the digits that a picture shows. */
export function axes({ rows, data }: FeatureMatrix): { x: number[]; y: number[] } {
  const axis = (which: number): number[] =>
    Array.from({ length: rows }, (_, i) => Number(data[2 * i + which].toFixed(4)))
  return { x: axis(0), y: axis(1) }
}

/** Pictures of points spread over a map; `rows` says which image each point is. */
export async function mapThumbnails(
  coordinates: FeatureMatrix,
  images: Images,
  rows: ArrayLike<number>,
  count: number,
  seed: number,
): Promise<{ point: number; image: string }[]> {
  const { height, width, channels } = images
  const points = spreadPoints(coordinates, count, new Random(seed, 'map/thumbnails'))
  const pictures: { point: number; image: string }[] = []
  for (const point of points) {
    const pixels = imageAt(images, rows[point])
    pictures.push({ point, image: await thumbnail({ height, width, channels, pixels }) })
  }
  return pictures
}

/** Labelled rows, drawn where there are more than `most`, in their own order. */
function drawRows(labels: Int32Array, most: number, seed: number): Int32Array {
  const labelled = Int32Array.from(labels.keys()).filter((i) => labels[i] >= 0)
  if (labelled.length <= most) return labelled
  return new Random(seed, 'map/images').shuffle(labelled).slice(0, most).sort()
}
