/**
 * The stages of scores. What a model draws is kept in its run, `samples/drawn-<key>.safetensors`; the network that scores is
 * kept beside runs, for all of one data set.
 */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { readArrays, writeArrays } from '../../files/array-file.js'
import { imagesKey, labelsKey } from '../../data/content.js'
import type { Dataset } from '../../data/dataset.js'
import type { Images } from '../../data/image-set.js'
import { makeFolders } from '../../files/atomic.js'
import { contentKey } from '../../files/content-key.js'
import { filesPresent } from '../../files/present.js'
import type { BoundModel } from '../../models/model.js'
import { RUN_FILES } from '../../runs/run-files.js'
import type { TrainedModel } from '../../runs/trained-model.js'
import type { EncoderOptions } from '../../encoders/encoder-options.js'
import type { EncoderSpace } from '../../scores/encoder-space.js'
import type { InceptionOptions } from '../../scores/inception.js'
import { scoreNetworkFor, scoreNetworkFolder } from '../../scores/network-cache.js'
import { drawSamples, sampledImages } from '../../scores/score-model.js'
import {
  SCORE_DESCRIPTION,
  type ScoreNetworkDescription,
  type ScoreNetworkOptions,
  scoreNetworkSchema,
} from '../../scores/score-network.js'
import { type GenerationScores, scoreGeneration, scoredImages, scoresSchema } from '../../scores/scores.js'
import type { Stage } from '../../stages/stage.js'
import type { StageStore } from '../../stages/stage-store.js'
import type { PlannedStage, Progress } from '../../training/progress.js'
import { notOffered, sampledUnit, type SamplerOptions } from '../sample/run.js'

export interface ScoreJobOptions extends SamplerOptions, EncoderOptions {
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

/** What the stages work on. */
export interface Scoring {
  readonly options: ScoreJobOptions
  readonly trained: TrainedModel
  readonly keys: { readonly model: string; readonly inception?: string }
  readonly dataset: Dataset
  readonly heldOut: Images
  /** A second, published space. */
  readonly encoder?: EncoderSpace
  readonly progress: Progress
}

const TITLES = {
  network: 'train the network that scores images',
  samples: 'draw images',
  scores: 'score them',
}

type Kind = keyof typeof TITLES

const expectedSeconds = (kind: Kind, { samplerOptions }: Pick<BoundModel, 'samplerOptions'>): number =>
  ({ network: 60, samples: samplerOptions.includes('steps') ? 300 : 20, scores: 30 })[kind]

/** What is to come once the images are read. */
export const plannedScore = (model: BoundModel): PlannedStage[] =>
  (Object.keys(TITLES) as Kind[]).map((kind) => ({
    stage: TITLES[kind],
    expectedSeconds: expectedSeconds(kind, model),
  }))

/** Its work reports by itself: how many steps or images there are is known to it alone. */
function described(kind: Kind, settings: object, { trained: { model }, progress }: Scoring, unit: string) {
  const identity = { kind: `score ${kind}`, ...settings }
  const group = TITLES[kind]
  return {
    stage: {
      kind,
      name: group,
      group,
      settings: identity,
      key: contentKey(identity),
      seconds: expectedSeconds(kind, model),
      reportsItself: true,
    } as const,
    onProgress: (done: number, total: number, note?: string): void =>
      progress.report({ stage: group, done, total, unit, note }),
  }
}

/** Trained, or found where networks of this data set are kept. */
export function networkStage(scoring: Scoring): Stage<ScoreNetworkDescription> {
  const { dataset, options } = scoring
  const { train } = dataset
  const { networks, network: size, device } = options
  const { labels, classNames } = train
  const settings = { images: imagesKey(train), labels: labelsKey(labels, classNames), size, device }
  const { stage, onProgress } = described('network', settings, scoring, 'steps')
  return {
    ...stage,
    needs: [],
    schema: scoreNetworkSchema,
    present: () => filesPresent(scoreNetworkFolder(train, networks, size), [SCORE_DESCRIPTION]),
    work: async (context) =>
      (await scoreNetworkFor(dataset, { ...context, onProgress }, networks, size)).description,
  }
}

const samplesSchema = z.object({
  file: z.string(),
  count: z.int().positive(),
  imagesPerSecond: z.number().positive(),
})

type DrawnRecord = z.infer<typeof samplesSchema>

const DRAWN = 'drawn-'

/** Those of other settings make room: thousands of images take tens of megabytes. */
async function discardSamples(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(DRAWN)) await rm(path.join(folder, name), { force: true })
}

/** As many images as can be compared. */
export function samplesStage(scoring: Scoring): Stage<DrawnRecord> {
  const { options, trained, keys, dataset, heldOut } = scoring
  const { run, seed, steps, eta, truncation, device } = options
  const count = Math.max(1, scoredImages(options.count, dataset.train, heldOut))
  const settings = { model: keys.model, count, seed, steps, eta, truncation, device }
  const { stage, onProgress } = described('samples', settings, scoring, sampledUnit(trained.model))
  const file = path.join(RUN_FILES.samples, `${DRAWN}${stage.key.slice(0, 8)}.safetensors`)
  return {
    ...stage,
    needs: [],
    schema: samplesSchema,
    present: (result) => filesPresent(run, [result.file]),
    work: async ({ threads, signal }) => {
      const sampling = { count, seed, steps, eta, truncation, threads, device, signal, onProgress }
      const drawn = await drawSamples(trained, sampling)
      if (drawn === undefined) throw notOffered(trained, 'samples')
      const { pixels, height, width, channels } = drawn.images
      await makeFolders(path.join(run, RUN_FILES.samples))
      await discardSamples(path.join(run, RUN_FILES.samples))
      await writeArrays(path.join(run, file), {
        images: { dtype: 'uint8', shape: [count, height, width, channels], data: pixels.subarray() },
      })
      return { file, count, imagesPerSecond: drawn.imagesPerSecond }
    },
  }
}

export async function readSamples(
  { options: { run }, trained: { model } }: Scoring,
  { file }: DrawnRecord,
): Promise<Images> {
  const { arrays } = await readArrays(path.join(run, file))
  return sampledImages(model, arrays.images.data as Uint8Array)
}

export function scoresStage(
  scoring: Scoring,
  { network, samples }: { network: Stage | undefined; samples: Stage<DrawnRecord> },
  store: StageStore,
): Stage<GenerationScores> {
  const { options, keys, dataset, heldOut, encoder } = scoring
  const { test } = dataset
  const { count: most, inception, seed, networks, network: size, device } = options
  const needs = [...(network ? [network] : []), samples]
  const settings = {
    needs: needs.map(({ key }) => key),
    training: imagesKey(dataset.train),
    heldOut: imagesKey(heldOut),
    most,
    inception: keys.inception,
    encoder: encoder?.key,
    seed,
    device,
  }
  const { stage, onProgress: onPart } = described('scores', settings, scoring, 'parts')
  return {
    ...stage,
    needs,
    schema: scoresSchema,
    work: async ({ linearAlgebra, threads, signal }) =>
      scoreGeneration({
        generated: await readSamples(scoring, await store.result(samples)),
        training: dataset.train,
        heldOut,
        network: network && (await scoreNetworkFor(dataset, { threads, device, signal }, networks, size)),
        linearAlgebra,
        seed,
        most,
        inception,
        encoder,
        accuracyOf: heldOut === test?.images ? (predicted) => test.score(predicted).accuracy : undefined,
        threads,
        device,
        signal,
        onPart,
      }),
  }
}
