/**
 * What a run found out, as plain data: saved as report.json, from which `handful report` draws the page again. It
 * holds counts and single results; means and intervals are worked out where they are shown, so that they can't
 * contradict what they come from.
 */
import { z } from 'zod'
import { confidenceBinSchema } from '../numerics/reliability.js'
import { curveSchema } from '../training/curve.js'
import {
  closingFields,
  count,
  dataUri,
  duration,
  notesField,
  openingFields,
  share,
  stagesField,
} from './report-fields.js'

const picture = z.object({
  image: dataUri,
  /** Relative path, as the data set names it. */
  path: z.string().optional(),
  /** The true class, where it is known and may be shown. */
  label: z.string().optional(),
  predicted: z.string().optional(),
  /** Probability of the predicted class. */
  probability: share.optional(),
})

const dataset = z.object({
  name: z.string(),
  /** One sentence on what the images show or where they come from. */
  description: z.string().optional(),
  classes: z.array(z.string()).min(1),
  /** Labelled images of each class that the classifier was fitted to, in the order of `classes`. */
  labelled: z.array(count),
  unlabelled: count,
  /** Images that are known to be of none of the classes; they are in no other count. */
  noneOfThese: count.optional(),
  /** As the classifier has it that was fitted to these labels. */
  labelsKey: z.string().optional(),
  height: count,
  width: count,
  channels: z.union([z.literal(1), z.literal(3)]),
})

/**
 * Where the accuracies come from. `test set`: images with known labels that neither training nor propagation saw.
 * `unseen labels`: labelled images that a draw of the labels left out. `leave one out`: each labelled image predicted from all
 * the others. `blind labels`: of these two those that were drawn at random and labelled blind. `none`: nothing to check against.
 */
const evaluation = z.object({
  kind: z.enum(['test set', 'unseen labels', 'blind labels', 'leave one out', 'none']),
  /** That judged the chosen classifier, each counted once however many draws there were. */
  images: count,
})

const result = z.object({
  /** `learned features`, `raw pixels`: what the classifier looked at. */
  features: z.string(),
  /** `label propagation`, `logistic regression`. */
  head: z.string(),
  /** Needs no trained model: what the run has to beat. */
  baseline: z.boolean(),
  /** Share of right answers, one for each draw of the labelled images. */
  accuracies: z.array(share).min(1),
  /** Images that judged it, each counted once; reports of before have none. */
  images: count.optional(),
  /** Whether this is the classifier that made the predictions. Decided beforehand, never by these accuracies. */
  chosen: z.boolean(),
})

export const runReportSchema = z.object({
  ...openingFields,
  dataset,
  evaluation,
  results: z.array(result),
  /** Of the chosen classifier: rows are true classes, columns predicted ones, summed over the draws. */
  confusion: z.array(z.array(count)).optional(),
  /** Of the chosen classifier: predictions by tenths of their probability, summed over the draws. */
  reliability: z.array(confidenceBinSchema).optional(),
  /** Images that look like none of the classes, of those without a label, where that can be told. */
  unlike: z
    .object({
      /** Score from which on an image counts as none of the classes, and how many pass it, */
      threshold: share,
      count,
      /** of so many. */
      images: count,
      /** The most unlike ones; `probability` is that of the predicted class. */
      examples: z.array(picture),
    })
    .optional(),
  /** The labelled images of each class, in the order of `classes`; a few are enough. */
  labelledExamples: z.array(z.array(picture)),
  /** Predictions of the chosen classifier for the unlabelled images, in the order of `classes`. */
  predictions: z.array(
    z.object({
      /** Images that were given this class. */
      count,
      mostCertain: z.array(picture),
      leastCertain: z.array(picture),
    }),
  ),
  reconstructions: z.array(z.object({ input: dataUri, output: dataUri })).default([]),
  samples: z.array(dataUri).default([]),
  /** Rows of an image each and those most like it to a model that makes no pictures. */
  alike: z.array(z.array(dataUri)).default([]),
  training: z
    .object({
      /** `convolutional VAE, 24 latent dimensions`. */
      model: z.string(),
      parameters: count,
      steps: count,
      batch: count,
      seconds: duration,
      curves: z.array(curveSchema),
    })
    .optional(),
  stages: stagesField,
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })).default([]),
  notes: notesField,
  /** Figures from elsewhere for comparison. */
  published: z.array(z.object({ what: z.string(), accuracy: share, source: z.string() })).default([]),
  /** What to do next: a command and what it is good for. */
  next: z.array(z.object({ command: z.string(), why: z.string() })).default([]),
  ...closingFields,
})

export type RunReport = z.output<typeof runReportSchema>
/** The same before the fields that may be left out are filled in. */
export type RunReportInput = z.input<typeof runReportSchema>
export type Picture = z.infer<typeof picture>
export type Result = z.infer<typeof result>
