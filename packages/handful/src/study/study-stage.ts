/** A stage of a study: what it says beside all stages, so that budgets weigh it and a report can tell that it is missing. */
import type { Stage } from '../stages/stage.js'
import type { LabelCount, StudyMissing } from './result.js'

export interface StudyStage<R = unknown> extends Stage<R> {
  readonly seconds: number
  readonly method?: string
  readonly head?: string
  readonly labelsPerClass?: LabelCount
}

/** How a stage that has no result stands in the study. */
export const missingOf = (
  { name, method, head, labelsPerClass }: StudyStage,
  reason: StudyMissing['reason'],
  message: string,
): StudyMissing => ({ what: name, method, head, labelsPerClass, reason, message })
