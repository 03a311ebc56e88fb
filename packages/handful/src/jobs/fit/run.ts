/**
 * The main job: images and a few labels in; a trained model, predictions for every image and a report out.
 *
 *   read the images -> run an encoder made elsewhere -> train the model -> patches -> features -> heads over the draws -> classifier -> pictures -> report
 *
 * All but the reading are stages whose results the run folder keeps: a run that is gone on with does what is left.
 */
import type { Dataset } from '../../data/dataset.js'
import type { RunReport } from '../../draw/run-report.js'
import { headEntry } from '../../heads/registry.js'
import type { ImageShape } from '../../models/model.js'
import { modelNamed } from '../../models/registry.js'
import { checkDevice } from '../../runs/device.js'
import { type Brought, checkBrought } from '../../runs/brought.js'
import { runJobStages } from '../../runs/job-stages.js'
import { readDataset, READING, READING_STAGE } from '../../runs/read-dataset.js'
import type { RunContext } from '../../runs/run-folder.js'
import { writeRunImages } from '../../runs/run-images.js'
import { knownShape, resolveModel } from '../../training/model-options.js'
import { pretrainStage } from '../../training/pretrain.js'
import type { PlannedStage } from '../../training/progress.js'
import { PICTURES, picturesStage } from '../pictures-stage.js'
import { type FeatureFitOptions, type FitOptions, NO_MODEL } from './fit-options.js'
import {
  classifierStage,
  encoderSource,
  featuresStage,
  partsBeside,
  patchesStage,
  reportStage,
} from './fit-stages.js'
import { headsStage } from './heads-stage.js'
import { expectedSeconds, TITLES } from './stage-titles.js'
import { savedReport } from './fit-report.js'
import { openFitting } from './fitting.js'
import { runNetworkFit } from './network-run.js'

/**
 * Trains, predicts and writes the run folder whole: predictions.csv, the model, report.json and report.html.
 *
 * @example
 *     const options = parseFitOptions({ folder: 'photos', steps: 500 })
 *     const run = await RunFolder.create({ parent: 'runs', name: 'photos', date: new Date(), config: options, environment: {} })
 *     const report = await runFit(options, { run, signal: new AbortController().signal, progress: silentProgress })
 *     await run.close()
 *
 * @param given heads, models and methods in it stand beside those that are built in
 * @param relabel gives the images other labels than those that they lie with
 * @throws HandfulError for options or images that do not suit; the error of a stage that fails, or the signal's reason
 */
export async function runFit(
  options: FitOptions,
  given: RunContext,
  relabel?: (found: Dataset) => Dataset,
): Promise<RunReport> {
  const context = { ...given, ...checkBrought(given, 'runFit') }
  await checkDevice(options.device)
  return options.method === undefined
    ? runFeatureFit(options, context, relabel)
    : runNetworkFit(options, context)
}

async function runFeatureFit(
  options: FeatureFitOptions,
  context: RunContext,
  relabel?: (found: Dataset) => Dataset,
): Promise<RunReport> {
  const { run, progress } = context
  const early = knownShape(options)
  // A wrong setting is said before images are read, where their shape is known beforehand.
  checkOptions(options, context, early)
  progress.plan(beforeReading(options))
  const started = performance.now()
  const onCounted = (images: number): void => progress.plan(beforeReading(options, images))
  const found = await readDataset(options, { ...context, onCounted }, relabel && 'optional')
  const dataset = relabel === undefined ? found : relabel(found)
  const read = { stage: READING, seconds: (performance.now() - started) / 1000 }
  // Too few labels for what was asked, or an encoder that does not fit, are told before minutes of training, not after.
  const fitting = await openFitting(options, dataset, context)

  const { learning } = fitting
  const patches = options.patches === 0 ? undefined : patchesStage(fitting)
  const encoder = encoderSource(fitting, patches)
  const features = featuresStage(fitting, { patches, encoder })
  const heads = headsStage(fitting, features)
  const classifier = classifierStage(fitting, { patches, encoder, features, heads })
  const pictures = learning && picturesStage(dataset.train, { ...learning, run })
  const report = reportStage(fitting, { patches, features, heads, classifier, pictures }, read)

  const stages = [
    ...partsBeside(fitting).map(({ stage }) => stage),
    ...(learning ? [learning.train] : []),
    ...(patches ? [patches] : []),
    features,
    heads,
    classifier,
    ...(pictures ? [pictures] : []),
    report,
  ]
  await runJobStages(stages, { ...context, ...options, store: run.store, before: [READING_STAGE] })
  // A refit has its labels from the journal, whose first step is of these.
  if (relabel === undefined && (dataset.blind ?? dataset.accepted)) await writeRunImages(run, dataset)
  return savedReport(run, await run.store.result(report), context)
}

/** What can be told before the images are read, their shape where it is known. */
export function checkOptions(
  { model, preset, set, head }: Pick<FeatureFitOptions, 'model' | 'preset' | 'set' | 'head'>,
  { models, heads }: Brought,
  image: ImageShape | undefined,
): void {
  if (!Object.hasOwn(heads ?? {}, head)) headEntry(head)
  if (model === NO_MODEL) return
  const { bestPreset } = modelNamed(model, models)
  if (image !== undefined) resolveModel({ model, preset: preset ?? bestPreset, set }, image, models)
}

/** What is to come, as far as the options tell. */
function beforeReading({ model, minutes, patches }: FeatureFitOptions, images?: number): PlannedStage[] {
  const seconds = expectedSeconds(patches, images)
  const stage = (name: keyof typeof TITLES): PlannedStage => ({
    stage: TITLES[name],
    expectedSeconds: seconds[name],
  })
  return [
    READING_STAGE,
    ...(model === NO_MODEL
      ? []
      : [
          {
            stage: pretrainStage({ name: model }),
            expectedSeconds: minutes === undefined ? undefined : minutes * 60,
          },
        ]),
    ...(patches === 0 ? [] : [stage('patches')]),
    stage('features'),
    stage('heads'),
    stage('classifier'),
    ...(model === NO_MODEL ? [] : [{ stage: PICTURES, expectedSeconds: 2 }]),
    stage('report'),
  ]
}
