/**
 * `handful sweep`: which layer and noise level of a trained diffusion model to take features from, by labelled and
 * unlabelled training images alone, with accuracies on the test images beside it.
 *
 *     sweep.json    everything, as a study holds it
 *     sweep.csv     a row for each layer and noise level
 */
import type { HeadName, Pooling } from '../../names.js'
import path from 'node:path'
import { writeFileAtomic } from '../../files/atomic.js'
import { formatCsvRow } from '../../files/csv-row.js'
import type { Images } from '../../data/image-set.js'
import { onnxLinearAlgebra } from '../../numerics/onnx-linear-algebra.js'
import { average } from '../../numerics/statistics.js'
import type { StudySweep } from '../../study/sections/sweep/schema.js'
import { labelDraws } from '../../data/draw-labels.js'
import { readDataset, READING, sourceOfRun } from '../../runs/read-dataset.js'
import { settingFlags } from '../../study/sections/sweep/choose.js'
import { layersOf, sweepNoise } from '../../study/sections/sweep/noise-sweep.js'
import { loadTrainedModel } from '../../runs/trained-model.js'
import { checkDevice } from '../../runs/device.js'
import type { JobContext } from '../../training/progress.js'

export interface SweepJobOptions {
  readonly run: string
  /** Where the run's known data set lies now. */
  readonly dataDir?: string
  readonly labelsPerClass: number
  readonly draws: number
  readonly layers?: readonly string[]
  readonly noiseLevels?: readonly number[]
  readonly pooling?: Pooling
  readonly head?: HeadName
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

/** @throws HandfulError for a model without noise levels, images without enough labels, or an unknown layer */
export async function runSweep(options: SweepJobOptions, context: JobContext): Promise<SweepResult> {
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
  const { signal, progress } = context
  await checkDevice(device)
  const trained = await loadTrainedModel(run)
  progress.plan([
    { stage: READING, expectedSeconds: 5 },
    { stage: STAGE, expectedSeconds: 180 },
  ])
  const { train, test } = await readDataset(await sourceOfRun(trained, 'noise-level sweep', dataDir), context)
  if (test === undefined)
    progress.message('No test images: accuracies are left out, and nothing is chosen otherwise.')
  const { classNames } = train
  const drawsOf = (count: number): Int32Array[] => labelDraws(train, { labelsPerClass: count, draws, seed })
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const sweep = await sweepNoise(
      {
        ...settings,
        trained,
        train: withoutLabels(train),
        test,
        classCount: classNames.length,
        labelsPerClass,
        draws: drawsOf(labelsPerClass),
        beforeAfter: compareAt.map((count) => ({ labelsPerClass: count, draws: drawsOf(count) })),
      },
      {
        linearAlgebra,
        seed,
        threads,
        device,
        signal,
        onProgress: (done, total, note) =>
          progress.report({ stage: STAGE, done, total, unit: 'images', note }),
      },
    )
    const files = ['sweep.json', 'sweep.csv'].map((name) => path.join(out, name))
    await writeFileAtomic(
      files[0],
      `${JSON.stringify({ version: 1, dataset: train.name, sweep }, null, 2)}\n`,
    )
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
  } finally {
    await linearAlgebra.close()
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
