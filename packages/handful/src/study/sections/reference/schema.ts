/** What study.json holds of the reference's protocol. */
import { z } from 'zod'
import { count, share } from '../../../draw/report-fields.js'

export const likeForLikeSchema = z.object({
  method: z.string(),
  labelsPerClass: z.int().positive(),
  /** Encoder, decoder or both, where the published figure is of one of them. */
  part: z.enum(['encoder', 'decoder', 'stacked']).optional(),
  /** Whether each number of a feature is brought to mean 0 and variance 1 over the labelled images; else they are as they come. */
  standardised: z.literal(true).optional(),
  /** Numbers of a feature; none of a network. */
  dimension: count.optional(),
  /** Its head, or how its network was trained, and where that stands. */
  setting: z.string(),
  source: z.string(),
  /** On the same labelled images, each from other initial weights of the head. */
  accuracies: z.array(share).min(1),
})

export type LikeForLike = z.infer<typeof likeForLikeSchema>
