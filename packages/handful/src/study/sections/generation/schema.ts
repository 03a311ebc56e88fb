/** What study.json holds of what a model generates. */
import { z } from 'zod'
import { count, dataUri, share } from '../../../draw/report-fields.js'

/** Frechet and kernel distance to the test images in one feature space, and the training images' own. */
const spaceScores = {
  frechet: z.number(),
  frechetOfTraining: z.number().optional(),
  kernel: z.number(),
  precision: share,
  recall: share,
}

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
      /** In the space of the score network. */
      ...spaceScores,
      /** Median distance to the nearest training image over that of test images: far below 1 means memorised. */
      nearestTraining: z.number().optional(),
      /** In the space of an encoder made elsewhere, where the study has one; the space in words. */
      encoder: z.object({ space: z.string(), ...spaceScores }).optional(),
    })
    .optional(),
})

export type StudyGeneration = z.infer<typeof generationSchema>
