/**
 * `handful study`: the whole comparison. Stages are done one after the other, each once; a stage that fails is reported
 * and takes only what needs it with it. However the study ends, study.json holds what is done.
 *
 *     study.yaml          every option as it was resolved
 *     study.json          the result (study/result.ts)
 *     stages/             one file for each stage that is done
 *     models/, features/  what later stages work on
 */
import { isDeepStrictEqual } from 'node:util'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import { printable, quoted, usageError } from '../errors.js'
import type { OwnHeads } from '../heads/registry.js'
import { listAlternatives } from '../errors/suggest.js'
import { type Brought, checkBrought, contentOf } from '../runs/brought.js'
import type { JobContext } from '../training/progress.js'
import type { PlainObject } from '../runs/run-files.js'
import { READING } from '../runs/read-dataset.js'
import { checkDevice } from '../runs/device.js'
import { doneStages, runStages, type RunStagesOptions, type Standing } from '../stages/run-stages.js'
import type { StageName } from '../stages/stage.js'
import { StageStore } from '../stages/stage-store.js'
import type { FullStudy } from './all-sections.js'
import { assembleStudy, bestInWords } from './assemble.js'
import { NETWORK_HEAD } from './cell-stages.js'
import { type DrawFitPool, fitProcesses, openDrawFitPool } from './draw-fit-pool.js'
import { planStudy, type StudyPlan } from './plan.js'
import type { StudyMissing } from './result.js'
import type { FeatureMethod } from '../runs/feature-method.js'
import { mirrorsImages } from '../features/mirror.js'
import { contentKey } from '../files/content-key.js'
import { openOutsideEncoder, type OutsideEncoder } from '../encoders/outside-encoder.js'
import { type OutsidePlace, outsideParts } from '../runs/outside-features.js'
import { encoderSpace } from '../scores/encoder-space.js'
import { type StudyFeatures, outsideMethod } from './sources.js'
import { openStudyData, type StudyData } from './study-data.js'
import { loadStudySoFar, saveStudy } from './study-file.js'
import { checkStudyFolder, openStudyFolder } from './study-folder.js'
import { parseDuration, type StudyOptions, studyOptionsSchemaWith } from './study-options.js'
import type { StudyStage } from './study-stage.js'
import { contrastiveChoice } from './training.js'
import { Workshop } from './workshop.js'

/** Its methods and models stand beside the built-in ones in every comparison, its heads beside those of the registry. */
export interface StudyContext extends JobContext, Brought {
  /** The study's folder: new, empty, or one of the same data. */
  readonly folder: string
  /** The exact command line, for the report. */
  readonly command: string
  /** Versions, machine, seed. */
  readonly environment: PlainObject
  /** Told of the study so far now and then, beside study.json: a study that is killed leaves what this made of it. */
  readonly onSaved?: (study: FullStudy) => Promise<void>
  /** Told of each stage as it is begun, for whoever keeps count. */
  readonly onStage?: (stage: StageName) => void
  /** Processes to fit heads in. Default one for each thread, or this one alone where the fits take moments. */
  readonly fitProcesses?: number
  /** Has the stages done, in the place of this process, by others: gives what `runStages` gives, and notes for the report. */
  readonly runElsewhere?: (
    stages: readonly StudyStage[],
    options: RunStagesOptions<StudyStage>,
    prepared: PreparedStudy,
  ) => Promise<Standing<StudyStage> & { readonly notes: readonly string[] }>
  /** The clock, for the report; the process's own where left out. */
  readonly date?: () => Date
}

/** Data and plan of a study, of which nothing has run yet. */
export interface PreparedStudy {
  readonly workshop: Workshop
  readonly plan: StudyPlan
}

/** One stage of a plan and whether it is done. */
export interface PlannedStage {
  readonly kind: string
  readonly name: string
  readonly done: boolean
  /** That it took, or is expected to take. */
  readonly seconds: number
}

/** What a study would do, and how long it would take. */
export interface StudyOutline {
  readonly stages: readonly PlannedStage[]
  readonly dropped: readonly StudyMissing[]
  readonly notes: readonly string[]
  /** Expected, of what is to be done. */
  readonly secondsLeft: number
}

/** What a study would do and how long it would take: reads the images and runs nothing. */
export async function outlineStudy(options: StudyOptions, context: StudyContext): Promise<StudyOutline> {
  const { workshop, plan } = await prepareStudy(options, context)
  const done = await doneStages(plan.stages, workshop.store)
  const stages = plan.stages.map((stage): PlannedStage => {
    const record = done.get(stage)
    const { kind, name } = stage
    return { kind, name, done: record !== undefined, seconds: record?.seconds ?? stage.seconds }
  })
  const secondsLeft = stages.reduce((sum, { done, seconds }) => sum + (done ? 0 : seconds), 0)
  return { stages, dropped: plan.dropped, notes: plan.notes, secondsLeft }
}

/**
 * Runs what is still to be done and gives the result, which is written to study.json too.
 *
 * @throws HandfulError for options, data or a folder that do not suit; the signal's reason when it is stopped, after
 *   what is done has been written
 */
export async function runStudy(options: StudyOptions, context: StudyContext): Promise<FullStudy> {
  await checkDevice(options.device)
  await checkStudyFolder(context.folder, options)
  // Wrong options and unreadable images are told before anything is written.
  const { workshop, plan } = await prepareStudy(options, context)
  const opened = await openStudyFolder(context.folder, options)
  context.progress.aside(`Study folder: ${printable(context.folder)}`)
  try {
    return await execute(workshop, plan, context)
  } finally {
    await opened.close()
  }
}

/** A head that was brought when the options were read has to be there now. */
function checkHeadline({ heads, headline }: StudyOptions, own: OwnHeads): void {
  const known = [...heads, ...Object.keys(own)]
  if (headline === undefined || known.includes(headline)) return
  throw usageError({
    what: 'headline',
    where: 'runStudy',
    got: quoted(headline),
    expected: listAlternatives(known),
    hint: 'give that head to this call too',
  })
}

/** Reads the images and plans. @throws HandfulError as `runStudy` for options and data that do not suit */
export async function prepareStudy(options: StudyOptions, context: StudyContext): Promise<PreparedStudy> {
  const data = await openStudyData(options, context)
  const store = new StageStore(context.folder)
  const brought = checkBrought(context, 'runStudy')
  checkHeadline(options, brought.heads)
  const { encoder: file, threads, device } = options
  const encoder =
    file === undefined ? undefined : await openOutsideEncoder(file, options, { threads, device })
  const place = { folder: context.folder, store }
  const outside = await outsideMethods({ options, encoder, place }, data, context)
  const mirror = await mirrorsImages(data.images, options)
  const workshop = new Workshop({
    ...{ options, mirror, store },
    data: mirror ? { ...data, notes: [...data.notes, mirroredNote(options)] } : data,
    progress: context.progress,
    environment: context.environment,
    own: [...outside, ...brought.methods.map((method) => withContent(method, brought))],
    brought,
    contrastive: await contrastiveChoice(options, brought.models),
    encoder: encoder && encoderSpace(encoder),
  })
  const plan = await planStudy(workshop)
  for (const note of plan.notes) context.progress.message(note)
  return { workshop, plan }
}

const mirroredNote = ({ mirror, encoder, embeddings }: StudyOptions): string => {
  const because = mirror === 'auto' ? ', since mirrored images look like the others' : ''
  const apart = (encoder ?? embeddings) !== undefined ? ' Features made elsewhere are as they came.' : ''
  return `All methods see an image and its mirrored image${because}: features are means over both, and so are the probabilities of networks.${apart}`
}

/** What comes from another content of its file is another method, whatever its settings. */
function withContent(method: FeatureMethod, brought: Brought): FeatureMethod {
  const plugin = contentOf(brought, 'methods', method.id)
  return plugin === undefined ? method : { ...method, settings: { plugin, settings: method.settings } }
}

/** Features made elsewhere: read and checked before anything is computed, and without writing. */
async function outsideMethods(
  {
    options: { embeddings, threads, device },
    encoder,
    place,
  }: {
    readonly options: StudyOptions
    readonly encoder: OutsideEncoder | undefined
    readonly place: OutsidePlace
  },
  { images, test, origins, keys }: StudyData,
  { progress }: StudyContext,
): Promise<StudyFeatures[]> {
  const parts = await outsideParts(
    { encoder, embeddings },
    {
      place,
      sets: {
        train: { images, originals: origins.train },
        test: { images: test.images, originals: origins.test },
      },
      imagesKey: contentKey([keys.images, keys.test]),
      threads,
      device,
      tell: (text) => progress.message(text),
    },
  )
  return parts.map((part) => outsideMethod(part, place))
}

/** Between two writings of study.json while cells are done. */
const SAVE_SECONDS = 60
/** And of the report, which takes seconds to draw. */
const REPORT_SECONDS = 300

async function execute(workshop: Workshop, plan: StudyPlan, context: StudyContext): Promise<FullStudy> {
  const { signal, progress, onSaved, onStage, date = () => new Date() } = context
  const { options, store } = workshop
  const { seed, threads, device, budget } = options
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  const elsewhere = context.runElsewhere
  const pool = elsewhere === undefined ? await fitPool(plan, workshop, context) : undefined
  workshop.fitters = pool?.fitters ?? []
  // A fit under way is not waited for.
  const stop = (): void => pool?.close()
  signal.addEventListener('abort', stop, { once: true })
  const command = await commandOf(options, context)
  const write = async (standing: Standing<StudyStage>, more: readonly string[] = []): Promise<FullStudy> => {
    const noted = { ...plan, notes: [...plan.notes, ...more] }
    const study = assembleStudy({
      workshop,
      plan: noted,
      standing,
      context: { ...context, command },
      date: date(),
    })
    await saveStudy(context.folder, study)
    return study
  }
  let saved = performance.now()
  let told = -Infinity
  const isCell = ({ kind }: StudyStage): boolean => kind === 'cell'
  try {
    const running: RunStagesOptions<StudyStage> = {
      store,
      progress,
      context: { linearAlgebra, seed, threads, device, signal },
      before: [{ stage: READING, expectedSeconds: 5 }],
      budget:
        budget === undefined ? undefined : { seconds: parseDuration(budget) ?? Infinity, words: budget },
      noteOf: (stage, { done }) => (isCell(stage) ? bestInWords(plan.cells, done) : undefined),
      onBegin: onStage,
      onEnd: async (stage, standing) => {
        if (isCell(stage) && performance.now() - saved < SAVE_SECONDS * 1000) return
        const study = await write(standing)
        if (performance.now() - told > REPORT_SECONDS * 1000) {
          await onSaved?.(study)
          told = performance.now()
        }
        saved = performance.now()
      },
      // Whatever stopped it, what is done can be read.
      onStopped: async (standing) => void (await write(standing)),
      date,
    }
    if (elsewhere === undefined) return await write(await runStages(plan.stages, running))
    const { notes, ...standing } = await elsewhere(plan.stages, running, { workshop, plan })
    return await write(standing, notes)
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await linearAlgebra.close()
  }
}

/** Fits that take less than so many seconds in all are done before other processes have started. */
const WORTH_SECONDS = 20

/** Processes to fit heads in, where what is left of them is worth it. */
async function fitPool(
  { stages, cells }: StudyPlan,
  { store, options: { threads, device } }: Workshop,
  { folder, fitProcesses: asked }: StudyContext,
): Promise<DrawFitPool | undefined> {
  const done = await doneStages(stages, store)
  const left = cells.filter((cell) => cell.head !== NETWORK_HEAD && !done.has(cell))
  const worth = left.reduce((sum, { seconds }) => sum + seconds, 0) > WORTH_SECONDS
  const processes = asked ?? (worth ? fitProcesses(threads) : 1)
  return processes > 1 ? openDrawFitPool({ processes, threads, device, folder }) : undefined
}

const plain = (options: StudyOptions | undefined): unknown => JSON.parse(JSON.stringify(options ?? null))

/** The command that the options came from: of a study that is gone on with unchanged, the one that began it. */
async function commandOf(
  options: StudyOptions,
  { folder, command, heads, models }: StudyContext,
): Promise<string> {
  const before = await loadStudySoFar(folder).catch(() => undefined)
  if (before === undefined) return command
  // Read as options are: a study of an older version says nothing of what has come since.
  const saved = studyOptionsSchemaWith({ heads, models }).safeParse(before.config).data
  return isDeepStrictEqual(plain(saved), plain(options)) ? before.command : command
}
