/**
 * What a study found out, as plain data: saved as study.json, from which its report is drawn. It holds single results;
 * means, intervals and crossings are worked out where they are shown, so that they can't contradict what they come from.
 * Here stands what every study has; each section adds fields of its own (study/all-sections.ts has the whole).
 */
import { methodKinds } from './method-kinds.js'
import { z } from 'zod'
import {
  closingFields,
  count,
  duration,
  notesField,
  openingFields,
  share,
  stagesField,
} from '../draw/report-fields.js'
import { chosenTrainingSchema } from '../training/choose-training.js'
import { curveSchema } from '../training/curve.js'

/** Labelled images of each class, or all there are. */
export const labelCountSchema = z.union([z.number().int().positive(), z.literal('all')])

/** Of a product of heads, by the name of each, for each draw; null where an older version fitted it. */
export const weightsField = z.array(z.record(z.string(), share).nullable()).optional()

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
      seconds: duration,
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
  /** The same draws on the features of further trainings of the model, each from a seed of its own. */
  furtherTrainings: z.array(z.array(share).min(1)).optional(),
  /** Of a network: what the labelled images of the first draw chose. */
  chosen: chosenTrainingSchema.optional(),
  /** Of a combination, what the labels of each draw chose: 0 where all its methods weigh the same, 1 where the first leads. */
  leading: z.array(count).optional(),
  /** Of a head that multiplies others, as `auto` does: how much each weighs, which the labels of each draw chose. */
  weights: weightsField,
  seconds: duration,
  /** Mean share of right answers of each class, over the draws; null for a class without a test image. */
  perClass: z.array(share.nullable()).optional(),
  /** Numbers of test images over all draws, `[true class][predicted class]`; of at most 20 classes. */
  confusion: z.array(z.array(count)).optional(),
  /** Of the head of headlines and of networks: each test image's class as the first draw has it, coded as `testSet.classes`. */
  predicted: z.string().optional(),
})

/** Two methods with one head on the same draws of labelled images and the same test images. */
export const comparisonSchema = z.object({
  labelsPerClass: labelCountSchema,
  head: z.string(),
  first: z.string(),
  second: z.string(),
  /** Draws that both have. */
  draws: z.int().positive(),
  /** Mean of the first's accuracy less the second's, and Student's 95 % interval over the draws, of two at least. */
  difference: z.number(),
  low: z.number().optional(),
  high: z.number().optional(),
  /** Test images of the first draw that only one of them has right, and the probability of McNemar's exact test. */
  onlyFirst: count.optional(),
  onlySecond: count.optional(),
  p: z.number().min(0).max(1).optional(),
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

const opening = {
  ...openingFields,
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
  /** Id of the head that tables in short, lines and crossings are with: fixed before anything was measured. */
  headline: z.string().optional(),
  cells: z.array(cell),
  missing: z.array(missing).default([]),
  /** The test images in the order of `predicted`. */
  testSet: z
    .object({
      /** Their files, as predictions name them; left out of more than 20,000. */
      names: z.array(z.string()).optional(),
      /** Their true classes, base 64: a byte each, places in `dataset.classes`; two, the low one first, of more than 256 classes. */
      classes: z.string(),
    })
    .optional(),
  /** Each pair of methods with the head of headlines, on the same draws. */
  comparisons: z.array(comparisonSchema).default([]),
} as const

const closing = { stages: stagesField, notes: notesField, ...closingFields } as const

/** A study with the fields that sections add, in the order of the file. */
export const studySchemaWith = <Fields extends z.ZodRawShape>(fields: Fields) =>
  z.object({ ...opening, ...fields, ...closing })

type Common = ReturnType<typeof studySchemaWith<Record<never, never>>>

export type Study = z.output<Common>
export type StudyInput = z.input<Common>
export type LabelCount = z.infer<typeof labelCountSchema>
export type StudyMethod = z.infer<typeof method>
export type StudyHead = z.infer<typeof head>
export type StudyCell = z.infer<typeof cell>
export type StudyComparison = z.infer<typeof comparisonSchema>
export type StudyMissing = z.infer<typeof missing>
