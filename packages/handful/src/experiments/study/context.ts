/** What every stage of a study works with. */
import type { LinearAlgebra } from '../../features/linear-algebra.js'

export interface StageContext {
  readonly linearAlgebra: LinearAlgebra
  readonly seed: number
  readonly threads: number
  readonly device: string
  /** Aborted when the user wants to stop: the stage throws `signal.reason` soon, and nothing half-done counts. */
  readonly signal: AbortSignal
  readonly onProgress?: (done: number, total: number, note?: string) => void
}
