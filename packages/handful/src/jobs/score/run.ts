/**
 * `handful score`: how good the images are that a trained model draws, in numbers, against the images that it was
 * trained on and some that it was not.
 *
 *   read the images -> the network that scores, trained once for the data set -> samples -> scores.json
 *
 * Samples and scores are stages that the run keeps: other held-out images are compared with the samples that are there.
 */

import path from 'node:path'
import { writeFileAtomic } from '../../files/atomic.js'
import { imageAt, type Images } from '../../data/image-set.js'
import { openImages } from '../../data/open-images.js'
import { printable, usageError } from '../../errors.js'
import type { PixelImage } from '../../data/given-image.js'
import { openEncoderSpace } from '../../scores/encoder-space.js'
import { canTrainScoreNetwork } from '../../scores/network-cache.js'
import { checkInception, inceptionKey } from '../../scores/inception.js'
import type { ScoreNetworkDescription } from '../../scores/score-network.js'
import type { GenerationScores } from '../../scores/scores.js'
import { pairedGrid, splitImages } from '../../draw/model-pictures.js'
import { runJobStages } from '../../runs/job-stages.js'
import { readDataset, READING, READING_STAGE, sourceOfRun } from '../../runs/read-dataset.js'
import { notOffered, refuseOtherSamplers, type SamplerOptions } from '../sample/run.js'
import { loadTrainedModel, trainedKey, type TrainedModel } from '../../runs/trained-model.js'
import { checkDevice } from '../../runs/device.js'
import type { Stage } from '../../stages/stage.js'
import { StageStore } from '../../stages/stage-store.js'
import type { JobContext } from '../../training/progress.js'
import {
  networkStage,
  plannedScore,
  readSamples,
  samplesStage,
  type ScoreJobOptions,
  type Scoring,
  scoresStage,
} from './score-stages.js'

export interface ScoreResult extends GenerationScores {
  readonly model: string
  readonly dataset: string
  readonly heldOut: string
  readonly imagesPerSecond: number
  /** What the scores hang on beside the model. */
  readonly settings: SamplerOptions & { readonly seed: number }
  /** Nothing where there were no labels to train it, and scores are in the space of an encoder alone. */
  readonly network?: ScoreNetworkDescription
  /** Written in the run. */
  readonly file: string
  /** Samples that lie nearest to a training image, and below each that image. */
  readonly picture: string
}

export const SCORES_FILE = 'scores.json'
const NEAREST_FILE = path.join('samples', 'nearest-training.png')

/** So few labelled images make a network whose features say little. */
const FEW_LABELLED = 200

/** @throws HandfulError where the model draws no images, its images can't be read, have no labels or none were held out */
export async function runScore(options: ScoreJobOptions, context: JobContext): Promise<ScoreResult> {
  const { run, inception, seed, steps, eta, truncation, threads, device } = options
  const { progress } = context
  await checkDevice(device)
  const trained = await loadTrainedModel(run, context)
  const { model } = trained
  if (model.sample === undefined) throw notOffered(trained, 'samples')
  refuseOtherSamplers(trained, options)
  if (inception !== undefined) await checkInception(inception)
  const encoder =
    options.encoder === undefined
      ? undefined
      : await openEncoderSpace({ ...options, encoder: options.encoder }, options)
  for (const note of encoder?.notes ?? []) progress.message(note)
  progress.plan([READING_STAGE, ...plannedScore(model)])
  const dataset = await readDataset(
    await sourceOfRun(trained, 'generation scores', options.dataDir),
    context,
    'optional',
  )
  const heldOut = await heldOutImages(trained, options, dataset.test?.images, context)
  const keys = { model: await trainedKey(trained), inception: inception && (await inceptionKey(inception)) }
  const scoring: Scoring = { options, trained, keys, dataset, heldOut, encoder, progress }
  const network =
    encoder === undefined || canTrainScoreNetwork(dataset.train) ? networkStage(scoring) : undefined
  if (network === undefined)
    progress.message(
      "Without labels no network is trained to score: scores are in the encoder's space alone.",
    )
  const samples = samplesStage(scoring)
  const store = new StageStore(run)
  const scores = scoresStage(scoring, { network, samples }, store)
  await runJobStages<Stage>([...(network ? [network] : []), samples, scores], {
    ...context,
    store,
    seed,
    threads,
    device,
    before: [READING_STAGE],
    read: [samples],
  })
  const description = network && (await store.result(network))
  if (description !== undefined && description.images < FEW_LABELLED) {
    progress.message(
      `The network that scores was trained on ${description.images} labelled images only: take its scores for rough.`,
    )
  }
  const drawn = await store.result(samples)
  const found = await store.result(scores)
  const result: ScoreResult = {
    model: model.title,
    dataset: dataset.train.name,
    heldOut: heldOut.name,
    imagesPerSecond: drawn.imagesPerSecond,
    settings: { seed, steps, eta, truncation },
    ...found,
    network: description,
    file: path.join(run, SCORES_FILE),
    picture: path.join(run, NEAREST_FILE),
  }
  const { file, picture, ...kept } = result
  await writeFileAtomic(
    picture,
    await nearestPairs(await readSamples(scoring, drawn), dataset.train, found, trained),
  )
  await writeFileAtomic(file, `${JSON.stringify({ version: 1, ...kept }, null, 2)}\n`)
  return result
}

async function heldOutImages(
  { run, model, fit, reading }: TrainedModel,
  { heldOut }: ScoreJobOptions,
  test: Images | undefined,
  { signal, progress }: JobContext,
): Promise<Images> {
  if (heldOut !== undefined) {
    const onProgress = (done: number, total: number): void =>
      progress.report({ stage: READING, done, total, unit: 'images' })
    const { images, skipped, notes } = await openImages(heldOut, {
      ...model.image,
      fit,
      reading,
      signal,
      onProgress,
    })
    for (const note of notes) progress.message(note)
    if (skipped.length > 0)
      progress.message(
        `${skipped.length} files skipped, such as ${printable(skipped[0].path)}: ${skipped[0].reason}`,
      )
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
