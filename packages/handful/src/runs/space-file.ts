/**
 * The feature spaces of a run in files, so that heads can be fitted again without the model:
 *
 *     features/<name>.safetensors          normalised rows, and what new images are normalised by
 *     features/<name>.graph.safetensors    the nearest neighbours of each row, once something has found them
 */
import path from 'node:path'
import { z } from 'zod'
import { readArrays, writeArrays } from '../files/array-file.js'
import { FeatureSpace, type SpaceContext } from '../features/feature-space.js'
import type { NeighbourGraph } from '../features/neighbour-graph.js'
import { neighbourArrays, neighboursOf } from '../features/space-files.js'
import { systemCode } from '../errors.js'
import { makeFolders } from '../files/atomic.js'
import { matrixArray, matrixOf, storedUnitRows } from '../numerics/matrix.js'
import { normalisationArrays, normalisationOf } from './fitted-arrays.js'

export const spaceSchema = z.object({
  /** Below the run folder. */
  file: z.string(),
  name: z.string(),
  baseline: z.boolean(),
})

export type SpaceRecord = z.infer<typeof spaceSchema>

/** What the stage of features keeps. */
export const spacesSchema = z.object({
  /** All parts alike, then each of them leading. */
  learned: z.array(spaceSchema).min(1),
  pixels: spaceSchema,
})

const graphFile = ({ file }: SpaceRecord): string => file.replace(/\.safetensors$/, '.graph.safetensors')
const ROWS = 'train'

export async function writeSpace(folder: string, file: string, space: FeatureSpace): Promise<SpaceRecord> {
  const { name, baseline, train, test } = space
  await makeFolders(path.dirname(path.join(folder, file)))
  await writeArrays(path.join(folder, file), {
    train: matrixArray(train),
    ...(test && { test: matrixArray(test) }),
    ...normalisationArrays(await space.normalisation()),
  })
  return { file, name, baseline }
}

export async function readSpace(
  folder: string,
  { file, name, baseline }: SpaceRecord,
  context: SpaceContext,
): Promise<FeatureSpace> {
  const { arrays } = await readArrays(path.join(folder, file))
  const rows = (split: string) =>
    Object.hasOwn(arrays, split) ? storedUnitRows(matrixOf(arrays[split])) : undefined
  const train = rows('train')
  if (train === undefined)
    throw new Error(
      `features (${file}): got no rows, expected what was written; delete it to have it made again`,
    )
  const normalisation = (): Promise<ReturnType<typeof normalisationOf>> =>
    Promise.resolve(normalisationOf(arrays))
  const graph = await keptGraph(folder, { file, name, baseline }, train.rows)
  return new FeatureSpace({ name, baseline, train, test: rows('test'), normalisation }, context, { graph })
}

/** Keeps the neighbours of a space's rows beside it, finding them where nothing has yet. */
export async function keepGraph(folder: string, record: SpaceRecord, space: FeatureSpace): Promise<void> {
  if ((await keptGraph(folder, record, space.train.rows)) !== undefined) return
  const arrays = neighbourArrays(ROWS, await space.graph())
  await writeArrays(path.join(folder, graphFile(record)), arrays)
}

/** One that is damaged is found again. */
async function keptGraph(
  folder: string,
  record: SpaceRecord,
  rows: number,
): Promise<NeighbourGraph | undefined> {
  try {
    const { arrays } = await readArrays(path.join(folder, graphFile(record)))
    const graph = neighboursOf(ROWS, arrays)
    return graph.rows === rows ? graph : undefined
  } catch (error) {
    if ([undefined, 'ENOENT'].includes(systemCode(error))) return undefined
    throw error
  }
}
