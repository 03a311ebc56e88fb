/** Puts a run's outcome together for the report: numbers, pictures, and what to do next. */
import { readFile } from 'node:fs/promises'
import type { Dataset } from '../data/dataset.js'
import { countLabels, imageAt, type Images } from '../data/image-set.js'
import { argmaxRows, type FeatureMatrix } from '../numerics/matrix.js'
import type { BoundModel } from '../models/model.js'
import type { AugmentationName } from '../names.js'
import { type PixelImage, thumbnail } from '../draw/thumbnails.js'
import type { Picture, RunReport } from '../draw/run-report.js'
import type { Pretrained } from '../training/pretrain.js'
import { RUN_FILES, type RunFolder } from '../runs/run-folder.js'
import type { Comparison } from '../heads/compare-heads.js'
import type { FitOptions } from './fit-options.js'
import type { ModelPictures } from '../draw/model-pictures.js'

export interface FitOutcome {
  readonly options: FitOptions
  readonly run: RunFolder
  readonly dataset: Dataset
  readonly model: BoundModel
  readonly augment: AugmentationName
  readonly pictures: ModelPictures
  readonly pretrained: Pretrained
  readonly compared: readonly Comparison[]
  readonly chosen: Comparison
  /** Labels that the chosen classifier was fitted to, -1 where hidden. */
  readonly draw: Int32Array
  readonly trainProbabilities: FeatureMatrix
  readonly seconds: { stage: string; seconds: number }[]
}

const EXAMPLES_PER_CLASS = 7

export async function fitReport(outcome: FitOutcome): Promise<RunReport> {
  const { options, run, dataset, model, augment, pretrained, compared, chosen, draw, seconds } = outcome
  const { train, test } = dataset
  const labelled = countLabels(draw, train.classNames.length)
  const pictures = await reportPictures(outcome.pictures)
  const environment: unknown = JSON.parse(await readFile(run.path(RUN_FILES.environment), 'utf8'))
  const results = compared.filter(({ accuracies }) => accuracies.length > 0)
  const checked = chosen.confusion.flat().reduce((a, b) => a + b, 0)
  return {
    version: 1,
    title: `${train.name}: ${options.labelsPerClass ?? 'all'} labels per class`,
    createdAt: new Date().toISOString(),
    command: commandOf(environment),
    dataset: {
      name: train.name,
      classes: [...train.classNames],
      labelled: [...labelled],
      unlabelled: train.count - labelled.reduce((a, b) => a + b, 0),
      height: train.height,
      width: train.width,
      channels: train.channels,
    },
    evaluation: test
      ? { kind: 'test set', images: test.count }
      : { kind: results.length > 0 ? 'leave one out' : 'none', images: checked },
    results: results.map((each) => ({
      features: each.features,
      head: each.head,
      baseline: each.baseline,
      accuracies: each.accuracies,
      chosen: each === chosen,
    })),
    confusion: checked > 0 ? chosen.confusion : undefined,
    labelledExamples: await labelledExamples(train, draw),
    predictions: await predictedExamples(outcome),
    ...pictures,
    training: {
      model: model.title,
      parameters: pretrained.parameterCount,
      steps: pretrained.steps,
      batch: pretrained.batch,
      seconds: pretrained.seconds,
      curves: pretrained.curves.map((curve) => ({ ...curve })),
    },
    stages: seconds,
    skipped: dataset.skipped.map(({ path, reason }) => ({ path, reason })),
    notes: notesOf(outcome),
    published: [],
    next: [],
    config: { ...options, augment, config: model.config },
    environment: environment as Record<string, unknown>,
  }
}

function notesOf({ options, dataset, pretrained }: FitOutcome): string[] {
  const notes = [...dataset.notes]
  if (dataset.test)
    notes.push(
      'Test images were seen neither by training nor by propagation: they are classified from their nearest neighbours.',
    )
  if (options.minutes !== undefined) {
    notes.push(
      `Training was bound by time and came to ${pretrained.steps} steps here; --steps ${pretrained.steps} gives the same result on any run of this machine.`,
    )
  }
  return notes
}

const commandOf = (environment: unknown): string => {
  const command = (environment as { command?: unknown }).command
  return Array.isArray(command) ? command.join(' ') : String(command ?? 'handful fit')
}

const pixelImage = (images: Images, index: number): PixelImage => ({
  height: images.height,
  width: images.width,
  channels: images.channels,
  pixels: imageAt(images, index),
})

async function labelledExamples(train: Images, labels: Int32Array): Promise<Picture[][]> {
  const byClass: number[][] = []
  labels.forEach((label, index) => {
    if (label >= 0) (byClass[label] ??= []).push(index)
  })
  return Promise.all(
    Array.from(byClass, (indices = []) =>
      Promise.all(
        indices.slice(0, EXAMPLES_PER_CLASS).map(async (index) => ({
          image: await thumbnail(pixelImage(train, index)),
          path: train.paths[index],
        })),
      ),
    ),
  )
}

async function predictedExamples({
  dataset: { train },
  draw,
  trainProbabilities,
}: FitOutcome): Promise<RunReport['predictions']> {
  const predicted = argmaxRows(trainProbabilities)
  const probability = (i: number): number =>
    trainProbabilities.data[i * trainProbabilities.columns + predicted[i]]
  const picture = async (index: number): Promise<Picture> => ({
    image: await thumbnail(pixelImage(train, index)),
    path: train.paths[index],
    predicted: train.classNames[predicted[index]],
    probability: Math.min(1, probability(index)),
  })
  return Promise.all(
    train.classNames.map(async (_, c) => {
      const own = [...predicted.keys()]
        .filter((i) => predicted[i] === c && draw[i] < 0)
        .sort((a, b) => probability(b) - probability(a))
      const most = own.slice(0, EXAMPLES_PER_CLASS)
      const least = own.slice(most.length).slice(-EXAMPLES_PER_CLASS).reverse()
      return {
        count: own.length,
        mostCertain: await Promise.all(most.map(picture)),
        leastCertain: await Promise.all(least.map(picture)),
      }
    }),
  )
}

async function reportPictures({
  inputs,
  outputs,
  samples,
}: ModelPictures): Promise<Pick<RunReport, 'reconstructions' | 'samples'>> {
  return {
    reconstructions: await Promise.all(
      outputs.map(async (to, i) => ({ input: await thumbnail(inputs[i]), output: await thumbnail(to) })),
    ),
    samples: await Promise.all(samples.map(thumbnail)),
  }
}
