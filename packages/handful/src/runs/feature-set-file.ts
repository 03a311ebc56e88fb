/** Features of a run in a file, so that heads can be fitted again without the model. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { decodeSafetensors, encodeSafetensors } from 'onnx-autodiff'
import { z } from 'zod'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import type { FeatureSet } from '../features/feature-sets.js'
import { matrixArray, matrixOf } from '../numerics/matrix.js'
import { normalisationArrays, normalisationOf } from './fitted-arrays.js'

export const featureSetSchema = z.object({
  /** Below the run folder. */
  file: z.string(),
  name: z.string(),
  baseline: z.boolean(),
})

export type FeatureSetRecord = z.infer<typeof featureSetSchema>

export async function writeFeatureSet(
  folder: string,
  file: string,
  set: FeatureSet,
): Promise<FeatureSetRecord> {
  const { name, baseline, train, test, normalisation } = set
  await makeFolders(path.dirname(path.join(folder, file)))
  await writeFileAtomic(
    path.join(folder, file),
    encodeSafetensors({
      train: matrixArray(train),
      ...(test && { test: matrixArray(test) }),
      ...normalisationArrays(normalisation),
    }),
  )
  return { file, name, baseline }
}

export async function readFeatureSet(
  folder: string,
  { file, name, baseline }: FeatureSetRecord,
): Promise<FeatureSet> {
  const { arrays } = decodeSafetensors(await readFile(path.join(folder, file)))
  return {
    name,
    baseline,
    train: matrixOf(arrays.train),
    test: Object.hasOwn(arrays, 'test') ? matrixOf(arrays.test) : undefined,
    normalisation: normalisationOf(arrays),
  }
}

/** Whether all of some files of a run are there. */
export async function filesPresent(folder: string, files: readonly string[]): Promise<boolean> {
  const found = await Promise.all(files.map((file) => stat(path.join(folder, file)).catch(() => undefined)))
  return found.every((each) => each !== undefined)
}
