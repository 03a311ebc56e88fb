/** The stages of a job that writes a run folder: all are required, and what is done stands in the folder. */
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import { runStages, type Standing } from '../stages/run-stages.js'
import type { Stage } from '../stages/stage.js'
import type { PlannedStage } from '../training/progress.js'
import type { RunContext } from './run-folder.js'

export interface JobStagesOptions extends RunContext {
  readonly seed: number
  readonly threads: number
  readonly device: string
  /** What the job does before the first of them. */
  readonly before?: readonly PlannedStage[]
}

/** @throws the error of the stage that fails, or the signal's reason; what was done till then is kept */
export async function runJobStages<S extends Stage>(
  stages: readonly S[],
  { run, progress, signal, seed, threads, device, before }: JobStagesOptions,
): Promise<Standing<S>> {
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const context = { linearAlgebra, seed, threads, device, signal }
    let begun = false
    const onBegin = (): void => void (begun = true)
    const options = { store: run.store, progress, context, before, required: true, onBegin }
    const standing = await runStages(stages, options)
    if (!begun) progress.message('All of this run is done: nothing is computed again.')
    return standing
  } finally {
    await linearAlgebra.close()
  }
}
