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
import { formatDuration } from '../draw/format.js'
import { usageError } from '../errors.js'
import { isNetwork } from './method-kinds.js'
import type { LabelCount, StudyMissing } from './result.js'
import { pretrainStage } from '../training/pretrain.js'
import { headComponents } from '../features/reduce.js'
import { modelInWords, type SemiSupervisedName } from '../names.js'
import { type BankStage, bankStage, combinationStage, type ModelStage } from './bank-stages.js'
import { fewerDraws, fitBudget, type Fitted, fitNetwork, type NetworkLimit, totalSeconds } from './budget.js'
import { type CellStage, cellsOf, FEW_LABELS, PROTOCOL, trainingInWords } from './cell-stages.js'
import { type Scale, stepSeconds } from './estimate.js'
import { stemOf } from '../models/supervised-registry.js'
import type { SelfTrainingNeeds } from './self-training.js'
import { fewestMethods, fitsBudget, withFewerMethods } from './fewer-methods.js'
import { modelNamed } from '../models/registry.js'
import { contentOf } from '../runs/brought.js'
import { singleTrainings, trainingOf, type Trainings } from './plan-trainings.js'
import { isSemiSupervised, modelsToCome, type PlannedMethod, resolveMethods } from './methods.js'
import { parseDuration, type StudyOptions } from './study-options.js'
import { sectionStages } from './all-sections.js'
import { inOrder } from '../stages/stage.js'
import type { StudyStage } from './study-stage.js'
import { labelSizes } from './study-data.js'
import {
  contrastiveModels,
  runPresent,
  trainedSchema,
  trainForStudy,
  trainingIdentity,
  type TrainingSettings,
} from './training.js'
import type { Workshop } from './workshop.js'
import { contentKey } from '../files/content-key.js'
import type { MethodSpaces } from './leading.js'

export interface StudyPlan {
  readonly stages: readonly StudyStage[]
  /** By name of the model or id of the method, the first training of each. */
  readonly models: ReadonlyMap<string, ModelStage>
  readonly banks: ReadonlyMap<string, BankStage>
  /** Those of the stages that are cells, in their order. */
  readonly cells: readonly CellStage[]
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

/**
 * @throws HandfulError (wrong use) for methods, settings or runs that do not suit the data, and for a budget that not even
 *   one method with all its heads fits
 */
export async function planStudy(workshop: Workshop): Promise<StudyPlan> {
  const { options, own, brought } = workshop
  const contrastive = await contrastiveModels(workshop.data.images, options, brought.models)
  const all = resolveMethods(options, [...own, ...modelsToCome(brought.models)], contrastive)
  const budget = options.budget === undefined ? undefined : parseDuration(options.budget)
  const plan = await planMethods(workshop, all, budget)
  if (budget === undefined || fitsBudget(plan, budget)) return plan
  const smaller = await withFewerMethods(
    all,
    { seconds: budget, words: options.budget ?? '' },
    (methods, whole) => planMethods(workshop, methods, budget, whole),
  )
  if (smaller !== undefined) return smaller
  const fewest = fewestMethods(all)
  let enough = 60
  while (!fitsBudget(await planMethods(workshop, fewest, enough), enough)) enough += 60
  throw usageError({
    what: '--budget',
    got: options.budget ?? '',
    expected: `at least ${formatDuration(enough)}, in which one method fits with all heads`,
    hint: 'give it more time, or fewer --heads, --labels and --draws',
  })
}

/**
 * @param budget seconds
 * @param whole leaves nothing out: the budget is that of training alone
 */
async function planMethods(
  workshop: Workshop,
  methods: readonly PlannedMethod[],
  budget: number | undefined,
  whole = false,
): Promise<StudyPlan> {
  const { options, data } = workshop
  const sizes = labelSizes(options.labels, data)
  const { trained, fixmatch, selfTraining } = trainingOf(methods, options, budget)
  const notes = [...data.notes, ...sizes.notes, ...singleTrainings(trained, options)]
  for (const draws of fewerDraws(options.draws)) {
    const built = await buildStages({
      ...{ workshop, methods, sizes: sizes.counts, trained, fixmatch, selfTraining, draws },
    })
    const planned = ({ stages, dropped }: Fitted, more: readonly string[] = []): StudyPlan => ({
      ...built,
      stages,
      cells: stages.flatMap((stage) => built.cells.find((cell) => cell === stage) ?? []),
      dropped,
      methods,
      labelCounts: sizes.counts,
      heads: workshop.headNames,
      draws,
      notes: [...notes, ...more],
      seconds: totalSeconds(stages),
    })
    const affordable = withinLimits(built.stages, options)
    if (budget === undefined || whole) return planned(affordable)
    const last = draws <= Math.min(5, options.draws)
    const fitted = fitBudget(affordable.stages, budget, last ? 'any' : 'dear')
    if (totalSeconds(fitted.stages) > budget && !last) continue
    const more =
      draws < options.draws
        ? [`${draws} draws of the labelled images instead of ${options.draws}, to fit ${options.budget}`]
        : []
    return planned({ ...fitted, dropped: [...affordable.dropped, ...fitted.dropped] }, more)
  }
  throw new Error('internal: planMethods: got no number of draws, expected one')
}

/** The networks' own limits of time. */
function withinLimits(
  stages: readonly StudyStage[],
  { supervised, fixmatch, selfTraining }: StudyOptions,
): Fitted {
  const limits: NetworkLimit[] = [
    { isOne: isStrong, minutes: supervised.strongMinutes, option: 'supervised.strongMinutes' },
    { isOne: named('fixmatch'), minutes: fixmatch.totalMinutes, option: 'fixmatch.totalMinutes' },
    {
      isOne: named('self-training'),
      minutes: selfTraining.totalMinutes,
      option: 'selfTraining.totalMinutes',
    },
  ]
  return limits.reduce(
    (fitted: Fitted, limit): Fitted => {
      const next = fitNetwork(fitted.stages, limit)
      return { stages: next.stages, dropped: [...fitted.dropped, ...next.dropped] }
    },
    { stages: [...stages], dropped: [] },
  )
}

const named =
  (name: SemiSupervisedName) =>
  ({ method }: Pick<StudyStage, 'method'>): boolean =>
    method === name

const isStrong = ({ method = '' }: Pick<StudyStage, 'method'>): boolean => stemOf(method) === 'small'

interface Building extends Trainings {
  readonly workshop: Workshop
  readonly methods: readonly PlannedMethod[]
  readonly sizes: readonly LabelCount[]
  readonly draws: number
}

interface Built {
  /** In the order in which they are done. */
  readonly stages: readonly StudyStage[]
  readonly models: ReadonlyMap<string, ModelStage>
  readonly banks: ReadonlyMap<string, BankStage>
  readonly cells: readonly CellStage[]
}

async function buildStages({
  workshop,
  methods,
  sizes,
  trained,
  fixmatch,
  selfTraining,
  draws,
}: Building): Promise<Built> {
  const scale = scaleOf(workshop)
  const trainings = new Map<string, ModelStage[]>()
  for (const settings of trained) {
    const stage = await modelStage(settings, workshop, scale)
    trainings.set(settings.model, [...(trainings.get(settings.model) ?? []), stage])
  }
  const singles = new Set(
    methods.flatMap(({ id, parts, kind }) => (parts.length > 0 || isNetwork({ kind }) ? parts : [id])),
  )
  const banks = new Map<string, BankStage[]>()
  for (const id of singles) {
    const models = trainings.get(id)
    banks.set(
      id,
      models?.map((model, training) => bankStage(id, { model, training }, workshop, scale)) ?? [
        bankStage(id, {}, workshop, scale),
      ],
    )
  }
  // Networks that learn on from features have these for themselves: nothing else is fitted to them.
  const guides = new Map<string, BankStage[]>()
  const leading = new Map<string, BankStage[][]>()
  for (const { id, parts, kind } of methods) {
    if (parts.length === 0) continue
    const needs = parts.flatMap((part) => [banks.get(part) ?? []])
    const most = Math.max(...needs.map(({ length }) => length))
    // What is trained once stands beside each training of the others.
    const combined = (training: number, leader?: number): BankStage =>
      combinationStage(
        { id, training, leader: leader === undefined ? undefined : { place: leader, id: parts[leader] } },
        needs.map((each) => each[training] ?? each[0]),
        workshop,
        scale,
      )
    const each = <S>(made: (training: number) => S): S[] =>
      Array.from({ length: most }, (_, training) => made(training))
    const kept = isNetwork({ kind }) ? guides : banks
    kept.set(
      id,
      each((training) => combined(training)),
    )
    if (workshop.options.features === 'auto')
      leading.set(
        id,
        each((training) => parts.map((_, leader) => combined(training, leader))),
      )
  }
  const spacesOf = (id: string, from = banks): MethodSpaces[] =>
    (from.get(id) ?? []).map((bank, training) => [bank, ...(leading.get(id)?.[training] ?? [])])
  const firsts = <K, S>(all: ReadonlyMap<K, readonly S[]>): Map<K, S> =>
    new Map([...all].map(([key, [first]]) => [key, first]))
  const [models, firstBanks] = [firsts(trainings), firsts(banks)]
  const beginsOf = ({ id, parts }: PlannedMethod): SelfTrainingNeeds | undefined => {
    const [spaces] = spacesOf(id, guides)
    const model = parts.flatMap((part) => trainings.get(part) ?? []).at(0)
    const beside = parts.filter((part) => !trainings.has(part)).flatMap((part) => banks.get(part)?.[0] ?? [])
    return spaces === undefined || model === undefined ? undefined : { model, spaces, beside }
  }
  const parts = { workshop, sizes, draws, scale, fixmatch, selfTraining }
  const cells = methods.flatMap((method) => cellsOf(method, spacesOf(method.id), parts, beginsOf(method)))
  const few = ({ labelsPerClass }: CellStage): boolean =>
    labelsPerClass !== 'all' && labelsPerClass <= FEW_LABELS
  // What takes longest, and is no part of any other.
  const late = ({ method, training = 0 }: CellStage): boolean =>
    isStrong({ method }) || isSemiSupervised(method) || training > 0
  const byCost = (some: CellStage[]): CellStage[] =>
    some.sort((a, b) => sizeOf(a.labelsPerClass) - sizeOf(b.labelsPerClass) || a.seconds - b.seconds)
  const rank = {
    ...{ baseline: 0, outside: 1, generative: 2, contrastive: 2, combination: 3, supervised: 4 },
    'semi-supervised': 5,
  }
  const first = [...methods]
    .sort((a, b) => rank[a.kind] - rank[b.kind])
    .flatMap(({ id }): StudyStage[] => {
      const bank = firstBanks.get(id)
      const own = cells.filter((cell) => cell.method === id && few(cell) && !late(cell))
      return [...(bank === undefined ? [] : [bank]), ...byCost(own)]
    })
  const stages = inOrder<StudyStage>([
    ...first,
    ...sectionStages({ workshop, methods, models, banks: firstBanks, draws, sizes, scale }),
    ...byCost(cells.filter((cell) => !late(cell))),
    ...byCost(cells.filter(({ training = 0 }) => training > 0)),
    ...byCost(cells.filter((cell) => late(cell))),
    // Each comes before the first that needs it.
    ...[...trainings.values()].flat(),
    ...workshop.own.flatMap(({ rows }) => rows?.stage ?? []),
    ...[...banks.values(), ...guides.values(), ...[...leading.values()].flat()].flat(),
  ])
  return { stages, models, banks: firstBanks, cells }
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
    components: options.components ?? headComponents(images),
    threads: options.threads,
  }
}

async function modelStage(training: TrainingSettings, workshop: Workshop, scale: Scale): Promise<ModelStage> {
  const { options, data, place, brought } = workshop
  const { model, minutes, steps, training: number } = training
  const identity = await trainingIdentity(training, data.images, options, brought.models)
  const plugin = contentOf(brought, 'models', model)
  const settings = { PROTOCOL, kind: 'model', identity, images: data.keys.images, plugin }
  const key = contentKey(settings)
  const ready = training.settings.run !== undefined
  return {
    kind: 'model',
    settings,
    name: ready
      ? `the trained ${modelInWords(model)}`
      : pretrainStage({ name: model }) + trainingInWords(number),
    key,
    needs: [],
    seconds: ready
      ? 1
      : minutes === undefined
        ? stepSeconds(modelNamed(model, brought.models), steps ?? 0, scale)
        : 60 * minutes + 5,
    group: pretrainStage({ name: model }) + trainingInWords(number),
    reportsItself: true,
    method: model,
    schema: trainedSchema,
    present: (result) => runPresent(place.folder, result),
    work: (context) =>
      trainForStudy(
        training,
        data.images,
        options,
        {
          ...place,
          models: brought.models,
          progress: workshop.progress,
          reading: data.reading,
          name: `${model}-${key.slice(0, 8)}`,
        },
        context,
      ),
  }
}
