/** Where a map's features come from: a run's classifier, layers of its model, an encoder or a table made elsewhere. */
import { access } from 'node:fs/promises'
import path from 'node:path'
import { systemCode, usageError } from '../../errors.js'
import { besideEachOther, extractFeatures } from '../../features/extract.js'
import { FeatureSpace, normalisedSpace } from '../../features/feature-space.js'
import { restorePredictor } from '../../heads/predictor.js'
import { featureRequest } from '../../models/choose-features.js'
import { type FeatureChoice, featureOutputs, requestInWords } from '../../models/feature-request.js'
import { mostProbable, storedUnitRows, unitRows } from '../../numerics/matrix.js'
import type { Brought } from '../../runs/brought.js'
import {
  checkBroughtFor,
  checkEmbeddings,
  classifierFeatures,
  headRows,
} from '../../runs/classifier-features.js'
import { CLASSIFIER_FILE, classifierKey, loadClassifier } from '../../runs/classifier.js'
import { readRunConfig } from '../../runs/run-files.js'
import type { ImageChoice } from '../../runs/read-dataset.js'
import { loadTrainedModel, trainedKey, type TrainedModel } from '../../runs/trained-model.js'
import { type ImageTaker, takerWithoutRun } from '../features/run.js'
import { hasOutside, type OutsideOptions } from '../../runs/outside-features.js'
import { openOutsideReader, type OutsideReader } from '../features/outside-reader.js'
import type { FeatureReader } from './map-stages.js'

/** Which features. */
export interface ReaderOptions extends FeatureChoice, OutsideOptions, ImageChoice {
  readonly run?: string
  readonly dataset?: string
  readonly threads: number
  readonly device: string
}

export interface OpenedReader {
  /** Which images it is for. */
  readonly taker: ImageTaker
  readonly reader: FeatureReader
}

/** @throws HandfulError for a run without what is asked for, and for features made elsewhere that cannot be read */
export async function openReader(options: ReaderOptions, brought: Brought): Promise<OpenedReader> {
  const { run } = options
  const outside = hasOutside(options) ? await openOutsideReader(options, options) : undefined
  if (run === undefined) return alone(options, outside)
  if (!asksForLayers(options) && options.encoder === undefined && (await hasClassifier(run)))
    return classifierReader(run, options, brought)
  return layersReader(await loadTrainedModel(run, brought), options, outside)
}

const asksForLayers = (options: ReaderOptions): boolean => {
  const { layers, pooling, noiseLevel, noiseLevels, combineLevels, draws, mirror, combineViews } = options
  return [layers, pooling, noiseLevel, noiseLevels, combineLevels, draws, mirror, combineViews].some(
    (value) => value !== undefined,
  )
}

function alone(options: ReaderOptions, outside: OutsideReader | undefined): OpenedReader {
  if (outside === undefined)
    throw usageError({
      what: 'map',
      got: 'neither a run nor features made elsewhere',
      expected: 'a run, --encoder or --embeddings',
    })
  if (asksForLayers(options))
    throw usageError({ what: 'layers', got: 'some without a run', expected: 'a run whose model has them' })
  return {
    taker: takerWithoutRun(outside.title, options),
    reader: {
      extract: (of, extraction) => outside.extract(of, extraction),
      secondsFor: outside.secondsFor,
      identity: { outside: outside.identity },
      detail: outside.title,
      notes: outside.notes,
      classNames: [],
      finish: besideEachOtherNormalised,
    },
  }
}

/** What a run's model has in the layers asked for, and beside them what was made elsewhere. */
async function layersReader(
  trained: TrainedModel,
  options: ReaderOptions,
  outside: OutsideReader | undefined,
): Promise<OpenedReader> {
  const { model, weights } = trained
  const request = featureRequest(model, options)
  const network = model.features(weights, request)
  const outputs = featureOutputs(request)
  const words = `layers ${request.layers.join(', ')}, ${requestInWords(request)}`
  const speed = model.cost.imagesPerSecond
  return {
    taker: trained,
    reader: {
      async extract(of, extraction) {
        const found = await extractFeatures(network, of.images, outputs, extraction)
        const own = outputs.map((name) => found[name])
        return outside === undefined ? own : [...own, ...(await outside.extract(of, extraction))]
      },
      secondsFor: (images) => images / speed + (outside?.secondsFor(images) ?? 0),
      identity: {
        model: await trainedKey(trained),
        request,
        ...(outside && { outside: outside.identity }),
      },
      detail: outside === undefined ? words : `${words}; ${outside.title}`,
      notes: outside?.notes ?? [],
      classNames: [],
      finish: besideEachOtherNormalised,
    },
  }
}

/** Each part weighs the same. */
const besideEachOtherNormalised: FeatureReader['finish'] = async (found, context) => {
  const blocks = found.map(({ columns }) => columns)
  return { space: await normalisedSpace({ train: besideEachOther(found) }, { blocks }, context) }
}

/** What a run's classifier works on, and what it says of the images. */
async function classifierReader(
  run: string,
  options: ReaderOptions,
  brought: Brought,
): Promise<OpenedReader> {
  const classifier = await loadClassifier(run)
  const { embeddings, threads } = options
  checkEmbeddings(run, classifier, embeddings)
  const notes = checkBroughtFor(run, classifier, brought)
  const { outputs, outside, classNames, head, drawn, normalisation, size, channels, fit, reading } =
    classifier
  const titles = [
    outside?.encoder?.description.title,
    outside?.embeddings?.title,
    ...(outside?.sources ?? []).map(({ title }) => title),
  ]
  const parts = [...outputs, ...titles.filter((title) => title !== undefined)]
  return {
    taker: { run, options: await readRunConfig(run), model: { image: { size, channels } }, fit, reading },
    reader: {
      extract: async (of, { device = 'cpu', signal, onProgress }) => [
        await classifierFeatures(run, classifier, of, {
          ...brought,
          embeddings,
          threads,
          device,
          signal,
          onProgress,
        }),
      ],
      secondsFor: (images) => images / 1000 + images * (outside?.encoder?.description.secondsPerImage ?? 0),
      identity: { classifier: await classifierKey(run), embeddings: embeddings && path.resolve(embeddings) },
      detail: `what the classifier works on, ${parts.join(', ')}`,
      notes,
      seed: drawn?.seed,
      classNames,
      async finish([features], context) {
        const { linearAlgebra } = context
        const rows = await headRows(classifier, features, linearAlgebra)
        const predictions = mostProbable(await restorePredictor(head, linearAlgebra)(rows))
        // Neighbours are searched among directions, whatever length a head goes by.
        const train = normalisation === undefined ? unitRows(rows) : storedUnitRows(rows)
        return { space: new FeatureSpace({ train }, context), predictions }
      },
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
