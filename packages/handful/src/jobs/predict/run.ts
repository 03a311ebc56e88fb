/** Classifies new images with a finished run. */
import { availableThreads } from 'onnx-autodiff/threads'
import type { GivenImage } from '../../data/given-image.js'
import { openImages } from '../../data/open-images.js'
import { type ImageReading, readingOf, type ReadingChoice } from '../../data/reading.js'
import { mostProbable } from '../../numerics/matrix.js'
import { onnxLinearAlgebra } from '../../numerics/onnx-linear-algebra.js'
import { restorePredictor, sharedSearch } from '../../heads/predictor.js'
import { restoreUnlike, UNLIKE_THRESHOLD } from '../../heads/unlike.js'
import { usageError } from '../../errors.js'
import { type Classifier, loadClassifier } from '../../runs/classifier.js'
import { type Brought, checkBrought } from '../../runs/brought.js'
import {
  checkBroughtFor,
  checkEmbeddings,
  classifierFeatures,
  headRows,
} from '../../runs/classifier-features.js'
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
  /** From which `unlike` on an image counts as none of the classes, 0 to 1; 0.95 where left out. */
  readonly noneAbove?: number
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
  /**
   * How unlike all classes: the share of images of the classes that are less so, as the labelled ones tell, 0 to 1. Missing
   * where the run can't tell.
   */
  readonly unlike?: number
  /** Whether it counts as none of the classes. */
  readonly noneOfThese?: boolean
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

/** @throws HandfulError (wrong use) for a threshold that is none, or that the run has nothing to hold against */
function checkNoneAbove(
  run: string,
  { unlike }: Pick<Classifier, 'unlike'>,
  noneAbove: number | undefined,
): void {
  if (noneAbove === undefined) return
  const wrong = (got: string, expected: string) =>
    usageError({ what: '--none-above', where: run, got, expected })
  if (!(noneAbove >= 0 && noneAbove <= 1)) throw wrong(`${noneAbove}`, 'a number from 0 to 1')
  if (unlike === undefined)
    throw wrong(
      `${noneAbove}`,
      'a run that tells images of none of its classes: fit it again, with 3 labels at least',
    )
}

/**
 * @example
 *     const images = [await readFile('a.jpg'), { height: 28, width: 28, channels: 1, pixels }]
 *     const { predictions } = await runPredict({ run: 'runs/photos', images }, { signal, progress: silentProgress })
 *
 * @throws HandfulError for a run without a classifier, files that are not there, and where no image can be used
 */
export async function runPredict(
  {
    run,
    images: inputs,
    embeddings,
    noneAbove,
    threads = availableThreads(),
    device = 'cpu',
    ...read
  }: PredictOptions,
  { signal, progress, ...brought }: JobContext & Brought,
): Promise<PredictResult> {
  const own = checkBrought(brought, 'runPredict')
  const classifier = await loadClassifier(run)
  const { size, channels, fit, classNames } = classifier
  checkEmbeddings(run, classifier, embeddings)
  for (const note of checkBroughtFor(run, classifier, own)) progress.message(note)
  checkNoneAbove(run, classifier, noneAbove)
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
    const rows = await headRows(classifier, features, linearAlgebra)
    const { head, unlike } = classifier
    const search = unlike && sharedSearch(unlike.references, linearAlgebra)
    const probabilities = await restorePredictor(head, linearAlgebra, search)(rows)
    const scores = unlike && search && (await restoreUnlike(unlike.parameters, search)(rows))
    const threshold = noneAbove ?? UNLIKE_THRESHOLD
    const { predicted, probability } = mostProbable(probabilities)
    return {
      predictions: images.paths.map((path, i) => ({
        path,
        predicted: classNames[predicted[i]],
        probability: probability[i],
        ...(scores && { unlike: scores[i], noneOfThese: scores[i] >= threshold }),
      })),
      skipped,
    }
  } finally {
    await linearAlgebra.close()
  }
}
