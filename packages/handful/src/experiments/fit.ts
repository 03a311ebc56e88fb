/**
 * The main job: images and a few labels in; a trained model, predictions for every image and a report out.
 *
 *   read the images -> train the model -> features -> heads over the draws -> predictions -> report
 */
import { Random } from 'onnx-autodiff'
import { countLabels, type Dataset, type ImageSet } from '../data/image-set.js'
import { drawLabels } from '../data/draw-labels.js'
import { openDataset } from '../data/open.js'
import { writePredictions, type Predictions } from '../data/predictions.js'
import { HandfulError } from '../errors.js'
import { besideEachOther, extractFeatures, rawPixels } from '../features/extract.js'
import type { LinearAlgebra } from '../features/linear-algebra.js'
import { argmaxRows, type FeatureMatrix } from '../features/matrix.js'
import { applyNormalisation, fitNormalisation, type Normalisation } from '../features/normalise.js'
import { onnxLinearAlgebra } from '../heads/nearest-onnx.js'
import type { FeatureNetwork, FeatureRequest, ImageShape } from '../models/model.js'
import type { RunReport } from '../report/types.js'
import { pretrain, pretrainStage } from '../training/pretrain.js'
import { RUN_FILES } from '../training/run-folder.js'
import { type Classifier, saveClassifier } from './classifier.js'
import { comparedHeads, compareHeads, type Comparison, type FeatureSet } from './compare-heads.js'
import { checkDevice } from './device.js'
import type { FitContext, FitOptions } from './fit-options.js'
import { fitReport } from './fit-report.js'
import { knownShape, resolveAugmentation, resolveModel } from './model-options.js'
import { drawPictures } from './pictures.js'
import { saveModelDescription } from './trained-model.js'

const STAGES = {
  read: 'read the images',
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
  planStages(options, trainStage, context, train.count + (test?.count ?? 0))
  const image: ImageShape = { size: train.height, channels: train.channels }
  const { model, config } = resolveModel(options, image)
  const augmentation = resolveAugmentation(options.augment, model, image)
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
  const encoder = model.features(config, image, pretrained.weights, request)
  const linearAlgebra = onnxLinearAlgebra({ threads: options.threads })
  try {
    const learned = await timed(STAGES.features, () =>
      learnedFeatures(
        dataset,
        { network: encoder, outputs: request.layers },
        linearAlgebra,
        options,
        context,
      ),
    )
    const pixels = await pixelFeatures(dataset, linearAlgebra)
    const draws = labelDraws(train, options)
    const sets = [learned.set, pixels]
    const fits = { done: 0, total: sets.length * draws.length * comparedHeads().length }
    const reportFits = (note?: string): void =>
      progress.report({ stage: STAGES.fit, ...fits, unit: 'fits', note })
    const compared = await timed(STAGES.fit, () =>
      compareHeads({
        sets,
        draws,
        classCount: train.classNames.length,
        test,
        seed,
        linearAlgebra,
        signal,
        onGraph: (done, total, set) =>
          reportFits(`neighbours by ${set}, ${Math.floor((100 * done) / total)} %`),
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
      learned.set.test ? fitted.predict(learned.set.test) : undefined,
    ])
    await timed(STAGES.write, async () => {
      await saveClassifier(run, {
        classNames: train.classNames,
        size: image.size,
        channels: image.channels,
        fit: options.fit,
        outputs: request.layers,
        drawn: drawnFeatures(encoder, request, seed),
        encoder: encoder.program,
        normalisation: learned.normalisation,
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
  { minutes }: FitOptions,
  trainStage: string,
  { progress }: FitContext,
  images = PLANNED_IMAGES,
): void {
  const share = images / PLANNED_IMAGES
  progress.plan([
    { stage: STAGES.read, expectedSeconds: 5 },
    { stage: trainStage, expectedSeconds: minutes === undefined ? undefined : minutes * 60 },
    { stage: STAGES.features, expectedSeconds: 5 * share },
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

async function readDataset(
  { dataset, folder, dataDir, size, fit, seed }: FitOptions,
  { signal, progress }: FitContext,
): Promise<Dataset> {
  const found = await openDataset(
    folder === undefined ? { dataset, dataDir, size, seed } : { folder, size, fit, seed },
    {
      signal,
      onProgress: (done, total) => progress.report({ stage: STAGES.read, done, total, unit: 'images' }),
    },
  )
  if (found.skipped.length > 0)
    progress.message(
      `${found.skipped.length} files skipped, such as ${found.skipped[0].path}: ${found.skipped[0].reason}`,
    )
  for (const note of found.notes) progress.message(note)
  return found
}

interface LearnedFeatures {
  readonly set: FeatureSet
  readonly normalisation: Normalisation
}

async function learnedFeatures(
  { train, test }: Dataset,
  { network, outputs }: { network: FeatureNetwork; outputs: readonly string[] },
  linearAlgebra: LinearAlgebra,
  { threads, device, seed }: FitOptions,
  { signal, progress }: FitContext,
): Promise<LearnedFeatures> {
  const total = train.count + (test?.count ?? 0)
  const extract = async (
    images: typeof train | NonNullable<typeof test>['images'],
    before: number,
  ): Promise<FeatureMatrix> => {
    const found = await extractFeatures(network, images, outputs, {
      threads,
      device,
      signal,
      seed,
      onProgress: (done) =>
        progress.report({ stage: STAGES.features, done: before + done, total, unit: 'images' }),
    })
    return besideEachOther(outputs.map((name) => found[name]))
  }
  const raw = await extract(train, 0)
  const normalisation = await fitNormalisation(raw, linearAlgebra)
  const normalised = (features: FeatureMatrix): Promise<FeatureMatrix> =>
    applyNormalisation(normalisation, features, linearAlgebra)
  return {
    normalisation,
    set: {
      name: 'learned features',
      baseline: false,
      train: await normalised(raw),
      test: test && (await normalised(await extract(test.images, train.count))),
    },
  }
}

async function pixelFeatures({ train, test }: Dataset, linearAlgebra: LinearAlgebra): Promise<FeatureSet> {
  const raw = rawPixels(train)
  const normalisation = await fitNormalisation(raw, linearAlgebra)
  return {
    name: 'raw pixels',
    baseline: true,
    train: await applyNormalisation(normalisation, raw, linearAlgebra),
    test: test && (await applyNormalisation(normalisation, rawPixels(test.images), linearAlgebra)),
  }
}

/** The labels of each draw. A user's own labels are all used, once, unless a number per class is asked for. */
function labelDraws(
  { labels, classNames, name }: ImageSet,
  { labelsPerClass, draws, seed }: FitOptions,
): Int32Array[] {
  if (labelsPerClass === undefined) return [labels]
  const fewest = Math.min(...countLabels(labels, classNames.length))
  if (fewest < labelsPerClass) {
    throw new HandfulError({
      what: 'labels per class',
      where: name,
      got: `${labelsPerClass}`,
      expected: `at most ${fewest}, which is what the smallest class has`,
      hint: `use --labels-per-class ${fewest} or less`,
      exitCode: 2,
    })
  }
  return Array.from({ length: draws }, (_, draw) =>
    drawLabels(labels, labelsPerClass, new Random(seed, `labelled images/draw ${draw}`)),
  )
}

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
    const predicted = argmaxRows(probabilities)
    const probability = Float32Array.from(
      predicted,
      (c, i) => probabilities.data[i * probabilities.columns + c],
    )
    return { images, classNames: train.classNames, labels: known, predicted, probability, split, source }
  }
  const parts = [part(train, 'train', trainProbabilities, labels)]
  if (test && testProbabilities) parts.push(part(test, 'test', testProbabilities))
  return parts
}
