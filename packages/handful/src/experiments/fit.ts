/**
 * The main job: images and a few labels in; a trained model, predictions for every image and a report out.
 *
 *   read the images -> train the autoencoder -> features -> heads over the draws -> predictions -> report
 */
import { Random } from 'onnx-autodiff'
import { countLabels, type Dataset, type ImageSet } from '../data/image-set.js'
import { drawLabels } from '../data/draw-labels.js'
import { openDataset } from '../data/open.js'
import { writePredictions, type Predictions } from '../data/predictions.js'
import { HandfulError } from '../errors.js'
import { extractFeatures, rawPixels } from '../features/extract.js'
import type { LinearAlgebra } from '../features/linear-algebra.js'
import { argmaxRows, type FeatureMatrix } from '../features/matrix.js'
import { applyNormalisation, fitNormalisation, type Normalisation } from '../features/normalise.js'
import { onnxLinearAlgebra } from '../heads/nearest-onnx.js'
import type { FeatureNetwork, ImageShape } from '../models/model.js'
import { vae } from '../models/vae.js'
import type { RunReport } from '../report/types.js'
import { photoAugmentation, shapeAugmentation } from '../training/augment.js'
import { pretrain, pretrainStage } from '../training/pretrain.js'
import { RUN_FILES } from '../training/run-folder.js'
import { saveClassifier } from './classifier.js'
import { compareHeads, type Comparison, type FeatureSet } from './compare-heads.js'
import type { FitContext, FitOptions } from './fit-options.js'
import { fitReport } from './fit-report.js'

const STAGES = { read: 'read the images', features: 'compute features', graph: 'find neighbours', fit: 'fit classifiers', write: 'write the report' }

const TRAIN_STAGE = pretrainStage(vae)

export async function runFit(options: FitOptions, context: FitContext): Promise<RunReport> {
  const { run, progress, signal } = context
  const seconds: { stage: string; seconds: number }[] = []
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    const result = await work()
    seconds.push({ stage, seconds: (performance.now() - started) / 1000 })
    return result
  }
  planStages(options, context)
  const dataset = await timed(STAGES.read, () => readDataset(options, context))
  const { train, test } = dataset
  const image: ImageShape = { size: train.height, channels: train.channels }
  const config = vae.presets.fast(image)
  const request = vae.defaultFeatures(config)
  const [output] = request.layers

  const pretrained = await timed(TRAIN_STAGE, () =>
    pretrain(train, {
      model: vae, config, augmentation: image.channels === 1 ? shapeAugmentation : photoAugmentation,
      seed: options.seed, steps: options.steps, minutes: options.minutes, threads: options.threads, device: options.device,
    }, context),
  )
  const encoder = vae.features(config, image, pretrained.weights, request)
  const linearAlgebra = onnxLinearAlgebra({ threads: options.threads })
  try {
    const learned = await timed(STAGES.features, () => learnedFeatures(dataset, { network: encoder, output }, linearAlgebra, options, context))
    const pixels = await pixelFeatures(dataset, linearAlgebra)
    const draws = labelDraws(train, options)
    const compared = await timed(STAGES.fit, () =>
      compareHeads({
        sets: [learned.set, pixels], draws, classCount: train.classNames.length, test, seed: options.seed, linearAlgebra, signal,
        onGraph: (done, total, set) => progress.report({ stage: STAGES.graph, done, total, unit: 'images', note: set }),
        onFit: (done, total) => progress.report({ stage: STAGES.fit, done, total, unit: 'fits' }),
      }),
    )
    const chosen = chosenComparison(compared, options)
    const fitted = chosen.first as NonNullable<Comparison['first']>
    const [trainProbabilities, testProbabilities] = await Promise.all([
      fitted.probabilities(),
      learned.set.test ? fitted.predict(learned.set.test) : undefined,
    ])
    await timed(STAGES.write, async () => {
      progress.report({ stage: STAGES.write, done: 0, total: 1, unit: 'report' })
      await saveClassifier(run, {
        classNames: train.classNames, size: image.size, channels: image.channels, fit: options.fit,
        output, encoder: encoder.program, normalisation: learned.normalisation, head: fitted.parameters,
      })
      await writePredictions(run.path(RUN_FILES.predictions), predictionParts(dataset, draws[0], trainProbabilities, testProbabilities, chosen))
    })
    const report = await fitReport({ options, run, dataset, config, pretrained, compared, chosen, draw: draws[0], trainProbabilities, seconds })
    progress.report({ stage: STAGES.write, done: 1, total: 1, unit: 'report' })
    return report
  } finally {
    await linearAlgebra.close()
  }
}

function planStages({ minutes }: FitOptions, { progress }: FitContext): void {
  progress.plan([
    { stage: STAGES.read, expectedSeconds: 5 },
    { stage: TRAIN_STAGE, expectedSeconds: (minutes ?? 3) * 60 },
    { stage: STAGES.features, expectedSeconds: 5 },
    { stage: STAGES.graph, expectedSeconds: 10 },
    { stage: STAGES.fit, expectedSeconds: 30 },
    { stage: STAGES.write, expectedSeconds: 2 },
  ])
}

async function readDataset({ dataset, folder, dataDir, size, fit, seed }: FitOptions, { signal, progress }: FitContext): Promise<Dataset> {
  const found = await openDataset(
    folder === undefined ? { dataset, dataDir, size, seed } : { folder, size, fit, seed },
    { signal, onProgress: (done, total) => progress.report({ stage: STAGES.read, done, total, unit: 'images' }) },
  )
  if (found.skipped.length > 0) progress.message(`${found.skipped.length} files skipped, such as ${found.skipped[0].path}: ${found.skipped[0].reason}`)
  for (const note of found.notes) progress.message(note)
  return found
}

interface LearnedFeatures {
  readonly set: FeatureSet
  readonly normalisation: Normalisation
}

async function learnedFeatures(
  { train, test }: Dataset,
  { network, output }: { network: FeatureNetwork; output: string },
  linearAlgebra: LinearAlgebra,
  { threads, device, seed }: FitOptions,
  { signal, progress }: FitContext,
): Promise<LearnedFeatures> {
  const total = train.count + (test?.count ?? 0)
  const extract = async (images: typeof train | NonNullable<typeof test>['images'], before: number): Promise<FeatureMatrix> => {
    const found = await extractFeatures(network, images, [output], {
      threads, device, signal, seed,
      onProgress: (done) => progress.report({ stage: STAGES.features, done: before + done, total, unit: 'images' }),
    })
    return found[output]
  }
  const raw = await extract(train, 0)
  const normalisation = await fitNormalisation(raw, linearAlgebra)
  const normalised = (features: FeatureMatrix): Promise<FeatureMatrix> => applyNormalisation(normalisation, features, linearAlgebra)
  return {
    normalisation,
    set: {
      name: 'learned features', baseline: false, train: await normalised(raw),
      test: test && (await normalised(await extract(test.images, train.count))),
    },
  }
}

async function pixelFeatures({ train, test }: Dataset, linearAlgebra: LinearAlgebra): Promise<FeatureSet> {
  const raw = rawPixels(train)
  const normalisation = await fitNormalisation(raw, linearAlgebra)
  return {
    name: 'raw pixels', baseline: true,
    train: await applyNormalisation(normalisation, raw, linearAlgebra),
    test: test && (await applyNormalisation(normalisation, rawPixels(test.images), linearAlgebra)),
  }
}

/** The labels of each draw. A user's own labels are all used, once, unless a number per class is asked for. */
function labelDraws({ labels, classNames, name }: ImageSet, { labelsPerClass, draws, seed }: FitOptions): Int32Array[] {
  if (labelsPerClass === undefined) return [labels]
  const fewest = Math.min(...countLabels(labels, classNames.length))
  if (fewest < labelsPerClass) {
    throw new HandfulError({
      what: 'labels per class', where: name, got: `${labelsPerClass}`, expected: `at most ${fewest}, which is what the smallest class has`,
      hint: `use --labels-per-class ${fewest} or less`, exitCode: 2,
    })
  }
  return Array.from({ length: draws }, (_, draw) => drawLabels(labels, labelsPerClass, new Random(seed, `labelled images/draw ${draw}`)))
}

/** Decided by the options alone, never by the accuracies. */
function chosenComparison(compared: readonly Comparison[], { head }: FitOptions): Comparison {
  const chosen = compared.find((each) => !each.baseline && each.key === head)
  if (!chosen) throw new Error(`internal: no comparison for the head ${head}`)
  return chosen
}

function predictionParts({ train, test }: Dataset, labels: Int32Array, trainProbabilities: FeatureMatrix, testProbabilities: FeatureMatrix | undefined, chosen: Comparison): Predictions[] {
  const source = `${chosen.features}, ${chosen.head}`
  const part = (images: Predictions['images'], split: string, probabilities: FeatureMatrix, known?: Int32Array): Predictions => {
    const predicted = argmaxRows(probabilities)
    const probability = Float32Array.from(predicted, (c, i) => probabilities.data[i * probabilities.columns + c])
    return { images, classNames: train.classNames, labels: known, predicted, probability, split, source }
  }
  const parts = [part(train, 'train', trainProbabilities, labels)]
  if (test && testProbabilities) parts.push(part(test, 'test', testProbabilities))
  return parts
}
