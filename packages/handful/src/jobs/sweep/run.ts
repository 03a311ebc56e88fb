/**
 * `handful sweep`: which layer and noise level of a trained diffusion model to take features from, by labelled and
 * unlabelled training images alone, with accuracies on the test images beside it.
 *
 *     sweep.json    everything, as a study holds it
 *     sweep.csv     a row for each layer and noise level
 */
import type { Pooling } from '../../names.js'
import path from 'node:path'
import { writeFileAtomic } from '../../files/atomic.js'
import { formatCsvRow } from '../../files/csv-row.js'
import type { Images } from '../../data/image-set.js'
import { average } from '../../numerics/statistics.js'
import { type StudySweep, sweepSchema } from '../../study/sections/sweep/schema.js'
import { labelDraws } from '../../data/draw-labels.js'
import { headEntry } from '../../heads/registry.js'
import { readDataset, READING_STAGE, sourceOfRun } from '../../runs/read-dataset.js'
import { settingFlags } from '../../study/sections/sweep/choose.js'
import { layersOf, sweepNoise } from '../../study/sections/sweep/noise-sweep.js'
import { loadTrainedModel, trainedKey } from '../../runs/trained-model.js'
import { imagesKey, labelsKey, testKey } from '../../data/content.js'
import { contentKey } from '../../files/content-key.js'
import { type Brought, checkBrought, contentOf } from '../../runs/brought.js'
import { runJobStages } from '../../runs/job-stages.js'
import type { Stage } from '../../stages/stage.js'
import { StageStore } from '../../stages/stage-store.js'
import { checkDevice } from '../../runs/device.js'
import type { JobContext } from '../../training/progress.js'

/** Which layers and noise levels of a run's model `runSweep` tries, and by which labels and head it judges them. */
export interface SweepJobOptions {
  readonly run: string
  /** Where the run's known data set lies now. */
  readonly dataDir?: string
  readonly labelsPerClass: number
  readonly draws: number
  readonly layers?: readonly string[]
  readonly noiseLevels?: readonly number[]
  readonly pooling?: Pooling
  /** The name of a head that is built in, or of one of the context's. */
  readonly head?: string
  /** Numbers of labels at which a badly fixed noise level is compared with the chosen ones. */
  readonly compareAt?: readonly number[]
  /** Test images that count, at most. */
  readonly testImages?: number
  readonly unlabelledImages?: number
  /** Of the draws of labelled images, and of noise. */
  readonly seed: number
  readonly threads: number
  readonly device: string
  /** A folder. */
  readonly out: string
}

/** What a sweep found, and the files it wrote. */
export interface SweepResult {
  readonly sweep: StudySweep
  readonly dataset: string
  readonly classCount: number
  /** Test images that the accuracies were counted on. */
  readonly testImages: number
  /** What each way of choosing takes, as `handful features` takes it. */
  readonly flags: Readonly<Partial<Record<ChoosingBy, string>>>
  readonly files: readonly string[]
}

/** `together` takes two layers at two noise levels and chooses nothing. */
export type ChoosingBy = StudySweep['chosen'][number]['by'] | 'together'

const STAGE = 'compare noise levels'
const SECONDS = 180

/** @throws HandfulError for a model without noise levels, images without enough labels, an unknown layer or head */
export async function runSweep(
  options: SweepJobOptions,
  context: JobContext & Brought,
): Promise<SweepResult> {
  const {
    run,
    dataDir,
    out,
    labelsPerClass,
    draws,
    seed,
    threads,
    device,
    compareAt = [],
    ...settings
  } = options
  const { progress } = context
  const { heads: own } = checkBrought(context, 'runSweep')
  const { head } = settings
  if (head !== undefined && !Object.hasOwn(own, head)) headEntry(head)
  await checkDevice(device)
  const trained = await loadTrainedModel(run, context)
  progress.plan([READING_STAGE, { stage: STAGE, expectedSeconds: SECONDS }])
  const { train, test } = await readDataset(await sourceOfRun(trained, 'noise-level sweep', dataDir), context)
  if (test === undefined)
    progress.message('No test images: accuracies are left out, and nothing is chosen otherwise.')
  const { classNames } = train
  const drawsOf = (count: number): Int32Array[] => labelDraws(train, { labelsPerClass: count, draws, seed })
  const swept = [labelsPerClass, ...compareAt].map((count) => ({
    labelsPerClass: count,
    draws: drawsOf(count),
  }))
  const [[largest], beforeAfter] = [swept, swept.slice(1)]
  const labels = swept.map((each) => each.draws.map((draw) => labelsKey(draw, classNames)))
  const content = head === undefined ? undefined : contentOf(context, 'heads', head)
  const identity = {
    kind: 'sweep',
    model: await trainedKey(trained),
    images: imagesKey(train),
    test: test && testKey(test, seed),
    swept: { labelsPerClass, compareAt, labels },
    settings,
    seed,
    device,
    ...(content === undefined ? {} : { plugin: content }),
  }
  const stage: Stage<StudySweep> = {
    kind: 'sweep',
    name: STAGE,
    settings: identity,
    key: contentKey(identity),
    needs: [],
    seconds: SECONDS,
    group: STAGE,
    reportsItself: true,
    schema: sweepSchema,
    work: (stageContext) =>
      sweepNoise(
        {
          ...settings,
          ...largest,
          own,
          trained,
          train: withoutLabels(train),
          test,
          classCount: classNames.length,
          beforeAfter,
        },
        {
          ...stageContext,
          onProgress: (done, total, note) =>
            progress.report({ stage: STAGE, done, total, unit: 'images', note }),
        },
      ),
  }
  const store = new StageStore(out)
  await runJobStages([stage], { ...context, store, seed, threads, device, before: [READING_STAGE] })
  const sweep = await store.result(stage)
  const files = ['sweep.json', 'sweep.csv'].map((name) => path.join(out, name))
  await writeFileAtomic(files[0], `${JSON.stringify({ version: 1, dataset: train.name, sweep }, null, 2)}\n`)
  await writeFileAtomic(files[1], sweepRows(sweep).map(formatCsvRow).join(''))
  const testImages = test === undefined ? 0 : Math.min(test.count, settings.testImages ?? 2000)
  return {
    sweep,
    dataset: train.name,
    classCount: classNames.length,
    testImages,
    flags: flagsOf(sweep),
    files,
  }
}

/** What the sweep is given beside the draws. */
function withoutLabels({ name, count, height, width, channels, pixels, paths }: Images): Images {
  return { name, count, height, width, channels, pixels, paths }
}

function flagsOf({ chosen, together }: StudySweep): SweepResult['flags'] {
  const entries = chosen.map(
    ({ by, layer, noiseLevel }) => [by, settingFlags(layersOf(layer), [noiseLevel])] as const,
  )
  return {
    ...Object.fromEntries(entries),
    ...(together && { together: settingFlags(together.layers, together.noiseLevels) }),
  }
}

function sweepRows({ points, together, chosen }: StudySweep): string[][] {
  const mean = (values: readonly number[]): string => (values.length === 0 ? '' : String(average(values)))
  const by = (layer: string, noiseLevel: number): string =>
    chosen
      .filter((each) => each.layer === layer && each.noiseLevel === noiseLevel)
      .map((each) => each.by)
      .join(' ')
  const row = (
    {
      accuracies,
      crossValidated,
      labelFree,
    }: Pick<StudySweep['points'][number], 'accuracies' | 'crossValidated' | 'labelFree'>,
    ...[layers, levels, how]: string[]
  ): string[] => [
    layers,
    levels,
    mean(accuracies),
    mean(crossValidated),
    String(labelFree ?? ''),
    how,
    accuracies.join(' '),
  ]
  return [
    ['layers', 'noise_level', 'accuracy', 'cross_validated', 'label_free', 'chosen_by', 'accuracies'],
    ...points.map((point) =>
      row(point, point.layer, String(point.noiseLevel), by(point.layer, point.noiseLevel)),
    ),
    ...(together
      ? [row(together, together.layers.join('+'), together.noiseLevels.join('+'), 'not choosing')]
      : []),
  ]
}
