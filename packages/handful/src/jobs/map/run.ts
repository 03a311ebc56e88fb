/**
 * `handful map`: the features of a trained model as a map of images, written as a table and as a Parquet file that
 * embedding-atlas opens. Labels that are known colour it and are measured against it; those of a test split are never
 * looked at.
 */
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { makeFolders, writeFileAtomic } from '../../files/atomic.js'
import { formatCsvRow } from '../../files/csv-row.js'
import type { SkippedFile } from '../../data/image-set.js'
import { systemError } from '../../errors.js'
import type { FeatureMatrix } from '../../numerics/matrix.js'
import { neighbourhoodPurity, type Purity, silhouette } from '../../features/neighbourhood.js'
import { checkDevice } from '../../runs/device.js'
import { runJobStages } from '../../runs/job-stages.js'
import { runSeed } from '../features/run.js'
import type { Stage } from '../../stages/stage.js'
import { StageStore } from '../../stages/stage-store.js'
import type { JobContext } from '../../training/progress.js'
import { atlasArguments, type AtlasPredictions, writeAtlas } from '../../study/sections/atlas/atlas.js'
import { axes, mapThumbnails } from '../../study/sections/maps/study-map.js'
import { chooseImages, CHOOSING, type ChosenImages, type MapImages } from './map-images.js'
import { openReader, type ReaderOptions } from './feature-reader.js'
import { mapFeaturesStage, mapLayoutStage, readFeatures, readLayout } from './map-stages.js'

/** Whose features of which images are laid out, and where to. */
export interface MapJobOptions extends ReaderOptions, MapImages {
  /** How close points may lie in the plane. */
  readonly minDistance?: number
  /** The folder that the files are written to. */
  readonly out: string
  /** Of the draw, the layout and noise; the run's own where left out. */
  readonly seed?: number
}

/** What a map shows, and where its files are. */
export interface MapResult {
  readonly images: number
  /** How many of them have a label that is known. */
  readonly labelled: number
  readonly classes: readonly string[]
  /** What the colours of the map say. */
  readonly colours: 'labels' | 'predictions' | 'nothing'
  /** Which features, in words. */
  readonly detail: string
  readonly purity?: Purity
  readonly silhouette?: number
  readonly points: {
    readonly x: number[]
    readonly y: number[]
    /** Class of each point by what colours it, -1 for none. */
    readonly label: number[]
    readonly thumbnails: { point: number; image: string }[]
  }
  readonly table: string
  readonly atlas: string
  /** The words of the command that opens it. */
  readonly open: readonly string[]
  readonly skipped: readonly SkippedFile[]
}

const WRITING = 'write'
const THUMBNAILS = 150
const TABLE_COLUMNS = ['file_name', 'split', 'x', 'y', 'label', 'predicted', 'probability']

/**
 * Lays out images by their features and writes figures, a table and an atlas into a folder, as `handful map` does.
 *
 * @throws HandfulError for a run, images or features that do not suit, and a folder that cannot be written
 */
export async function runMap(options: MapJobOptions, context: JobContext): Promise<MapResult> {
  const { threads, device, out } = options
  const { signal, progress } = context
  await checkDevice(device)
  const { taker, reader } = await openReader(options, context)
  // Before any time is spent.
  await makeFolders(out).catch((error: unknown) => {
    throw systemError('writing a map', out, error)
  })
  for (const note of reader.notes) progress.message(note)
  const seed = options.seed ?? runSeed(taker)
  const chosen = await chooseImages(taker, options, seed, context)
  const { images } = chosen
  const store = new StageStore(out)
  const featuresStage = mapFeaturesStage(reader, chosen, { out, seed, device })
  const layoutStage = mapLayoutStage(featuresStage, images, store, { ...options, seed })
  await runJobStages<Stage>([featuresStage, layoutStage], {
    ...context,
    store,
    seed,
    threads,
    device,
    before: [{ stage: CHOOSING, expectedSeconds: 5 }],
    read: [featuresStage],
    after: [{ stage: WRITING, expectedSeconds: images.count / 500 }],
  })
  const { features, predictions } = await readFeatures(out, await store.result(featuresStage))
  const { neighbours, coordinates } = await readLayout(out, await store.result(layoutStage))
  const classes = [...new Set([...reader.classNames, ...[...new Set(chosen.labels)].sort()])].filter(Boolean)
  const labels = Int32Array.from(chosen.labels, (label) => classes.indexOf(label))
  const [table, atlas] = ['map.csv', 'map.parquet'].map((name) => path.join(out, name))
  await writeFileAtomic(table, tableOf(chosen, coordinates, classes, labels, predictions))
  const known = labels.some((label) => label >= 0)
  await writeAtlas(atlas, {
    images,
    splits: chosen.splits,
    features,
    coordinates,
    neighbours,
    predictions,
    signal,
    labels: known ? labels : undefined,
    classNames: classes,
    onProgress: (done, total) => progress.report({ stage: WRITING, done, total, unit: 'images' }),
  })
  const everyRow = Int32Array.from({ length: images.count }, (_, i) => i)
  return {
    images: images.count,
    labelled: labels.filter((label) => label >= 0).length,
    classes,
    colours: known ? 'labels' : predictions === undefined ? 'nothing' : 'predictions',
    detail: reader.detail,
    purity: neighbourhoodPurity(neighbours, labels),
    silhouette: await silhouette(features, labels, { random: new Random(seed, 'map/silhouette'), signal }),
    points: {
      ...axes(coordinates),
      label: [...(known ? labels : (predictions?.predicted ?? labels))],
      thumbnails: await mapThumbnails(coordinates, images, everyRow, THUMBNAILS, seed),
    },
    table,
    atlas,
    open: atlasArguments(atlas, { neighbours }),
    skipped: chosen.skipped,
  }
}

function* tableOf(
  { images, splits }: ChosenImages,
  { data }: FeatureMatrix,
  classes: readonly string[],
  labels: Int32Array,
  predictions: AtlasPredictions | undefined,
): Generator<string> {
  yield formatCsvRow(TABLE_COLUMNS)
  for (const [i, file] of images.paths.entries()) {
    const [predicted, probability] =
      predictions === undefined
        ? ['', '']
        : [classes[predictions.predicted[i]], predictions.probability[i].toFixed(4)]
    const label = labels[i] < 0 ? '' : classes[labels[i]]
    yield formatCsvRow([
      file,
      splits[i],
      data[2 * i].toFixed(4),
      data[2 * i + 1].toFixed(4),
      label,
      predicted,
      probability,
    ])
  }
}
