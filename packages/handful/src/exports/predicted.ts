/** What `handful predict` says of a few images, each as if it were the only one: what an exported model has to say too. */
import type { Encodable } from '../encoders/encode-images.js'
import { imageBytes } from '../data/image-set.js'
import { readOriginals } from '../data/read-again.js'
import { restorePredictor } from '../heads/predictor.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import type { Brought } from '../runs/brought.js'
import type { Classifier } from '../runs/classifier.js'
import { classifierFeatures, headRows } from '../runs/classifier-features.js'
import type { ModelInput } from './whole-model.js'

export interface PredictingOptions extends Brought {
  readonly threads: number
  readonly device: string
  readonly signal: AbortSignal
}

/** `[images, classes]` */
export async function predictedAlone(
  run: string,
  classifier: Classifier,
  encodable: Encodable,
  options: PredictingOptions,
): Promise<FeatureMatrix> {
  const { threads, device } = options
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const predict = restorePredictor(classifier.head, linearAlgebra)
    const result = featureMatrix(encodable.images.count, classifier.classNames.length)
    // What is drawn for an image goes by its place: only where nothing is may all of them go together.
    const each = classifier.drawn === undefined ? [encodable] : singles(encodable)
    let row = 0
    for (const images of each) {
      const features = await classifierFeatures(run, classifier, images, options)
      const rows = await predict(await headRows(classifier, features, linearAlgebra))
      result.data.set(rows.data, row * result.columns)
      row += rows.rows
    }
    return result
  } finally {
    await linearAlgebra.close()
  }
}

function singles({ images, originals }: Encodable): Encodable[] {
  const bytes = imageBytes(images)
  return images.paths.map((path, i) => ({
    images: {
      ...images,
      count: 1,
      paths: [path],
      pixels: images.pixels.slice(i * bytes, (i + 1) * bytes),
    },
    originals: originals.at([i]),
  }))
}

/** The same images as a model's inputs take them, by the inputs' names. */
export async function inputPixels(
  inputs: readonly ModelInput[],
  { images, originals }: Encodable,
  signal: AbortSignal,
): Promise<Record<string, Uint8Array>> {
  const result: Record<string, Uint8Array> = {}
  for (const { name, size, channels } of inputs) {
    if (size === images.height && channels === images.channels) {
      result[name] = images.pixels.subarray()
      continue
    }
    const bytes = size * size * channels
    const all = new Uint8Array(images.count * bytes)
    const reading = { size, channels, block: images.count, signal }
    for await (const { places, pixels } of readOriginals(originals, images, reading))
      places.forEach((place, i) => all.set(pixels.subarray(i * bytes, (i + 1) * bytes), place * bytes))
    result[name] = all
  }
  return result
}
