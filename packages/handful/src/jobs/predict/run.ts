/** Classifies new images with a finished run. */
import { openImages } from '../../data/open-images.js'
import { besideEachOther, type Extractable, extractFeatures } from '../../features/extract.js'
import { mostProbable } from '../../numerics/matrix.js'
import { applyNormalisation } from '../../features/normalise.js'
import { onnxLinearAlgebra } from '../../numerics/onnx-linear-algebra.js'
import { restorePredictor } from '../../heads/predictor.js'
import { type Classifier, loadClassifier } from '../../runs/classifier.js'
import { loadTrainedModel } from '../../runs/trained-model.js'
import type { JobContext } from '../../training/progress.js'

export interface PredictOptions {
  /** A run folder with its model. */
  readonly run: string
  /** Image files, and folders that are searched for images. */
  readonly images: readonly string[]
  /** Whether each frame of an animation or a stack is an image; as the run has it where left out. */
  readonly frames?: 'first' | 'all'
  readonly threads: number
  readonly device: string
}

export interface Prediction {
  /** As it was given, or found below a given folder. */
  readonly path: string
  readonly predicted: string
  /** Of the predicted class, 0 to 1. */
  readonly probability: number
}

export interface PredictResult {
  readonly predictions: readonly Prediction[]
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}

export async function runPredict(
  { run, images: inputs, frames, threads, device }: PredictOptions,
  { signal, progress }: JobContext,
): Promise<PredictResult> {
  const classifier = await loadClassifier(run)
  const { size, channels, fit, outputs, classNames } = classifier
  const reading = frames === undefined ? classifier.reading : { ...classifier.reading, frames }
  const network = await featureNetwork(run, classifier)
  const { images, skipped, notes } = await openImages(inputs, {
    size,
    channels,
    fit,
    reading,
    signal,
    onProgress: (done, total) => progress.report({ stage: 'read the images', done, total, unit: 'images' }),
  })
  for (const note of notes) progress.message(note)
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const features = await extractFeatures(network, images, outputs, {
      threads,
      device,
      signal,
      seed: classifier.drawn?.seed ?? 0,
      onProgress: (done, total) =>
        progress.report({ stage: 'compute features', done, total, unit: 'images' }),
    })
    const normalised = await applyNormalisation(
      classifier.normalisation,
      besideEachOther(outputs.map((name) => features[name])),
      linearAlgebra,
    )
    const probabilities = await restorePredictor(classifier.head, linearAlgebra)(normalised)
    const { predicted, probability } = mostProbable(probabilities)
    return {
      predictions: images.paths.map((path, i) => ({
        path,
        predicted: classNames[predicted[i]],
        probability: probability[i],
      })),
      skipped,
    }
  } finally {
    await linearAlgebra.close()
  }
}

/** The encoder as it was saved; where its features take drawn noise, the model knows how to draw it. */
export async function featureNetwork(
  run: string,
  { drawn, encoder: program, batch }: Classifier,
): Promise<Extractable> {
  if (drawn === undefined) return { program, batch }
  const { model, weights } = await loadTrainedModel(run)
  const { drawInputs } = model.features(weights, drawn.request)
  return { program, drawInputs, batch }
}
