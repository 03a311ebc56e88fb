/**
 * What `handful fit` can be told, as plain data: checked here whether it came from the command line, from a saved
 * config.yaml or from a library call, and written to the run folder with every value resolved.
 */
import { z } from 'zod'
import { HEAD_NAMES } from '../heads/registry.js'
import type { Progress } from '../training/progress.js'
import type { RunFolder } from '../runs/run-folder.js'
import { models } from '../models/registry.js'
import { DATASETS, PRESETS, RESIZE_MODES } from '../names.js'
import { modelFields } from '../training/model-options.js'

export const DEFAULT_MINUTES = 3
/** A quarter of those that the study compares: most of the gain in a quarter of the time. */
export const DEFAULT_PATCHES = 256

const side = z.number().int().min(8).max(256)

/** Which images; every job that opens some has these. */
export const imageFields = {
  /** The user's own images; or one of the known sets in `dataset`. */
  folder: z.string().min(1).optional(),
  dataset: z.enum(DATASETS).optional(),
  /** Where the files of a known data set lie or are downloaded to. */
  dataDir: z.string().min(1).optional(),
  /** Side of the square that images become, in pixels; known sets: their own by default. */
  size: side.optional(),
  /** How an image that isn't square becomes one: cut to its middle, with bars, or distorted. */
  fit: z.enum(RESIZE_MODES).default('cover'),
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

/** What zod says where both or neither of `folder` and `dataset` are given. */
export const oneSource = { message: 'either a folder or a data set', path: ['dataset'] }
export const oneLimit = { message: 'minutes or steps, not both', path: ['steps'] }

export const fitOptionsSchema = z
  .strictObject({
    ...imageFields,
    ...modelFields,
    /** Default the model's best. */
    preset: z.enum(PRESETS).optional(),
    ...trainingFields,
    /** Whitened patches that stand beside the model's features (`features/patches.ts`); 0 for the model's alone. */
    patches: z.number().int().min(0).max(4096).default(DEFAULT_PATCHES),
    /** Labelled images of each class; drawn at random where more are labelled. Own folders: all labels by default. */
    labelsPerClass: z.number().int().min(1).max(10_000).optional(),
    /** How many times the labelled images are drawn, to tell how much the result depends on which ones they are. */
    draws: z.number().int().min(1).max(100).default(5),
    /** Whose predictions are written; label propagation and logistic regression are compared all the same. */
    head: z.enum(HEAD_NAMES).default('propagation'),
  })
  .refine((options) => (options.folder === undefined) !== (options.dataset === undefined), oneSource)
  .refine((options) => options.minutes === undefined || options.steps === undefined, oneLimit)
  .transform((options) => {
    const bounded = options.minutes !== undefined || options.steps !== undefined
    const labelsPerClass = options.labelsPerClass ?? (options.dataset === undefined ? undefined : 4)
    const preset = options.preset ?? models[options.model].bestPreset
    return { ...options, preset, labelsPerClass, minutes: bounded ? options.minutes : DEFAULT_MINUTES }
  })

/** Options as a caller may give them. */
export type FitInput = z.input<typeof fitOptionsSchema>

/** Options with every default filled in; exactly one of `minutes` and `steps` is set, and one of `folder` and `dataset`. */
export type FitOptions = z.output<typeof fitOptionsSchema>

/** What a job works with, beside its options. */
export interface JobContext {
  /**
   * Aborted when the user wants to stop. The job then saves a checkpoint at the next safe point and throws
   * `signal.reason` (`signal.throwIfAborted()`).
   */
  readonly signal: AbortSignal
  readonly progress: Progress
}

export interface FitContext extends JobContext {
  /** Where everything goes. A stage that `run.isDone(...)` is skipped and its files are read instead. */
  readonly run: RunFolder
}
