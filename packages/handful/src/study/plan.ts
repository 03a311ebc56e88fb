/**
 * The graph of a study as a list of stages in the order in which they are done: cheap and telling ones first, so that a
 * study that is stopped is of use already.
 *
 *   baselines' features and their cells of few labels
 *   each model: training -> features -> cells of few labels
 *   combinations, and their cells of few labels
 *   the supervised network at few labels
 *   sections
 *   cells of many labels, by label count; then the strong supervised network
 */
import { isSmoothed } from '../heads/registry.js'
import type { LabelCount, StudyMissing } from './result.js'
import { pretrainStage } from '../training/pretrain.js'
import { headComponents } from '../features/reduce.js'
import { stageKey } from '../runs/run-folder.js'
import { bankPresent, bankSchema, type BankRecord, combineBanks, makeBank } from './bank.js'
import { fewerDraws, fitBudget, fitStrongNetwork, totalSeconds, trainingShare } from './budget.js'
import { cellsOf, FEW_LABELS, PROTOCOL } from './cell-stages.js'
import { combinationSeconds, featureSeconds, type Scale, smoothingSeconds, stepSeconds } from './estimate.js'
import { isModelName } from '../models/registry.js'
import type { ModelName } from '../names.js'
import { type PlannedMethod, resolveMethods } from './methods.js'
import { parseDuration, type StudyOptions } from './study-options.js'
import { sectionStages } from './section-stages.js'
import { baselineMethod, type FeatureMethod, modelMethod } from './sources.js'
import type { Stage } from '../stages/stage.js'
import { labelSizes } from './study-data.js'
import {
  runPresent,
  type TrainedRecord,
  trainedSchema,
  trainForStudy,
  trainingIdentity,
  type TrainingSettings,
} from './training.js'
import type { Workshop } from './workshop.js'

export interface StudyPlan {
  readonly stages: readonly Stage[]
  /** What does not fit the budget. */
  readonly dropped: readonly StudyMissing[]
  readonly methods: readonly PlannedMethod[]
  readonly labelCounts: readonly LabelCount[]
  readonly heads: readonly string[]
  /** Draws of the labelled images. */
  readonly draws: number
  readonly notes: readonly string[]
  readonly seconds: number
}

/** @throws HandfulError (wrong use) for methods, settings or runs that do not suit the data */
export async function planStudy(workshop: Workshop): Promise<StudyPlan> {
  const { options, data, own } = workshop
  const methods = resolveMethods(options, own)
  const sizes = labelSizes(options.labels, data)
  const budget = options.budget === undefined ? undefined : parseDuration(options.budget)
  const trained = trainingOf(methods, options, budget)
  const build = (draws: number): Promise<Stage[]> =>
    buildStages({ workshop, methods, sizes: sizes.counts, trained, draws })
  const notes = [...data.notes, ...sizes.notes]
  const common = {
    methods,
    labelCounts: sizes.counts,
    heads: [...options.heads, ...Object.keys(workshop.ownHeads)],
  }
  for (const draws of fewerDraws(options.draws)) {
    const all = await build(draws)
    const { stages: affordable, dropped } = fitStrongNetwork(all, options.supervised.strongMinutes * 60)
    if (budget === undefined) {
      return { ...common, stages: affordable, dropped, draws, notes, seconds: totalSeconds(affordable) }
    }
    const last = draws <= Math.min(5, options.draws)
    const fitted = fitBudget(affordable, budget, last ? 'any' : 'dear')
    const seconds = totalSeconds(fitted.stages)
    if (seconds > budget && !last) continue
    const budgetNotes = [...notes]
    if (draws < options.draws) {
      budgetNotes.push(
        `${draws} draws of the labelled images instead of ${options.draws}, to fit ${options.budget}`,
      )
    }
    if (seconds > budget) {
      budgetNotes.push(`what is left takes longer than ${options.budget} by the estimate: take fewer methods`)
    }
    return {
      ...common,
      stages: fitted.stages,
      dropped: [...dropped, ...fitted.dropped],
      draws,
      notes: budgetNotes,
      seconds,
    }
  }
  throw new Error('internal: planStudy: got no number of draws, expected one')
}

/** The models to train, each once, with the time that each gets. */
function trainingOf(
  methods: readonly PlannedMethod[],
  { models, minutesPerModel }: StudyOptions,
  budgetSeconds: number | undefined,
): Map<ModelName, TrainingSettings> {
  const names = [...new Set(methods.flatMap(({ id, parts }) => (parts.length > 0 ? parts : [id])))].filter(
    isModelName,
  )
  const minutesOf = (name: ModelName): number | undefined => {
    const { run, steps, minutes } = models[name]
    return run === undefined && steps === undefined ? (minutes ?? minutesPerModel) : undefined
  }
  const share = trainingShare(
    names.flatMap((name) => minutesOf(name) ?? []),
    budgetSeconds,
  )
  return new Map(
    names.map((name) => {
      const minutes = minutesOf(name)
      const given = minutes === undefined ? undefined : Number((minutes * share).toPrecision(3))
      return [name, { model: name, settings: models[name], minutes: given, steps: models[name].steps }]
    }),
  )
}

export interface Building {
  readonly workshop: Workshop
  readonly methods: readonly PlannedMethod[]
  readonly sizes: readonly LabelCount[]
  readonly trained: ReadonlyMap<ModelName, TrainingSettings>
  readonly draws: number
}

async function buildStages(building: Building): Promise<Stage[]> {
  const { workshop, methods, trained } = building
  const scale = scaleOf(workshop)
  const models = new Map<string, Stage>()
  for (const settings of trained.values())
    models.set(settings.model, await modelStage(settings, building, scale))
  const singles = new Set(
    methods.flatMap(({ id, parts, kind }) => (kind === 'supervised' ? [] : parts.length > 0 ? parts : [id])),
  )
  const banks = new Map<string, Stage>()
  for (const id of singles) banks.set(id, bankStage(id, models.get(id), building, scale))
  for (const { id, parts } of methods) {
    if (parts.length === 0) continue
    const needs = parts.map((part) => banks.get(part) as Stage)
    banks.set(id, combinationStage(id, needs, building, scale))
  }
  const cells = methods.flatMap((method) => cellsOf(method, banks.get(method.id), building, scale))
  const few = ({ labelsPerClass }: Stage): boolean =>
    labelsPerClass !== 'all' && (labelsPerClass ?? 0) <= FEW_LABELS
  const strong = ({ method }: Stage): boolean => method === 'resnet18-small'
  const byCost = (some: Stage[]): Stage[] =>
    some.sort((a, b) => sizeOf(a.labelsPerClass) - sizeOf(b.labelsPerClass) || a.seconds - b.seconds)
  const ordered: Stage[] = []
  const add = (stage: Stage): void => {
    if (ordered.includes(stage)) return
    stage.needs.forEach(add)
    ordered.push(stage)
  }
  const rank = { baseline: 0, generative: 1, combination: 2, supervised: 3 }
  for (const { id } of [...methods].sort((a, b) => rank[a.kind] - rank[b.kind])) {
    const bank = banks.get(id)
    if (bank !== undefined) add(bank)
    byCost(cells.filter((cell) => cell.method === id && few(cell) && !strong(cell))).forEach(add)
  }
  sectionStages({
    workshop,
    methods,
    models,
    banks,
    draws: building.draws,
    sizes: building.sizes,
    scale,
  }).forEach(add)
  byCost(cells.filter((cell) => !strong(cell))).forEach(add)
  byCost(cells.filter(strong)).forEach(add)
  return ordered
}

const sizeOf = (count: LabelCount | undefined): number => (count === 'all' ? Infinity : (count ?? 0))

function scaleOf({ options, data }: Workshop): Scale {
  const { images, test, classNames } = data
  return {
    trainImages: images.count,
    testImages: test.count,
    size: images.height,
    channels: images.channels,
    classCount: classNames.length,
    components: options.components ?? headComponents(images.channels),
    threads: options.threads,
  }
}

async function modelStage(settings: TrainingSettings, { workshop }: Building, scale: Scale): Promise<Stage> {
  const { options, data, place } = workshop
  const { model, minutes, steps } = settings
  const identity = await trainingIdentity(settings, data.images, options)
  const key = stageKey({ PROTOCOL, kind: 'model', identity, images: data.keys.images })
  const ready = settings.settings.run !== undefined
  return {
    kind: 'model',
    name: ready ? `the trained ${model}` : pretrainStage({ name: model }),
    key,
    needs: [],
    seconds: ready ? 1 : minutes === undefined ? stepSeconds(model, steps ?? 0, scale) : 60 * minutes + 5,
    group: pretrainStage({ name: model }),
    method: model,
    schema: trainedSchema,
    present: (result) => runPresent(place.folder, result as TrainedRecord),
    work: ({ signal }) =>
      trainForStudy(settings, data.images, options, {
        ...place,
        signal,
        progress: workshop.progress,
        name: `${model}-${key.slice(0, 8)}`,
      }),
  }
}

function bankOptions(name: string, key: string, { options, data, place }: Workshop) {
  return {
    folder: place.folder,
    name: `${name}-${key.slice(0, 8)}`,
    components: options.components ?? headComponents(data.images.channels),
    whitening: options.whitening,
    seed: options.seed,
    smooth: smooths(options),
  }
}

const smooths = ({ heads }: StudyOptions): boolean => heads.some(isSmoothed)

/** Nothing where no head asks for it, so that what is there without stays good. */
const smoothing = (options: StudyOptions): { readonly smoothed?: true } =>
  smooths(options) ? { smoothed: true } : {}

function methodOf(id: string, model: Stage | undefined, { workshop }: Building): FeatureMethod {
  const brought = workshop.own.find((method) => method.id === id)
  if (brought !== undefined) return brought
  if (model === undefined) return baselineMethod(id, workshop.options)
  return modelMethod(id, id, workshop.options.models[id as ModelName], () => workshop.trainedModel(model))
}

function bankStage(id: string, model: Stage | undefined, building: Building, scale: Scale): Stage {
  const { workshop } = building
  const { options, data, place } = workshop
  const method = methodOf(id, model, building)
  const { whitening, seed } = options
  const key = stageKey({
    PROTOCOL,
    kind: 'features',
    model: model?.key,
    settings: method.settings,
    id: model === undefined ? id : undefined,
    ...{ seed, whitening, components: scale.components, ...smoothing(options) },
    images: data.keys.images,
    test: data.keys.test,
  })
  return {
    kind: 'features',
    name: `features: ${id}`,
    key,
    needs: model === undefined ? [] : [model],
    seconds: featureSeconds(id, scale) + (smooths(options) ? smoothingSeconds(scale) : 0),
    group: `features: ${id}`,
    method: id,
    schema: bankSchema,
    present: (result) => bankPresent(place.folder, result as BankRecord),
    work: (context) =>
      makeBank(
        method,
        { train: data.images, test: data.test.images },
        bankOptions(id, key, workshop),
        context,
      ),
  }
}

function combinationStage(id: string, needs: readonly Stage[], { workshop }: Building, scale: Scale): Stage {
  const { options, place } = workshop
  const { whitening } = options
  const key = stageKey({
    PROTOCOL,
    kind: 'combination',
    whitening,
    components: scale.components,
    ...smoothing(options),
    needs: needs.map((need) => need.key),
  })
  return {
    kind: 'features',
    name: `features: ${id}`,
    key,
    needs,
    seconds: combinationSeconds(scale) + (smooths(options) ? smoothingSeconds(scale) : 0),
    group: `features: ${id}`,
    method: id,
    schema: bankSchema,
    present: (result) => bankPresent(place.folder, result as BankRecord),
    work: async (context) => {
      const parts = await Promise.all(needs.map((need) => workshop.bankRecord(need)))
      return combineBanks(parts, bankOptions(id, key, workshop), context)
    },
  }
}
