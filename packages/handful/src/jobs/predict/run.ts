/** Classifies new images with a finished run. */
import { availableThreads } from 'onnx-autodiff/threads'
import type { GivenImage } from '../../data/given-image.js'
import { openImages } from '../../data/open-images.js'
import { type ImageReading, readingOf, type ReadingChoice } from '../../data/reading.js'
import { mostProbable } from '../../numerics/matrix.js'
import { applyNormalisation } from '../../features/normalise.js'
import { onnxLinearAlgebra } from '../../numerics/onnx-linear-algebra.js'
import { restorePredictor } from '../../heads/predictor.js'
import { loadClassifier } from '../../runs/classifier.js'
import { type Brought, checkBrought } from '../../runs/brought.js'
import { checkBroughtFor, checkEmbeddings, classifierFeatures } from '../../runs/classifier-features.js'
import type { JobContext } from '../../training/progress.js'

export interface PredictOptions {
  /** A run folder with its model. */
  readonly run: string
  /** Image files, folders that are searched for images, and images in memory: the bytes of a file, or pixels. */
  readonly images: readonly (string | GivenImage)[]
  /** Which channels are taken, counted from 1; as the run has it where left out, as the next two. */
  readonly channels?: readonly number[]
  /** How numbers beyond 8 bits become bytes; `data`: by these images alone, of another camera than the run's. */
  readonly stretch?: ReadingChoice['stretch']
  /** Whether each frame of an animation or a stack is an image. */
  readonly frames?: 'first' | 'all'
  /** Of the new images, for a run with features from such a table. */
  readonly embeddings?: string
  /** All cores where left out. */
  readonly threads?: number
  /** `cpu` where left out. */
  readonly device?: string
}

export interface Prediction {
  /** As it was given, or found below a given folder; `image 1` and so on for those in memory. */
  readonly path: string
  readonly predicted: string
  /** Of the predicted class, 0 to 1. */
  readonly probability: number
}

export interface PredictResult {
  readonly predictions: readonly Prediction[]
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}

/** As the run's own were read, but for what is said. */
function readingFor(
  own: ImageReading,
  { channels, stretch, frames }: Pick<PredictOptions, 'channels' | 'stretch' | 'frames'>,
): ImageReading {
  const said = readingOf({ bands: channels, frames, stretch })
  // Another stretch leaves what was found for the run's own behind.
  if (stretch !== undefined) return { channels: own.channels, frames: own.frames, ...said }
  return { ...own, ...said, stretch: own.stretch }
}

/**
 * @example
 *     const images = [await readFile('a.jpg'), { height: 28, width: 28, channels: 1, pixels }]
 *     const { predictions } = await runPredict({ run: 'runs/photos', images }, { signal, progress: silentProgress })
 *
 * @throws HandfulError for a run without a classifier, files that are not there, and where no image can be used
 */
export async function runPredict(
  { run, images: inputs, embeddings, threads = availableThreads(), device = 'cpu', ...read }: PredictOptions,
  { signal, progress, ...brought }: JobContext & Brought,
): Promise<PredictResult> {
  const own = checkBrought(brought, 'runPredict')
  const classifier = await loadClassifier(run)
  const { size, channels, fit, classNames } = classifier
  checkEmbeddings(run, classifier, embeddings)
  for (const note of checkBroughtFor(run, classifier, own)) progress.message(note)
  const { images, originals, skipped, notes } = await openImages(inputs, {
    size,
    channels,
    fit,
    reading: readingFor(classifier.reading, read),
    sampleSeed: read.stretch === 'data' ? 0 : undefined,
    signal,
    onProgress: (done, total) => progress.report({ stage: 'read the images', done, total, unit: 'images' }),
  })
  for (const note of notes) progress.message(note)
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const features = await classifierFeatures(
      run,
      classifier,
      { images, originals },
      {
        ...own,
        embeddings,
        threads,
        device,
        signal,
        onProgress: (done, total, stage) => progress.report({ stage, done, total, unit: 'images' }),
      },
    )
    const normalised = await applyNormalisation(classifier.normalisation, features, linearAlgebra)
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
