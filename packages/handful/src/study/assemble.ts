/** Puts the results of stages together to a study. */
import type { PlainObject } from '../runs/run-files.js'
import { mirroredInWords } from '../features/feature-sources.js'
import { headEntry } from '../heads/registry.js'
import type { TestSet } from '../data/test-set.js'
import { average } from '../numerics/statistics.js'
import { resnet18 } from '../models/resnet18/resnet18.js'
import type { Standing } from '../stages/run-stages.js'
import { type FullStudy, gatherSections, studySchema } from './all-sections.js'
import { answersOf, comparisonsOf, testImagesOf } from './answers.js'
import { type CellStage, NETWORK_HEAD } from './cell-stages.js'
import { type CellRecord, fixMatchNetwork, networkSettings } from './cells.js'
import { isGenerative, type PlannedMethod } from './methods.js'
import type { StudyPlan } from './plan.js'
import { isNetwork } from './method-kinds.js'
import type { LabelCount, StudyInput, StudyMethod } from './result.js'
import { missingOf, type StudyStage } from './study-stage.js'
import type { Workshop } from './workshop.js'

export interface Assembling {
  readonly workshop: Workshop
  readonly plan: StudyPlan
  readonly standing: Standing<StudyStage>
  readonly context: { readonly command: string; readonly environment: PlainObject }
  readonly date: Date
}

export function assembleStudy({ workshop, plan, standing, context, date }: Assembling): FullStudy {
  const { data, options } = workshop
  const { done, lost } = standing
  const finished = plan.stages.flatMap((stage) => {
    const record = done.get(stage)
    return record === undefined ? [] : [{ stage, ...record }]
  })
  const sections = gatherSections({
    all: (kind, schema) =>
      finished.flatMap((each) => (each.kind === kind ? [schema.parse(each.result)] : [])),
  })
  const missing = [
    ...plan.dropped,
    ...lost.map(({ stage, reason, message }) => missingOf(stage, reason, message)),
  ]
  const failed = new Set(missing.map(({ what }) => what))
  const headline = options.headline ?? plan.heads[0]
  const isHeadline = (head: string): boolean => head === headline || head === NETWORK_HEAD
  const cells = cellsDone(plan, done)
  const study: StudyInput = {
    version: 1,
    title: titleOf(data.title, plan.methods),
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
    methods: plan.methods.map((method) => describeMethod(method, plan, done, workshop)),
    heads: describeHeads(plan, workshop),
    headline,
    cells: cellsOfStudy(cells, data.test, isHeadline),
    missing,
    testSet: cells.some(({ result }) => result.predicted !== undefined) ? testImagesOf(data.test) : undefined,
    comparisons: comparisonsOf(
      cells
        .filter((each) => isFirst(each) && isHeadline(each.cell.head))
        .map(({ cell: { method, head, labelsPerClass }, result }) => ({
          ...{ method, head, labelsPerClass },
          ...result,
        })),
      data.test,
    ),
    ...sections.fields,
    stages: finished.map(({ stage, seconds }) => ({ stage: stage.name, seconds })),
    notes: [
      ...plan.notes,
      ...sections.notes,
      'Test images were seen by nothing before they were predicted, and nothing was chosen on their labels.',
      'All methods and heads have the same draws of labelled images; draws of more labels contain those of fewer.',
    ],
    config: JSON.parse(JSON.stringify(options)) as Record<string, unknown>,
    environment: { ...context.environment },
  }
  return studySchema.parse(study)
}

/** A study is one of generative features where there are any. */
const titleOf = (dataset: string, methods: readonly PlannedMethod[]): string =>
  `${dataset}: ${methods.some(isGenerative) ? 'generative features and few labels' : 'classifiers from few labels'}`

type Done = Standing<StudyStage>['done']

interface DoneCell {
  readonly cell: CellStage
  readonly result: CellRecord
  readonly seconds: number
}

const cellsDone = ({ cells }: StudyPlan, done: Done): DoneCell[] =>
  cells.flatMap((cell) => {
    const found = resultOf(cell, done)
    return found === undefined ? [] : [{ cell, ...found }]
  })

const isFirst = ({ cell: { training = 0 } }: DoneCell): boolean => training === 0

/**
 * A cell of the report for each method, head and label count, with what further trainings gave beside the first.
 * @param isHeadline whose predictions of each image are kept
 */
function cellsOfStudy(
  all: readonly DoneCell[],
  test: TestSet,
  isHeadline: (head: string) => boolean,
): StudyInput['cells'] {
  return all.filter(isFirst).map(({ cell: { method, head, labelsPerClass }, result, seconds }) => {
    const further = all.filter(
      (each) =>
        !isFirst(each) &&
        each.cell.method === method &&
        each.cell.head === head &&
        each.cell.labelsPerClass === labelsPerClass,
    )
    const { predicted, ...answers } = answersOf(result, test)
    return {
      ...{ method, head, labelsPerClass, accuracies: [...result.accuracies], chosen: result.chosen },
      leading: result.leading && [...result.leading],
      weights: result.weights && [...result.weights],
      furtherTrainings: further.length === 0 ? undefined : further.map((each) => [...each.result.accuracies]),
      seconds: further.reduce((sum, each) => sum + each.seconds, seconds),
      ...answers,
      predicted: isHeadline(head) ? predicted : undefined,
    }
  })
}

/** What a stage gave, where it is done. */
function resultOf<R>(
  stage: StudyStage<R> | undefined,
  done: Done,
): { readonly result: R; readonly seconds: number } | undefined {
  const record = stage && done.get(stage)
  return record && { result: stage.schema.parse(record.result), seconds: record.seconds }
}

function describeMethod(
  { id, title, kind, parts, stem, semiSupervised }: PlannedMethod,
  { models, banks }: StudyPlan,
  done: Done,
  { options, data, mirror, contrastive }: Workshop,
): StudyMethod {
  const bank = resultOf(banks.get(id), done)?.result
  const trained = resultOf(models.get(id), done)?.result
  const network =
    stem === undefined
      ? semiSupervised === 'fixmatch'
        ? fixMatchNetwork(data.images, options.fixmatch, contrastive).options.network
        : undefined
      : resnet18(networkSettings(stem, options.supervised).config)
  return {
    id,
    title,
    kind,
    parts: [...parts],
    dimension: bank?.dimension,
    detail: network === undefined ? bank?.detail : mirror ? mirroredInWords(network.title) : network.title,
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
  return methods.some(isNetwork)
    ? [...described, { id: NETWORK_HEAD, title: 'the network itself', reference: false }]
    : described
}

/** `14 of 20 cells, best 2: 94.1 vae, 4: 95.5 vae`: for whoever watches, never for choosing. */
export function bestInWords(cells: readonly CellStage[], done: Done): string | undefined {
  const found = cells.flatMap((cell) => {
    const { method, labelsPerClass } = cell
    const result = resultOf(cell, done)?.result
    return result === undefined ? [] : [{ method, labelsPerClass, accuracies: result.accuracies }]
  })
  return bestOfCells(found, cells.length)
}

export interface FoundCell {
  readonly method: string
  readonly labelsPerClass: LabelCount
  readonly accuracies: readonly number[]
}

/** @param planned cells in all */
export function bestOfCells(found: readonly FoundCell[], planned: number): string | undefined {
  if (found.length === 0) return undefined
  const best = new Map<LabelCount, { mean: number; method: string }>()
  for (const { method, labelsPerClass, accuracies } of found) {
    const mean = average(accuracies)
    if (mean > (best.get(labelsPerClass)?.mean ?? -1)) best.set(labelsPerClass, { mean, method })
  }
  const order = [...best].sort(([a], [b]) => (a === 'all' ? Infinity : a) - (b === 'all' ? Infinity : b))
  const words = order.map(([size, { mean, method }]) => `${size}: ${(100 * mean).toFixed(1)} ${method}`)
  return `${found.length} of ${planned} cells, best ${words.join(', ')}`
}
