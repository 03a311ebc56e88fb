/**
 * A stage: one piece of a job whose result is kept. All that it depends on is plain data, its `settings` and the stages
 * that it needs; what it gives is plain data too, and names the files that it wrote. Only `work` is code.
 */
import type { z } from 'zod'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { PlannedStage } from '../training/progress.js'

/** What tells a stage from all others. */
export interface StageName {
  readonly kind: string
  /** As progress and reports name it. */
  readonly name: string
  /** `contentKey(settings)`: stages of one key give the same. */
  readonly key: string
}

export interface Stage<R = unknown> extends StageName {
  /** All that the result depends on as plain data, the keys of `needs` included. */
  readonly settings: object
  /** Done before it. Of those whose files it reads, the results are in the store: `store.result(need)`. */
  readonly needs: readonly Stage[]
  /** Expected; undefined where nothing but its own pace can tell. */
  readonly seconds: number | undefined
  /** As progress names it; stages of one group are counted together. */
  readonly group: string
  /** What progress counts: `total` of `unit`, 100 % unless said otherwise. */
  readonly unit?: string
  readonly total?: number
  /** What its work reports by itself, as training does: under the group's name, or as the parts that are planned here. */
  readonly reportsItself?: true | readonly PlannedStage[]
  readonly schema: z.ZodType<R>
  /** Whether the files that the result names are still there. */
  present?(result: R): Promise<boolean>
  /** What an older version kept of the same work under another name, where the store has nothing under this one. */
  older?(): Promise<OlderRecord | undefined>
  /** Gives plain data that `schema` accepts. */
  work(context: StageContext): Promise<R>
}

/** What is known of work that was done under another name. */
export interface OlderRecord {
  readonly seconds: number
  readonly finishedAt: string
  readonly result: unknown
}

/** What every stage works with. */
export interface StageContext {
  readonly linearAlgebra: LinearAlgebra
  readonly seed: number
  readonly threads: number
  readonly device: string
  /** Aborted when the user wants to stop: the stage throws `signal.reason` soon, and nothing half-done counts. */
  readonly signal: AbortSignal
  /** Where stages are given out to one process at a time: what this one was given out as (`LockOptions.claim`). */
  readonly claim?: string
  /** Told of what is done, in the stage's unit. */
  readonly onProgress?: (done: number, total: number, note?: string) => void
}

/** The stages as they are given, save that each comes after those of them that it needs. */
export function inOrder<S extends Stage>(stages: readonly S[]): S[] {
  const given = new Map<Stage, S>(stages.map((stage) => [stage, stage]))
  const ordered = new Set<S>()
  const add = (stage: S | undefined): void => {
    if (stage === undefined || ordered.has(stage)) return
    stage.needs.forEach((need) => add(given.get(need)))
    ordered.add(stage)
  }
  stages.forEach(add)
  return [...ordered]
}
