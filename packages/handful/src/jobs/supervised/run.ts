/**
 * `handful supervised`: the baseline without unlabelled images, a ResNet-18 from scratch on the labelled few, for several
 * draws of them. Each draw is a stage of its own: a stopped run goes on with the draw it was in.
 *
 *   read the images -> for each draw: train, predict the test images, count -> results.json, predictions.csv
 */
import { argmaxRows } from '../../numerics/matrix.js'
import {
  MIRROR_CHOICES,
  type StemName,
  STEMS,
  type SupervisedAugmentationName,
  SUPERVISED_AUGMENTATIONS,
  SUPERVISED_CHOICES,
  type SupervisedPresetName,
  SUPERVISED_PRESETS,
} from '../../names.js'
import type { Dataset } from '../../data/dataset.js'
import { readFile, rm } from 'node:fs/promises'
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import { checkLabels, type ImageSet } from '../../data/image-set.js'
import { predictionParts, writePredictions } from '../../data/predictions.js'
import { mirrorsImages } from '../../features/mirror.js'
import type { ImageShape } from '../../models/model.js'
import { type Estimate, estimateAccuracy } from '../../numerics/statistics.js'
import { RUN_FILES } from '../../runs/run-files.js'
import type { RunContext, RunFolder } from '../../runs/run-folder.js'
import {
  canChoose,
  type ChosenTraining,
  chosenTrainingSchema,
  chooseTraining,
  FEWEST_LABELS_TO_CHOOSE,
} from '../../training/choose-training.js'
import { trainSupervised } from '../../training/supervised.js'
import {
  type SupervisedSettings,
  supervisedSettings,
  supervisedTitle,
  supervisedTraining,
} from '../../training/supervised-settings.js'
import { labelDraws } from '../../data/draw-labels.js'
import { knownShape } from '../../training/model-options.js'
import { readDataset, READING_STAGE } from '../../runs/read-dataset.js'
import { runJobStages } from '../../runs/job-stages.js'
import type { Standing } from '../../stages/run-stages.js'
import type { Stage } from '../../stages/stage.js'
import type { PlannedStage } from '../../training/progress.js'
import { contentKey } from '../../files/content-key.js'
import { checkDevice } from '../../runs/device.js'
import { imageFields, oneLimit, oneSource, trainingFields } from '../../runs/run-options.js'

/** Labelled images of each class of a known data set, unless said otherwise. */
const DEFAULT_LABELS = 4

/** Options of `runSupervised`, with the command line's defaults and checks. */
export const supervisedJobSchema = z
  .strictObject({
    command: z.literal('supervised').default('supervised'),
    ...imageFields,
    /** Labelled images of each class; own folders: all labels by default. */
    labelsPerClass: z.int().min(1).max(1_000_000).optional(),
    /** How many times they are drawn. */
    draws: z.int().min(1).max(100).default(5),
    /** `reference` where a stem is named, as in older versions; else `strong`. */
    preset: z.enum(SUPERVISED_PRESETS).optional(),
    /** `imagenet`: 7x7 with pooling, cheap. `small`: 3x3 at full resolution, stronger and dearer. The preset's by default. */
    stem: z.enum(STEMS).optional(),
    /** `crops`: shifted by up to an eighth of the size, and mirrored where images have colours. The preset's by default. */
    augment: z.enum(SUPERVISED_AUGMENTATIONS).optional(),
    /** Values that differ from the preset's, by name. */
    set: z.record(z.string().min(1), z.json()).default({}),
    /** In the place of epochs. */
    minutes: trainingFields.minutes,
    steps: trainingFields.steps,
    /** `folds`: rate and length by halves of the first draw's labels. Runs of before have none. */
    choose: z.enum(SUPERVISED_CHOICES).optional(),
    /** Whether probabilities are means over an image and its mirrored image. Runs of before have none: there they are not. */
    mirror: z.enum(MIRROR_CHOICES).optional(),
    seed: trainingFields.seed,
    threads: trainingFields.threads,
    device: trainingFields.device,
  })
  .refine((options) => (options.folder === undefined) !== (options.dataset === undefined), { ...oneSource })
  .refine(({ minutes, steps }) => minutes === undefined || steps === undefined, { ...oneLimit })
  .refine(({ preset, choose }) => choose !== 'folds' || preset !== 'fixmatch', {
    path: ['choose'],
    message: 'none with --preset fixmatch, whose rate and length are fixed beforehand',
  })
  .refine(({ minutes, steps, choose }) => choose !== 'folds' || (minutes ?? steps) === undefined, {
    path: ['choose'],
    message: 'none with --minutes or --steps, which say the length',
  })
  .transform(({ preset: named, ...options }) => ({ ...options, ...withPreset(named, options) }))
  .transform((options) => ({
    ...options,
    labelsPerClass: options.labelsPerClass ?? (options.dataset === undefined ? undefined : DEFAULT_LABELS),
  }))

/** Runs of versions without presets have a stem and no preset: they go on as they began. */
function withPreset(
  named: SupervisedPresetName | undefined,
  given: { readonly stem?: StemName; readonly augment?: SupervisedAugmentationName },
) {
  const preset = named ?? (given.stem === undefined ? 'strong' : 'reference')
  const own = preset === 'reference' ? REFERENCE : STRONG
  return { preset, stem: given.stem ?? own.stem, augment: given.augment ?? own.augment }
}

const REFERENCE = { stem: 'imagenet', augment: 'crops' } as const
const STRONG = { stem: 'small', augment: 'crops' } as const

export type SupervisedJobOptions = z.output<typeof supervisedJobSchema>

const drawSchema = z.object({
  /** On the test images; null without any. */
  accuracy: z.number().min(0).max(1).nullable(),
  steps: z.int().positive(),
  labels: z.int().positive(),
  parameters: z.int().positive(),
  /** Of training. */
  seconds: z.number().nonnegative(),
})

export type SupervisedDraw = z.infer<typeof drawSchema>

export interface SupervisedResult {
  /** `ResNet-18, 7x7 stem with pooling`; by FixMatch, that it saw the unlabelled images too. */
  readonly network: string
  readonly dataset: string
  /** Undefined for all labels there are. */
  readonly labelsPerClass: number | undefined
  readonly testImages: number
  readonly draws: readonly SupervisedDraw[]
  /** Rate and length, where the labels chose them, and by how many. */
  readonly chosen?: ChosenTraining
  /** Whether probabilities are means over an image and its mirrored image. */
  readonly mirrored?: boolean
  /** Mean and 95 % interval; undefined without a test set. */
  readonly accuracy?: Estimate
  /** Of the first draw's network, in the run folder. */
  readonly predictions: string
}

export const RESULTS_FILE = 'results.json'

/** @throws HandfulError where images have no labels or too few, or training diverges */
export async function runSupervised(
  options: SupervisedJobOptions,
  context: RunContext,
): Promise<SupervisedResult> {
  const { labelsPerClass, draws: count, seed } = options
  const { run, progress } = context
  await checkDevice(options.device)
  const settings = supervisedSettings(options)
  progress.plan([READING_STAGE, ...plannedDraws(labelsPerClass === undefined ? 1 : count)])
  const dataset = await readDataset(options, context)
  const { train, test } = dataset
  checkLabels(train)
  if (test === undefined) {
    progress.message(
      'No test split: the network is trained once and predicts, and nothing says how often it is right. ' +
        'Labelled images in a folder "test" beside "train" would.',
    )
  }
  const wanted = labelDraws(train, { labelsPerClass, draws: test === undefined ? 1 : count, seed })
  const chooses = options.choose === 'folds' && canChoose(wanted[0], train.classNames.length)
  if (options.choose === 'folds' && !chooses)
    progress.message(
      `Rate and length are as they were fixed beforehand: fewer than ${FEWEST_LABELS_TO_CHOOSE} labels of a class choose nothing.`,
    )
  const mirror = await mirrorsImages(train, { ...options, mirror: options.mirror ?? 'no' })
  const work = { options, settings, dataset, mirror }
  const choice = chooses ? choiceStage(wanted[0], work, context) : undefined
  const stages = wanted.map((labels, i) => drawStage(i, labels, { ...work, choice }, context))
  const results = ({ done }: Pick<Standing, 'done'>): SupervisedResult => {
    const draws = stages.flatMap((stage) => drawSchema.safeParse(done.get(stage)?.result).data ?? [])
    const chosen = choice && chosenTrainingSchema.safeParse(done.get(choice)?.result).data
    return {
      ...resultsOf(options, settings, dataset, draws),
      ...(chosen && { chosen }),
      ...(mirror && { mirrored: mirror }),
    }
  }
  const write = (standing: Pick<Standing, 'done'>): Promise<void> =>
    run.writeJson(RESULTS_FILE, { version: 1, ...results(standing) })
  const all: Stage[] = [...(choice ? [choice] : []), ...stages]
  const standing = await runJobStages(all, {
    ...context,
    ...options,
    store: run.store,
    before: [READING_STAGE],
    onEnd: async (stage, soFar) => {
      if (stage === choice) return
      await write(soFar)
      // Weights and momentum of eleven million parameters: no longer needed.
      const draw = stages.findIndex((each) => each === stage)
      await rm(checkpointsOf(run, draw), { recursive: true, force: true })
    },
  })
  await write(standing)
  return results(standing)
}

/**
 * What follows from the options; `--print-config` shows it.
 * @throws HandfulError (wrong use) for a setting that there is not or a value that does not suit
 */
export function resolveSupervised(options: SupervisedJobOptions): Promise<object> {
  return Promise.resolve({ image: knownShape(options), config: supervisedSettings(options) })
}

const nameOf = (draw: number): string => `draw ${draw + 1}`

const checkpointsOf = (run: RunFolder, draw: number): string =>
  run.path(RUN_FILES.checkpoints, `draw-${draw + 1}`)

const predictionOf = (draw: number): string => `${nameOf(draw)}, predictions`

/** Draws take equally long, save that the first one's network predicts the training images too: proportions count alone. */
const plannedDraw = (draw: number): PlannedStage[] => [
  { stage: nameOf(draw), expectedSeconds: 120 },
  { stage: predictionOf(draw), expectedSeconds: draw === 0 ? 60 : 10 },
]

const plannedDraws = (draws: number): PlannedStage[] =>
  Array.from({ length: draws }, (_, draw) => plannedDraw(draw)).flat()

interface DrawWork {
  readonly options: SupervisedJobOptions
  readonly settings: SupervisedSettings
  readonly dataset: Dataset
  readonly mirror: boolean
  /** Where the labels choose rate and length. */
  readonly choice?: Stage<ChosenTraining>
}

const CHOICE = 'choose rate and length'

/** Rate and length for all draws, by the labels of the first. */
function choiceStage(
  labels: Int32Array,
  { options: { augment, seed, device }, settings, dataset: { train } }: Omit<DrawWork, 'choice' | 'mirror'>,
  { progress }: RunContext,
): Stage<ChosenTraining> {
  const image: ImageShape = { size: train.height, channels: train.channels }
  const identity = { kind: 'choice', settings, augment, seed, labels: [...labels].join(), device, image }
  const shape = { name: train.name, count: train.count }
  return {
    kind: 'choice',
    name: CHOICE,
    group: CHOICE,
    settings: { ...identity, shape },
    key: contentKey({ ...identity, shape }),
    needs: [],
    seconds: 600,
    reportsItself: true,
    schema: chosenTrainingSchema,
    work: ({ threads, signal }) =>
      chooseTraining({
        images: train,
        labels,
        classCount: train.classNames.length,
        options: supervisedTraining(settings, augment, image),
        ...{ seed, threads, device, signal, progress, stage: CHOICE },
      }),
  }
}

/** Trains on the labels of one draw, predicts and counts. */
function drawStage(
  draw: number,
  labels: Int32Array,
  { options, settings, dataset, mirror, choice }: DrawWork,
  { run, progress }: RunContext,
): Stage<SupervisedDraw> {
  const { train, test } = dataset
  const { augment, seed, device, minutes, steps } = options
  const image: ImageShape = { size: train.height, channels: train.channels }
  const shape = { name: train.name, count: train.count, image, test: test?.count ?? 0 }
  const limits = { minutes, steps, choice: choice?.key, ...(mirror && { mirror }) }
  const identity = { settings, augment, seed, draw, labels: [...labels].join(), device, shape, ...limits }
  const key = contentKey(identity)
  const name = nameOf(draw)
  const file = `draws/draw-${draw + 1}.json`
  const checkpoints = { folder: checkpointsOf(run, draw), key }
  return {
    kind: 'draw',
    name,
    key,
    settings: identity,
    needs: choice ? [choice] : [],
    seconds: plannedDraw(draw).reduce((sum, { expectedSeconds = 0 }) => sum + expectedSeconds, 0),
    group: name,
    reportsItself: plannedDraw(draw),
    schema: drawSchema,
    older: () =>
      run.doneBefore(name, key, async (): Promise<unknown> =>
        JSON.parse(await readFile(run.path(file), 'utf8')),
      ),
    work: async ({ threads, signal }) => {
      const chosen = choice && (await run.store.result(choice))
      const rate = chosen && { learningRate: chosen.learningRate }
      const trained = await trainSupervised({
        images: train,
        labels,
        classCount: train.classNames.length,
        options: { ...supervisedTraining(settings, augment, image), ...rate },
        mirror,
        minutes,
        steps: steps ?? chosen?.steps,
        // Each draw starts from weights of its own.
        seed: new Random(seed, `supervised/draw ${draw}`).integer(2 ** 31),
        threads,
        device,
        signal,
        progress,
        stage: name,
        checkpoints,
        onStart: (step) => run.dropMetrics(name, step),
        onMetrics: (step, metrics) => run.appendMetrics({ stage: name, step, ...metrics }),
      })
      const all = (test?.count ?? 0) + (draw === 0 ? train.count : 0)
      const predicted =
        (before: number) =>
        (done: number): void =>
          progress.report({ stage: predictionOf(draw), done: before + done, total: all, unit: 'images' })
      const found = test && (await trained.predict(test.images, predicted(0)))
      if (draw === 0) {
        const own = await trained.predict(train, predicted(test?.count ?? 0))
        const parts = predictionParts(dataset, labels, { train: own, test: found }, 'ResNet-18')
        await writePredictions(run.path(RUN_FILES.predictions), parts)
      }
      const counted: SupervisedDraw = {
        accuracy: test && found ? test.score(argmaxRows(found)).accuracy : null,
        steps: trained.steps,
        labels: labels.filter((label) => label >= 0).length,
        parameters: trained.parameterCount,
        seconds: trained.seconds,
      }
      await run.makeFolder('draws')
      await run.writeJson(file, counted)
      return counted
    },
  }
}

function resultsOf(
  { labelsPerClass }: SupervisedJobOptions,
  settings: SupervisedSettings,
  { name, test }: Pick<Dataset, 'name' | 'test'> & { readonly train: ImageSet },
  draws: readonly SupervisedDraw[],
): SupervisedResult {
  const accuracies = draws.flatMap(({ accuracy }) => (accuracy === null ? [] : [accuracy]))
  return {
    network: supervisedTitle(settings),
    dataset: name,
    labelsPerClass,
    testImages: test?.count ?? 0,
    draws,
    accuracy: test && accuracies.length > 0 ? estimateAccuracy(accuracies, test.count) : undefined,
    predictions: RUN_FILES.predictions,
  }
}
