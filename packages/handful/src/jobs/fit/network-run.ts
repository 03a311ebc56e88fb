/**
 * `handful fit --method fixmatch` and `--method self-training`: one network from the labelled few and the unlabelled images
 * together, in the place of features and a head.
 *
 *   read the images -> what the method needs -> train the network -> train on other draws, or without parts of the labels -> predict all images
 *     -> raw pixels, for comparison -> classifier -> report
 *
 * All but the reading are stages whose results the run folder keeps.
 */
import { z } from 'zod'
import { imagesKey, labelsKey, testKey } from '../../data/content.js'
import { labelDraws } from '../../data/draw-labels.js'
import { checkLabels } from '../../data/image-set.js'
import { type RunReport, runReportSchema } from '../../draw/run-report.js'
import { pixelFeatures } from '../../features/baselines/pixels.js'
import { mirrorsImages } from '../../features/mirror.js'
import { contentKey } from '../../files/content-key.js'
import { compareHeads, comparedHeads } from '../../heads/compare-heads.js'
import { judgesOf } from '../../heads/judges.js'
import { addBins } from '../../numerics/reliability.js'
import { runJobStages } from '../../runs/job-stages.js'
import { readDataset, READING, READING_STAGE } from '../../runs/read-dataset.js'
import type { RunContext } from '../../runs/run-folder.js'
import type { ImageShape } from '../../models/model.js'
import type { Stage } from '../../stages/stage.js'
import { pretrainStage, type TrainingSummary } from '../../training/pretrain.js'
import type { PlannedStage } from '../../training/progress.js'
import type { NetworkFitOptions } from './fit-options.js'
import { fixMatchMethod } from './fixmatch.js'
import { fitReport, type ReportedFit, savedReport } from './fit-report.js'
import { comparisonSchema, type FitComparison, fittedKey } from './fitting.js'
import { judgesKey, judgingLabels } from './judging.js'
import type { Judged } from './network-judging.js'
import {
  networkClassifierStage,
  type PredictedStage,
  predictedStage,
  probabilitiesOf,
} from './network-stages.js'
import {
  type DrawStage,
  drawStage,
  NETWORK,
  type NetworkFitting,
  type NetworkMethod,
  type NetworkStage,
  networkStage,
  type PartStage,
  partStages,
} from './network-training.js'
import { selfTrainingLimits, selfTrainingMethod } from './self-training.js'

/** @throws HandfulError for settings or images that do not suit, or too few labels; the error of a stage that fails */
export async function runNetworkFit(options: NetworkFitOptions, context: RunContext): Promise<RunReport> {
  const { run, progress } = context
  progress.plan(beforeReading(options))
  const started = performance.now()
  const dataset = await readDataset(options, context)
  const read = { stage: READING, seconds: (performance.now() - started) / 1000 }
  const { train, test } = dataset
  checkLabels(train)
  const draws = labelDraws(train, { ...options, draws: test === undefined ? 1 : options.draws })
  const { name, classNames, paths } = train
  const image: ImageShape = { size: train.height, channels: train.channels }
  const method =
    options.method === 'fixmatch'
      ? fixMatchMethod(options, dataset, {
          labelled: labelledOf(draws[0]),
          mirror: await mirrorsImages(train, options),
        })
      : await selfTrainingMethod(options, dataset, context)
  const fitting: NetworkFitting = {
    options,
    context,
    dataset,
    method,
    draws,
    image,
    judges: judgesOf(draws[0], judgingLabels(dataset)),
    keys: {
      judges: judgesKey(dataset),
      images: contentKey([imagesKey(train), test && imagesKey(test.images)]),
      labels: contentKey([
        draws.map((each) => labelsKey(each, classNames)),
        test && testKey(test, options.seed),
      ]),
      names: contentKey({ name, paths, skipped: dataset.skipped, notes: dataset.notes }),
    },
  }
  const network = networkStage(fitting)
  const others = draws.slice(1).map((_, i) => drawStage(fitting, network, i + 1))
  const parts = test === undefined ? partStages(fitting, network) : []
  if (others.length + parts.length > 0) progress.message(trainingsInWords(fitting, parts.length))
  const predicted = predictedStage(fitting, network, parts)
  const pixels = pixelsStage(fitting)
  const classifier = networkClassifierStage(fitting, network, predicted)
  const made = { network, others, parts, predicted, pixels }
  const report = reportStage(fitting, made, read)
  const stages: Stage[] = [
    ...method.needs,
    network,
    ...others,
    ...parts,
    predicted,
    pixels,
    classifier,
    report,
  ]
  await runJobStages(stages, { ...context, ...options, store: run.store, before: [READING_STAGE] })
  return savedReport(run, await run.store.result(report))
}

const labelledOf = (draw: Int32Array): number => draw.filter((label) => label >= 0).length

function beforeReading(options: NetworkFitOptions): PlannedStage[] {
  const expected = (minutes?: number): number | undefined =>
    minutes === undefined ? undefined : 60 * minutes
  if (options.method === 'fixmatch')
    return [READING_STAGE, { stage: NETWORK, expectedSeconds: expected(options.minutes) }]
  const { model, network } = selfTrainingLimits(options)
  return [
    READING_STAGE,
    { stage: pretrainStage({ name: options.model }), expectedSeconds: expected(model.minutes) },
    { stage: NETWORK, expectedSeconds: expected(network.minutes) },
  ]
}

function trainingsInWords({ draws }: NetworkFitting, parts: number): string {
  return parts > 0
    ? `${parts + 1} trainings: the network that predicts, and ${parts} without a part of the labelled images each, which say how often it is right.`
    : `${draws.length} trainings, one on each draw of the labelled images; the first predicts.`
}

const pixelsSchema = z.array(comparisonSchema)

/** Raw pixels with the usual heads: what the network has to beat. */
function pixelsStage({ options, dataset, draws, keys, method }: NetworkFitting): Stage<FitComparison[]> {
  const { train, test } = dataset
  const { seed } = options
  const heads = comparedHeads()
  const mirror = method.mirror === true
  const judges = test ? undefined : keys.judges
  const settings = {
    kind: 'pixels',
    ...keys,
    judges,
    names: undefined,
    heads,
    mirror: mirror || undefined,
    seed,
  }
  const total = draws.length * heads.length
  return {
    kind: 'pixels',
    name: 'raw pixels for comparison',
    group: 'raw pixels for comparison',
    key: contentKey(settings),
    settings,
    needs: [],
    seconds: train.count / 1000,
    unit: 'fits',
    total,
    schema: pixelsSchema,
    work: async ({ linearAlgebra, signal, onProgress }) => {
      const compared = await compareHeads({
        spaces: [await pixelFeatures(dataset, linearAlgebra, { mirror })],
        draws,
        heads,
        classCount: train.classNames.length,
        ...judgingLabels(dataset),
        test,
        seed,
        signal,
        onFit: (done) => onProgress?.(done, total),
      })
      return compared.map(({ features, baseline, head, accuracies, images, confusion }) => ({
        ...{ features, baseline, head, accuracies, images, confusion },
        chosen: false,
      }))
    },
  }
}

interface Made {
  readonly network: NetworkStage
  readonly others: readonly DrawStage[]
  readonly parts: readonly PartStage[]
  readonly predicted: PredictedStage
  readonly pixels: Stage<FitComparison[]>
}

function reportStage(
  fitting: NetworkFitting,
  { network, others, parts, predicted, pixels }: Made,
  readingSeconds: { readonly stage: string; readonly seconds: number },
): Stage<RunReport> {
  const { options, context, keys } = fitting
  const { run } = context
  const needs = [network, ...others, ...parts, predicted, pixels]
  const settings = { kind: 'report', needs: needs.map(({ key }) => key), options, names: keys.names }
  return {
    kind: 'report',
    name: 'write the report',
    group: 'write the report',
    key: contentKey(settings),
    settings,
    needs,
    seconds: 1,
    unit: 'report',
    total: 1,
    schema: runReportSchema,
    work: async () => {
      const { judged, features } = await run.store.result(predicted)
      const drawn = await Promise.all(others.map((stage) => run.store.result(stage)))
      const seconds = [readingSeconds]
      for (const stage of needs) {
        const record = await run.store.read(stage)
        if (record !== undefined) seconds.push({ stage: record.name, seconds: record.seconds })
      }
      return fitReport({
        fitting: reported(fitting, parts.length),
        pretrained: withBefore(await run.store.result(network), await fitting.method.before?.()),
        compared: [
          comparisonOf(fitting.method, [...(judged ? [judged] : []), ...drawn.map((each) => each.judged)]),
          ...(await run.store.result(pixels)),
        ],
        chosenFeatures: options.features === 'auto' ? features : undefined,
        probabilities: (await probabilitiesOf(fitting, predicted)).train,
        seconds,
      })
    },
  }
}

/** Both trainings as one, the first one's curves under its model's name. */
function withBefore(network: TrainingSummary, model?: TrainingSummary): TrainingSummary {
  if (model === undefined) return network
  return {
    ...network,
    steps: model.steps + network.steps,
    seconds: model.seconds + network.seconds,
    curves: [...model.curves.map((curve) => ({ ...curve, name: `model, ${curve.name}` })), ...network.curves],
  }
}

/** The draws' networks as one row of the report. */
function comparisonOf({ source }: NetworkMethod, judged: readonly Judged[]): FitComparison {
  const sum = (a: number[][], b: number[][]): number[][] =>
    a.map((row, i) => row.map((count, j) => count + b[i][j]))
  const [first] = judged
  return {
    ...source,
    baseline: false,
    accuracies: judged.map(({ accuracy }) => accuracy),
    images: first?.images ?? 0,
    confusion: first === undefined ? [] : judged.map(({ confusion }) => confusion).reduce(sum),
    reliability: first && judged.map(({ reliability }) => reliability).reduce((a, b) => addBins(a, b)),
    chosen: true,
  }
}

function reported({ options, context, dataset, draws, method }: NetworkFitting, parts: number): ReportedFit {
  return {
    options,
    run: context.run,
    dataset,
    draws,
    labelsKey: fittedKey(dataset, draws[0]),
    learning: { title: method.title, config: method.config },
    notes: [
      ...method.notes,
      ...(dataset.test ? [`Test images were seen by no training. ${method.sureness}`] : []),
      ...(parts > 0
        ? [
            `How often it is right comes from ${parts} networks of as many steps, each trained without a part of the labelled images and asked for these.`,
          ]
        : []),
    ],
  }
}
