/**
 * A cell of the study: one method, one head, one number of labels, all draws. Inductive throughout: a head is fitted to
 * training images and the labels of a draw, then predicts test images that it has never seen, and the score of these
 * predictions is all that is ever learnt of the test labels.
 */
import { rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import type { Images } from '../data/image-set.js'
import type { TestScore } from '../data/test-set.js'
import { argmaxRows, type FeatureMatrix } from '../numerics/matrix.js'
import type { Weights } from '../models/model.js'
import { resnet18, type Resnet18Config, resnet18Presets } from '../models/resnet18/resnet18.js'
import type { StemName, SupervisedAugmentationName } from '../names.js'
import { silentProgress } from '../training/progress.js'
import {
  canChoose,
  type ChosenTraining,
  chosenTrainingSchema,
  chooseTraining,
} from '../training/choose-training.js'
import { supervisedAugmentation, type SupervisedRequest, trainSupervised } from '../training/supervised.js'
import { type FixMatch, fixMatch } from '../training/fixmatch-settings.js'
import type { ModelChoice } from '../training/model-options.js'
import {
  type AnsweringCell,
  answersFields,
  type CellDetail,
  detailOf,
  detailSchema,
  encodeClasses,
} from './answers.js'
import type { DrawFit, DrawFitter } from './draw-fit.js'
import { weightsField } from './result.js'
import { MOST_DRAWS, type StudyOptions } from './study-options.js'
import type { StageStore } from '../stages/stage-store.js'
import { contentKey } from '../files/content-key.js'
import type { OlderRecord, StageContext } from '../stages/stage.js'

const share = z.number().min(0).max(1)

const accuraciesOf = (fewest: number) =>
  z.strictObject({
    accuracies: z.array(share).min(fewest),
    chosen: chosenTrainingSchema.optional(),
    leading: z.array(z.int().nonnegative()).optional(),
    weights: weightsField,
    ...answersFields,
  })

/**
 * A cell's draws, the first ones first. How many there are is no part of its key: a draw is the same one however many
 * there are, so that fewer of them are there already and more of them take only those that are new.
 */
export const cellSchema = (draws: number): z.ZodType<CellRecord> =>
  accuraciesOf(draws).transform(({ accuracies, details, leading, weights, ...rest }) => ({
    ...rest,
    accuracies: accuracies.slice(0, draws),
    ...(details && { details: details.slice(0, draws) }),
    ...(leading && { leading: leading.slice(0, draws) }),
    ...(weights && { weights: weights.slice(0, draws) }),
  }))

export interface CellRecord extends AnsweringCell {
  /** Rate and length of a network, where the labels chose them. */
  readonly chosen?: ChosenTraining
  /** Of a combination, for each draw: which method leads, the first is 1; 0: all weigh the same. */
  readonly leading?: readonly number[]
  /** Of a product of heads, for each draw: how much each weighs, by its name; nothing of draws that an older version fitted. */
  readonly weights?: readonly (Readonly<Record<string, number>> | null)[]
}

const NOTHING: CellRecord = { accuracies: [] }

/** The draws of a cell that are there, be they fewer than it is to have. */
export async function knownDraws(
  store: StageStore,
  cell: Parameters<StageStore['read']>[0],
): Promise<CellRecord> {
  return accuraciesOf(1).safeParse((await store.read(cell))?.result).data ?? NOTHING
}

/** Versions before this one had a record for each number of draws, under a key of its own: the one of most draws. */
export const olderCell = (
  store: StageStore,
  keyOf: (draws: number) => string,
): Promise<OlderRecord | undefined> =>
  store.firstOf(
    (function* () {
      for (let draws = MOST_DRAWS; draws > 0; draws--) yield { kind: 'cell', name: '', key: keyOf(draws) }
    })(),
  )

/** Numbers of right answers: the only thing that is known of test labels before a study is whole. */
export type Score = (predicted: Int32Array) => TestScore

export interface FeatureCell {
  /** What a draw is fitted with, but for its labels and its features. */
  readonly fit: Omit<DrawFit, 'labels' | 'seed' | 'bank'>
  /** Position in the fit's `banks`, for each draw. */
  readonly chosen: readonly number[]
  /** Each does one fit at a time; they share the draws. */
  readonly fitters: readonly DrawFitter[]
  readonly draws: readonly Int32Array[]
  readonly classCount: number
  /** What the first of them gave, where they are known from a study of fewer draws. */
  readonly known?: CellRecord
  readonly score: Score
}

export async function runFeatureCell(
  { fit, chosen, fitters, draws, classCount, known = NOTHING, score }: FeatureCell,
  { seed, signal, onProgress }: StageContext,
): Promise<CellRecord> {
  const accuracies = known.accuracies.slice(0, draws.length)
  const details: (CellDetail | null)[] = accuracies.map((_, draw) => known.details?.[draw] ?? null)
  const weights = accuracies.map((_, draw) => known.weights?.[draw] ?? null)
  let { predicted } = known
  let next = accuracies.length
  let done = next
  const fitInTurn = async (fitter: DrawFitter): Promise<void> => {
    while (next < draws.length) {
      signal.throwIfAborted()
      const draw = next++
      const stream = `${fit.stream}/draw ${draw}`
      try {
        const bank = fit.banks[chosen[draw]]
        const fitted = await fitter({ ...fit, bank, labels: draws[draw], seed, stream })
        const counted = score(fitted.predicted)
        accuracies[draw] = counted.accuracy
        details[draw] = detailOf(counted)
        weights[draw] = fitted.weights ?? null
        if (draw === 0) predicted = encodeClasses(fitted.predicted, classCount)
      } catch (error) {
        // The cell is lost: no more of it is begun.
        next = draws.length
        throw error
      }
      onProgress?.(++done, draws.length)
    }
  }
  // No fit is left behind that a later cell would have to wait for.
  const ended = await Promise.allSettled(fitters.map(fitInTurn))
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return {
    ...{ accuracies, details, predicted },
    ...(fit.banks.length > 1 && { leading: [...chosen] }),
    ...(weights.some((each) => each !== null) && { weights }),
  }
}

export interface NetworkDraw {
  /** `[training images]`, -1 where unknown. */
  readonly labels: Int32Array
  /** Position of what leads of several methods; 0: all weigh the same. */
  readonly leading: number
}

export interface NetworkCell {
  readonly images: Images
  readonly test: Images
  /** What is trained on a draw's labels, and for how long. */
  readonly training: (draw: NetworkDraw, context: StageContext) => NetworkTraining | Promise<NetworkTraining>
  /** Of a network that learns on from features of several methods: position of what leads, for each draw. */
  readonly leading?: readonly number[]
  /** Whether the first draw's labels choose rate and length, in so many steps at most. */
  readonly choosesWithin?: number
  readonly draws: readonly Int32Array[]
  readonly classCount: number
  readonly score: Score
  /** Of the cell, which each draw's own stage is keyed by. */
  readonly key: string
  readonly name: string
  readonly options: StudyOptions
  readonly store: StageStore
}

export interface NetworkTraining extends Pick<
  SupervisedRequest,
  'options' | 'start' | 'minutes' | 'steps' | 'mirror'
> {
  /** `[test images, classes]` by what was trained, where it is not the network itself that says it. */
  readonly classify?: (weights: Weights) => Promise<FeatureMatrix>
}

/** One draw's own record; older versions kept the accuracy alone. */
const drawSchema = z.strictObject({
  accuracy: share,
  detail: detailSchema.optional(),
  predicted: z.string().optional(),
})

/** Trains a network from scratch for each draw. Draws that are done are kept, and a stopped one goes on at its checkpoint. */
export async function runNetworkCell(cell: NetworkCell, context: StageContext): Promise<CellRecord> {
  const { images, test, training, draws, leading, classCount, score, key, name, options, store } = cell
  const { seed, threads, device } = options
  const accuracies: number[] = []
  const chosen = await chosenTraining(cell, context)
  const details: (CellDetail | null)[] = []
  let first: string | undefined
  for (const [draw, labels] of draws.entries()) {
    const stage = {
      kind: 'draw',
      name: `${name}, draw ${draw + 1}`,
      key: contentKey({ drawsKey: key, draw }),
      schema: drawSchema,
    }
    const folder = path.join(store.folder, 'checkpoints', `${key.slice(0, 12)}-${draw}`)
    const { accuracy, detail, predicted } = await store.once(stage, async () => {
      const { classify, ...wanted } = await training({ labels, leading: leading?.[draw] ?? 0 }, context)
      const { predict, weights } = await trainSupervised({
        images,
        labels,
        classCount,
        ...withChoice(wanted, chosen),
        seed: new Random(seed, `network/draw ${draw}`).integer(2 ** 31),
        threads,
        device,
        signal: context.signal,
        progress: {
          ...silentProgress,
          report: ({ done, total }) => context.onProgress?.(draw + done / Math.max(1, total), draws.length),
        },
        checkpoints: { folder, key },
      })
      const said = argmaxRows(classify === undefined ? await predict(test) : await classify(weights))
      const counted = score(said)
      return {
        accuracy: counted.accuracy,
        detail: detailOf(counted),
        predicted: draw === 0 ? encodeClasses(said, classCount) : undefined,
      }
    })
    await rm(folder, { recursive: true, force: true })
    // The last of them takes the folder of all along.
    await rmdir(path.dirname(folder)).catch(() => undefined)
    accuracies.push(accuracy)
    details.push(detail ?? null)
    first ??= predicted
    context.onProgress?.(draw + 1, draws.length)
  }
  return {
    ...{ accuracies, details, predicted: first },
    ...(chosen && { chosen }),
    ...(leading && { leading: [...leading] }),
  }
}

const withChoice = (
  { options, ...limits }: NetworkTraining,
  chosen: ChosenTraining | undefined,
): NetworkTraining =>
  chosen === undefined
    ? { options, ...limits }
    : { options: { ...options, learningRate: chosen.learningRate }, steps: chosen.steps }

/** By the labels of the first draw, for all of them; a stage of its own, since it takes as long as several draws. */
async function chosenTraining(
  { images, training, choosesWithin, draws, classCount, key, name, options, store }: NetworkCell,
  context: StageContext,
): Promise<ChosenTraining | undefined> {
  const [labels] = draws
  if (choosesWithin === undefined || !canChoose(labels, classCount)) return undefined
  const { seed, threads, device } = options
  const stage = {
    kind: 'choice',
    name: `${name}, rate and length`,
    key: contentKey({ choiceKey: key }),
    schema: chosenTrainingSchema,
  }
  const { signal } = context
  return store.once(stage, async () =>
    chooseTraining({
      ...{ images, labels, classCount, threads, device, signal, mostSteps: choosesWithin },
      options: (await training({ labels, leading: 0 }, context)).options,
      seed: new Random(seed, 'network/choice').integer(2 ** 31),
      progress: silentProgress,
    }),
  )
}

/** What a study trains with each stem: the presets `reference` and `strong` of `handful supervised`. */
const NETWORKS: Readonly<Record<StemName, NetworkSettings>> = {
  imagenet: { config: resnet18Presets.imagenet, augment: 'crops' },
  small: { config: resnet18Presets.strong, augment: 'crops' },
}

interface NetworkSettings {
  readonly config: Resnet18Config
  readonly augment: SupervisedAugmentationName
}

/** How the network with that stem begins and is trained, the options' own words before its preset's. */
export function networkSettings(
  stem: StemName,
  { width, augment }: Pick<StudyOptions['supervised'], 'width' | 'augment'>,
): NetworkSettings {
  const preset = NETWORKS[stem]
  return {
    config: { ...preset.config, width: width ?? preset.config.width },
    augment: augment ?? preset.augment,
  }
}

/** Epochs are cut where they would take too many steps. */
export function networkSchedule(
  labelled: number,
  { batch, epochs, fewestSteps, mostSteps }: StudyOptions['supervised'],
): { batch: number; epochs: number; fewestSteps: number } {
  const most = (mostSteps * Math.min(batch, labelled)) / labelled
  return { batch, epochs: Math.min(epochs, most), fewestSteps: Math.min(fewestSteps, mostSteps) }
}

/** The training of a supervised network with that stem. */
export function supervisedNetwork(
  stem: StemName,
  images: Images,
  supervised: StudyOptions['supervised'],
): (draw: Pick<NetworkDraw, 'labels'>) => NetworkTraining {
  const { config, augment } = networkSettings(stem, supervised)
  const { stem: _stem, width: _width, ...optimiser } = config
  return ({ labels }) => ({
    options: {
      ...optimiser,
      network: resnet18(config),
      augmentation: supervisedAugmentation(augment, images),
      ...networkSchedule(labels.filter((label) => label >= 0).length, supervised),
    },
  })
}

/** FixMatch of the study's contrastive network or of the stronger supervised one, from random weights. */
export function fixMatchNetwork(
  { height: size, channels }: Images,
  { network, width, batch, minutes, steps }: StudyOptions['fixmatch'],
  model: ModelChoice,
): NetworkTraining & Pick<FixMatch, 'settings'> {
  const set = { batch, ...(width !== undefined && { width }) }
  const { training, settings } = fixMatch({ network, set, model }, { size, channels })
  return { options: training, settings, minutes, steps }
}
