/** What every stage of a study works with. */
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { DrawFitter } from './draw-fit.js'

export interface StageContext {
  readonly linearAlgebra: LinearAlgebra
  readonly seed: number
  readonly threads: number
  readonly device: string
  /** Aborted when the user wants to stop: the stage throws `signal.reason` soon, and nothing half-done counts. */
  readonly signal: AbortSignal
  /** Processes that fit heads of the registry; where there are none, heads are fitted in this one. */
  readonly fitters?: readonly DrawFitter[]
  readonly onProgress?: (done: number, total: number, note?: string) => void
}
