/**
 * How image files become pixels, beside their size: which channels, which frames, and how the numbers of scientific
 * images (more than 8 bits, signed, floats) become bytes. A run keeps this, so that new images are read as its own were.
 */

import { z } from 'zod'
import { FRAMES, STRETCHES } from '../names.js'

const finite = z.number()

/** What becomes black, and what becomes white. */
export const rangeSchema = z.tuple([finite, finite]).readonly()

export const channelNumbersSchema = z.array(z.int().min(1).max(4096)).min(1).max(3).readonly()
export const framesSchema = z.enum(FRAMES)
export const stretchSchema = z.union([z.enum(STRETCHES), rangeSchema])

export const readingSchema = z.strictObject({
  /** Channels taken, counted from 1: one is grey, two are red and green, three are red, green and blue. */
  channels: channelNumbersSchema.optional(),
  frames: framesSchema.optional(),
  /** `before`: as versions did that knew no stretch; they made 8 bits of whatever came by its type alone. */
  stretch: z.union([stretchSchema, z.literal('before')]),
  /** Where the stretch is of the data set: what was found for whole numbers, one range, or one for each channel. */
  integers: z.array(rangeSchema).min(1).optional(),
  /** The same for floats. */
  floats: z.array(rangeSchema).min(1).optional(),
})

export type Range = readonly [low: number, high: number]
/** How image files became pixels, beside their size: kept with a run, so that new images are read alike. */
export type ImageReading = z.infer<typeof readingSchema>

/** What a reading is made of, as options have it. */
export interface ReadingChoice {
  readonly bands?: readonly number[]
  readonly frames?: z.infer<typeof framesSchema>
  readonly stretch?: 'data' | 'each' | 'none' | Range
}

export const readingOf = ({ bands, frames, stretch = 'data' }: ReadingChoice): ImageReading => ({
  ...(bands && { channels: [...bands] }),
  ...(frames && { frames }),
  stretch: typeof stretch === 'string' ? stretch : [...stretch],
})

/** Where nothing is chosen. */
export const DEFAULT_READING: ImageReading = { stretch: 'data' }

/** Of runs that say nothing of it. */
export const READ_BEFORE: ImageReading = { stretch: 'before' }
