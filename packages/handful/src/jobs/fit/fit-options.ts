/**
 * What `handful fit` can be told, as plain data: checked here whether it came from the command line, from a saved
 * config.yaml or from a library call, and written to the run folder with every value resolved.
 */
import { models } from '../../models/registry.js'
import { z } from 'zod'
import { HEADS, PRESETS } from '../../names.js'
import { imageFields, oneLimit, oneSource, trainingFields } from '../../runs/run-options.js'
import { modelFields } from '../../training/model-options.js'

export const DEFAULT_MINUTES = 3
/** A quarter of those that the study compares: most of the gain in a quarter of the time. */
export const DEFAULT_PATCHES = 256

export const fitOptionsSchema = z
  .strictObject({
    ...imageFields,
    ...modelFields,
    /** Default `bestPreset`. */
    preset: z.enum(PRESETS).optional(),
    ...trainingFields,
    /** Whitened patches that stand beside the model's features (`features/baselines/patches.ts`); 0 for the model's alone. */
    patches: z.number().int().min(0).max(4096).default(DEFAULT_PATCHES),
    /** Labelled images of each class; drawn at random where more are labelled. Own folders: all labels by default. */
    labelsPerClass: z.number().int().min(1).max(10_000).optional(),
    /** How many times the labelled images are drawn, to tell how much the result depends on which ones they are. */
    draws: z.number().int().min(1).max(100).default(5),
    /** Whose predictions are written; label propagation and logistic regression are compared all the same. */
    head: z.enum(HEADS).default('propagation'),
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
