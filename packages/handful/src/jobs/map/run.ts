/**
 * `handful map`: the features of a trained model as a map of images, written as a table and as a Parquet file that
 * embedding-atlas opens. Labels that are known colour it and are measured against it; those of a test split are never
 * looked at.
 */
import { Reservoir } from '../../numerics/reservoir.js'
import { holdsCollection } from '../../data/open-collection.js'
import { featureOutputs, requestInWords, type FeatureChoice } from '../../models/feature-request.js'
import { featureRequest } from '../../models/choose-features.js'
import { access } from 'node:fs/promises'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { makeFolders, writeFileAtomic } from '../../files/atomic.js'
import { formatCsvRow } from '../../files/csv-row.js'
import type { ImageSource } from '../../data/image-blocks.js'
import { imageBytes, type Images, type SkippedFile } from '../../data/image-set.js'
import { openImages } from '../../data/open-images.js'
import { HandfulError, printable, systemCode, systemError } from '../../errors.js'
import { besideEachOther, type Extractable, extractFeatures } from '../../features/extract.js'
import { FeatureSpace, normalisedSpace, type SpaceContext } from '../../features/feature-space.js'
import { applyNormalisation } from '../../features/normalise.js'
import { type FeatureMatrix, mostProbable } from '../../numerics/matrix.js'
import { neighbourhoodPurity, type Purity, silhouette } from '../../features/neighbourhood.js'
import { onnxLinearAlgebra } from '../../numerics/onnx-linear-algebra.js'
import { restorePredictor } from '../../heads/predictor.js'
import { CLASSIFIER_FILE, loadClassifier } from '../../runs/classifier.js'
import { checkDevice } from '../../runs/device.js'
import { imageSource, runSeed } from '../features/run.js'
import type { JobContext } from '../../training/progress.js'
import { featureNetwork } from '../../runs/classifier-features.js'
import { atlasArguments, type AtlasPredictions, writeAtlas } from '../../study/sections/atlas/atlas.js'
import { axes, layOut, mapThumbnails } from '../../study/sections/maps/study-map.js'
import { loadTrainedModel, type TrainedModel } from '../../runs/trained-model.js'

export interface MapJobOptions extends FeatureChoice {
  readonly run: string
  /** Files, folders, archives; with none, and without a data set, the images that the run was trained on. */
  readonly images: readonly string[]
  readonly dataset?: string
  readonly dataDir?: string
  /** Images on the map, drawn where there are more. */
  readonly count: number
  /** How close points may lie in the plane. */
  readonly minDistance?: number
  /** The folder that the files are written to. */
  readonly out: string
  /** Of the draw, the layout and noise; the run's own where left out. */
  readonly seed?: number
  readonly threads: number
  readonly device: string
}

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

const STAGES = { read: 'choose the images', features: 'compute features', layout: 'lay out', write: 'write' }
const BLOCK = 500
const FEWEST = 4
const THUMBNAILS = 150
const TABLE_COLUMNS = ['file_name', 'split', 'x', 'y', 'label', 'predicted', 'probability']

export async function runMap(options: MapJobOptions, context: JobContext): Promise<MapResult> {
  const { run, threads, device, out } = options
  const { signal, progress } = context
  await checkDevice(device)
  const trained = await loadTrainedModel(run)
  // Before any time is spent.
  await makeFolders(out).catch((error: unknown) => {
    throw systemError('writing a map', out, error)
  })
  const seed = options.seed ?? runSeed(trained)
  const reader = await featureReader(trained, options)
  const chosen = await chooseImages(trained, options, seed, context)
  const { images } = chosen
  checkCount(images, run)
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const found = await extractFeatures(reader.network, images, reader.outputs, {
      threads,
      device,
      signal,
      seed: reader.seed ?? seed,
      onProgress: (done, total) => progress.report({ stage: STAGES.features, done, total, unit: 'images' }),
    })
    const { space, predictions } = await reader.finish(
      reader.outputs.map((name) => found[name]),
      { linearAlgebra, signal },
    )
    const features = space.train
    const classes = [...new Set([...reader.classNames, ...[...new Set(chosen.labels)].sort()])].filter(
      Boolean,
    )
    const labels = Int32Array.from(chosen.labels, (label) => classes.indexOf(label))
    const { neighbours, coordinates } = await layOut(
      space,
      {
        seed,
        signal,
        onProgress: (done, total) => progress.report({ stage: STAGES.layout, done, total, unit: 'epochs' }),
      },
      options,
    )
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
      onProgress: (done, total) => progress.report({ stage: STAGES.write, done, total, unit: 'images' }),
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
  } finally {
    await linearAlgebra.close()
  }
}

interface FeatureReader {
  readonly network: Extractable
  readonly outputs: readonly string[]
  readonly detail: string
  /** Of the noise that a classifier was fitted with. */
  readonly seed?: number
  readonly classNames: readonly string[]
  /** Normalised features, and predictions where there is a classifier of just these features. */
  finish(
    layers: readonly FeatureMatrix[],
    context: SpaceContext,
  ): Promise<{ space: FeatureSpace; predictions?: AtlasPredictions & { readonly predicted: Int32Array } }>
}

/** What a run's classifier works on; where it has none, or other features are asked for, what `handful features` takes. */
async function featureReader(trained: TrainedModel, options: MapJobOptions): Promise<FeatureReader> {
  const { run, model, weights } = trained
  const { layers, pooling, noiseLevel, noiseLevels, combineLevels, draws, mirror, combineViews } = options
  const asked = [layers, pooling, noiseLevel, noiseLevels, combineLevels, draws, mirror, combineViews].some(
    (value) => value !== undefined,
  )
  if (!asked && (await hasClassifier(run))) return classifierReader(run)
  const request = featureRequest(model, options)
  const network = model.features(weights, request)
  const outputs = featureOutputs(request)
  return {
    network,
    outputs,
    detail: `layers ${request.layers.join(', ')}, ${requestInWords(request)}`,
    classNames: [],
    async finish(found, context) {
      const blocks = found.map(({ columns }) => columns)
      return { space: await normalisedSpace({ train: besideEachOther(found) }, { blocks }, context) }
    },
  }
}

async function classifierReader(run: string): Promise<FeatureReader> {
  const classifier = await loadClassifier(run)
  const { outputs, classNames, head, drawn, normalisation } = classifier
  return {
    network: await featureNetwork(run, classifier),
    outputs,
    detail: `what the classifier works on, ${outputs.join(', ')}`,
    seed: drawn?.seed,
    classNames,
    async finish(found, context) {
      const { linearAlgebra } = context
      const train = await applyNormalisation(normalisation, besideEachOther(found), linearAlgebra)
      const predictions = mostProbable(await restorePredictor(head, linearAlgebra)(train))
      return { space: new FeatureSpace({ train }, context), predictions }
    },
  }
}

async function hasClassifier(run: string): Promise<boolean> {
  try {
    await access(path.join(run, CLASSIFIER_FILE))
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}

interface ChosenImages {
  readonly images: Images
  /** Class of each, '' where unknown. */
  readonly labels: readonly string[]
  readonly splits: readonly string[]
  readonly skipped: readonly SkippedFile[]
}

/** The images asked for, drawn where there are more than fit; of the run's own, the training images. */
async function chooseImages(
  trained: TrainedModel,
  { images: inputs, dataset, dataDir, count }: MapJobOptions,
  seed: number,
  { signal, progress }: JobContext,
): Promise<ChosenImages> {
  const random = new Random(seed, 'map/images')
  const [folder] = inputs
  if (inputs.length > 1 || (folder !== undefined && !(await holdsCollection(folder)))) {
    const { size, channels } = trained.model.image
    const opened = await openImages(inputs, {
      size,
      channels,
      fit: trained.fit,
      signal,
      onProgress: (done, total) => progress.report({ stage: STAGES.read, done, total, unit: 'images' }),
    })
    const blank = Array.from(opened.images.paths, () => '')
    const source = oneBlock(opened.images, blank, opened.skipped)
    return drawImages(source, count, random, () => true)
  }
  const source = await imageSource(trained, { folder, dataset, dataDir, seed }, { signal, progress })
  for (const note of source.notes) progress.message(note)
  return drawImages(
    source,
    count,
    random,
    (split) => split === 'train' || folder !== undefined || dataset !== undefined,
    (done) => {
      signal.throwIfAborted()
      progress.report({ stage: STAGES.read, done, total: source.limit, unit: 'images' })
    },
  )
}

const oneBlock = (
  images: Images,
  labels: readonly string[],
  skipped: readonly SkippedFile[],
): ImageSource => ({
  name: images.name,
  limit: images.count,
  notes: [],
  skipped,
  async *blocks() {
    yield await Promise.resolve({ ...images, split: 'train' as const, firstPlace: 0, labels })
  },
})

/** At most `count` of all images, each as likely as any other, with no more of them in memory. */
async function drawImages(
  source: ImageSource,
  count: number,
  random: Random,
  wanted: (split: string) => boolean,
  onRead?: (done: number) => void,
): Promise<ChosenImages> {
  const drawn: { place: number; pixels: Uint8Array; path: string; label: string; split: string }[] = []
  let form: Pick<Images, 'height' | 'width' | 'channels'> = { height: 1, width: 1, channels: 1 }
  const reservoir = new Reservoir(count, random)
  let read = 0
  for await (const block of source.blocks(BLOCK)) {
    onRead?.((read += block.count))
    if (!wanted(block.split)) continue
    form = block
    const bytes = imageBytes(block)
    for (let i = 0; i < block.count; i++) {
      const place = reservoir.seen
      const slot = reservoir.next()
      if (slot === undefined) continue
      drawn[slot] = {
        place,
        pixels: block.pixels.slice(i * bytes, (i + 1) * bytes),
        path: block.paths[i],
        label: block.labels[i],
        split: block.split,
      }
    }
  }
  drawn.sort((a, b) => a.place - b.place)
  const { height, width, channels } = form
  const pixels = new Uint8Array(drawn.length * height * width * channels)
  drawn.forEach((each, i) => pixels.set(each.pixels, i * height * width * channels))
  return {
    images: {
      name: source.name,
      count: drawn.length,
      height,
      width,
      channels,
      pixels,
      paths: drawn.map((each) => each.path),
    },
    labels: drawn.map(({ label }) => label),
    splits: drawn.map(({ split }) => split),
    skipped: source.skipped,
  }
}

function checkCount({ count }: Images, run: string): void {
  if (count >= FEWEST) return
  throw new HandfulError({
    what: 'images',
    where: `map of ${printable(run)}`,
    got: String(count),
    expected: `at least ${FEWEST}`,
    hint: 'give more images',
  })
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
