/** The cells of a study as stages: each method with each head at each number of labels, all draws. */
import { contentKey } from '../files/content-key.js'
import { headEntry } from '../heads/registry.js'
import { resnet18Presets } from '../models/resnet18/resnet18.js'
import type { StemName } from '../names.js'
import { contentOf } from '../runs/brought.js'
import { FEWEST_LABELS_TO_CHOOSE } from '../training/choose-training.js'
import { selfTrainingDefaults } from '../training/self-training.js'
import { supervisedSteps, unlabelledOf } from '../training/supervised.js'
import {
  type CellRecord,
  cellSchema,
  fixMatchNetwork,
  knownDraws,
  networkSchedule,
  networkSettings,
  type NetworkCell,
  olderCell,
  runFeatureCell,
  runNetworkCell,
  supervisedNetwork,
} from './cells.js'
import { fitProcesses } from './draw-fit-pool.js'
import { encoderSeconds, networkSeconds, type Scale } from './estimate.js'
import type { PlannedMethod } from './methods.js'
import { leadingOfDraws, type MethodSpaces } from './leading.js'
import type { LabelCount } from './result.js'
import { studyDraws } from './study-data.js'
import { drawsFor, fitSeconds, headEpochs } from './study-heads.js'
import type { StudyOptions } from './study-options.js'
import type { StudyStage } from './study-stage.js'
import { type SelfTrainingNeeds, selfTrainingOf } from './self-training.js'
import type { Workshop } from './workshop.js'

/** Raised when a stage comes to give something else for the same settings. */
export const PROTOCOL = 1
/** What stands as the head of a supervised network, which is one itself. */
export const NETWORK_HEAD = 'network'
/** Steps that choosing takes, in those of one training; up to nine where twice as many pay. */
const CHOOSING = 5
/** Of the stronger network, unless said otherwise. */
const STRONG_WIDTH = resnet18Presets.strong.width
/** Cells up to so many labels per class come before sections and before all others. */
export const FEW_LABELS = 16

/** What cells are made of, beside their method. */
export interface CellParts {
  readonly workshop: Workshop
  readonly sizes: readonly LabelCount[]
  /** Of the labelled images, where nothing asks for fewer. */
  readonly draws: number
  readonly scale: Scale
  /** With the time that each training of FixMatch has, and of self-training. */
  readonly fixmatch: StudyOptions['fixmatch']
  readonly selfTraining: StudyOptions['selfTraining']
}

export interface CellStage extends StudyStage<CellRecord> {
  readonly kind: 'cell'
  readonly method: string
  readonly head: string
  readonly labelsPerClass: LabelCount
  /** Of the model whose features it is on, the first is 0; of a combination, of all its models. */
  readonly training?: number
}

/**
 * All cells of a method: heads and label counts on its features, or a network at each label count.
 * @param trainings its features by each training of its model
 * @param begins of self-training
 */
export function cellsOf(
  method: PlannedMethod,
  trainings: readonly MethodSpaces[],
  parts: CellParts,
  begins?: SelfTrainingNeeds,
): CellStage[] {
  const { sizes, workshop } = parts
  const { stem, semiSupervised } = method
  if (stem !== undefined) return sizes.map((size) => supervisedCell({ ...method, stem }, size, parts))
  // Where all labels are known no image is unlabelled.
  if (semiSupervised !== undefined)
    return sizes.flatMap((size) => {
      if (size === 'all') return []
      return [begins ? selfTrainingCell(method, begins, size, parts) : fixMatchCell(method, size, parts)]
    })
  if (trainings.length === 0) throw new Error(`internal: cellsOf: got no features of ${method.id}`)
  return sizes.flatMap((size) =>
    workshop.headNames.flatMap((head) =>
      trainings.map((spaces, training) => featureCell(method, { spaces, training }, head, size, parts)),
    ),
  )
}

const labelsInWords = (size: LabelCount): string =>
  size === 'all' ? 'all labels' : `${size} ${size === 1 ? 'label' : 'labels'} per class`

/** `, training 2`; nothing for the first. */
export const trainingInWords = (training: number): string =>
  training === 0 ? '' : `, training ${training + 1}`

const groupOf = (size: LabelCount, few: string): string =>
  size !== 'all' && size <= FEW_LABELS ? `few labels: ${few}` : labelsInWords(size)

/** Labelled images of a draw. */
function labelledOf(size: LabelCount, { data }: Workshop): number {
  return size === 'all'
    ? data.labels.reduce((sum, label) => sum + Number(label >= 0), 0)
    : size * data.classNames.length
}

function cellIdentity(size: LabelCount, { data, options }: Workshop) {
  return {
    PROTOCOL,
    kind: 'cell',
    size,
    seed: options.seed,
    labels: data.keys.labels,
    test: data.keys.test,
  }
}

function featureCell(
  { id, title }: PlannedMethod,
  { spaces, training }: { readonly spaces: MethodSpaces; readonly training: number },
  head: string,
  size: LabelCount,
  { workshop, draws: asked, scale }: CellParts,
): CellStage {
  const { data, options, store } = workshop
  const labelled = labelledOf(size, workshop)
  const each = fitSeconds(head, labelled, scale)
  const { dearDraws, threads } = options
  const draws =
    size === 'all' ? 1 : drawsFor({ fitSeconds: each, labelsPerClass: size }, { draws: asked, dearDraws })
  // A head that the caller brought is a function of this process, which alone can fit it.
  const own = Object.hasOwn(workshop.ownHeads, head)
  const beside = own ? 1 : fitProcesses(threads)
  const epochs = headEpochs(head, labelled)
  const plugin = contentOf(workshop.brought, 'heads', head)
  const version = own ? undefined : headEntry(head).version
  const [bank, ...leading] = spaces
  const settings = {
    ...cellIdentity(size, workshop),
    ...{ head, version, epochs, plugin, bank: bank.key },
    ...(leading.length > 0 && { leading: leading.map(({ key }) => key) }),
  }
  const stage: CellStage = {
    kind: 'cell',
    name: `${id}, ${head}, ${labelsInWords(size)}${trainingInWords(training)}`,
    settings,
    key: contentKey(settings),
    needs: spaces,
    seconds: 0.3 + Math.ceil(draws / beside) * each,
    group: groupOf(size, title),
    unit: 'fits',
    total: draws,
    method: id,
    head,
    labelsPerClass: size,
    training,
    schema: cellSchema(draws),
    older: () => olderCell(store, (count) => contentKey({ ...settings, draws: count })),
    work: async (context) => {
      const stream = `${id}/${size}${training === 0 ? '' : `/training ${training}`}`
      const labels = studyDraws(data, size, { draws, seed: options.seed })
      const chosen = await leadingOfDraws(
        {
          ...{ spaces, stream, draws: labels, identity: cellIdentity(size, workshop) },
          name: `${id}, ${labelsInWords(size)}${trainingInWords(training)}`,
        },
        workshop,
        context,
      )
      const fitters =
        own || workshop.fitters.length === 0 ? [await workshop.fitterHere(spaces, context)] : workshop.fitters
      return runFeatureCell(
        {
          fit: {
            banks: await Promise.all(spaces.map((each) => store.result(each))),
            head,
            labelled,
            classCount: data.classNames.length,
            stream: `head ${head}/${stream}`,
          },
          chosen,
          fitters,
          draws: labels,
          classCount: data.classNames.length,
          known: await knownDraws(store, stage),
          score: workshop.score,
        },
        context,
      )
    },
  }
  return stage
}

function supervisedCell(
  method: PlannedMethod & { readonly stem: StemName },
  size: LabelCount,
  parts: CellParts,
): CellStage {
  const { stem } = method
  const { data, options, mirror } = parts.workshop
  const { supervised } = options
  const labelled = labelledOf(size, parts.workshop)
  const schedule = networkSchedule(labelled, supervised)
  const steps = supervisedSteps(labelled, schedule)
  const batch = Math.min(schedule.batch, labelled)
  const { config, augment } = networkSettings(stem, supervised)
  const { width, emaHalfLife } = config
  const train = supervisedNetwork(stem, data.images, supervised)
  // The reference's network is what it is, and all labels are too many to choose by.
  const chooses =
    stem === 'small' && supervised.choose === 'folds' && size !== 'all' && size >= FEWEST_LABELS_TO_CHOOSE
  const form = { steps, batch, width }
  return networkCell(method, size, parts, {
    network: {
      stem,
      width,
      augment,
      emaHalfLife,
      ...schedule,
      ...(chooses && { choose: supervised.choose }),
      ...(mirror && { mirror }),
    },
    draws: supervised.draws,
    seconds: networkSeconds(stem, form, parts.scale),
    choosing: chooses
      ? {
          within: supervised.mostSteps,
          seconds: networkSeconds(stem, { ...form, steps: CHOOSING * steps }, parts.scale),
        }
      : undefined,
    group: stem === 'small' ? method.title : undefined,
    training: (draw) => ({ ...train(draw), mirror }),
  })
}

function fixMatchCell(method: PlannedMethod, size: LabelCount, parts: CellParts): CellStage {
  const { data, options, mirror, contrastive } = parts.workshop
  const { fixmatch } = parts
  const { settings, ...own } = fixMatchNetwork(data.images, fixmatch, contrastive)
  const training = { ...own, mirror }
  const { network, ...trained } = training.options
  const { steps, minutes, draws } = fixmatch
  const batch = Math.min(trained.batch, labelledOf(size, parts.workshop))
  const views = 1 + 2 * (trained.fixMatch?.ratio ?? 0)
  const form = { steps: steps ?? 0, batch: batch * views }
  const isEncoder = fixmatch.network === 'contrastive'
  const seconds = isEncoder
    ? encoderSeconds(form, parts.scale)
    : networkSeconds('small', { ...form, width: fixmatch.width ?? STRONG_WIDTH }, parts.scale)
  return networkCell(method, size, parts, {
    network: {
      // ResNet-18's title tells all that there is to tell of it.
      ...{ title: network.title, ...(isEncoder && { settings }) },
      ...{ ...trained, unlabelled: unlabelledOf(trained) },
      ...{ minutes, steps, device: options.device },
      ...(mirror && { mirror }),
    },
    draws,
    seconds: seconds + 60 * (minutes ?? 0),
    group: method.title,
    training: () => training,
  })
}

function selfTrainingCell(
  method: PlannedMethod,
  needs: SelfTrainingNeeds,
  size: LabelCount,
  parts: CellParts,
): CellStage {
  const { workshop } = parts
  const { model, spaces, beside } = needs
  const [guide, ...leading] = spaces
  const { options } = workshop
  const { steps, minutes, draws } = parts.selfTraining
  const views = 1 + 2 * selfTrainingDefaults.fixMatch.ratio
  const form = { steps: steps ?? 0, batch: selfTrainingDefaults.batch * views }
  const stage = networkCell(method, size, parts, {
    network: {
      ...{ selfTraining: selfTrainingDefaults, model: model.key, guide: guide.key },
      ...{ minutes, steps, device: options.device },
      ...(leading.length > 0 && { leading: leading.map(({ key }) => key) }),
    },
    draws,
    seconds: encoderSeconds(form, parts.scale) + 60 * (minutes ?? 0),
    group: method.title,
    spaces,
    training: async (draw, context) => ({
      ...(await selfTrainingOf(draw, needs, workshop, context)),
      ...{ minutes, steps },
    }),
  })
  return { ...stage, needs: [model, ...spaces, ...beside] }
}

interface TrainedCell {
  /** All that the networks depend on, beside images, labels and seed. */
  readonly network: object
  readonly draws: number
  /** Of one draw. */
  readonly seconds: number
  /** Of rate and length: in trainings of so many steps at most, and how long that takes. */
  readonly choosing?: { readonly within: number; readonly seconds: number }
  /** Where it is not that of the cells with as many labels. */
  readonly group?: string
  /** Of a network that learns on from features: those that the labels of each draw choose between. */
  readonly spaces?: MethodSpaces
  readonly training: NetworkCell['training']
}

function networkCell(
  { id, title }: PlannedMethod,
  size: LabelCount,
  { workshop }: CellParts,
  { network, draws: wanted, seconds, choosing, group, spaces = [], training }: TrainedCell,
): CellStage {
  const { data, options, store } = workshop
  const draws = size === 'all' ? 1 : wanted
  const settings = { ...cellIdentity(size, workshop), network, images: data.keys.images }
  const key = contentKey(settings)
  const name = `${id}, ${labelsInWords(size)}`
  return {
    kind: 'cell',
    name,
    settings,
    key,
    needs: [],
    seconds: draws * seconds + (choosing?.seconds ?? 0),
    group: group ?? groupOf(size, title),
    unit: 'fits',
    total: draws,
    method: id,
    head: NETWORK_HEAD,
    labelsPerClass: size,
    schema: cellSchema(draws),
    older: () => olderCell(store, (count) => contentKey({ drawsKey: key, draws: count })),
    work: async (context) => {
      const labels = studyDraws(data, size, { draws, seed: options.seed })
      const identity = cellIdentity(size, workshop)
      const choice = { identity, name, spaces, draws: labels, stream: `${id}/${size}` }
      return runNetworkCell(
        {
          images: data.images,
          test: data.test.images,
          training,
          choosesWithin: choosing?.within,
          draws: labels,
          leading: spaces.length > 1 ? await leadingOfDraws(choice, workshop, context) : undefined,
          classCount: data.classNames.length,
          score: workshop.score,
          key,
          name,
          options,
          store,
        },
        context,
      )
    },
  }
}
