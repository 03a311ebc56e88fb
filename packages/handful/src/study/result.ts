/**
 * What a study found out, as plain data: saved as study.json, from which its report is drawn. It holds single results;
 * means, intervals and crossings are worked out where they are shown, so that they can't contradict what they come from.
 */
import { z } from 'zod'
import { curveSchema } from '../training/curve.js'

const share = z.number().min(0).max(1)
const count = z.number().int().nonnegative()
const seconds = z.number().nonnegative()
const dataUri = z
  .string()
  .regex(/^data:image\/(png|jpeg|webp);base64,[A-Za-z0-9+/]*={0,2}$/, 'expected a data URI of an image')

/** Labelled images of each class, or all there are. */
export const labelCountSchema = z.union([z.number().int().positive(), z.literal('all')])

/**
 * `generative`: features of a model trained without labels. `baseline`: features without training. `combination`:
 * features of several methods beside each other. `supervised`: a network trained on the labelled images alone.
 */
export const methodKinds = ['generative', 'baseline', 'combination', 'supervised'] as const

const method = z.object({
  /** `vae`, `vqvae`, `diffusion`, `gan`, `pixels`, `pca`, `patches`, `resnet18`, `vae+patches`, ... */
  id: z.string().min(1),
  /** As tables and legends name it: `VQ-VAE`, `raw pixels`, `VAE + whitened patches`. */
  title: z.string().min(1),
  kind: z.enum(methodKinds),
  /** Of a combination: the ids of its methods. */
  parts: z.array(z.string()).default([]),
  /** Numbers of a feature; absent for a supervised network. */
  dimension: count.optional(),
  /** Layers, pooling and noise level, or the network, in words. */
  detail: z.string().optional(),
  training: z
    .object({
      model: z.string(),
      parameters: count,
      steps: count,
      batch: count,
      seconds,
      curves: z.array(curveSchema).default([]),
    })
    .optional(),
  /** How fast features are taken. */
  imagesPerSecond: z.number().positive().optional(),
})

const head = z.object({
  /** A name of the heads' registry; `network` for a supervised network, which is its own classifier. */
  id: z.string().min(1),
  title: z.string().min(1),
  /** Linear+ReLU+Linear with the reference study's settings. */
  reference: z.boolean().default(false),
})

const cell = z.object({
  method: z.string(),
  head: z.string(),
  labelsPerClass: labelCountSchema,
  /** Share of right answers on the test set, one for each draw of the labelled images. */
  accuracies: z.array(share).min(1),
  seconds,
})

/** A cell or stage without a result, and why. */
const missing = z.object({
  what: z.string(),
  method: z.string().optional(),
  head: z.string().optional(),
  labelsPerClass: labelCountSchema.optional(),
  /** `failed`: with the error's line. `budget`: it did not fit. */
  reason: z.enum(['failed', 'budget']),
  message: z.string(),
})

/** The noise-level sweep of a diffusion model. */
const sweep = z.object({
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

/** Features of encoder, decoder and both. */
const part = z.object({
  method: z.string(),
  part: z.enum(['encoder', 'decoder', 'stacked']),
  layers: z.array(z.string()),
  dimension: count,
  head: z.string(),
  labelsPerClass: labelCountSchema,
  accuracies: z.array(share).min(1),
})

/** Features laid out in the plane by UMAP. */
const map = z.object({
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

const generation = z.object({
  method: z.string(),
  samples: dataUri.optional(),
  /** Upper rows the images, lower rows what the model makes of them. */
  reconstructions: dataUri.optional(),
  imagesPerSecond: z.number().positive().optional(),
  scores: z
    .object({
      images: count,
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

export const studySchema = z.object({
  version: z.literal(1),
  title: z.string(),
  createdAt: z.string(),
  /** The exact command line. */
  command: z.string(),
  /** False where cells are still to be done. */
  complete: z.boolean(),
  dataset: z.object({
    name: z.string(),
    title: z.string(),
    classes: z.array(z.string()).min(1),
    trainImages: count,
    testImages: count,
    size: count,
    channels: z.union([z.literal(1), z.literal(3)]),
  }),
  /** Whether test images were seen by training or propagation. One setting a study: they never share a table. */
  setting: z.enum(['inductive', 'transductive']),
  labelCounts: z.array(labelCountSchema).min(1),
  methods: z.array(method),
  heads: z.array(head),
  cells: z.array(cell),
  missing: z.array(missing).default([]),
  sweep: sweep.optional(),
  parts: z.array(part).default([]),
  maps: z.array(map).default([]),
  generation: z.array(generation).default([]),
  /** Seconds of each stage, in order. */
  stages: z.array(z.object({ stage: z.string(), seconds })).default([]),
  notes: z.array(z.string()).default([]),
  config: z.record(z.string(), z.unknown()),
  environment: z.record(z.string(), z.unknown()),
})

export type Study = z.output<typeof studySchema>
export type StudyInput = z.input<typeof studySchema>
export type LabelCount = z.infer<typeof labelCountSchema>
export type StudyMethod = z.infer<typeof method>
export type StudyHead = z.infer<typeof head>
export type StudyCell = z.infer<typeof cell>
export type StudyMissing = z.infer<typeof missing>
export type StudySweep = z.infer<typeof sweep>
export type StudyPart = z.infer<typeof part>
export type StudyMap = z.infer<typeof map>
export type StudyGeneration = z.infer<typeof generation>
