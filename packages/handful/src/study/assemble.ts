/** Puts the results of stages together to a study. */
import type { PlainObject } from '../runs/run-folder.js'
import { headEntry } from '../heads/registry.js'
import { average } from '../numerics/statistics.js'
import {
  type LabelCount,
  type Study,
  type StudyCell,
  type StudyInput,
  type StudyMethod,
  type StudyMissing,
  studySchema,
} from './result.js'
import { bankSchema } from './bank.js'
import { cellSchema } from './cells.js'
import type { PlannedMethod } from './methods.js'
import type { StudyPlan } from './plan.js'
import { sectionNotes, sectionResults } from './section-stages.js'
import type { Stage } from '../stages/stage.js'
import type { StageRecord } from '../stages/stage-store.js'
import { resnet18, resnet18Presets } from '../models/resnet18/resnet18.js'
import { trainedSchema } from './training.js'
import type { Workshop } from './workshop.js'

export interface Assembling {
  readonly workshop: Workshop
  readonly plan: StudyPlan
  readonly done: ReadonlySet<Stage>
  readonly missing: readonly StudyMissing[]
  readonly context: { readonly command: string; readonly environment: PlainObject }
  readonly date: Date
}

type Finished = readonly (readonly [Stage, StageRecord])[]

export async function assembleStudy(assembling: Assembling): Promise<Study> {
  const { workshop, plan, done, missing, context, date } = assembling
  const { data, options } = workshop
  const finished: [Stage, StageRecord][] = []
  for (const stage of plan.stages) {
    const record = done.has(stage) ? await workshop.store.read(stage) : undefined
    if (record !== undefined) finished.push([stage, record])
  }
  const failed = new Set(missing.map(({ what }) => what))
  const study: StudyInput = {
    version: 1,
    title: `${data.title}: generative features and few labels`,
    createdAt: date.toISOString(),
    command: context.command,
    complete: plan.stages.every((stage) => done.has(stage) || failed.has(stage.name)),
    dataset: {
      name: data.name,
      title: data.title,
      classes: [...data.classNames],
      trainImages: data.images.count,
      testImages: data.test.count,
      size: data.images.height,
      channels: data.images.channels,
    },
    setting: 'inductive',
    labelCounts: [...plan.labelCounts],
    methods: plan.methods.map((method) => describeMethod(method, finished, workshop)),
    heads: describeHeads(plan, workshop),
    cells: finished.flatMap(([stage, record]) => cellOf(stage, record)),
    missing: [...missing],
    ...sectionResults(finished),
    stages: finished.map(([{ name }, { seconds }]) => ({ stage: name, seconds })),
    notes: [
      ...plan.notes,
      ...sectionNotes(finished),
      'Test images were seen by nothing before they were predicted, and nothing was chosen on their labels.',
      'All methods and heads have the same draws of labelled images; draws of more labels contain those of fewer.',
    ],
    config: JSON.parse(JSON.stringify(options)) as Record<string, unknown>,
    environment: { ...context.environment },
  }
  return studySchema.parse(study)
}

function cellOf(
  { kind, method, head, labelsPerClass }: Stage,
  { result, seconds }: StageRecord,
): StudyCell[] {
  if (kind !== 'cell' || method === undefined || head === undefined || labelsPerClass === undefined) return []
  return [{ method, head, labelsPerClass, accuracies: cellSchema.parse(result).accuracies, seconds }]
}

function describeMethod(
  { id, title, kind, parts, stem }: PlannedMethod,
  finished: Finished,
  { options }: Workshop,
): StudyMethod {
  const resultOf = (wanted: Stage['kind']): unknown =>
    finished.find(([stage]) => stage.kind === wanted && stage.method === id)?.[1].result
  const bank = bankSchema.safeParse(resultOf('features')).data
  const trained = kind === 'generative' ? trainedSchema.safeParse(resultOf('model')).data : undefined
  const network =
    stem === undefined ? undefined : resnet18({ ...resnet18Presets[stem], width: options.supervised.width })
  return {
    id,
    title,
    kind,
    parts: [...parts],
    dimension: bank?.dimension,
    detail: network?.title ?? bank?.detail,
    imagesPerSecond: bank?.imagesPerSecond,
    training: trained && {
      model: trained.title,
      parameters: trained.parameters,
      steps: trained.steps,
      batch: trained.batch,
      seconds: trained.seconds,
      curves: trained.curves,
    },
  }
}

function describeHeads({ methods, heads }: StudyPlan, workshop: Workshop): StudyInput['heads'] {
  const described = heads.map((id) => {
    if (Object.hasOwn(workshop.ownHeads, id)) return { id, title: id, reference: false }
    const { make, reference = false } = headEntry(id)
    return { id, title: make().name, reference }
  })
  const supervised = methods.some(({ kind }) => kind === 'supervised')
  return supervised
    ? [...described, { id: 'network', title: 'the network itself', reference: false }]
    : described
}

/** `best: 2: 94.1 % vae, 4: 95.5 % vae`: for whoever watches, never for choosing. */
export async function bestInWords(
  { store }: Workshop,
  cells: readonly Stage[],
  done: ReadonlySet<Stage>,
): Promise<string | undefined> {
  const best = new Map<LabelCount, { mean: number; method: string }>()
  let count = 0
  for (const stage of cells) {
    const { labelsPerClass, method } = stage
    if (!done.has(stage) || labelsPerClass === undefined || method === undefined) continue
    const record = cellSchema.safeParse((await store.read(stage))?.result).data
    if (record === undefined) continue
    count++
    const mean = average(record.accuracies)
    if (mean > (best.get(labelsPerClass)?.mean ?? -1)) best.set(labelsPerClass, { mean, method })
  }
  if (count === 0) return undefined
  const order = [...best].sort(([a], [b]) => (a === 'all' ? Infinity : a) - (b === 'all' ? Infinity : b))
  const words = order.map(([size, { mean, method }]) => `${size}: ${(100 * mean).toFixed(1)} ${method}`)
  return `${count} of ${cells.length} cells, best ${words.join(', ')}`
}
