/** One node of a study's graph: what it is, what it needs, what it costs, and the work itself. */
import type { z } from 'zod'
import type { LabelCount, StudyMissing } from '../study/result.js'
import type { StageContext } from '../study/context.js'
import type { StageName } from './stage-store.js'

export interface Stage extends StageName {
  readonly kind: 'model' | 'features' | 'cell' | 'sweep' | 'parts' | 'map' | 'generation' | 'atlas'
  /** `key` is the hash of these stages' keys and of the stage's own settings. */
  readonly needs: readonly Stage[]
  /** Expected. */
  readonly seconds: number
  /** As progress names it; stages that follow each other under one name are counted together. */
  readonly group: string
  readonly method?: string
  readonly head?: string
  readonly labelsPerClass?: LabelCount
  readonly draws?: number
  readonly schema: z.ZodType
  /** Whether the files that the result names are still there. */
  present?(result: unknown): Promise<boolean>
  /** Gives plain data that `schema` accepts. */
  work(context: StageContext): Promise<unknown>
}

/** How a stage that has no result stands in the study. */
export const missingOf = (
  { name, method, head, labelsPerClass }: Stage,
  reason: StudyMissing['reason'],
  message: string,
): StudyMissing => ({ what: name, method, head, labelsPerClass, reason, message })
