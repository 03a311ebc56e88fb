/**
 * `handful features` and `handful layers`: what the hidden layers of a trained model make of images, written to a file
 * block by block, and which layers there are.
 *
 * No feature space and no stages: the file holds each layer's numbers as they are, neither reduced nor normalised, and images
 * pass through memory only while their features are written, so that there is nothing that another run could take up.
 */
import type { BoundModel, FeatureNetwork, LayerDescription } from '../../models/model.js'
import {
  featureOutputs,
  requestInWords,
  type FeatureChoice,
  type FeatureRequest,
} from '../../models/feature-request.js'
import { featureRequest } from '../../models/choose-features.js'
import { type Pooling, type ResizeMode } from '../../names.js'
import path from 'node:path'
import { z } from 'zod'
import { Originals } from '../../data/originals.js'
import { datasetBlocks, folderBlocks, type ImageBlock, type ImageSource } from '../../data/image-blocks.js'
import { DEFAULT_SIZE, openDataset } from '../../data/open.js'
import { readingOf } from '../../data/reading.js'
import { openEncoderSession } from '../../encoders/encode-images.js'
import type { EncoderOptions } from '../../encoders/encoder-options.js'
import type { OutsideEncoder } from '../../encoders/outside-encoder.js'
import { printable, quoted, usageError } from '../../errors.js'
import { listAlternatives } from '../../errors/suggest.js'
import { openExtractor } from '../../features/extract.js'
import type { FeatureMatrix } from '../../numerics/matrix.js'
import { FEATURE_ENDINGS, FeatureFile, type FeatureFileSpec, type TensorSpec } from '../../features/store.js'
import { locateImages } from '../../runs/image-record.js'
import { checkShape, type DescribedModel, loadTrainedModel } from '../../runs/trained-model.js'
import { checkDevice } from '../../runs/device.js'
import { choiceOf, type CollectionChoice, type ImageChoice } from '../../runs/read-dataset.js'
import { imageFields } from '../../runs/run-options.js'
import { knownShape } from '../../training/model-options.js'
import type { JobContext } from '../../training/progress.js'
import { openOutsideReader, type OutsideReader } from './outside-reader.js'

export const POOLINGS = ['mean', '2x2', '4x4', 'none'] as const satisfies readonly Pooling[]

/** Where features go and how they are computed, whatever they come from. */
export interface FeatureOutput {
  /** Ends in `.npy` or `.safetensors`. */
  readonly out: string
  /** One matrix of all layers in a safetensors file too. */
  readonly concatenate?: boolean
  readonly threads: number
  readonly device: string
}

export interface FeaturesOptions extends FeatureChoice, FeatureOutput, EncoderOptions, ImageChoice {
  /** None for the features of an encoder made elsewhere alone. */
  readonly run?: string
  /** The images; without either, those that the run was trained on. */
  readonly folder?: string
  readonly dataset?: string
  readonly dataDir?: string
  /** How an image of a folder becomes a square, where no run says it. */
  readonly fit?: ResizeMode
  /** Of the noise, and of generated images; the run's own where left out. */
  readonly seed?: number
}

export interface FeaturesResult {
  readonly rows: number
  readonly tensors: readonly { readonly name: string; readonly columns: number }[]
  /** The layers in their order, with their columns in a matrix of all of them. */
  readonly layers: readonly { readonly name: string; readonly columns: number }[]
  /** How they were taken, in words. */
  readonly detail: string
  /** What a model was asked for. */
  readonly request?: FeatureRequest
  readonly file: string
  readonly index: string
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}

const STAGES = { read: 'read the images', features: 'compute features' }

/** Images in memory at once. */
const BLOCK = 500

/**
 * Writes the features of images to a file, block by block, as `handful features` does.
 *
 * @throws HandfulError for layers that the model does not have, images that cannot be read and an output that cannot
 *   be written
 */
export async function runFeatures(options: FeaturesOptions, context: JobContext): Promise<FeaturesResult> {
  const { run } = options
  await checkOutput(options)
  const outside = options.encoder === undefined ? undefined : await openOutsideReader(options, options)
  for (const note of outside?.notes ?? []) context.progress.message(note)
  if (run === undefined) {
    if (outside === undefined) throw new Error('internal: runFeatures: got nothing to take features by')
    return encoderFeatures(outside, options, context)
  }
  const trained = await loadTrainedModel(run, context)
  const { model, weights } = trained
  const request = featureRequest(model, options)
  const seed = options.seed ?? runSeed(trained)
  const network = model.features(weights, request)
  const written = await featuresToFile(
    {
      network,
      outputs: featureOutputs(request),
      encoder: outside?.encoder,
      seed,
      metadata: {
        ...(outside && { encoder: outside.title }),
        model: model.name,
        run: path.basename(path.resolve(run)),
        seed: String(seed),
        request: JSON.stringify(request),
      },
      source: () => imageSource(trained, { ...options, seed }, context),
    },
    options,
    context,
  )
  const words = requestInWords(request)
  return { ...written, detail: outside === undefined ? words : `${words}; ${outside.title}`, request }
}

/** Those of an encoder made elsewhere, without a run. */
async function encoderFeatures(
  { encoder, title }: OutsideReader,
  options: FeaturesOptions,
  context: JobContext,
): Promise<FeaturesResult> {
  const seed = options.seed ?? 0
  const taker = takerWithoutRun(title, options)
  const written = await featuresToFile(
    {
      outputs: [],
      encoder,
      seed,
      metadata: { encoder: title },
      source: () => imageSource(taker, { ...options, seed }, context),
    },
    options,
    context,
  )
  return { ...written, detail: title }
}

/** @throws HandfulError (wrong use) for a file name or device that there is nothing for, before any time is spent */
export async function checkOutput({ out, device }: FeatureOutput): Promise<void> {
  if (!FEATURE_ENDINGS.some((ending) => out.endsWith(ending))) {
    throw usageError({
      what: '--out',
      got: quoted(out),
      expected: `a name that ends in ${listAlternatives(FEATURE_ENDINGS)}`,
    })
  }
  await checkDevice(device)
}

/** What features are taken of, and by which network. */
export interface FeatureWork {
  readonly network?: FeatureNetwork
  readonly outputs: readonly string[]
  /** Beside the network, or alone. */
  readonly encoder?: OutsideEncoder
  /** Of drawn noise. */
  readonly seed: number
  /** Where the features come from, for the file. */
  readonly metadata: Readonly<Record<string, string>>
  readonly source: () => Promise<ImageSource>
}

/** Opens the network and writes the features of all images, block by block. */
export async function featuresToFile(
  { network, outputs: own, encoder, seed, metadata, source: open }: FeatureWork,
  { out, concatenate = false, threads, device }: FeatureOutput,
  context: JobContext,
): Promise<Omit<FeaturesResult, 'detail' | 'request'>> {
  const { signal, progress } = context
  const running = { seed, threads, device, signal }
  const extractor = network && (await openExtractor(network, own, running))
  const session = encoder && (await openEncoderSession(encoder, running))
  try {
    const source = await open()
    const outputs = [...own, ...(encoder === undefined ? [] : [ENCODER])]
    const columns: Readonly<Record<string, number>> = {
      ...extractor?.columns,
      ...(encoder && { [ENCODER]: encoder.description.columns }),
    }
    const both: BlockExtractor = {
      async extract(block, firstPlace) {
        const found = await extractor?.extract(block, firstPlace)
        if (session === undefined) return found ?? {}
        const images = { ...block, name: source.name }
        const originals = source.originals?.(images.paths) ?? new Originals({ names: images.paths })
        return { ...found, [ENCODER]: await session.encode({ images, originals }) }
      },
    }
    const layers = outputs.map((name) => ({ name, columns: columns[name] }))
    const tensors = tensorsOf(layers, concatenate || out.endsWith('.npy'))
    const spec = { path: out, tensors, limit: source.limit, metadata }
    const rows = await writeFeatures(source, both, spec, context)
    for (const note of source.notes) progress.message(note)
    return {
      rows,
      tensors: tensors.map(({ name, columns }) => ({ name, columns })),
      layers,
      file: out,
      index: `${out}.csv`,
      skipped: source.skipped,
    }
  } finally {
    await extractor?.close()
    await session?.close()
  }
}

/** Name of an encoder's features in a file. */
const ENCODER = 'encoder'

/** What gives a block's features by name. */
export interface BlockExtractor {
  extract(images: ImageBlock, firstPlace: number): Promise<Readonly<Record<string, FeatureMatrix>>>
}

/**
 * Takes blocks of images in and writes their features: one block is in memory at a time.
 * @returns the number of rows
 */
export async function writeFeatures(
  source: ImageSource,
  extractor: BlockExtractor,
  spec: FeatureFileSpec,
  { signal, progress }: JobContext,
  {
    block = BLOCK,
    create = FeatureFile.create,
  }: { block?: number; create?: (spec: FeatureFileSpec) => Promise<FeatureFile> } = {},
): Promise<number> {
  const file = await create(spec)
  const report = (done: number, total: number): void =>
    progress.report({ stage: STAGES.features, done, total, unit: 'images' })
  try {
    report(0, source.limit)
    for await (const images of source.blocks(block)) {
      signal.throwIfAborted()
      const features = await extractor.extract(images, images.firstPlace)
      const { split, paths, labels } = images
      await file.append(
        features,
        paths.map((fileName, i) => ({ split, fileName, label: labels[i] })),
      )
      if (file.rows < source.limit) report(file.rows, source.limit)
    }
    await file.finish()
    report(file.rows, file.rows)
    return file.rows
  } catch (error) {
    await file.discard()
    throw error
  }
}

function tensorsOf(layers: readonly { name: string; columns: number }[], together: boolean): TensorSpec[] {
  if (!together || layers.length === 1) return layers.map((layer) => ({ ...layer, outputs: [layer.name] }))
  const columns = layers.reduce((sum, layer) => sum + layer.columns, 0)
  return [{ name: 'features', columns, outputs: layers.map(({ name }) => name) }]
}

const runOptionsSchema = z.object({ ...imageFields, seed: z.int().min(0).default(0) }).partial()

/** Seed of the run itself. */
export function runSeed({ options }: Pick<DescribedModel, 'options'>): number {
  return runOptionsSchema.safeParse(options).data?.seed ?? 0
}

/** What takes images, and where it says which ones it was made of. */
export type ImageTaker = Pick<DescribedModel, 'run' | 'options' | 'fit' | 'reading'> & {
  readonly model: Pick<DescribedModel['model'], 'image'>
  /** Without a run, how a folder is understood; the range of deep images is found from them then. */
  readonly choice?: ImageChoice
}

/** Of features made elsewhere alone: images at the size that others have, read as is chosen. */
export function takerWithoutRun(
  title: string,
  { dataset, fit = 'cover', ...choice }: ImageChoice & Pick<FeaturesOptions, 'dataset' | 'fit'>,
): ImageTaker {
  const image = knownShape({ dataset }) ?? { size: DEFAULT_SIZE, channels: 3 as const }
  const reading = readingOf(choiceOf(choice))
  return { run: title, options: {}, model: { image }, fit, reading, choice }
}

const understanding = ({ fileColumn, labelColumn, splits }: CollectionChoice): CollectionChoice => ({
  fileColumn,
  labelColumn,
  splits,
})

/** The user's images, brought to the model's size and channels; else those that the run was trained on. */
export async function imageSource(
  taker: ImageTaker,
  {
    folder,
    dataset,
    dataDir,
    seed,
    ...asked
  }: Pick<FeaturesOptions, 'folder' | 'dataset' | 'dataDir'> & CollectionChoice & { readonly seed: number },
  { signal, progress }: JobContext,
): Promise<ImageSource> {
  const { run, options: saved, fit, reading, choice } = taker
  const { image } = taker.model
  const own =
    folder === undefined && dataset === undefined ? runOptionsSchema.safeParse(saved).data : undefined
  const source =
    own === undefined ? { folder, dataset, dataDir } : { ...own, dataDir: dataDir ?? own.dataDir }
  if (source.folder !== undefined) {
    const hint = 'put them back, or give the images after the run'
    const place = own === undefined ? source.folder : await locateImages(run, source.folder, hint)
    return folderBlocks({
      ...choiceOf({ ...(choice ?? own), ...(own === undefined && understanding(asked)) }),
      ...image,
      folder: place,
      fit,
      reading,
      sampleSeed: choice && seed,
      signal,
    })
  }
  if (source.dataset === undefined) {
    throw usageError({
      what: 'images',
      where: printable(run),
      got: 'a run that does not say which images it was trained on',
      expected: 'a folder or --dataset',
    })
  }
  const opened = await openDataset(
    { dataset: source.dataset, dataDir: source.dataDir, seed, ...choiceOf(choice ?? {}) },
    {
      signal,
      onProgress: (done, total) => progress.report({ stage: STAGES.read, done, total, unit: 'images' }),
    },
  )
  const hint = 'take a model that was trained on such images, or give the images as a folder'
  checkShape(opened.train, taker, source.dataset, hint)
  return datasetBlocks(opened)
}

export interface LayerRow extends LayerDescription {
  /** Numbers of a feature after each pooling. */
  readonly numbers: Readonly<Record<Pooling, number>>
  /** Whether it is among those that are used where none are named. */
  readonly chosen: boolean
}

/** The layers of a model, in the order of the network. */
export function listLayers(model: BoundModel): LayerRow[] {
  const { layers } = model.defaultFeatures
  return model.layers().map(({ name, shape }) => {
    const pooled = (cells: number): number => {
      if (shape.length === 1) return shape[0]
      const [height, width, channels] = shape
      return Math.min(height, cells) * Math.min(width, cells) * channels
    }
    const numbers = { mean: pooled(1), '2x2': pooled(2), '4x4': pooled(4), none: pooled(Infinity) }
    return { name, shape, numbers, chosen: layers.includes(name) }
  })
}
