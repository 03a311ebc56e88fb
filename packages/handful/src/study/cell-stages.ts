/** The cells of a study as stages: each method with each head at each number of labels, all draws. */
import type { LabelCount } from './result.js'
import { supervisedSteps } from '../training/supervised.js'
import { stageKey } from '../runs/run-folder.js'
import { cellSchema, knownDraws, networkSchedule, runFeatureCell, runNetworkCell } from './cells.js'
import type { StageContext } from './context.js'
import { type DrawFitter, fitDraw } from './draw-fit.js'
import { fitProcesses } from './draw-fit-pool.js'
import { networkSeconds, type Scale } from './estimate.js'
import { drawsFor, fitSeconds, headEpochs } from './study-heads.js'
import type { PlannedMethod } from './methods.js'
import type { Building } from './plan.js'
import type { Stage } from '../stages/stage.js'
import { studyDraws } from './study-data.js'
import type { Workshop } from './workshop.js'

/** Raised when a stage comes to give something else for the same settings. */
export const PROTOCOL = 1
/** Cells up to so many labels per class come before sections and before all others. */
export const FEW_LABELS = 16

/** All cells of a method: heads and label counts on its features, or a supervised network at each label count. */
export function cellsOf(
  method: PlannedMethod,
  bank: Stage | undefined,
  building: Building,
  scale: Scale,
): Stage[] {
  const { sizes, workshop } = building
  if (method.stem !== undefined) return sizes.map((size) => networkCell(method, size, building, scale))
  if (bank === undefined) throw new Error(`internal: cellsOf: got no features of ${method.id}`)
  const heads = [...workshop.options.heads, ...Object.keys(workshop.ownHeads)]
  return sizes.flatMap((size) => heads.map((head) => featureCell(method, bank, head, size, building, scale)))
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
  bank: Stage,
  head: string,
  size: LabelCount,
  { workshop, draws: asked }: Building,
  scale: Scale,
): Stage {
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
  const cellOf = (count: number) => ({
    kind: 'cell' as const,
    name: `${id}, ${head}, ${labelsInWords(size)}`,
    key: stageKey({ ...cellIdentity(size, workshop), draws: count, head, epochs, bank: bank.key }),
  })
  return {
    ...cellOf(draws),
    needs: [bank],
    seconds: 0.3 + Math.ceil(draws / beside) * each,
    group: groupOf(size, title),
    method: id,
    head,
    labelsPerClass: size,
    draws,
    schema: cellSchema,
    work: async (context) => {
      const record = await workshop.bankRecord(bank)
      const fitters = own ? undefined : context.fitters
      return runFeatureCell(
        {
          fit: {
            ...{ bank: record, head, labelled },
            classCount: data.classNames.length,
            stream: `head ${head}/${id}/${size}`,
          },
          fitters: fitters ?? [await fitterHere(workshop, bank, context)],
          draws: studyDraws(data, size, { draws, seed: options.seed }),
          known: await knownDraws(store, cellOf),
          score: workshop.score,
        },
        context,
      )
    },
  }
}

/** Fits in this process. */
async function fitterHere(workshop: Workshop, stage: Stage, context: StageContext): Promise<DrawFitter> {
  const space = await workshop.bank(stage, context)
  return (fit) => fitDraw(space, workshop.head(fit.head, fit.labelled), fit)
}

function networkCell(
  { id, title, stem = 'imagenet' }: PlannedMethod,
  size: LabelCount,
  { workshop }: Building,
  scale: Scale,
): Stage {
  const { data, options, store } = workshop
  const { supervised } = options
  const draws = size === 'all' ? 1 : supervised.draws
  const labelled = labelledOf(size, workshop)
  const schedule = networkSchedule(labelled, supervised)
  const steps = supervisedSteps(labelled, schedule)
  const batch = Math.min(schedule.batch, labelled)
  const { width, augment } = supervised
  const network = { stem, width, augment, ...schedule }
  // A draw is the same one however many there are: more of them train only those that are new.
  const drawsKey = stageKey({ ...cellIdentity(size, workshop), network, images: data.keys.images })
  const key = stageKey({ drawsKey, draws })
  const name = `${id}, ${labelsInWords(size)}`
  return {
    kind: 'cell',
    name,
    key,
    needs: [],
    seconds: draws * networkSeconds(stem, { steps, batch, width }, scale),
    group: stem === 'small' ? title : groupOf(size, title),
    method: id,
    head: 'network',
    labelsPerClass: size,
    draws,
    schema: cellSchema,
    work: (context) =>
      runNetworkCell(
        {
          images: data.images,
          test: data.test.images,
          stem,
          draws: studyDraws(data, size, { draws, seed: options.seed }),
          classCount: data.classNames.length,
          score: workshop.score,
          ...{ drawsKey, name, options, store },
        },
        context,
      ),
  }
}
