/** The feature spaces of a run in files, so that heads can be fitted again without the model. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeSafetensors, encodeSafetensors } from 'onnx-autodiff'
import { z } from 'zod'
import { FeatureSpace, type SpaceContext } from '../features/feature-space.js'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { matrixArray, matrixOf, storedUnitRows } from '../numerics/matrix.js'
import { normalisationArrays, normalisationOf } from './fitted-arrays.js'

export const spaceSchema = z.object({
  /** Below the run folder. */
  file: z.string(),
  name: z.string(),
  baseline: z.boolean(),
})

export type SpaceRecord = z.infer<typeof spaceSchema>

export async function writeSpace(folder: string, file: string, space: FeatureSpace): Promise<SpaceRecord> {
  const { name, baseline, train, test } = space
  await makeFolders(path.dirname(path.join(folder, file)))
  await writeFileAtomic(
    path.join(folder, file),
    encodeSafetensors({
      train: matrixArray(train),
      ...(test && { test: matrixArray(test) }),
      ...normalisationArrays(await space.normalisation()),
    }),
  )
  return { file, name, baseline }
}

export async function readSpace(
  folder: string,
  { file, name, baseline }: SpaceRecord,
  context: SpaceContext,
): Promise<FeatureSpace> {
  const { arrays } = decodeSafetensors(await readFile(path.join(folder, file)))
  const rows = (split: string) =>
    Object.hasOwn(arrays, split) ? storedUnitRows(matrixOf(arrays[split])) : undefined
  const train = rows('train')
  if (train === undefined)
    throw new Error(
      `features (${file}): got no rows, expected what was written; delete it to have it made again`,
    )
  const normalisation = (): Promise<ReturnType<typeof normalisationOf>> =>
    Promise.resolve(normalisationOf(arrays))
  return new FeatureSpace({ name, baseline, train, test: rows('test'), normalisation }, context)
}
