/** What study.json holds of a noise-level sweep. */
import { z } from 'zod'
import { dataUri, share } from '../../../draw/report-fields.js'

/** The noise-level sweep of a diffusion model. */
export const sweepSchema = z.object({
  method: z.string(),
  head: z.string(),
  labelsPerClass: z.number().int().positive(),
  points: z.array(
    z.object({
      layer: z.string(),
      /** On the scale 0..1000. */
      noiseLevel: z.number().min(0).max(1000),
      /** On the test set, one for each draw: for looking at, never for choosing. Empty where there is no test set. */
      accuracies: z.array(share),
      /** From the labelled images alone, one for each draw: mean log-likelihood of labels left out, higher is better. */
      crossValidated: z.array(z.number()),
      /** A criterion without labels, higher is better: how far an image's neighbours stay the same under augmentation. */
      labelFree: z.number().optional(),
    }),
  ),
  /** What each way of choosing takes. */
  chosen: z.array(
    z.object({
      by: z.enum(['cross-validation', 'label-free']),
      layer: z.string(),
      noiseLevel: z.number(),
    }),
  ),
  /** A badly fixed noise level, for the comparison before and after. */
  fixedBadly: z.object({ layer: z.string(), noiseLevel: z.number() }).optional(),
  /** Accuracy over label counts at the badly fixed and at the chosen setting. */
  beforeAfter: z.array(
    z.object({
      labelsPerClass: z.number().int().positive(),
      before: z.array(share),
      after: z.array(share),
    }),
  ),
  /** One image at the levels swept. */
  pictures: z.array(z.object({ noiseLevel: z.number(), image: dataUri })),
  /** Two layers at two noise levels beside each other: what it takes not to choose. */
  together: z
    .object({
      layers: z.array(z.string()),
      noiseLevels: z.array(z.number()),
      accuracies: z.array(share),
      crossValidated: z.array(z.number()),
      labelFree: z.number().optional(),
    })
    .optional(),
  /** Sentences about how it was made, such as how many test images it stands on. */
  notes: z.array(z.string()).optional(),
})

export type StudySweep = z.infer<typeof sweepSchema>
