/** What study.json holds of what a model generates. */
import { z } from 'zod'
import { count, dataUri, share } from '../../../draw/report-fields.js'

export const generationSchema = z.object({
  method: z.string(),
  samples: dataUri.optional(),
  /** Upper rows the images, lower rows what the model makes of them. */
  reconstructions: dataUri.optional(),
  imagesPerSecond: z.number().positive().optional(),
  scores: z
    .object({
      images: count,
      /** Of the score network itself, on the test images. */
      networkAccuracy: share.optional(),
      /** Frechet and kernel distance in the feature space of the score network, to the test images; and the training images' own. */
      frechet: z.number(),
      frechetOfTraining: z.number().optional(),
      kernel: z.number(),
      precision: share,
      recall: share,
      /** Median distance to the nearest training image over that of test images: far below 1 means memorised. */
      nearestTraining: z.number().optional(),
    })
    .optional(),
})

export type StudyGeneration = z.infer<typeof generationSchema>
