/** What study.json holds of encoder and decoder. */
import { z } from 'zod'
import { count, share } from '../../../draw/report-fields.js'
import { labelCountSchema } from '../../result.js'

/** Features of encoder, decoder and both. */
export const partSchema = z.object({
  method: z.string(),
  part: z.enum(['encoder', 'decoder', 'stacked']),
  layers: z.array(z.string()),
  dimension: count,
  head: z.string(),
  labelsPerClass: labelCountSchema,
  accuracies: z.array(share).min(1),
})

export type StudyPart = z.infer<typeof partSchema>
