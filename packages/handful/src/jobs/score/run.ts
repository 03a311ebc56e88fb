/**
 * `handful score`: how good the images are that a trained model draws, in numbers, against the images that it was
 * trained on and some that it was not.
 *
 *   read the images -> the network that scores, trained once for the data set -> samples -> scores.json
 */

import path from 'node:path'
import { writeFileAtomic } from '../../files/atomic.js'
import { imageAt, type Images } from '../../data/image-set.js'
import { openImages } from '../../data/open-images.js'
import { printable, usageError } from '../../errors.js'
import { onnxLinearAlgebra } from '../../numerics/onnx-linear-algebra.js'
import type { PixelImage } from '../../draw/thumbnails.js'
import { checkInception, type InceptionOptions } from '../../scores/inception.js'
import { scoreNetworkFor } from '../../scores/network-cache.js'
import { scoreModel } from '../../scores/score-model.js'
import type { ScoreNetworkDescription, ScoreNetworkOptions } from '../../scores/score-network.js'
import type { GenerationScores } from '../../scores/scores.js'
import { pairedGrid, splitImages } from '../../draw/model-pictures.js'
import { readDataset, READING, sourceOfRun } from '../../runs/read-dataset.js'
import { notOffered, refuseOtherSamplers, sampledUnit, type SamplerOptions } from '../sample/run.js'
import { loadTrainedModel, type TrainedModel } from '../../runs/trained-model.js'
import { checkDevice } from '../../runs/device.js'
import type { JobContext } from '../../training/progress.js'

export interface ScoreJobOptions extends SamplerOptions {
  readonly run: string
  /** Images to draw and to compare with, at most. */
  readonly count: number
  /** Images that the model was not trained on, files and folders; the data set's test split where left out. */
  readonly heldOut?: readonly string[]
  /** Where the run's known data set lies now. */
  readonly dataDir?: string
  /** Where networks that score are kept. */
  readonly networks: string
  /** Of a network that has to be trained; its own defaults where left out. */
  readonly network?: Pick<ScoreNetworkOptions, 'width' | 'features' | 'steps'>
  readonly inception?: InceptionOptions
  readonly seed: number
  readonly threads: number
  readonly device: string
}

export interface ScoreResult extends GenerationScores {
  readonly model: string
  readonly dataset: string
  readonly heldOut: string
  readonly imagesPerSecond: number
  /** What the scores hang on beside the model. */
  readonly settings: SamplerOptions & { readonly seed: number }
  readonly network: ScoreNetworkDescription
  /** Written in the run. */
  readonly file: string
  /** Samples that lie nearest to a training image, and below each that image. */
  readonly picture: string
}

export const SCORES_FILE = 'scores.json'
const NEAREST_FILE = path.join('samples', 'nearest-training.png')

const STAGES = {
  read: READING,
  network: 'train the network that scores images',
  sample: 'draw images',
  score: 'score them',
}

/** So few labelled images make a network whose features say little. */
const FEW_LABELLED = 200

/** @throws HandfulError where the model draws no images, its images can't be read, have no labels or none were held out */
export async function runScore(options: ScoreJobOptions, context: JobContext): Promise<ScoreResult> {
  const { run, count, networks, inception, seed, steps, eta, truncation, threads, device } = options
  const { signal, progress } = context
  await checkDevice(device)
  const trained = await loadTrainedModel(run)
  const { model } = trained
  if (model.sample === undefined) throw notOffered(trained, 'samples')
  refuseOtherSamplers(trained, options)
  if (inception !== undefined) await checkInception(inception)
  progress.plan([
    { stage: STAGES.read, expectedSeconds: 5 },
    { stage: STAGES.network, expectedSeconds: 60 },
    { stage: STAGES.sample, expectedSeconds: model.samplerOptions.includes('steps') ? 300 : 20 },
    { stage: STAGES.score, expectedSeconds: 30 },
  ])
  const dataset = await readDataset(
    sourceOfRun(trained, 'generation scores', options.dataDir),
    context,
    'optional',
  )
  const { train } = dataset
  const heldOut = await heldOutImages(trained, options, dataset.test?.images, context)
  const reporting =
    (stage: string, unit: string) =>
    (done: number, total: number, note?: string): void =>
      progress.report({ stage, done, total, unit, note })
  const machine = { threads, device, signal }
  const onProgress = reporting(STAGES.network, 'steps')
  const network = await scoreNetworkFor(dataset, { ...machine, onProgress }, networks, options.network)
  if (network.description.images < FEW_LABELLED) {
    progress.message(
      `The network that scores was trained on ${network.description.images} labelled images only: take its scores for rough.`,
    )
  }
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const scored = await scoreModel(trained, {
      training: train,
      heldOut,
      network,
      linearAlgebra,
      most: count,
      inception,
      seed,
      steps,
      eta,
      truncation,
      ...machine,
      onProgress: reporting(STAGES.sample, sampledUnit(model)),
      onPart: reporting(STAGES.score, 'parts'),
    })
    if (scored === undefined) throw notOffered(trained, 'samples')
    const result: ScoreResult = {
      model: model.title,
      dataset: train.name,
      heldOut: heldOut.name,
      imagesPerSecond: scored.imagesPerSecond,
      settings: { seed, steps, eta, truncation },
      ...scored.scores,
      network: network.description,
      file: path.join(run, SCORES_FILE),
      picture: path.join(run, NEAREST_FILE),
    }
    const { file, picture, ...kept } = result
    await writeFileAtomic(picture, await nearestPairs(scored.images, train, scored.scores, trained))
    await writeFileAtomic(file, `${JSON.stringify({ version: 1, ...kept }, null, 2)}\n`)
    return result
  } finally {
    await linearAlgebra.close()
  }
}

async function heldOutImages(
  { run, model, fit, reading }: TrainedModel,
  { heldOut }: ScoreJobOptions,
  test: Images | undefined,
  { signal, progress }: JobContext,
): Promise<Images> {
  if (heldOut !== undefined) {
    const onProgress = (done: number, total: number): void =>
      progress.report({ stage: STAGES.read, done, total, unit: 'images' })
    const { images, skipped, notes } = await openImages(heldOut, {
      ...model.image,
      fit,
      reading,
      signal,
      onProgress,
    })
    for (const note of notes) progress.message(note)
    if (skipped.length > 0)
      progress.message(`${skipped.length} files skipped, such as ${skipped[0].path}: ${skipped[0].reason}`)
    return { ...images, name: heldOut.join(' ') }
  }
  if (test !== undefined) return test
  throw usageError({
    what: 'generation scores',
    where: printable(run),
    got: 'images without a test split',
    expected:
      'images that the model was not trained on, which good samples are as near to as training images are',
    hint: 'name a folder of such images by --held-out',
  })
}

const SHOWN_COLUMNS = 10

/** The samples that lie nearest to training images, with those below. */
function nearestPairs(
  samples: Images,
  training: Images,
  { memorisation }: GenerationScores,
  { model: { image } }: TrainedModel,
): Promise<Buffer> {
  const shown = (images: Images, place: number): PixelImage => splitImages(imageAt(images, place), image)[0]
  return pairedGrid(
    memorisation.nearest.map(({ sample }) => shown(samples, sample)),
    memorisation.nearest.map((pair) => shown(training, pair.training)),
    SHOWN_COLUMNS,
  )
}
