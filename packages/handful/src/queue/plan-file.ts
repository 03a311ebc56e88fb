/**
 * `plan.json` in a study's folder: its stages as plain data, without what does them. Whoever watches a study or submits it to
 * a cluster reads it in the place of images and models.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { HandfulError, printable, systemError } from '../errors.js'
import { writeFileAtomic } from '../files/atomic.js'
import { isMissing } from '../files/present.js'
import { inOrder } from '../stages/stage.js'
import { labelCountSchema } from '../study/result.js'
import type { StudyStage } from '../study/study-stage.js'
import { madeSchema, type Made } from './made.js'
import type { StageNeeds } from './needs.js'

const PLAN_FILE = 'plan.json'

const plannedSchema = z.strictObject({
  key: z.string(),
  kind: z.string(),
  name: z.string(),
  /** Expected. */
  seconds: z.number(),
  /** Keys. */
  after: z.array(z.string()),
  needs: z.strictObject({
    threads: z.number().int().positive(),
    memoryBytes: z.number().positive(),
    device: z.string(),
  }),
  method: z.string().optional(),
  labelsPerClass: labelCountSchema.optional(),
})

export type PlanEntry = z.infer<typeof plannedSchema>

const planSchema = z.strictObject({
  version: z.literal(1),
  made: madeSchema,
  /** Each after those that it comes after. */
  stages: z.array(plannedSchema),
})

export type PlanFile = z.infer<typeof planSchema>

export function planFile(
  stages: readonly StudyStage[],
  needsOf: (stage: StudyStage) => StageNeeds,
  made: Made,
): PlanFile {
  const entries = inOrder(stages).map((stage): PlanEntry => {
    const { key, kind, name, seconds, needs, method, labelsPerClass } = stage
    const after = needs.map((need) => need.key)
    return { key, kind, name, seconds, after, needs: needsOf(stage), method, labelsPerClass }
  })
  return { version: 1, made, stages: entries }
}

export const writePlan = (folder: string, plan: PlanFile): Promise<void> =>
  writeFileAtomic(path.join(folder, PLAN_FILE), `${JSON.stringify(plan)}\n`)

/** @throws HandfulError where there is none, or a damaged one */
export async function readPlan(folder: string): Promise<PlanFile> {
  const file = path.join(folder, PLAN_FILE)
  const hint = 'start the study with --queue or --slurm, which writes it'
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (!isMissing(error)) throw systemError('reading a plan', file, error)
    throw new HandfulError({
      what: 'study folder',
      where: printable(folder),
      got: `no ${PLAN_FILE} in it`,
      expected: 'a study that was planned for other machines',
      hint,
    })
  }
  try {
    return planSchema.parse(JSON.parse(text))
  } catch {
    throw new HandfulError({
      what: 'plan',
      where: printable(file),
      got: 'a damaged file',
      expected: 'what "handful study" wrote',
      hint,
    })
  }
}
