/** What study.json holds of a map. */
import { z } from 'zod'
import { count, dataUri, share } from '../../../draw/report-fields.js'

/** Features laid out in the plane by UMAP. */
export const mapSchema = z.object({
  method: z.string(),
  x: z.array(z.number()),
  y: z.array(z.number()),
  /** Class of each point, a place in `dataset.classes`. */
  label: z.array(count),
  /** Share of the 15 nearest neighbours, in the features, of the same class; its value for guessing beside it. */
  purity: share,
  purityByChance: share,
  /** Mean silhouette of the classes in the features, -1 to 1. */
  silhouette: z.number().min(-1).max(1),
  /** Some points with their pictures. */
  thumbnails: z.array(z.object({ point: count, image: dataUri })).default([]),
})

export type StudyMap = z.infer<typeof mapSchema>
