/**
 * Feature spaces in files, as a study keeps them:
 *
 *     <name>.safetensors           reduced (neither whitened nor scaled), normalised: training rows, then test rows
 *     <name>.graph.safetensors     neighbours of training and of test rows among training rows, smoothed training rows
 *                                  where they are asked for
 */
import path from 'node:path'
import { type NamedArray } from 'onnx-autodiff'
import { readArrays, writeArrays } from '../files/array-file.js'
import { filesPresent } from '../files/present.js'
import type { Neighbours } from '../numerics/linear-algebra.js'
import { type FeatureMatrix, matrixArray, matrixOf, rowRange, storedUnitRows } from '../numerics/matrix.js'
import { FeatureSpace, type SpaceContext } from './feature-space.js'
import { FeatureFile } from './store.js'

export interface StoredSpace {
  /** Below the folder. */
  readonly file: string
  readonly graph: string
  readonly trainRows: number
  readonly testRows: number
  readonly columns: number
}

/** Features before they are normalised. */
export interface ReducedRows {
  readonly train: FeatureMatrix
  readonly test: FeatureMatrix
}

export interface SaveOptions {
  readonly folder: string
  /** Below the folder, without ending. */
  readonly name: string
  /** Whether smoothed features are kept too. */
  readonly smooth?: boolean
}

/** Writes a space and the features that it was made of; neighbours are searched once the features are safe. */
export async function saveSpace(
  space: FeatureSpace,
  reduced: ReducedRows,
  { folder, name, smooth = false }: SaveOptions,
  signal?: AbortSignal,
): Promise<StoredSpace> {
  const { train, test } = space
  if (test === undefined) throw new Error('internal: saveSpace: got no test rows, expected some')
  const stored = {
    file: `${name}.safetensors`,
    graph: `${name}.graph.safetensors`,
    trainRows: train.rows,
    testRows: test.rows,
    columns: train.columns,
  }
  const out = await FeatureFile.create({
    path: path.join(folder, stored.file),
    tensors: [
      { name: 'reduced', columns: reduced.train.columns, outputs: ['reduced'] },
      { name: 'normalised', columns: train.columns, outputs: ['normalised'] },
    ],
    limit: train.rows + test.rows,
    metadata: { rows: `${train.rows} training images, then ${test.rows} test images` },
  })
  try {
    for (const [split, normalised] of [
      ['train', train],
      ['test', test],
    ] as const) {
      const index = Array.from({ length: normalised.rows }, (_, i) => ({
        split,
        fileName: `${split}/${String(i).padStart(5, '0')}`,
        label: '',
      }))
      await out.append({ reduced: reduced[split], normalised }, index)
    }
    await out.finish()
  } catch (error) {
    await out.discard()
    throw error
  }
  signal?.throwIfAborted()
  const arrays = {
    ...neighbourArrays('train', await space.graph()),
    ...neighbourArrays('test', await space.testNeighbours()),
    ...(smooth && { smoothed: matrixArray(await space.smoothed()) }),
  }
  await writeArrays(path.join(folder, stored.graph), arrays)
  return stored
}

/** Whether both files are still there. */
export const spaceStored = (folder: string, { file, graph }: StoredSpace): Promise<boolean> =>
  filesPresent(folder, [file, graph])

/** @throws Error where a file does not hold what was written */
export async function loadSpace(
  folder: string,
  stored: StoredSpace,
  context: SpaceContext,
): Promise<FeatureSpace> {
  const all = storedUnitRows(await readTensor(folder, stored, 'normalised'))
  const { arrays } = await readArrays(path.join(folder, stored.graph))
  return new FeatureSpace(
    { train: rowRange(all, 0, stored.trainRows), test: rowRange(all, stored.trainRows, all.rows) },
    context,
    {
      graph: neighboursOf('train', arrays),
      testNeighbours: neighboursOf('test', arrays),
      smoothed: Object.hasOwn(arrays, 'smoothed') ? storedUnitRows(matrixOf(arrays.smoothed)) : undefined,
    },
  )
}

/** What a stored space was made of: training rows, then test rows. */
export const loadReduced = (folder: string, stored: StoredSpace): Promise<FeatureMatrix> =>
  readTensor(folder, stored, 'reduced')

async function readTensor(
  folder: string,
  { file, trainRows, testRows }: StoredSpace,
  name: 'reduced' | 'normalised',
): Promise<FeatureMatrix> {
  const { arrays } = await readArrays(path.join(folder, file))
  const array: NamedArray | undefined = Object.hasOwn(arrays, name) ? arrays[name] : undefined
  if (array?.data instanceof Float32Array && array.shape[0] === trainRows + testRows) return matrixOf(array)
  throw new Error(
    `features (${file}): got no ${name} of ${trainRows + testRows} rows, expected what was written; delete it to have it made again`,
  )
}

/** Neighbours as arrays of a file; `split` tells several apart. */
export const neighbourArrays = (
  split: string,
  { rows, k, indices, similarities }: Neighbours,
): Record<string, NamedArray> => ({
  [`${split}.indices`]: { dtype: 'int32', shape: [rows, k], data: indices },
  [`${split}.similarities`]: { dtype: 'float32', shape: [rows, k], data: similarities },
})

export function neighboursOf(split: string, arrays: Readonly<Record<string, NamedArray>>): Neighbours {
  const [indices, similarities] = [arrays[`${split}.indices`], arrays[`${split}.similarities`]]
  return {
    rows: indices.shape[0],
    k: indices.shape[1],
    indices: indices.data as Int32Array,
    similarities: similarities.data as Float32Array,
  }
}
