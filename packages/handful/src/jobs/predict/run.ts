/** Classifies new images with a finished run. */
import { availableThreads } from 'onnx-autodiff/threads'
import type { GivenImage } from '../../data/given-image.js'
import { openImageBlocks } from '../../data/open-images.js'
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
import { type JobContext, READING, reportFound } from '../../training/progress.js'

const BLOCK_IMAGES = 20_000
const PREDICTING = 'classify the images'

/** A run, the images that it is asked of, and how they are read. */
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
  /** Images that are in memory at once, 20,000 where left out; all with `embeddings`. */
  readonly blockImages?: number
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

/** A prediction for each image that could be read, in the order given, and why the others could not. */
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
    blockImages = BLOCK_IMAGES,
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
  const told = (stage: string) => (done: number, total: number) =>
    progress.report({ stage, done, total, unit: 'images' })
  const opening = {
    ...{ size, channels, fit, signal },
    reading: readingFor(classifier.reading, read),
    sampleSeed: read.stretch === 'data' ? 0 : undefined,
    onFound: reportFound(progress),
    onProgress: told(READING),
  }
  // A table of features has rows for all images, and lies in memory.
  const most = embeddings === undefined ? blockImages : Infinity
  const source = await openImageBlocks(inputs, opening, most)
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const { head, unlike } = classifier
    const search = unlike && sharedSearch(unlike.references, linearAlgebra)
    const predictor = restorePredictor(head, linearAlgebra, search)
    const unlikeness = unlike && search && restoreUnlike(unlike.parameters, search)
    const threshold = noneAbove ?? UNLIKE_THRESHOLD
    const several = source.files > most
    const predictions: Prediction[] = []
    for await (const { firstPlace, ...block } of source.blocks()) {
      const features = await classifierFeatures(run, classifier, block, {
        ...{ ...own, embeddings, threads, device, signal, firstPlace },
        // Of one block each part is told by itself, of several what is done of all.
        onProgress: (done, total, stage) =>
          several ? told(PREDICTING)(firstPlace + done, source.files) : told(stage)(done, total),
      })
      const rows = await headRows(classifier, features, linearAlgebra)
      const { predicted, probability } = mostProbable(await predictor(rows))
      const scores = await unlikeness?.(rows)
      for (const [i, path] of block.images.paths.entries())
        predictions.push({
          path,
          predicted: classNames[predicted[i]],
          probability: probability[i],
          ...(scores && { unlike: scores[i], noneOfThese: scores[i] >= threshold }),
        })
    }
    if (several) told(PREDICTING)(source.files, source.files)
    for (const note of source.notes) progress.message(note)
    return { predictions, skipped: source.skipped }
  } finally {
    await linearAlgebra.close()
  }
}
