/** `handful sample` and `handful reconstruct`: pictures that a trained model makes, as one PNG. */
import { writeFileAtomic } from '../../files/atomic.js'
import { openImages } from '../../data/open-images.js'
import { openDataset } from '../../data/open.js'
import { type HandfulError, usageError } from '../../errors.js'
import { listAlternatives } from '../../errors/suggest.js'
import { type ModelFacts, type ModelPicture, type RunOptions, SAMPLER_OPTIONS } from '../../models/model.js'
import { modelsOffering } from '../../models/registry.js'
import { imageGrid } from '../../draw/grid.js'
import type { PixelImage } from '../../data/given-image.js'
import { pairedGrid, splitImages } from '../../draw/model-pictures.js'
import { checkShape, loadTrainedModel, type TrainedModel } from '../../runs/trained-model.js'
import { checkDevice } from '../../runs/device.js'
import { sourceOfRun, specOf } from '../../runs/read-dataset.js'
import type { JobContext } from '../../training/progress.js'

interface Common {
  readonly run: string
  /** The PNG. */
  readonly out: string
  readonly seed: number
  readonly threads: number
  readonly device: string
}

export interface SamplerOptions {
  /** Of an iterative sampler. */
  readonly steps?: number
  readonly eta?: number
  /** Of a GAN. */
  readonly truncation?: number
}

export interface SampleJobOptions extends Common, SamplerOptions {
  readonly count: number
}

export interface ReconstructOptions extends Common {
  /** Files and folders; or one of the known sets in `dataset`. */
  readonly images: readonly string[]
  readonly dataset?: string
  readonly dataDir?: string
  /** Images at most. */
  readonly count: number
  /** Pictures on the way from each image to the next, instead of reconstructions. */
  readonly interpolate?: number
}

export interface PictureResult {
  readonly images: number
  readonly out: string
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}

const COLUMNS = 12

/** @throws HandfulError where the model offers no samples, or an option is none of its */
export async function runSample(options: SampleJobOptions, context: JobContext): Promise<PictureResult> {
  const { run, out, count, seed, steps, eta, truncation } = options
  await checkDevice(options.device)
  const trained = await loadTrainedModel(run, context)
  const { model, weights } = trained
  if (model.sample === undefined) throw notOffered(trained, 'samples')
  refuseOtherSamplers(trained, options)
  const pixels = await model.sample(weights, {
    ...runOptions(options, context, 'sample', sampledUnit(model)),
    count,
    seed,
    steps,
    eta,
    truncation,
  })
  await writeFileAtomic(out, await imageGrid(splitImages(pixels, model.image), Math.ceil(Math.sqrt(count))))
  return { images: count, out, skipped: [] }
}

/** @throws HandfulError where the model reconstructs nothing or knows no way between images, or there are no images */
export async function runReconstruct(
  options: ReconstructOptions,
  context: JobContext,
): Promise<PictureResult> {
  const { out, interpolate } = options
  await checkDevice(options.device)
  const trained = await loadTrainedModel(options.run, context)
  const { model, weights } = trained
  const { image } = model
  if (interpolate === undefined && model.reconstruct === undefined)
    throw notOffered(trained, 'reconstructions')
  if (interpolate !== undefined && model.interpolate === undefined)
    throw notOffered(trained, 'interpolations')
  const { pixels, skipped } = await takeImages(trained, options, context)
  const inputs = splitImages(pixels, image)
  if (interpolate !== undefined) {
    await writeFileAtomic(out, await interpolations(trained, inputs, interpolate, options, context))
    return { images: inputs.length, out, skipped }
  }
  const open = runOptions(options, context, 'reconstruct', 'images')
  const reconstructed = (await model.reconstruct?.(weights, pixels, open)) ?? pixels
  await writeFileAtomic(out, await pairedGrid(inputs, splitImages(reconstructed, image), COLUMNS))
  return { images: inputs.length, out, skipped }
}

/** A row for each image but the last, from it to the next one. */
async function interpolations(
  { model, weights }: TrainedModel,
  images: readonly PixelImage[],
  steps: number,
  { threads, device }: ReconstructOptions,
  { signal, progress }: JobContext,
): Promise<Buffer> {
  if (images.length < 2) {
    throw usageError({
      what: 'images',
      where: '--interpolate',
      got: '1',
      expected: 'at least 2, to go from one to the next',
    })
  }
  const rows: PixelImage[] = []
  for (let i = 0; i + 1 < images.length; i++) {
    signal.throwIfAborted()
    const pair = new Uint8Array([...images[i].pixels, ...images[i + 1].pixels])
    const way = await model.interpolate?.(weights, { pair, steps, threads, device, signal })
    rows.push(...splitImages(way ?? pair, model.image))
    progress.report({ stage: 'interpolate', done: i + 1, total: images.length - 1, unit: 'pairs' })
  }
  return imageGrid(rows, steps)
}

interface TakenImages {
  readonly pixels: Uint8Array
  readonly skipped: PictureResult['skipped']
}

/**
 * The first images named, or of a data set's test split: images that training has not seen say more. Where nothing is named
 * the data set is the run's own.
 */
async function takeImages(
  trained: TrainedModel,
  { images: inputs, dataset, dataDir, count, seed }: ReconstructOptions,
  { signal, progress }: JobContext,
): Promise<TakenImages> {
  const { fit, reading } = trained
  const { image } = trained.model
  const onProgress = (done: number, total: number): void =>
    progress.report({ stage: 'read the images', done, total, unit: 'images' })
  const bytes = image.size * image.size * image.channels
  if (dataset === undefined && inputs.length > 0) {
    const { images, skipped, notes } = await openImages(inputs, {
      ...image,
      fit,
      reading,
      limit: count,
      signal,
      onProgress,
    })
    for (const note of notes) progress.message(note)
    return { pixels: images.pixels.subarray(), skipped }
  }
  const spec =
    dataset === undefined
      ? {
          ...specOf(await sourceOfRun(trained, 'images to reconstruct', dataDir)),
          labels: 'optional' as const,
        }
      : { dataset, dataDir, seed }
  const { train, test } = await openDataset(spec, { signal, onProgress })
  const shown = test?.images ?? train
  checkShape(shown, trained, dataset ?? shown.name)
  return { pixels: shown.pixels.slice(0, count * bytes), skipped: [] }
}

function runOptions(
  { threads, device }: Common,
  { signal, progress }: JobContext,
  stage: string,
  unit: string,
): RunOptions {
  return {
    threads,
    device,
    signal,
    onProgress: (done, total) => progress.report({ stage, done, total, unit }),
  }
}

export function notOffered({ model, run }: TrainedModel, what: ModelPicture): HandfulError {
  const names = modelsOffering(what)
  return usageError({
    what,
    where: run,
    got: `model ${model.name}, which makes ${model.offers.join(' and ') || 'features, and no pictures'}`,
    expected: `a model that offers ${what}: ${listAlternatives(names)}`,
    hint: `train one on the same images: handful pretrain <folder> --model ${names[0]}`,
  })
}

/** What its progress counts: an iterative sampler's steps. */
export const sampledUnit = ({ samplerOptions }: ModelFacts): string =>
  samplerOptions.includes('steps') ? 'steps' : 'images'

/** @throws HandfulError (wrong use) for an option that is none of the model's */
export function refuseOtherSamplers({ model }: TrainedModel, options: SamplerOptions): void {
  for (const flag of SAMPLER_OPTIONS) {
    if (options[flag] === undefined || model.samplerOptions.includes(flag)) continue
    throw usageError({
      what: `--${flag}`,
      got: String(options[flag]),
      expected: `none for model ${model.name}`,
      hint: 'leave it out',
    })
  }
}
