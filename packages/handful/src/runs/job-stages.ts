/** The stages of a job: all are required, and what is done stays in the job's store. */
import { onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import { runStages, type RunStagesOptions, type Standing } from '../stages/run-stages.js'
import type { Stage } from '../stages/stage.js'
import { StageMemory } from '../stages/stage-store.js'
import type { JobContext } from '../training/progress.js'

export interface JobStagesOptions<S extends Stage>
  extends JobContext, Partial<Pick<RunStagesOptions<S>, 'before' | 'after' | 'read' | 'onEnd'>> {
  /** What is done already, and what will be. Nothing outlasts the job where it is left out. */
  readonly store?: StageMemory
  readonly seed: number
  readonly threads: number
  readonly device: string
}

/** @throws the error of the stage that fails, or the signal's reason; what was done till then is kept */
export async function runJobStages<S extends Stage>(
  stages: readonly S[],
  {
    store = new StageMemory(),
    progress,
    signal,
    seed,
    threads,
    device,
    before,
    after,
    read,
    onEnd,
  }: JobStagesOptions<S>,
): Promise<Standing<S>> {
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const context = { linearAlgebra, seed, threads, device, signal }
    let begun = false
    const onBegin = (): void => void (begun = true)
    const options = { store, progress, context, before, after, read, required: true, onBegin, onEnd }
    const standing = await runStages(stages, options)
    if (!begun) progress.message('All of this run is done: nothing is computed again.')
    return standing
  } finally {
    await linearAlgebra.close()
  }
}
