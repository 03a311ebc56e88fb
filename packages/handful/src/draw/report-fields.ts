/** What every report holds and says of how it came about, whatever it is about: of a run, of a study. */
import { z } from 'zod'

export const share = z.number().min(0).max(1)
export const count = z.number().int().nonnegative()
export const duration = z.number().nonnegative()
export const dataUri = z
  .string()
  .regex(/^data:image\/(png|jpeg|webp);base64,[A-Za-z0-9+/]*={0,2}$/, 'expected a data URI of an image')

/** It opens with these. */
export const openingFields = {
  version: z.literal(1),
  title: z.string(),
  createdAt: z.string(),
  /** The exact command line. */
  command: z.string(),
} as const

/** Seconds that each stage took, in order. */
export const stagesField = z.array(z.object({ stage: z.string(), seconds: duration })).default([])

/** Sentences that a reader has to know to judge the numbers. */
export const notesField = z.array(z.string()).default([])

/** And ends with these: options, versions, machine. */
export const closingFields = {
  config: z.record(z.string(), z.unknown()),
  environment: z.record(z.string(), z.unknown()),
} as const

/** Configuration or environment as a table shows it, a row a name. */
export const settingsInWords = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
    ]),
  )
