/** What a run tells of its classifier beside what it computes: labels, accuracy, what was trained. All of it may be missing. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { estimateResult, imagesBehind } from '../numerics/statistics.js'
import type { Classifier } from '../runs/classifier.js'
import { type PlainObject, readRunConfig, RUN_FILES } from '../runs/run-files.js'
import type { ModelMetadata } from './model-format.js'

const share = z.number().min(0).max(1)
const pictureSchema = z.object({ image: z.string(), path: z.string().optional() })

/** As far as it matters here; `draw/run-report.ts` has the whole. */
const reportSchema = z.object({
  dataset: z.object({
    classes: z.array(z.string()),
    labelled: z.array(z.number()),
    unlabelled: z.number(),
    noneOfThese: z.number().optional(),
    labelsKey: z.string().optional(),
  }),
  evaluation: z.object({ kind: z.string(), images: z.number() }),
  results: z.array(
    z.object({
      accuracies: z.array(share).min(1),
      images: z.number().optional(),
      head: z.string(),
      chosen: z.boolean(),
    }),
  ),
  labelledExamples: z.array(z.array(pictureSchema)).default([]),
  predictions: z
    .array(z.object({ mostCertain: z.array(pictureSchema), leastCertain: z.array(pictureSchema) }))
    .default([]),
  training: z.object({ model: z.string() }).optional(),
})

type Report = z.infer<typeof reportSchema>

/** A small picture of the run's report. */
export type ReportPicture = z.infer<typeof pictureSchema>

export interface RunFacts {
  readonly labels?: readonly number[]
  readonly images?: number
  /** Of the images: known to be of none of the classes. */
  readonly noneOfThese?: number
  readonly accuracy: ModelMetadata['accuracy']
  /** As the report says it, or a word for what was trained. */
  readonly model: string
  /** As tables name it. */
  readonly head?: string
  readonly seed: number
  readonly pictures: readonly ReportPicture[]
  /** The options that the run was made with. */
  readonly options: PlainObject
}

/** @throws HandfulError if the folder is no run */
export async function runFacts(
  run: string,
  classifier: Pick<Classifier, 'classNames' | 'labelsKey'>,
): Promise<RunFacts> {
  const options = await readRunConfig(run)
  const report = await readReport(run, classifier)
  const seed = typeof options.seed === 'number' ? options.seed : 0
  const model = report?.training?.model ?? wordFor(options)
  if (report === undefined) return { accuracy: null, model, seed, pictures: [], options }
  const { labelled, unlabelled, noneOfThese = 0 } = report.dataset
  return {
    labels: labelled,
    noneOfThese,
    images: unlabelled + noneOfThese + labelled.reduce((sum, count) => sum + count, 0),
    accuracy: accuracyOf(report),
    model,
    head: report.results.find(({ chosen }) => chosen)?.head,
    seed,
    pictures: picturesOf(report),
    options,
  }
}

/** What an export can do without is no reason to fail. */
async function readReport(
  run: string,
  { classNames, labelsKey }: Pick<Classifier, 'classNames' | 'labelsKey'>,
): Promise<Report | undefined> {
  try {
    const report = reportSchema.parse(JSON.parse(await readFile(path.join(run, RUN_FILES.report), 'utf8')))
    const { classes, labelsKey: reported } = report.dataset
    // Of other labels, where a refit was ended between the two.
    if (labelsKey !== undefined && reported !== undefined && labelsKey !== reported) return undefined
    return classes.join('\0') === classNames.join('\0') ? report : undefined
  } catch {
    return undefined
  }
}

const wordFor = ({ model, encoder }: PlainObject): string =>
  typeof encoder === 'string' ? 'an encoder made elsewhere' : typeof model === 'string' ? model : 'unknown'

function accuracyOf({ evaluation, results }: Report): ModelMetadata['accuracy'] {
  const chosen = results.find((result) => result.chosen)
  if (chosen === undefined || evaluation.images === 0) return null
  const { mean, low, high } = estimateResult(evaluation, chosen)
  return { value: mean, low, high, kind: evaluation.kind, images: imagesBehind(evaluation, chosen) }
}

/** Of every class, labelled ones first. */
const picturesOf = ({ labelledExamples, predictions }: Report): ReportPicture[] => [
  ...labelledExamples.flatMap((pictures) => pictures.slice(0, 2)),
  ...predictions.flatMap(({ mostCertain, leastCertain }) => [
    ...mostCertain.slice(0, 1),
    ...leastCertain.slice(0, 1),
  ]),
]
