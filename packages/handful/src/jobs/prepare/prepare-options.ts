/** What `handful prepare` can be told: all that `fit` is but of its labels and heads. */
import { z } from 'zod'
import {
  checkFeatureOptions,
  featureFields,
  type FitOptions,
  fitOptionsSchema,
  withFeatureDefaults,
} from '../fit/fit-options.js'

export const prepareOptionsSchema = z
  .strictObject({
    /** Tells a run's configuration from that of `handful fit`. */
    command: z.literal('prepare').default('prepare'),
    ...featureFields,
  })
  .superRefine(checkFeatureOptions)
  .transform(withFeatureDefaults)

export type PrepareOptions = z.output<typeof prepareOptionsSchema>

/** The same as a fit takes it that is to classify by all labels that there are. */
export function asFit({ command: _, ...options }: { readonly command?: unknown }): FitOptions {
  return { ...fitOptionsSchema.parse(options), labelsPerClass: undefined, draws: 1 }
}
