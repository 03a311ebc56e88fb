/** What is asked of all sections of the registry: their stages, their parts of study.json, their place in the report. */
import type { z } from 'zod'
import type { StudySection } from './report/blocks.js'
import { studySchemaWith } from './result.js'
import { sections } from './sections/registry.js'
import type { Finished, Gathered, Planning, Section } from './sections/section-entry.js'
import type { StudyStage } from './study-stage.js'

type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All extends z.ZodRawShape,
) => void
  ? All
  : never

type Fields = Intersection<(typeof sections)[keyof typeof sections]['fields']>

const entries: readonly (readonly [string, Section])[] = Object.entries(sections)

/** All of study.json. */
export const studySchema = studySchemaWith(
  Object.fromEntries(entries.flatMap(([, { fields }]) => Object.entries(fields))) as Fields,
)

/** A study with what all sections add to it. */
export type FullStudy = z.output<typeof studySchema>

/** Of the sections that the options do not leave out. */
export function sectionStages(planning: Planning): StudyStage[] {
  const switches: Readonly<Record<string, boolean>> = planning.workshop.options.sections
  return entries.flatMap(([name, section]) =>
    switches[name] === false ? [] : (section.stages?.(planning) ?? []),
  )
}

/** What the stages gave, where the study has it. */
export function gatherSections(finished: Finished): Required<Gathered<object>> {
  const gathered = entries.map(([, section]) => section.gather?.(finished) ?? {})
  return {
    fields: Object.assign({}, ...gathered.map(({ fields }) => fields)) as object,
    notes: gathered.flatMap(({ notes = [] }) => notes),
  }
}

/** Whether a file may be one of a report's, so that nothing else beside it is ever taken away. */
export const isReportFile = (name: string): boolean =>
  /\.(svg|csv|png|jpeg|webp)$/.test(name) &&
  entries.some(([, { files }]) => files.some((start) => name.startsWith(start)))

/** The report in reading order; sections without content are left out. */
export async function studySections(study: FullStudy): Promise<StudySection[]> {
  const shown = await Promise.all(
    entries.map(async ([, { id, title, ...section }]) => ({
      id,
      title,
      blocks: (await section.report?.(study)) ?? [],
    })),
  )
  return shown.filter(({ blocks }) => blocks.length > 0)
}
