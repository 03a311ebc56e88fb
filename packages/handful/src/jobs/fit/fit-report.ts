/** Puts a run's outcome together for the report: numbers, pictures, and what to do next. */
import { EXACT_ROWS } from '../../features/approximate-neighbours.js'
import { readFile } from 'node:fs/promises'
import { countLabels, imageAt, type Images, type ImageSet } from '../../data/image-set.js'
import { judgesOf } from '../../heads/judges.js'
import { UNLIKE_THRESHOLD } from '../../heads/unlike.js'
import { type FeatureMatrix, mostProbable } from '../../numerics/matrix.js'
import type { PixelImage } from '../../data/given-image.js'
import { saveReport } from '../../draw/save-report.js'
import { thumbnail } from '../../draw/thumbnails.js'
import type { Picture, RunReport } from '../../draw/run-report.js'
import type { TrainingSummary } from '../../training/pretrain.js'
import { RUN_FILES } from '../../runs/run-files.js'
import type { RunFolder } from '../../runs/run-folder.js'
import { shellWord } from '../../errors/shell.js'
import { suggestNext } from '../next.js'
import type { Brought } from '../../runs/brought.js'
import type { ReportPictures } from '../pictures-stage.js'
import type { FitOptions } from './fit-options.js'
import type { FitComparison, Fitting } from './fitting.js'
import { judgingLabels } from './judging.js'

/** What a report says of a fit, by whatever method. */
export interface ReportedFit extends Pick<Fitting, 'run' | 'dataset' | 'draws'> {
  readonly options: Pick<FitOptions, 'labelsPerClass' | 'minutes'>
  readonly labelsKey: string
  /** What was trained. */
  readonly learning?: { readonly title: string; readonly config: object }
  /** Sentences about how it was fitted. */
  readonly notes: readonly string[]
}

export interface FitOutcome {
  readonly fitting: ReportedFit
  /** None without a model. */
  readonly pictures?: ReportPictures
  readonly pretrained?: TrainingSummary
  readonly compared: readonly FitComparison[]
  /** What the labels chose of several parts. */
  readonly chosenFeatures?: string
  /** Of approximate neighbours; see NeighbourGraph. */
  readonly recall?: number
  /** Of the training images, by the chosen classifier. */
  readonly probabilities: FeatureMatrix
  /** Of the training images: how unlike all classes; none where that can't be told. */
  readonly unlike?: Float32Array
  readonly seconds: readonly { readonly stage: string; readonly seconds: number }[]
}

const EXAMPLES_PER_CLASS = 7

export async function fitReport(outcome: FitOutcome): Promise<RunReport> {
  const { fitting, pictures, pretrained, compared, seconds } = outcome
  const { options, run, dataset, learning, draws } = fitting
  const { train, test } = dataset
  const [draw] = draws
  const labelled = countLabels(draw, train.classNames.length)
  const none = dataset.noneOfThese?.size ?? 0
  const environment: unknown = JSON.parse(await readFile(run.path(RUN_FILES.environment), 'utf8'))
  const results = compared.filter(({ accuracies }) => accuracies.length > 0)
  const confusion = compared.find(({ chosen }) => chosen)?.confusion ?? []
  const judged = compared.find(({ chosen }) => chosen)?.images ?? 0
  const { kind } = judgesOf(draw, judgingLabels(dataset))
  return {
    version: 1,
    title: `${train.name}: ${options.labelsPerClass ?? 'all'} labels per class`,
    createdAt: new Date().toISOString(),
    command: commandOf(environment),
    dataset: {
      name: train.name,
      classes: [...train.classNames],
      labelled: [...labelled],
      unlabelled: train.count - none - labelled.reduce((a, b) => a + b, 0),
      noneOfThese: none === 0 ? undefined : none,
      labelsKey: fitting.labelsKey,
      height: train.height,
      width: train.width,
      channels: train.channels,
    },
    evaluation: test
      ? { kind: 'test set', images: test.count }
      : { kind: results.length > 0 ? kind : 'none', images: judged },
    results: results.map((each) => ({
      features: each.features,
      head: each.head,
      baseline: each.baseline,
      accuracies: each.accuracies,
      images: each.images,
      chosen: each.chosen,
    })),
    confusion: confusion.flat().some((count) => count > 0) ? confusion : undefined,
    reliability: compared.find(({ chosen }) => chosen)?.reliability,
    unlike: await unlikeExamples(outcome),
    labelledExamples: await labelledExamples(train, draw),
    predictions: await predictedExamples(outcome),
    ...(pictures ?? { reconstructions: [], samples: [], alike: [] }),
    training: pretrained && {
      model: learning?.title ?? '',
      parameters: pretrained.parameterCount,
      steps: pretrained.steps,
      batch: pretrained.batch,
      seconds: pretrained.seconds,
      curves: pretrained.curves.map((curve) => ({ ...curve })),
    },
    stages: [...seconds],
    skipped: dataset.skipped.map(({ path, reason }) => ({ path, reason })),
    notes: notesOf(outcome),
    published: [],
    next: [],
    config: { ...options, ...learning?.config },
    environment: environment as Record<string, unknown>,
  }
}

function notesOf({
  fitting: { options, dataset, draws, notes: own },
  pretrained,
  chosenFeatures,
  recall,
}: FitOutcome): string[] {
  const understood = dataset.understood === undefined ? [] : [dataset.understood]
  const notes = [...understood, ...dataset.notes, ...own]
  const none = dataset.noneOfThese?.size ?? 0
  if (none > 0)
    notes.push(
      `${none} ${none === 1 ? 'image is' : 'images are'} known to be of none of these classes: nothing is predicted for ${none === 1 ? 'it' : 'them'}.`,
    )
  if (chosenFeatures !== undefined)
    notes.push(
      `The ${draws[0].filter((label) => label >= 0).length} labels that predictions come from chose ${chosenFeatures} to classify by; --features all takes all together.`,
    )
  if (recall !== undefined)
    notes.push(
      `Of so many images neighbours are searched approximately: ${(100 * recall).toFixed(1)} % of the ten nearest were found, measured on some of them.`,
    )
  if (dataset.train.count > EXACT_ROWS)
    notes.push('Of so many images raw pixels are compared by heads that need no neighbours alone.')
  if (pretrained !== undefined && options.minutes !== undefined) {
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

/** The unlabelled images that are least like the classes. */
async function unlikeExamples({
  fitting: {
    dataset: { train },
    draws: [draw],
  },
  probabilities,
  unlike,
}: FitOutcome): Promise<RunReport['unlike']> {
  if (unlike === undefined) return undefined
  const unlabelled = [...unlike.keys()].filter((i) => draw[i] < 0)
  const passing = unlabelled.filter((i) => unlike[i] >= UNLIKE_THRESHOLD)
  const most = passing.sort((a, b) => unlike[b] - unlike[a]).slice(0, 2 * EXAMPLES_PER_CLASS)
  const found = mostProbable(probabilities)
  return {
    threshold: UNLIKE_THRESHOLD,
    count: passing.length,
    images: unlabelled.length,
    examples: await Promise.all(most.map((i) => predictedPicture(train, i, found))),
  }
}

async function predictedPicture(
  { classNames, ...train }: ImageSet,
  index: number,
  { predicted, probability }: ReturnType<typeof mostProbable>,
): Promise<Picture> {
  return {
    image: await thumbnail(pixelImage(train, index)),
    path: train.paths[index],
    predicted: classNames[predicted[index]],
    probability: probability[index],
  }
}

async function predictedExamples({
  fitting: {
    dataset: { train, noneOfThese },
    draws: [draw],
  },
  probabilities,
}: FitOutcome): Promise<RunReport['predictions']> {
  const found = mostProbable(probabilities)
  const { predicted, probability } = found
  const picture = (index: number): Promise<Picture> => predictedPicture(train, index, found)
  return Promise.all(
    train.classNames.map(async (_, c) => {
      const own = [...predicted.keys()]
        .filter((i) => predicted[i] === c && draw[i] < 0 && !noneOfThese?.has(train.paths[i]))
        .sort((a, b) => probability[b] - probability[a])
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

/** The report with what to do next, written to the run. @param brought models whose settings it may name */
export async function savedReport(run: RunFolder, report: RunReport, brought?: Brought): Promise<RunReport> {
  const next = report.next.length > 0 ? report.next : suggestNext(report, shellWord(run.folder), brought)
  const whole = { ...report, next }
  await saveReport(run, whole)
  return whole
}
