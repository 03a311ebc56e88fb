/**
 * The main job: images and a few labels in; a trained model, predictions for every image and a report out.
 *
 *   read the images -> train the model -> patches -> features -> heads over the draws -> predictions -> report
 */
import type { Dataset } from '../data/image-set.js'
import { writePredictions, type Predictions } from '../data/predictions.js'
import { type FeatureMatrix, mostProbable } from '../numerics/matrix.js'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import type { FeatureNetwork, FeatureRequest, ImageShape } from '../models/model.js'
import type { RunReport } from '../draw/run-report.js'
import { pretrain, pretrainStage } from '../training/pretrain.js'
import { RUN_FILES } from '../runs/run-folder.js'
import { type Classifier, saveClassifier } from '../runs/classifier.js'
import { comparedHeads, compareHeads, type Comparison } from '../heads/compare-heads.js'
import { checkDevice } from './device.js'
import { fitEncoder } from '../features/encoder.js'
import { labelDraws } from '../data/draw-labels.js'
import { learnedFeatures, pixelFeatures } from '../features/feature-sources.js'
import type { FitContext, FitOptions } from './fit-options.js'
import { fitReport } from './fit-report.js'
import { knownShape, resolveAugmentation, resolveModel } from '../training/model-options.js'
import { drawPictures } from '../draw/model-pictures.js'
import { readDataset, READING } from '../runs/read-dataset.js'
import { saveModelDescription } from '../runs/trained-model.js'

const STAGES = {
  read: READING,
  patches: 'find patches',
  features: 'compute features',
  fit: 'fit classifiers',
  pictures: 'draw pictures',
  write: 'write the report',
}

const PLANNED_IMAGES = 20_000

export async function runFit(options: FitOptions, context: FitContext): Promise<RunReport> {
  const { run, progress, signal } = context
  const seconds: { stage: string; seconds: number }[] = []
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    const result = await work()
    seconds.push({ stage, seconds: (performance.now() - started) / 1000 })
    return result
  }
  await checkDevice(options.device)
  const early = knownShape(options)
  // A wrong setting is said before images are read, where their shape is known beforehand.
  if (early !== undefined) resolveModel(options, early)
  const trainStage = pretrainStage({ name: options.model })
  planStages(options, trainStage, context)
  const dataset = await timed(STAGES.read, () => readDataset(options, context))
  const { train, test } = dataset
  // Too few labels for what was asked are told before minutes of training, not after.
  const draws = labelDraws(train, options)
  planStages(options, trainStage, context, train.count + (test?.count ?? 0))
  const image: ImageShape = { size: train.height, channels: train.channels }
  const { model, config } = resolveModel(options, image)
  const augmentation = resolveAugmentation(options.augment, { model, config }, image)
  const request = model.defaultFeatures(config)
  const { seed, threads, device } = options

  const pretrained = await timed(trainStage, async () => {
    const trained = await pretrain(
      train,
      {
        model,
        config,
        augmentation: augmentation.options,
        seed,
        steps: options.steps,
        minutes: options.minutes,
        threads,
        device,
      },
      context,
    )
    await saveModelDescription(run, { model, config, image, fit: options.fit, augment: augmentation.name })
    return trained
  })
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const encoder = await timed(STAGES.patches, () =>
      fitEncoder(train, {
        ...{ trained: { model, config, image, weights: pretrained.weights }, request },
        ...{ patches: options.patches, seed, linearAlgebra, signal },
        onProgress: (done, total) => progress.report({ stage: STAGES.patches, done, total, unit: 'rounds' }),
      }),
    )
    const heads = comparedHeads(options.head)
    const fits = { done: 0, total: 2 * draws.length * heads.length }
    const reportFits = (note?: string): void =>
      progress.report({ stage: STAGES.fit, ...fits, unit: 'fits', note })
    const reportSpace =
      (set: string) =>
      (done: number, total: number, note: string): void =>
        note === 'images'
          ? progress.report({ stage: STAGES.features, done, total, unit: 'images' })
          : reportFits(`${note} by ${set}, ${Math.floor((100 * done) / total)} %`)
    const learned = await timed(STAGES.features, () =>
      learnedFeatures(dataset, encoder, linearAlgebra, {
        threads,
        device,
        signal,
        seed,
        onProgress: reportSpace(encoder.name),
      }),
    )
    const pixels = await pixelFeatures(dataset, linearAlgebra, {
      signal,
      onProgress: reportSpace('raw pixels'),
    })
    const compared = await timed(STAGES.fit, () =>
      compareHeads({
        spaces: [learned, pixels],
        draws,
        heads,
        classCount: train.classNames.length,
        test,
        seed,
        signal,
        onFit: (done) => {
          fits.done = done
          reportFits()
        },
      }),
    )
    const chosen = chosenComparison(compared, options)
    const fitted = chosen.first as NonNullable<Comparison['first']>
    const [trainProbabilities, testProbabilities] = await Promise.all([
      fitted.probabilities(),
      learned.test ? fitted.predict(learned.test) : undefined,
    ])
    await timed(STAGES.write, async () => {
      await saveClassifier(run, {
        classNames: train.classNames,
        size: image.size,
        channels: image.channels,
        fit: options.fit,
        outputs: encoder.groups.flatMap(({ outputs }) => outputs),
        drawn: drawnFeatures(encoder.network, request, seed),
        encoder: encoder.network.program,
        batch: encoder.network.batch,
        normalisation: await learned.normalisation(),
        head: fitted.parameters,
      })
      await writePredictions(
        run.path(RUN_FILES.predictions),
        predictionParts(dataset, draws[0], trainProbabilities, testProbabilities, chosen),
      )
    })
    const pictures = await timed(STAGES.pictures, () =>
      drawPictures(run, { model, config, image, weights: pretrained.weights }, train, {
        seed,
        threads,
        device,
        signal,
        onProgress: (done, total) => progress.report({ stage: STAGES.pictures, done, total, unit: '%' }),
      }),
    )
    const report = await fitReport({
      options,
      run,
      dataset,
      model,
      config,
      augment: augmentation.name,
      pretrained,
      pictures,
      compared,
      chosen,
      draw: draws[0],
      trainProbabilities,
      seconds,
    })
    progress.report({ stage: STAGES.write, done: 1, total: 1, unit: 'report' })
    return report
  } finally {
    await linearAlgebra.close()
  }
}

/** `images`: how many there are; before they are read, what most sets have. */
function planStages(
  { minutes, patches }: FitOptions,
  trainStage: string,
  { progress }: FitContext,
  images = PLANNED_IMAGES,
): void {
  const share = images / PLANNED_IMAGES
  progress.plan([
    { stage: STAGES.read, expectedSeconds: 5 },
    { stage: trainStage, expectedSeconds: minutes === undefined ? undefined : minutes * 60 },
    { stage: STAGES.patches, expectedSeconds: patches === 0 ? 0 : 5 },
    { stage: STAGES.features, expectedSeconds: (5 + patches / 20) * share },
    { stage: STAGES.fit, expectedSeconds: 40 * share },
    { stage: STAGES.pictures, expectedSeconds: 2 },
    { stage: STAGES.write, expectedSeconds: 1 },
  ])
}

/** What `predict` has to know to draw the same kind of noise; nothing where features need none. */
const drawnFeatures = (
  { drawInputs }: FeatureNetwork,
  request: FeatureRequest,
  seed: number,
): Classifier['drawn'] => (drawInputs === undefined ? undefined : { request, seed })

/** Decided by the options alone, never by the accuracies. */
function chosenComparison(compared: readonly Comparison[], { head }: FitOptions): Comparison {
  const chosen = compared.find((each) => !each.baseline && each.key === head)
  if (!chosen) throw new Error(`internal: no comparison for the head ${head}`)
  return chosen
}

function predictionParts(
  { train, test }: Dataset,
  labels: Int32Array,
  trainProbabilities: FeatureMatrix,
  testProbabilities: FeatureMatrix | undefined,
  chosen: Comparison,
): Predictions[] {
  const source = `${chosen.features}, ${chosen.head}`
  const part = (
    images: Predictions['images'],
    split: string,
    probabilities: FeatureMatrix,
    known?: Int32Array,
  ): Predictions => {
    const found = mostProbable(probabilities)
    return { images, classNames: train.classNames, labels: known, ...found, split, source }
  }
  const parts = [part(train, 'train', trainProbabilities, labels)]
  if (test && testProbabilities) parts.push(part(test, 'test', testProbabilities))
  return parts
}
