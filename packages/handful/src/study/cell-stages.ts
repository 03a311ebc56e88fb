/** The cells of a study as stages: each method with each head at each number of labels, all draws. */
import { contentKey } from '../files/content-key.js'
import type { StemName } from '../names.js'
import { contentOf } from '../runs/brought.js'
import { supervisedSteps } from '../training/supervised.js'
import type { BankRecord } from './bank.js'
import {
  type CellRecord,
  cellSchema,
  knownDraws,
  networkSchedule,
  networkSettings,
  olderCell,
  runFeatureCell,
  runNetworkCell,
} from './cells.js'
import { fitProcesses } from './draw-fit-pool.js'
import { networkSeconds, type Scale } from './estimate.js'
import type { PlannedMethod } from './methods.js'
import type { LabelCount } from './result.js'
import { studyDraws } from './study-data.js'
import { drawsFor, fitSeconds, headEpochs } from './study-heads.js'
import type { StudyStage } from './study-stage.js'
import type { Workshop } from './workshop.js'

/** Raised when a stage comes to give something else for the same settings. */
export const PROTOCOL = 1
/** What stands as the head of a supervised network, which is one itself. */
export const NETWORK_HEAD = 'network'
/** Cells up to so many labels per class come before sections and before all others. */
export const FEW_LABELS = 16

/** What cells are made of, beside their method. */
export interface CellParts {
  readonly workshop: Workshop
  readonly sizes: readonly LabelCount[]
  /** Of the labelled images, where nothing asks for fewer. */
  readonly draws: number
  readonly scale: Scale
}

export interface CellStage extends StudyStage<CellRecord> {
  readonly kind: 'cell'
  readonly method: string
  readonly head: string
  readonly labelsPerClass: LabelCount
}

/** All cells of a method: heads and label counts on its features, or a supervised network at each label count. */
export function cellsOf(
  method: PlannedMethod,
  bank: StudyStage<BankRecord> | undefined,
  parts: CellParts,
): CellStage[] {
  const { sizes, workshop } = parts
  const { stem } = method
  if (stem !== undefined) return sizes.map((size) => networkCell({ ...method, stem }, size, parts))
  if (bank === undefined) throw new Error(`internal: cellsOf: got no features of ${method.id}`)
  return sizes.flatMap((size) =>
    workshop.headNames.map((head) => featureCell(method, bank, head, size, parts)),
  )
}

const labelsInWords = (size: LabelCount): string =>
  size === 'all' ? 'all labels' : `${size} ${size === 1 ? 'label' : 'labels'} per class`

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
  bank: StudyStage<BankRecord>,
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
  const settings = { ...cellIdentity(size, workshop), head, epochs, plugin, bank: bank.key }
  const stage: CellStage = {
    kind: 'cell',
    name: `${id}, ${head}, ${labelsInWords(size)}`,
    settings,
    key: contentKey(settings),
    needs: [bank],
    seconds: 0.3 + Math.ceil(draws / beside) * each,
    group: groupOf(size, title),
    unit: 'fits',
    total: draws,
    method: id,
    head,
    labelsPerClass: size,
    schema: cellSchema(draws),
    older: () => olderCell(store, (count) => contentKey({ ...settings, draws: count })),
    work: async (context) => {
      const fitters =
        own || workshop.fitters.length === 0 ? [await workshop.fitterHere(bank, context)] : workshop.fitters
      return runFeatureCell(
        {
          fit: {
            bank: await store.result(bank),
            head,
            labelled,
            classCount: data.classNames.length,
            stream: `head ${head}/${id}/${size}`,
          },
          fitters,
          draws: studyDraws(data, size, { draws, seed: options.seed }),
          known: await knownDraws(store, stage),
          score: workshop.score,
        },
        context,
      )
    },
  }
  return stage
}

function networkCell(
  { id, title, stem }: PlannedMethod & { readonly stem: StemName },
  size: LabelCount,
  { workshop, scale }: CellParts,
): CellStage {
  const { data, options, store } = workshop
  const { supervised } = options
  const draws = size === 'all' ? 1 : supervised.draws
  const labelled = labelledOf(size, workshop)
  const schedule = networkSchedule(labelled, supervised)
  const steps = supervisedSteps(labelled, schedule)
  const batch = Math.min(schedule.batch, labelled)
  const { config, augment } = networkSettings(stem, supervised)
  const { width, emaHalfLife } = config
  const network = { stem, width, augment, emaHalfLife, ...schedule }
  const settings = { ...cellIdentity(size, workshop), network, images: data.keys.images }
  const key = contentKey(settings)
  const name = `${id}, ${labelsInWords(size)}`
  return {
    kind: 'cell',
    name,
    settings,
    key,
    needs: [],
    seconds: draws * networkSeconds(stem, { steps, batch, width }, scale),
    group: stem === 'small' ? title : groupOf(size, title),
    unit: 'fits',
    total: draws,
    method: id,
    head: NETWORK_HEAD,
    labelsPerClass: size,
    schema: cellSchema(draws),
    older: () => olderCell(store, (count) => contentKey({ drawsKey: key, draws: count })),
    work: (context) =>
      runNetworkCell(
        {
          images: data.images,
          test: data.test.images,
          stem,
          draws: studyDraws(data, size, { draws, seed: options.seed }),
          classCount: data.classNames.length,
          score: workshop.score,
          key,
          name,
          options,
          store,
        },
        context,
      ),
  }
}
