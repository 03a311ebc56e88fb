/**
 * The stages of a map, kept beside it: another layout of the same features computes them no second time.
 *
 *     features/map-<key>.safetensors       normalised features, and predictions where there are some
 *     features/layout-<key>.safetensors    neighbours and coordinates
 */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { type NamedArray } from 'onnx-autodiff'
import { z } from 'zod'
import { readArrays, writeArrays } from '../../files/array-file.js'
import { imagesKey } from '../../data/content.js'
import type { Images } from '../../data/image-set.js'
import type { Encodable } from '../../encoders/encode-images.js'
import type { ExtractOptions } from '../../features/extract.js'
import { FeatureSpace, type SpaceContext } from '../../features/feature-space.js'
import { usualEpochs } from '../../features/umap.js'
import { neighbourArrays, neighboursOf } from '../../features/space-files.js'
import { makeFolders } from '../../files/atomic.js'
import { contentKey } from '../../files/content-key.js'
import { filesPresent } from '../../files/present.js'
import type { Neighbours } from '../../numerics/linear-algebra.js'
import {
  type FeatureMatrix,
  matrixArray,
  matrixOf,
  type mostProbable,
  storedUnitRows,
  type UnitRows,
} from '../../numerics/matrix.js'
import type { Stage } from '../../stages/stage.js'
import type { StageStore } from '../../stages/stage-store.js'
import { layOut, layoutSeconds } from '../../study/sections/maps/study-map.js'

export type MapPredictions = ReturnType<typeof mostProbable>

/** Where a map's features come from. */
export interface FeatureReader {
  /** Features in their parts, such as layers. */
  extract(of: Encodable, options: ExtractOptions): Promise<readonly FeatureMatrix[]>
  /** Of all images, about. */
  secondsFor(images: number): number
  readonly detail: string
  /** Sentences for the user. */
  readonly notes: readonly string[]
  /** All that the features depend on, beside the images and the seed. */
  readonly identity: object
  /** Of the noise that a classifier was fitted with. */
  readonly seed?: number
  readonly classNames: readonly string[]
  /** Normalised features, and predictions where there is a classifier of just these features. */
  finish(
    layers: readonly FeatureMatrix[],
    context: SpaceContext,
  ): Promise<{ space: FeatureSpace; predictions?: MapPredictions }>
}

const FOLDER = 'features'
const GROUPS = { features: 'compute features', layout: 'lay out' }

const fileSchema = z.object({ file: z.string() })
type FileStage = Stage<z.infer<typeof fileSchema>>

/** A stage that gives one file below `out`. Those of other settings make room: a map's folder holds one map. */
function fileStage(
  kind: keyof typeof GROUPS,
  settings: object,
  out: string,
  arraysOf: (context: Parameters<Stage['work']>[0]) => Promise<Record<string, NamedArray>>,
): Pick<FileStage, 'kind' | 'name' | 'group' | 'settings' | 'key' | 'schema' | 'present' | 'work'> {
  const identity = { kind: `map ${kind}`, ...settings }
  const key = contentKey(identity)
  const file = path.join(FOLDER, `${kind}-${key.slice(0, 8)}.safetensors`)
  return {
    kind,
    name: GROUPS[kind],
    group: GROUPS[kind],
    settings: identity,
    key,
    schema: fileSchema,
    present: (result) => filesPresent(out, [result.file]),
    work: async (context) => {
      const arrays = await arraysOf(context)
      if (kind === 'features') await rm(path.join(out, FOLDER), { recursive: true, force: true })
      await makeFolders(path.join(out, FOLDER))
      await writeArrays(path.join(out, file), arrays)
      return { file }
    },
  }
}

/** Normalised features of the images, and what a classifier says of them. */
export function mapFeaturesStage(
  reader: FeatureReader,
  { images, originals }: Encodable,
  { out, seed, device }: { out: string; seed: number; device: string },
): FileStage {
  const own = reader.seed ?? seed
  const settings = { ...reader.identity, images: imagesKey(images), seed: own, device }
  return {
    ...fileStage('features', settings, out, async ({ linearAlgebra, threads, signal, onProgress }) => {
      const options = { threads, device, signal, seed: own, onProgress }
      const found = await reader.extract({ images, originals }, options)
      const { space, predictions } = await reader.finish(found, { linearAlgebra, signal })
      return {
        features: matrixArray(space.train),
        ...(predictions && {
          predicted: { dtype: 'int32', shape: [images.count], data: predictions.predicted },
          probability: { dtype: 'float32', shape: [images.count], data: predictions.probability },
        }),
      }
    }),
    needs: [],
    seconds: 3 + reader.secondsFor(images.count),
    unit: 'images',
    total: images.count,
  }
}

export async function readFeatures(
  out: string,
  { file }: z.infer<typeof fileSchema>,
): Promise<{ features: UnitRows; predictions?: MapPredictions }> {
  const { arrays } = await readArrays(path.join(out, file))
  const { features, predicted, probability } = arrays as Partial<typeof arrays>
  if (features === undefined) throw damaged(file)
  return {
    features: storedUnitRows(matrixOf(features)),
    predictions: predicted &&
      probability && {
        predicted: predicted.data as Int32Array,
        probability: probability.data as Float32Array,
      },
  }
}

/** Neighbours of all images, and where UMAP puts them. */
export function mapLayoutStage(
  features: FileStage,
  { count }: Images,
  store: StageStore,
  { out, seed, minDistance }: { out: string; seed: number; minDistance?: number },
): FileStage {
  return {
    ...fileStage(
      'layout',
      { features: features.key, minDistance, seed },
      out,
      async ({ linearAlgebra, ...context }) => {
        const { features: train } = await readFeatures(out, await store.result(features))
        const space = new FeatureSpace({ train }, { linearAlgebra, signal: context.signal })
        const { neighbours, coordinates } = await layOut(space, context, { minDistance })
        return { ...neighbourArrays('map', neighbours), coordinates: matrixArray(coordinates) }
      },
    ),
    needs: [features],
    seconds: layoutSeconds(count),
    unit: 'epochs',
    total: usualEpochs(count),
  }
}

export async function readLayout(
  out: string,
  { file }: z.infer<typeof fileSchema>,
): Promise<{ neighbours: Neighbours; coordinates: FeatureMatrix }> {
  const { arrays } = await readArrays(path.join(out, file))
  return { neighbours: neighboursOf('map', arrays), coordinates: matrixOf(arrays.coordinates) }
}

const damaged = (file: string): Error =>
  new Error(`features (${file}): got no rows, expected what was written; delete it to have it made again`)
