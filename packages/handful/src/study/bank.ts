/**
 * Features on disk. A method's features of all images are reduced once to their leading principal components
 * (`reduced`: neither whitened nor scaled), a block of images at a time, so that thousands of numbers an image never stand
 * in memory together. What heads work on (`normalised`) is made of that, and so are combinations: the reduced features of
 * each method beside each other, each weighing the same. Everything is fitted to training images alone.
 *
 *     features/<method>-<hash>.safetensors     reduced, normalised: training rows, then test rows
 *     features/<method>-<hash>.graph.safetensors     neighbours of training and of test images among training images,
 *                                                     smoothed features of training images where a head wants them
 */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { decodeSafetensors, encodeSafetensors, type NamedArray } from 'onnx-autodiff'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import type { Images } from '../data/image-set.js'
import { besideEachOther } from '../features/extract.js'
import type { Neighbours } from '../numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, rowRange, unitRows } from '../numerics/matrix.js'
import { applyNormalisation, fitNormalisation } from '../features/normalise.js'
import { reducedComponents, reduceFeatures } from '../features/reduce.js'
import { FeatureFile } from '../features/store.js'
import { smoothedFeatures } from '../heads/smoothed.js'
import type { FeatureMethod } from './sources.js'
import type { StageContext } from '../stages/stage.js'

export const bankSchema = z.strictObject({
  /** Below the study's folder. */
  file: z.string(),
  graph: z.string(),
  trainRows: z.number().int().positive(),
  testRows: z.number().int().positive(),
  /** Numbers of a feature as the method gives it, and as heads see it. */
  dimension: z.number().int().positive(),
  columns: z.number().int().positive(),
  detail: z.string().optional(),
  imagesPerSecond: z.number().positive().optional(),
})

export type BankRecord = z.infer<typeof bankSchema>

/** One method's features as heads work on them. */
export interface Bank {
  readonly train: FeatureMatrix
  readonly test: FeatureMatrix
  readonly graph: Neighbours
  /** Of each test image among the training images. */
  readonly testNeighbours: Neighbours
  /** Of the training images, where it was asked for. */
  readonly smoothed?: FeatureMatrix
}

export interface BankOptions {
  /** The study's folder. */
  readonly folder: string
  /** Of the files, without ending. */
  readonly name: string
  readonly components: number
  readonly whitening: number
  readonly seed: number
  /** Whether a head works on smoothed features. */
  readonly smooth?: boolean
}

export interface Splits {
  readonly train: Images
  readonly test: Images
}

/** As many as any head asks for. */
const NEIGHBOURS = 15

/** Computes a method's features of all images and writes them. */
export async function makeBank(
  method: FeatureMethod,
  splits: Splits,
  options: BankOptions,
  context: StageContext,
): Promise<BankRecord> {
  const source = await method.open(splits.train, context)
  try {
    const started = performance.now()
    const { blocks = [source.columns], standardise } = source
    const reduced = await reduceFeatures(
      { groups: [{ blocks, standardise }], extract: (images, place) => source.extract(images, place) },
      splits.train,
      [splits.test],
      {
        ...context,
        ...{ components: reducedComponents(options.components), seed: options.seed },
        onProgress: (done, total) => context.onProgress?.(done, total, 'images'),
      },
    )
    const { train, extractSeconds } = reduced
    const [test] = reduced.others
    const images = splits.train.count + splits.test.count
    return await writeBank(
      { train, test, blocks: [train.columns] },
      options,
      {
        dimension: source.columns,
        detail: source.detail,
        imagesPerSecond: images / Math.max(1e-3, extractSeconds || (performance.now() - started) / 1000),
      },
      context,
    )
  } finally {
    await source.close?.()
  }
}

/** The features of several methods beside each other. */
export async function combineBanks(
  parts: readonly BankRecord[],
  options: BankOptions,
  context: StageContext,
): Promise<BankRecord> {
  const reduced: FeatureMatrix[] = []
  for (const part of parts) reduced.push(await readMatrix(options.folder, part, 'reduced'))
  const all = besideEachOther(reduced)
  const { trainRows } = parts[0]
  return writeBank(
    {
      train: rowRange(all, 0, trainRows),
      test: rowRange(all, trainRows, all.rows),
      blocks: reduced.map(({ columns }) => columns),
    },
    options,
    {
      dimension: parts.reduce((sum, { dimension }) => sum + dimension, 0),
      detail: 'beside each other, each weighing the same',
    },
    context,
  )
}

async function writeBank(
  { train, test, blocks }: { train: FeatureMatrix; test: FeatureMatrix; blocks: readonly number[] },
  { folder, name, components, whitening, smooth = false }: BankOptions,
  facts: Pick<BankRecord, 'dimension' | 'detail' | 'imagesPerSecond'>,
  { linearAlgebra, signal, onProgress }: StageContext,
): Promise<BankRecord> {
  const normalisation = await fitNormalisation(train, linearAlgebra, { components, whitening, blocks })
  const normalised = {
    train: await applyNormalisation(normalisation, train, linearAlgebra),
    test: await applyNormalisation(normalisation, test, linearAlgebra),
  }
  const columns = normalised.train.columns
  const file = path.join('features', `${name}.safetensors`)
  const out = await FeatureFile.create({
    path: path.join(folder, file),
    tensors: [
      { name: 'reduced', columns: train.columns, outputs: ['reduced'] },
      { name: 'normalised', columns, outputs: ['normalised'] },
    ],
    limit: train.rows + test.rows,
    metadata: { rows: `${train.rows} training images, then ${test.rows} test images` },
  })
  try {
    for (const split of ['train', 'test'] as const) {
      const [reduced, ready] = [{ train, test }[split], normalised[split]]
      const index = Array.from({ length: ready.rows }, (_, i) => ({
        split,
        fileName: `${split}/${String(i).padStart(5, '0')}`,
        label: '',
      }))
      await out.append({ reduced, normalised: ready }, index)
    }
    await out.finish()
  } catch (error) {
    await out.discard()
    throw error
  }
  signal.throwIfAborted()
  const [a, b] = [unitRows(normalised.train), unitRows(normalised.test)]
  const note = (done: number, total: number): void => onProgress?.(done, total, 'neighbours')
  const search = { onProgress: note }
  const smoothing = {
    signal,
    onProgress: (done: number, total: number) => onProgress?.(done, total, 'smoothing'),
  }
  const graph = await linearAlgebra.nearest(a, a, NEIGHBOURS, { excludeSelf: true, ...search })
  const testNeighbours = await linearAlgebra.nearest(b, a, NEIGHBOURS, search)
  const smoothed = smooth
    ? await smoothedFeatures({ features: normalised.train, graph, linearAlgebra }, smoothing)
    : undefined
  const graphFile = path.join('features', `${name}.graph.safetensors`)
  await writeFileAtomic(
    path.join(folder, graphFile),
    encodeSafetensors({
      ...neighbourArrays('train', graph),
      ...neighbourArrays('test', testNeighbours),
      ...(smoothed && { smoothed: matrixArray(smoothed) }),
    }),
  )
  return { ...facts, file, graph: graphFile, trainRows: train.rows, testRows: test.rows, columns }
}

/** Whether both files are still there. */
export async function bankPresent(folder: string, { file, graph }: BankRecord): Promise<boolean> {
  const sizes = await Promise.all(
    [file, graph].map((name) => stat(path.join(folder, name)).catch(() => undefined)),
  )
  return sizes.every((found) => found !== undefined)
}

export async function readBank(folder: string, record: BankRecord): Promise<Bank> {
  const all = await readMatrix(folder, record, 'normalised')
  const { arrays } = decodeSafetensors(await readFile(path.join(folder, record.graph)))
  return {
    train: rowRange(all, 0, record.trainRows),
    test: rowRange(all, record.trainRows, all.rows),
    graph: neighboursOf('train', arrays),
    testNeighbours: neighboursOf('test', arrays),
    smoothed: Object.hasOwn(arrays, 'smoothed') ? matrixOf(arrays.smoothed) : undefined,
  }
}

async function readMatrix(
  folder: string,
  { file, trainRows, testRows }: BankRecord,
  name: 'reduced' | 'normalised',
): Promise<FeatureMatrix> {
  const { arrays } = decodeSafetensors(await readFile(path.join(folder, file)))
  const array: NamedArray | undefined = Object.hasOwn(arrays, name) ? arrays[name] : undefined
  if (!(array?.data instanceof Float32Array) || array.shape[0] !== trainRows + testRows) {
    throw new Error(
      `features (${file}): got no ${name} of ${trainRows + testRows} rows, expected what was written; delete it to have it made again`,
    )
  }
  return featureMatrix(array.shape[0], array.shape[1], array.data)
}

const matrixArray = ({ rows, columns, data }: FeatureMatrix): NamedArray => ({
  dtype: 'float32',
  shape: [rows, columns],
  data,
})

const matrixOf = ({ shape: [rows, columns], data }: NamedArray): FeatureMatrix =>
  featureMatrix(rows, columns, data as Float32Array)

const neighbourArrays = (
  split: string,
  { rows, k, indices, similarities }: Neighbours,
): Record<string, NamedArray> => ({
  [`${split}.indices`]: { dtype: 'int32', shape: [rows, k], data: indices },
  [`${split}.similarities`]: { dtype: 'float32', shape: [rows, k], data: similarities },
})

function neighboursOf(split: string, arrays: Readonly<Record<string, NamedArray>>): Neighbours {
  const [indices, similarities] = [arrays[`${split}.indices`], arrays[`${split}.similarities`]]
  return {
    rows: indices.shape[0],
    k: indices.shape[1],
    indices: indices.data as Int32Array,
    similarities: similarities.data as Float32Array,
  }
}
