/** What training measures over its steps, as runs, reports and studies keep it. */
import { z } from 'zod'

export const curveSchema = z.object({
  name: z.string(),
  step: z.array(z.number()),
  value: z.array(z.number()),
})

export type Curve = z.infer<typeof curveSchema>

/** As many as a chart can show apart. */
const MOST_POINTS = 240

/** At most 240 points, each the mean of its stretch; values that are not finite are left out. */
export function thin({ name, step, value }: Curve): Curve {
  const kept = Array.from(value.keys()).filter((i) => Number.isFinite(value[i]))
  const stretch = Math.max(1, kept.length / MOST_POINTS)
  const result: Curve = { name, step: [], value: [] }
  for (let begin = 0; begin < kept.length; begin += stretch) {
    const part = kept.slice(Math.floor(begin), Math.max(Math.floor(begin) + 1, Math.floor(begin + stretch)))
    result.step.push(part.reduce((sum, i) => sum + step[i], 0) / part.length)
    result.value.push(part.reduce((sum, i) => sum + value[i], 0) / part.length)
  }
  return result
}
