/** What `handful prepare` can be told: all that `fit` is but of its labels and heads. */
import { z } from 'zod'
import {
  checkFeatureOptions,
  featureFieldsWith,
  type FeatureFitOptions,
  fitOptionsSchemaWith,
  withFeatureDefaults,
} from '../fit/fit-options.js'
import type { Brought } from '../../runs/brought.js'

/** @param brought as `fitOptionsSchemaWith` */
export const prepareOptionsSchemaWith = (brought: Brought) =>
  z
    .strictObject({
      /** Tells a run's configuration from that of `handful fit`. */
      command: z.literal('prepare').default('prepare'),
      ...featureFieldsWith(brought.models),
    })
    .superRefine(checkFeatureOptions(brought))
    .transform(withFeatureDefaults(brought.models))

export type PrepareOptions = z.output<ReturnType<typeof prepareOptionsSchemaWith>>

/** The same as a fit takes it that is to classify by all labels that there are. */
export function asFit(
  { command: _, ...options }: { readonly command?: unknown },
  brought: Brought,
): FeatureFitOptions {
  const fit = fitOptionsSchemaWith(brought).parse(options)
  if (fit.method !== undefined)
    throw new Error(`internal: asFit: got a run of ${fit.method}, expected one with features`)
  return { ...fit, labelsPerClass: undefined, draws: 1 }
}
