/**
 * A run's classifier to take away: one ONNX file from pixels to probabilities, and beside it what it says of itself, test
 * inputs with expected outputs, a model card and a page to try it on. What is written was run first: its probabilities are
 * those of `handful predict`.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { type Arrays, encodeSafetensors, Random, readForeignModel } from 'onnx-autodiff'
import { printable, usageError } from '../errors.js'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { confidenceOf } from '../heads/confidence.js'
import { compared, distil, type Distilled } from '../heads/distil.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import type { Brought } from '../runs/brought.js'
import { type Classifier, loadClassifier } from '../runs/classifier.js'
import { checkDevice } from '../runs/device.js'
import type { JobContext } from '../training/progress.js'
import { modelCard } from './model-card.js'
import { besideModel } from './model-files.js'
import {
  FORMAT,
  METADATA_KEY,
  type ModelDescription,
  type ModelMetadata,
  NOT_NORMALISED,
  PROBABILITIES,
  WHOLE_HEAD,
} from './model-format.js'
import { inputPixels, predictedAlone } from './predicted.js'
import { type RunFacts, runFacts } from './run-facts.js'
import { openModel } from './run-model.js'
import { type TestImages, testImages } from './test-images.js'
import { type MadePage, tryPage } from './try-page.js'
import { type WholeModel, wholeModel } from './whole-model.js'

export interface ExportOptions {
  /** The ONNX file; what belongs to it is called alike and lies beside it. */
  readonly out: string
  /** The page; `try.html` beside the model unless said otherwise. */
  readonly page?: string
  readonly date: Date
  readonly threads: number
  readonly device: string
  /** Whether a small head stands for one that keeps its training images (heads/distil.ts). */
  readonly distil?: boolean
  /** In place of the run's own, such as one that was fitted to newer labels, and what is known of that. */
  readonly classifier?: Classifier
  readonly facts?: Partial<Pick<RunFacts, 'labels' | 'accuracy'>>
}

export interface Exported {
  /** The ONNX file. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** All that was written, the ONNX file first. */
  readonly files: readonly string[]
  readonly page?: string
  readonly metadata: ModelMetadata
  /** Between its probabilities and those of `handful predict`, over the test images; the largest one. */
  readonly difference: number
  readonly testImages: number
  readonly notes: readonly string[]
}

/** More is no rounding. */
const LARGEST_DIFFERENCE = 1e-4

/** @throws HandfulError for a run without a classifier, or with features that no file can compute */
export async function exportModel(
  run: string,
  options: ExportOptions,
  { signal, progress, ...brought }: JobContext & Brought,
): Promise<Exported> {
  const { out, threads, device } = options
  await checkTarget(out)
  await checkDevice(device)
  const own = options.classifier ?? (await loadClassifier(run))
  const facts = { ...(await runFacts(run, own)), ...options.facts }
  const small =
    options.distil === true ? await distilled(own, facts.seed, { threads, device, progress }) : undefined
  const classifier = small === undefined ? own : { ...own, head: small.parameters }
  const whole = await wholeModel(run, classifier, brought)
  signal.throwIfAborted()

  progress.report({ stage: 'check the model', done: 0, total: 0, unit: 'images' })
  const tested = await testImages(run, classifier, facts, signal)
  const predicting = { ...brought, threads, device, signal }
  const expected = await predictedAlone(run, classifier, tested, predicting)
  const wholeHead = small && (await predictedAlone(run, own, tested, predicting))
  const metadata = metadataOf(run, classifier, facts, whole, {
    date: options.date,
    distilled: small &&
      wholeHead && {
        from: own.head.kind,
        agreement: {
          value: small.agreement.mean,
          low: small.agreement.low,
          high: small.agreement.high,
        },
        difference: small.difference,
        images: small.images,
        test: compared(expected, wholeHead),
      },
  })
  const model = whole.encode({ title: metadata.run, [METADATA_KEY]: JSON.stringify(metadata) })
  const pixels = await inputPixels(whole.inputs, tested, signal)
  const difference = await differenceOf(model, metadata, pixels, expected, { threads, device })
  signal.throwIfAborted()

  const { notes, ...written } = await writeAll(options, {
    model,
    metadata,
    tested,
    test: testFile(metadata, pixels, expected, wholeHead),
    made: await tryPage(model, metadata, pixels, expected),
  })
  return {
    file: out,
    bytes: model.length,
    sha256: sha256(model),
    ...written,
    metadata,
    difference,
    testImages: tested.images.count,
    notes: [...metadata.notes, ...notes],
  }
}

async function distilled(
  { head }: Classifier,
  seed: number,
  { threads, device, progress }: Pick<ExportOptions, 'threads' | 'device'> & Pick<JobContext, 'progress'>,
): Promise<Distilled> {
  progress.report({ stage: 'distil the classifier', done: 0, total: 0, unit: 'images' })
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    return await distil(head, { linearAlgebra, random: new Random(seed, 'exports/distil') })
  } finally {
    await linearAlgebra.close()
  }
}

/** @throws HandfulError (wrong use) before any work is done */
async function checkTarget(out: string): Promise<void> {
  const found = await stat(out).catch(() => undefined)
  if (found?.isDirectory())
    throw usageError({
      what: '--out',
      got: `the folder ${printable(out)}`,
      expected: 'the name of a file',
      hint: `for example ${path.join(out, 'model.onnx')}`,
    })
}

const { version: VERSION } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { readonly version: string }

const HEAD_SENTENCES = {
  linear: 'logistic regression on the features',
  views: 'logistic regression on the features of an image and of its mirrored image, and the mean of both',
  mlp: 'a small network on the features',
  neighbours: 'the nearest training images by their features, each with its class probabilities',
  product: 'nearest training images and logistic regression, weighed by the labels',
} as const

function metadataOf(
  run: string,
  classifier: Classifier,
  facts: RunFacts,
  whole: WholeModel,
  { date, distilled }: { readonly date: Date; readonly distilled: ModelMetadata['distilled'] },
): ModelMetadata {
  const { classNames, fit, reading, head, outside, outputs } = classifier
  const isGrey = whole.inputs.some(({ channels }) => channels === 1)
  const models = [
    ...(outputs.length > 0 ? [facts.model] : []),
    ...(outside?.encoder === undefined ? [] : [outside.encoder.description.title]),
  ]
  return {
    format: FORMAT,
    classes: [...classNames],
    inputs: whole.inputs.map((each) => ({ ...each, type: 'uint8', layout: 'NHWC' })),
    batch: whole.batch,
    square: {
      fit,
      background: '#ffffff',
      orientation: 'EXIF',
      kernel: 'lanczos3',
      ...(isGrey && { grey: '(77 R + 150 G + 29 B + 128) >> 8' }),
    },
    reading,
    pixels: 'bytes as they are; range, mean and deviation are inside the model',
    features: whole.columns,
    normalisation:
      classifier.normalisation === undefined
        ? NOT_NORMALISED
        : 'centred, rotated to principal components, partly whitened, scaled to length 1; inside',
    head: head.kind,
    calibration: confidenceOf(head.settings),
    distilled,
    labels: facts.labels === undefined ? undefined : [...facts.labels],
    images: facts.images,
    noneOfThese: facts.noneOfThese || undefined,
    accuracy: facts.accuracy,
    model: [...new Set(models)].join(' and '),
    run: path.basename(path.resolve(run)),
    seed: facts.seed,
    version: VERSION,
    date: date.toISOString().slice(0, 10),
    notes: [
      `the classifier is ${classifier.normalisation === undefined ? 'a network, trained whole' : HEAD_SENTENCES[head.kind]}`,
      ...(distilled === undefined
        ? []
        : [
            `it was distilled from another: ${HEAD_SENTENCES[distilled.from]}; the accuracy that is told is that one's`,
          ]),
      ...(whole.hasFixedNoise
        ? [
            'its features are seen through noise, which is the same for every image here; "handful predict" draws it anew for each image after the first',
          ]
        : []),
      ...(whole.batch === 1 ? ['it takes one image at a time'] : []),
    ],
  }
}

async function differenceOf(
  model: Uint8Array,
  metadata: ModelMetadata,
  pixels: Readonly<Record<string, Uint8Array>>,
  expected: FeatureMatrix,
  options: { readonly threads: number; readonly device: string },
): Promise<number> {
  const running = await openModel(await readForeignModel(model), metadata, options)
  try {
    const found = await running.probabilities(pixels, expected.rows)
    const difference = found.reduce((most, p, i) => Math.max(most, Math.abs(p - expected.data[i])), 0)
    if (difference <= LARGEST_DIFFERENCE) return difference
    throw new Error(`internal: export: got probabilities that differ by ${difference} from those of predict`)
  } finally {
    await running.close()
  }
}

const testFile = (
  { inputs }: ModelMetadata,
  pixels: Readonly<Record<string, Uint8Array>>,
  { rows, columns, data }: FeatureMatrix,
  wholeHead: FeatureMatrix | undefined,
): Uint8Array => {
  const images: Arrays = Object.fromEntries(
    inputs.map(({ name, size, channels }) => [
      name,
      { dtype: 'uint8', shape: [rows, size, size, channels], data: pixels[name] },
    ]),
  )
  const of = (probabilities: Float32Array) =>
    ({ dtype: 'float32', shape: [rows, columns], data: probabilities }) as const
  return encodeSafetensors({
    ...images,
    [PROBABILITIES]: of(data),
    ...(wholeHead && { [WHOLE_HEAD]: of(wholeHead.data) }),
  })
}

interface Parts {
  readonly model: Uint8Array
  readonly metadata: ModelMetadata
  readonly tested: TestImages
  readonly test: Uint8Array
  readonly made: MadePage
}

async function writeAll(
  { out, page }: ExportOptions,
  { model, metadata, tested, test, made }: Parts,
): Promise<{ readonly files: string[]; readonly page?: string; readonly notes: string[] }> {
  const beside = besideModel(out)
  const pageFile = page ?? beside.page
  const description: ModelDescription = {
    ...metadata,
    files: { model: fileFacts(out, model), test: fileFacts(beside.test, test) },
  }
  const contents: [string, string | Uint8Array][] = [
    [out, model],
    [beside.test, test],
    [beside.description, `${JSON.stringify(description, null, 2)}\n`],
    [beside.card, modelCard(path.basename(out), description, tested)],
    ...(made.page === undefined ? [] : [[pageFile, made.page] as [string, string]]),
  ]
  for (const [file, content] of contents) {
    await makeFolders(path.dirname(path.resolve(file)))
    await writeFileAtomic(file, content)
  }
  return {
    files: contents.map(([file]) => file),
    page: made.page === undefined ? undefined : pageFile,
    notes: made.note === undefined ? [] : [made.note],
  }
}

const fileFacts = (file: string, content: Uint8Array): ModelDescription['files']['model'] => ({
  name: path.basename(file),
  bytes: content.length,
  sha256: sha256(content),
})

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')
