/** Run folders with a classifier, made without training: weights and heads are drawn, so that a test takes no time. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { encodeSafetensors, type NamedArray, Random } from 'onnx-autodiff'
import { DEFAULT_READING } from '../../src/data/reading.js'
import { openOutsideEncoder } from '../../src/encoders/outside-encoder.js'
import type { EncoderOptions } from '../../src/encoders/encoder-options.js'
import { encoderOf, fitDictionary, patchEncoder } from '../../src/features/encoder.js'
import { besideEachOther } from '../../src/features/extract.js'
import { fitNormalisation } from '../../src/features/normalise.js'
import type { PredictorParameters } from '../../src/heads/head.js'
import { averagedWeights, type ImageShape, type Weights } from '../../src/models/model.js'
import { modelNamed } from '../../src/models/registry.js'
import type { ModelName, ResizeMode } from '../../src/names.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, scaledToUnitRows } from '../../src/numerics/matrix.js'
import { type Classifier, saveClassifier } from '../../src/runs/classifier.js'
import { classifierFeatures } from '../../src/runs/classifier-features.js'
import { Originals } from '../../src/data/originals.js'
import { RUN_FILES } from '../../src/runs/run-files.js'
import { RunFolder } from '../../src/runs/run-folder.js'
import { saveModelDescription } from '../../src/runs/trained-model.js'

const TINY: Readonly<Record<ModelName, object>> = {
  contrastive: { width: 4, batch: 4 },
  vae: { width: 4, hidden: 8, latent: 3, batch: 4 },
  vqvae: { encoderWidth: 8, decoderWidth: 8, residuals: 1, codes: 8, codeSize: 4, batch: 4 },
  diffusion: { width: 8, groups: 2, multipliers: [1, 1], blocks: 1, batch: 4 },
  gan: { channels: [8], latent: 8, mappingLayers: 2, hidden: 16, batch: 4 },
  flow: { width: 8, groups: 2, multipliers: [1, 1], blocks: 1, batch: 4 },
}

export interface MadeRun {
  readonly folder: string
  readonly classifier: Classifier
  /** What its classifier sees of `images` images. */
  readonly features: FeatureMatrix
}

export interface RunParts {
  /** None for patches or an encoder alone. */
  readonly model?: ModelName
  /** Merged into the model's configuration. */
  readonly set?: object
  /** 0 for none. */
  readonly patches?: number
  readonly encoder?: { readonly file: string } & EncoderOptions
  readonly image?: ImageShape
  readonly fit?: ResizeMode
  readonly classNames?: readonly string[]
  readonly head?: (columns: number, classCount: number) => PredictorParameters
}

/** Pictures of one blurred stroke each, that differ. */
export function drawnImages(count: number, { size, channels }: ImageShape, seed = 0): Uint8Array {
  const random = new Random(seed, 'test images')
  const pixels = new Uint8Array(count * size * size * channels)
  for (let i = 0, at = 0; i < count; i++) {
    const [angle, across, width] = [
      random.between(0, Math.PI),
      random.between(0.2, 0.8),
      random.between(1, 3),
    ]
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const far = Math.abs((x - size * across) * Math.cos(angle) + (y - size * across) * Math.sin(angle))
        const ink = 240 * Math.exp(-((far / width) ** 2))
        for (let c = 0; c < channels; c++)
          pixels[at++] = Math.round(ink * (1 - 0.3 * c) + random.between(0, 12))
      }
  }
  return pixels
}

const matrix = (rows: number, columns: number, random: Random, scale = 1): FeatureMatrix =>
  featureMatrix(
    rows,
    columns,
    random.fillNormal(new Float32Array(rows * columns)).map((x) => scale * x),
  )

/** Heads of every kind, with what makes each hard to write: classes that are ruled out, sharpening, kernels. */
export const heads: Readonly<Record<string, (columns: number, classCount: number) => PredictorParameters>> = {
  linear: (columns, classCount) => {
    const random = new Random(1, 'linear')
    const bias = matrix(1, classCount, random)
    bias.data[0] = -1e4
    return {
      kind: 'linear',
      classCount,
      settings: {},
      arrays: { weight: matrix(columns, classCount, random, 4), bias },
    }
  },
  mlp: (columns, classCount) => {
    const random = new Random(2, 'mlp')
    return {
      kind: 'mlp',
      classCount,
      settings: { 'confidence exponent': 0.6, 'confidence bend': 1 },
      arrays: {
        weight1: matrix(columns, 7, random, 2),
        bias1: matrix(1, 7, random),
        weight2: matrix(7, classCount, random, 2),
        bias2: matrix(1, classCount, random),
      },
    }
  },
  views: (columns, classCount) => {
    const random = new Random(4, 'views')
    return {
      kind: 'views',
      classCount,
      settings: { views: columns, 'confidence exponent': 1.4, 'confidence bend': 0.9 },
      arrays: { weight: matrix(1, classCount, random, 9), bias: matrix(1, classCount, random) },
    }
  },
  neighbours: (columns, classCount) => neighbours(columns, classCount, 'cosine cubed', {}),
  'neighbours, self-tuned and sharpened': (columns, classCount) =>
    neighbours(columns, classCount, 'self-tuned', { 'confidence exponent': 1.7, 'confidence bend': 0.6 }),
  product: (columns, classCount) => ({
    kind: 'product',
    classCount,
    settings: { 'confidence exponent': 0.8, 'confidence bend': 1.4 },
    arrays: {},
    factors: [
      { weight: 0.6, parameters: heads.linear(columns, classCount) },
      {
        weight: 0.9,
        parameters: neighbours(columns, classCount, 'cosine cubed', {
          'confidence exponent': 2,
          'confidence bend': 0.8,
        }),
      },
    ],
  }),
}

function neighbours(
  columns: number,
  classCount: number,
  kernel: string,
  settings: Readonly<Record<string, number>>,
): PredictorParameters {
  const random = new Random(3, 'neighbours')
  const references = scaledToUnitRows(matrix(30, columns, random))
  const probabilities = featureMatrix(30, classCount)
  for (let i = 0; i < 30; i++) {
    const row = probabilities.data.subarray(i * classCount, (i + 1) * classCount)
    for (let c = 1; c < classCount; c++) row[c] = random.uniform() ** 3
    const sum = row.reduce((a, b) => a + b, 0)
    row.forEach((value, c) => (row[c] = value / sum))
  }
  return {
    kind: 'neighbours',
    classCount,
    settings: { k: 5, kernel, ...settings },
    arrays: { references, probabilities },
  }
}

/** As training would have changed them: none is left at 0 or 1. */
const shaken = (weights: Weights): Weights =>
  Object.fromEntries(
    Object.entries(weights).map(([name, array]): [string, NamedArray] => {
      const random = new Random(5, name)
      const data = Float32Array.from(array.data as Float32Array, (x) => x + 0.03 * random.normal())
      return [name, { ...array, data }]
    }),
  )

export async function makeRun(parent: string, parts: RunParts): Promise<MadeRun> {
  const { image = { size: 12, channels: 1 }, classNames = ['cat', 'dog', 'bird'] } = parts
  const { fit = 'cover', patches = 0, head = heads.linear, encoder, model: name } = parts
  const linearAlgebra = plainLinearAlgebra()
  const count = 24
  const images = {
    name: 'drawn',
    count,
    height: image.size,
    width: image.size,
    channels: image.channels,
    pixels: drawnImages(count, image),
    paths: Array.from({ length: count }, (_, i) => `${i}.png`),
  }
  const run = await RunFolder.create({
    folder: await mkdtemp(path.join(parent, 'run-')),
    parent,
    name: 'made',
    date: new Date(2026, 4, 4, 12),
    config: { command: 'fit', seed: 0, model: name ?? 'none' },
    environment: {},
  })
  try {
    const fitting = { seed: 0, linearAlgebra }
    const dictionary = patches === 0 ? undefined : await fitDictionary(images, patches, fitting)
    const model = name && modelNamed(name)
    const bound =
      model && model.configure({ ...model.preset('fast', image), ...TINY[name], ...parts.set }, image)
    const weights = bound && shaken(averagedWeights(bound.train(10, 1).initialState))
    const own =
      bound && weights
        ? encoderOf({ model: bound, weights }, bound.defaultFeatures, dictionary)
        : dictionary && patchEncoder(dictionary, image)
    if (bound && weights) {
      await mkdir(run.path(RUN_FILES.model), { recursive: true })
      await run.writeFile(RUN_FILES.weights, encodeSafetensors(weights))
      await saveModelDescription(run, { model: bound, fit, reading: DEFAULT_READING, augment: 'none' })
    }
    const kept = encoder && (await openOutsideEncoder(encoder.file, encoder, { threads: 1 }))
    const file = path.join('model', 'outside-encoder-test.onnx')
    if (kept) {
      await mkdir(run.path('model'), { recursive: true })
      await writeFile(run.path(file), kept.model)
    }
    const unfitted = {
      classNames,
      ...image,
      fit,
      reading: DEFAULT_READING,
      outputs: own?.groups.flatMap(({ outputs }) => outputs) ?? [],
      drawn: own?.network.drawInputs && bound && { request: bound.defaultFeatures, seed: 3 },
      encoder: own?.network.program,
      batch: own?.network.batch,
      outside: kept && { encoder: { file, description: kept.description } },
      normalisation: {
        kind: 'normalisation' as const,
        centre: new Float32Array(0),
        projection: featureMatrix(0, 0),
        explained: new Float32Array(0),
      },
      head: head(1, classNames.length),
    } satisfies Classifier
    await saveClassifier(run, unfitted)
    const originals = new Originals({ names: images.paths })
    const raw = await classifierFeatures(
      run.folder,
      { ...unfitted },
      { images, originals },
      { threads: 1, device: 'cpu' },
    )
    const features = besideEachOther([raw])
    const normalisation = await fitNormalisation(features, linearAlgebra, { components: 10 })
    const classifier: Classifier = {
      ...unfitted,
      normalisation,
      head: head(normalisation.projection.columns, classNames.length),
    }
    await saveClassifier(run, classifier)
    return { folder: run.folder, classifier, features }
  } finally {
    await run.close()
  }
}
