/** What jobs that open images or train have in common, as fields of their schemas. */
import { z } from 'zod'
import { channelNumbersSchema, framesSchema, stretchSchema } from '../data/reading.js'
import { DATASETS, RESIZE_MODES } from '../names.js'

const side = z.number().int().min(8).max(256)

/** Which images; every job that opens some has these. */
export const imageFields = {
  /** The user's own images; or one of the known sets in `dataset`. */
  folder: z.string().min(1).optional(),
  dataset: z.enum(DATASETS).optional(),
  /** Where the files of a known data set lie or are downloaded to. */
  dataDir: z.string().min(1).optional(),
  /** Side of the square that images become, in pixels, `auto` to choose it from them; left out, as in older runs, 32. Known sets have their own. */
  size: z.union([side, z.literal('auto')]).optional(),
  /** How an image that isn't square becomes one: cut to its middle, with bars, or distorted. */
  fit: z.enum(RESIZE_MODES).default('cover'),
  /** Which columns of a table name the files and the labels; found out where left out. */
  fileColumn: z.string().min(1).optional(),
  labelColumn: z.string().min(1).optional(),
  /** `none`: folders called train, test and so on are classes too. */
  splits: z.enum(['auto', 'none']).optional(),
  /** Channels of a folder's images that are taken, counted from 1; grey, or the first three, by default. */
  channels: channelNumbersSchema.optional(),
  /** How numbers of more than 8 bits become bytes; one stretch for the data set by default. */
  stretch: stretchSchema.optional(),
  /** Whether each frame of an animation or a stack is an image; the first by default. */
  frames: framesSchema.optional(),
  /** Training images of a generated set. */
  count: z.number().int().min(20).max(1_000_000).optional(),
  /** GiB of memory that the images of a folder may take; a scratch file holds more. */
  memory: z.number().positive().optional(),
}

/** How long training goes on, and on what; every job that trains has these. */
export const trainingFields = {
  /** Training stops after so many minutes or steps, whichever is given. */
  minutes: z.number().positive().max(10_080).optional(),
  steps: z.number().int().min(1).max(100_000_000).optional(),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  /** Threads of the engine. */
  threads: z.number().int().min(1).max(1024),
  device: z.string().min(1).default('cpu'),
}

// Frozen, and copied where they are used: zod takes the message out of what it is given.
/** What zod says where both or neither of `folder` and `dataset` are given. */
export const oneSource = Object.freeze({ message: 'either a folder or a data set', path: ['dataset'] })
export const oneLimit = Object.freeze({ message: 'minutes or steps, not both', path: ['steps'] })
