/** A study in the store, opened to do stages of it as its planner planned them. */
import path from 'node:path'
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import { locateImages } from '../runs/image-record.js'
import { openDrawFitPool, fitProcesses } from '../study/draw-fit-pool.js'
import { prepareStudy } from '../study/run-study.js'
import { readStudyOptions } from '../study/study-folder.js'
import { silentProgress } from '../training/progress.js'
import type { OpenedStages, Opening } from './do-stage.js'

/**
 * @param dataDir where this machine has data sets
 * @throws HandfulError where the folder holds no study, or its images are not to be found here
 */
export async function openStudyStages(
  folder: string,
  { signal, onProgress, environment }: Opening,
  dataDir: string | undefined,
): Promise<OpenedStages> {
  const saved = await readStudyOptions(folder)
  const images =
    saved.folder === undefined
      ? undefined
      : await locateImages(folder, saved.folder, 'mount them where the planner has them, or into the store')
  const options = { ...saved, folder: images, dataDir: dataDir ?? saved.dataDir }
  const { seed, threads, device } = options
  const { workshop, plan } = await prepareStudy(options, {
    folder: path.resolve(folder),
    command: '',
    environment,
    signal,
    progress: { ...silentProgress, report: ({ done, total, note }) => onProgress(done, total, note) },
  })
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  const processes = fitProcesses(threads)
  const pool = processes > 1 ? openDrawFitPool({ processes, threads, device, folder }) : undefined
  workshop.fitters = pool?.fitters ?? []
  return {
    stages: plan.stages,
    store: workshop.store,
    context: { linearAlgebra, seed, threads, device },
    async close() {
      pool?.close()
      await linearAlgebra.close()
    },
  }
}
