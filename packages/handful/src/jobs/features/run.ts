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
import { type Pooling } from '../../names.js'
import path from 'node:path'
import { z } from 'zod'
import { datasetBlocks, folderBlocks, type ImageSource } from '../../data/image-blocks.js'
import { openDataset } from '../../data/open.js'
import { printable, quoted, usageError } from '../../errors.js'
import { listAlternatives } from '../../errors/suggest.js'
import { type Extractor, openExtractor } from '../../features/extract.js'
import { FEATURE_ENDINGS, FeatureFile, type FeatureFileSpec, type TensorSpec } from '../../features/store.js'
import { locateImages } from '../../runs/image-record.js'
import { checkShape, type DescribedModel, loadTrainedModel } from '../../runs/trained-model.js'
import { checkDevice } from '../../runs/device.js'
import { imageFields } from '../../runs/run-options.js'
import type { JobContext } from '../../training/progress.js'

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

export interface FeaturesOptions extends FeatureChoice, FeatureOutput {
  readonly run: string
  /** The images; without either, those that the run was trained on. */
  readonly folder?: string
  readonly dataset?: string
  readonly dataDir?: string
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

export async function runFeatures(options: FeaturesOptions, context: JobContext): Promise<FeaturesResult> {
  const { run } = options
  await checkOutput(options)
  const trained = await loadTrainedModel(run)
  const { model, weights } = trained
  const request = featureRequest(model, options)
  const seed = options.seed ?? runSeed(trained)
  const network = model.features(weights, request)
  const written = await featuresToFile(
    {
      network,
      outputs: featureOutputs(request),
      seed,
      metadata: {
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
  return { ...written, detail: requestInWords(request), request }
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
  readonly network: FeatureNetwork
  readonly outputs: readonly string[]
  /** Of drawn noise. */
  readonly seed: number
  /** Where the features come from, for the file. */
  readonly metadata: Readonly<Record<string, string>>
  readonly source: () => Promise<ImageSource>
}

/** Opens the network and writes the features of all images, block by block. */
export async function featuresToFile(
  { network, outputs, seed, metadata, source: open }: FeatureWork,
  { out, concatenate = false, threads, device }: FeatureOutput,
  context: JobContext,
): Promise<Omit<FeaturesResult, 'detail' | 'request'>> {
  const { signal, progress } = context
  const extractor = await openExtractor(network, outputs, { seed, threads, device, signal })
  try {
    const source = await open()
    for (const note of source.notes) progress.message(note)
    const layers = outputs.map((name) => ({ name, columns: extractor.columns[name] }))
    const tensors = tensorsOf(layers, concatenate || out.endsWith('.npy'))
    const spec = { path: out, tensors, limit: source.limit, metadata }
    const rows = await writeFeatures(source, extractor, spec, context)
    return {
      rows,
      tensors: tensors.map(({ name, columns }) => ({ name, columns })),
      layers,
      file: out,
      index: `${out}.csv`,
      skipped: source.skipped,
    }
  } finally {
    await extractor.close()
  }
}

/**
 * Takes blocks of images in and writes their features: one block is in memory at a time.
 * @returns the number of rows
 */
export async function writeFeatures(
  source: ImageSource,
  extractor: Pick<Extractor, 'extract'>,
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
export function runSeed({ options }: DescribedModel): number {
  return runOptionsSchema.safeParse(options).data?.seed ?? 0
}

/** The user's images, brought to the model's size and channels; else those that the run was trained on. */
export async function imageSource(
  described: DescribedModel,
  {
    folder,
    dataset,
    dataDir,
    seed,
  }: Pick<FeaturesOptions, 'folder' | 'dataset' | 'dataDir'> & { readonly seed: number },
  { signal, progress }: JobContext,
): Promise<ImageSource> {
  const { run, options: saved, fit } = described
  const { image } = described.model
  const own =
    folder === undefined && dataset === undefined ? runOptionsSchema.safeParse(saved).data : undefined
  const source =
    own === undefined ? { folder, dataset, dataDir } : { ...own, dataDir: dataDir ?? own.dataDir }
  if (source.folder !== undefined) {
    const hint = 'put them back, or give the images after the run'
    const place = own === undefined ? source.folder : await locateImages(run, source.folder, hint)
    const { fileColumn, labelColumn, splits } = own ?? {}
    const columns = { fileColumn, labelColumn, splits }
    return folderBlocks({
      folder: place,
      size: image.size,
      fit,
      channels: image.channels,
      signal,
      ...columns,
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
    { dataset: source.dataset, dataDir: source.dataDir, seed },
    {
      signal,
      onProgress: (done, total) => progress.report({ stage: STAGES.read, done, total, unit: 'images' }),
    },
  )
  const hint = 'take a model that was trained on such images, or give the images as a folder'
  checkShape(opened.train, described, source.dataset, hint)
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
