/**
 * What an exported model says of itself: one JSON object under one key of the ONNX file's metadata, and again in
 * `model.json` beside it, since onnxruntime for JavaScript does not give metadata away. docs/export.md tells it.
 */
import { z } from 'zod'
import { PREDICTOR_KINDS } from '../heads/head.js'
import { RESIZE_MODES } from '../names.js'
import { readingSchema } from '../data/reading.js'

export const FORMAT = 1
/** Of the entry in `metadata_props`. */
export const METADATA_KEY = 'handful'

/** The model's values. */
export const IMAGE = 'image'
export const PROBABILITIES = 'probabilities'
export const FEATURES = 'features'
/** In the test file of a distilled model: what the head says that it was distilled from. */
export const WHOLE_HEAD = 'whole-head'
/** What stands as the normalisation of a network that was trained whole: its features have any length. */
export const NOT_NORMALISED = 'none: features are the last layer before the classes'

const count = z.int().min(0)
const share = z.number().min(0).max(1)

export const metadataSchema = z.object({
  format: z.literal(FORMAT),
  classes: z.array(z.string()).min(1),
  inputs: z
    .array(
      z.object({
        name: z.string().min(1),
        type: z.literal('uint8'),
        /** Batch, height, width, channels. */
        layout: z.literal('NHWC'),
        size: z.int().positive(),
        channels: z.union([z.literal(1), z.literal(3)]),
      }),
    )
    .min(1),
  /** 1: one image at a time. */
  batch: z.literal(1).nullable(),
  square: z.object({
    fit: z.enum(RESIZE_MODES),
    /** Under transparency, and beside padded images. */
    background: z.string(),
    orientation: z.string(),
    kernel: z.string(),
    /** Where images are grey. */
    grey: z.string().optional(),
  }),
  reading: readingSchema,
  pixels: z.string(),
  /** Numbers of the output `features`. */
  features: z.int().positive(),
  normalisation: z.string(),
  head: z.enum(PREDICTOR_KINDS),
  calibration: z.object({
    exponent: z.number().positive(),
    bend: z.number().positive(),
    doubt: z.number().min(0).max(1),
  }),
  /** Where a small head was trained to say what the run's own says: how well it does. */
  distilled: z
    .object({
      /** The head that it was distilled from. */
      from: z.enum(PREDICTOR_KINDS),
      /** Share of training images, which it was not fitted to, that get the same class. */
      agreement: z.object({ value: share, low: share, high: share }),
      /** Mean of the largest difference between two probabilities of an image. */
      difference: share,
      images: count,
      /** The same on the test images. */
      test: z.object({ same: count, difference: share }),
    })
    .optional(),
  /** Labelled images of each class; undefined where the run does not tell. */
  labels: z.array(count).optional(),
  images: count.optional(),
  /** Of these: known to be of none of the classes. The model gives every image one of its classes all the same. */
  noneOfThese: count.optional(),
  accuracy: z
    .object({
      value: share,
      low: share,
      high: share,
      /** How it was judged: `test set`, `unseen labels`, `blind labels`, `leave one out`. */
      kind: z.string(),
      images: count,
    })
    .nullable(),
  model: z.string(),
  run: z.string(),
  seed: z.number(),
  version: z.string(),
  date: z.string(),
  notes: z.array(z.string()),
})

export type ModelMetadata = z.infer<typeof metadataSchema>

const fileSchema = z.object({ name: z.string(), bytes: count, sha256: z.string() })

/** `model.json`: the same, and what the files beside it are. */
export const descriptionSchema = metadataSchema.extend({
  files: z.object({ model: fileSchema, test: fileSchema }),
})

export type ModelDescription = z.infer<typeof descriptionSchema>
