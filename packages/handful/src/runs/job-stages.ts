/** The stages of a job: all are required, and what is done stays in the job's store. */
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import { runStages, type RunStagesOptions, type Standing } from '../stages/run-stages.js'
import type { Stage } from '../stages/stage.js'
import type { JobContext } from '../training/progress.js'

export interface JobStagesOptions<S extends Stage>
  extends JobContext, Pick<RunStagesOptions<S>, 'store' | 'before' | 'after' | 'read' | 'onEnd'> {
  readonly seed: number
  readonly threads: number
  readonly device: string
}

/** @throws the error of the stage that fails, or the signal's reason; what was done till then is kept */
export async function runJobStages<S extends Stage>(
  stages: readonly S[],
  { store, progress, signal, seed, threads, device, before, after, read, onEnd }: JobStagesOptions<S>,
): Promise<Standing<S>> {
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    let begun = false
    const standing = await runStages(stages, {
      store,
      progress,
      before,
      after,
      read,
      onEnd,
      context: { linearAlgebra, seed, threads, device, signal },
      required: true,
      onBegin: () => void (begun = true),
    })
    if (!begun) progress.message('All of this run is done: nothing is computed again.')
    return standing
  } finally {
    await linearAlgebra.close()
  }
}
