/** What training measures over its steps, as runs, reports and studies keep it. */
import { z } from 'zod'

export const curveSchema = z.object({
  name: z.string(),
  step: z.array(z.number()),
  value: z.array(z.number()),
})

export type Curve = z.infer<typeof curveSchema>
