/**
 * The trainings of a fit by one network, FixMatch or self-training. Networks beside the one that predicts are trained alike, in as many
 * steps: on other draws of the labelled images where a test set judges, else without a part of the labelled images each,
 * which they are then asked for.
 */
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import type { Dataset } from '../../data/dataset.js'
import { filesOfFrames } from '../../data/frames.js'
import { countLabels } from '../../data/image-set.js'
import { contentKey } from '../../files/content-key.js'
import { filesPresent } from '../../files/present.js'
import { type Confidence, sharpened } from '../../heads/confidence.js'
import type { Judges } from '../../heads/judges.js'
import { balancedFolds } from '../../heads/left-out.js'
import type { ImageShape, Weights } from '../../models/model.js'
import type { FeatureMatrix } from '../../numerics/matrix.js'
import type { Classifier } from '../../runs/classifier.js'
import { FEWEST_LABELS_TO_JUDGE } from '../../numerics/statistics.js'
import { RUN_FILES } from '../../runs/run-files.js'
import type { RunContext } from '../../runs/run-folder.js'
import type { Stage, StageContext } from '../../stages/stage.js'
import { curveSchema } from '../../training/curve.js'
import type { TrainingSummary } from '../../training/pretrain.js'
import {
  type SupervisedOptions,
  type SupervisedRequest,
  type TrainedClassifier,
  trainSupervised,
} from '../../training/supervised.js'
import { judgedOnTest, judgedSchema } from './network-judging.js'
import type { NetworkFitOptions } from './fit-options.js'

/** Probabilities as they come, to be made as sure as they should be. */
export interface Classification {
  /** `[images, classes]` of the training images at these places; of all unless said otherwise. */
  readonly rows: (places?: readonly number[]) => Promise<FeatureMatrix>
  readonly test: () => Promise<FeatureMatrix> | undefined
  /** Where nobody was asked for labels that were left out. */
  readonly confidence: Confidence
  /** Of several kinds of features, what the labels chose to lead, or that all weigh the same; in words. */
  readonly features?: string
  /** What a run keeps to classify new images. */
  readonly kept: (
    confidence: Confidence,
  ) => Promise<Pick<Classifier, 'outputs' | 'encoder' | 'batch' | 'normalisation' | 'head'>>
}

/** What one way to learn from labelled and unlabelled images trains. */
export interface NetworkMethod {
  /** As tables and predictions.csv name it. */
  readonly source: { readonly features: string; readonly head: string }
  readonly title: string
  /** All that the network depends on, beside images, labels, seed and length. */
  readonly identity: object
  readonly training: SupervisedOptions
  /** How long the network itself is trained. */
  readonly limit: { readonly minutes?: number; readonly steps?: number }
  /** Of the seed. */
  readonly stream: string
  /** Whether its features or probabilities are means over an image and its mirrored image: then features of raw pixels are too. */
  readonly mirror?: boolean
  /** What its word on images depends on, beside the trained network. */
  readonly answersBy?: object
  /** Stages that have to be done before. */
  readonly needs: readonly Stage[]
  /** What a training on these labels begins with; nothing where it begins at random. */
  readonly start?: (labels: Int32Array, context: StageContext) => Promise<SupervisedRequest['start']>
  /** What the trained network makes of images, by the labels that it was trained on. */
  readonly classify: (weights: Weights, labels: Int32Array, context: StageContext) => Promise<Classification>
  /** How the training went that the network goes on from. */
  readonly before?: () => Promise<TrainingSummary>
  /** Settings for the report. */
  readonly config: object
  /** What probabilities go by where a test set judges, as a sentence. */
  readonly sureness: string
  /** Sentences about how it was fitted. */
  readonly notes: readonly string[]
}

/** What the stages share. */
export interface NetworkFitting {
  readonly options: NetworkFitOptions
  readonly context: RunContext
  readonly dataset: Dataset
  readonly image: ImageShape
  readonly method: NetworkMethod
  /** Labels of each draw, -1 where hidden. */
  readonly draws: readonly Int32Array[]
  /** Of the first draw, where there is no test set. */
  readonly judges: Judges
  readonly keys: {
    readonly images: string
    readonly labels: string
    readonly names: string
    /** Of what judges beside the draws' own labels. */
    readonly judges: string
  }
}

/** Parts of the labelled images that are left out in turn: each is a training. */
const PARTS = 3

const trainedSchema = z.object({
  steps: z.int().positive(),
  batch: z.int().positive(),
  parameterCount: z.int().positive(),
  seconds: z.number().nonnegative(),
  curves: z.array(curveSchema),
  file: z.string(),
})

export type NetworkStage = Stage<z.infer<typeof trainedSchema>>

/** The network that predicts, trained on the first draw of the labels. */
export const NETWORK = 'train the network'

const WEIGHTS = `${RUN_FILES.model}/network.safetensors`

export function networkStage(fitting: NetworkFitting): NetworkStage {
  const { options, context, draws, keys, method } = fitting
  const { seed, device } = options
  const { minutes, steps } = method.limit
  const settings = { kind: 'network', training: method.identity, seed, minutes, steps, device, ...keys }
  const key = contentKey(settings)
  return {
    kind: 'network',
    name: NETWORK,
    group: NETWORK,
    key,
    settings,
    needs: method.needs,
    seconds: minutes === undefined ? undefined : 60 * minutes,
    reportsItself: true,
    schema: trainedSchema,
    present: ({ file }) => filesPresent(context.run.folder, [file]),
    work: async (stage) => {
      const limit = { minutes, steps }
      const { weights, ...trained } = await trainNetwork(fitting, draws[0], {
        ...{ name: NETWORK, stream: 'draw 0', key, limit, stage },
      })
      const { run } = context
      await run.makeFolder(RUN_FILES.model)
      await run.writeArrays(WEIGHTS, weights)
      const { batch, parameterCount, seconds, curves } = trained
      return { steps: trained.steps, batch, parameterCount, seconds, curves: [...curves], file: WEIGHTS }
    },
  }
}

interface NetworkTraining {
  readonly name: string
  /** Of the seed. */
  readonly stream: string
  readonly key: string
  readonly limit: { readonly minutes?: number; readonly steps?: number }
  readonly stage: StageContext
}

async function trainNetwork(
  { options, context: { run, progress }, dataset: { train }, method }: NetworkFitting,
  labels: Int32Array,
  { name, stream, key, limit, stage }: NetworkTraining,
): Promise<TrainedClassifier> {
  const { threads, signal } = stage
  return trainSupervised({
    images: train,
    labels,
    classCount: train.classNames.length,
    options: method.training,
    start: await method.start?.(labels, stage),
    ...limit,
    seed: new Random(options.seed, `${method.stream}/${stream}`).integer(2 ** 31),
    threads,
    device: options.device,
    signal,
    progress,
    stage: name,
    checkpoints: { folder: run.path(RUN_FILES.checkpoints, key.slice(0, 12)), key },
    onStart: (step) => run.dropMetrics(name, step),
    onMetrics: (step, metrics) => run.appendMetrics({ stage: name, step, ...metrics }),
  })
}

const drawnSchema = z.object({ judged: judgedSchema })

export type DrawStage = Stage<z.infer<typeof drawnSchema>>

/** A network on another draw of the labelled images, asked for the test images. */
export function drawStage(fitting: NetworkFitting, network: NetworkStage, draw: number): DrawStage {
  const { dataset, draws } = fitting
  const name = `train on draw ${draw + 1}`
  return {
    ...beside(fitting, network, { kind: 'draw', name, part: draw }),
    schema: drawnSchema,
    work: async (stage) => {
      const { steps } = await fitting.context.run.store.result(network)
      const trained = await trainNetwork(fitting, draws[draw], {
        ...{ name, stream: `draw ${draw}`, key: `${network.key.slice(0, 8)}-draw-${draw}`, limit: { steps } },
        stage,
      })
      const { test } = dataset
      const classified = await fitting.method.classify(trained.weights, draws[draw], stage)
      const found = await classified.test()
      if (test === undefined || found === undefined)
        throw new Error('internal: drawStage: got no test images, expected some')
      return { judged: judgedOnTest(test, sharpened(found, classified.confidence)) }
    },
  }
}

export const leftOutSchema = z.object({
  /** Training images that were left out, and their classes. */
  rows: z.array(z.int().min(0)),
  truth: z.array(z.int().min(0)),
  /** `[rows, classes]` */
  probabilities: z.array(z.number()),
})

export type PartStage = Stage<z.infer<typeof leftOutSchema>>

/**
 * A network without a part of the labelled images, asked for these; none where too few are labelled to say anything, and where
 * labelled images that were not drawn say it without a further training.
 */
export function partStages(fitting: NetworkFitting, network: NetworkStage): PartStage[] {
  const { dataset, draws, options, judges } = fitting
  const [labels] = draws
  if (!judges.leftOut) return []
  return labelParts(dataset, labels, options.seed).map((rows, part, { length }) => {
    const name = `train without part ${part + 1} of ${length}`
    return {
      ...beside(fitting, network, { kind: 'part', name, part }),
      schema: leftOutSchema,
      work: async (stage) => {
        const { steps } = await fitting.context.run.store.result(network)
        const known = labels.slice()
        for (const row of rows) known[row] = -1
        const trained = await trainNetwork(fitting, known, {
          ...{
            name,
            stream: `part ${part}`,
            key: `${network.key.slice(0, 8)}-part-${part}`,
            limit: { steps },
          },
          stage,
        })
        const found = await (await fitting.method.classify(trained.weights, known, stage)).rows(rows)
        return { rows, truth: rows.map((row) => labels[row]), probabilities: [...found.data] }
      },
    }
  })
}

function beside(
  {
    method: {
      limit: { minutes },
      needs,
      answersBy,
    },
  }: NetworkFitting,
  network: NetworkStage,
  { kind, name, part }: { readonly kind: string; readonly name: string; readonly part: number },
) {
  const settings = { kind, part, network: network.key, answersBy }
  return {
    kind,
    name,
    group: name,
    settings,
    key: contentKey(settings),
    needs: [...needs, network],
    seconds: minutes === undefined ? undefined : 60 * minutes,
    reportsItself: true as const,
  }
}

/** Labelled images that are left out together: every class gives up its share of them in turn. */
function labelParts({ train }: Dataset, labels: Int32Array, seed: number): number[][] {
  const rows = [...labels.keys()].filter((row) => labels[row] >= 0)
  const counts = countLabels(labels, train.classNames.length)
  if (Math.min(...counts) < FEWEST_LABELS_TO_JUDGE) return []
  const files = filesOfFrames(train.paths)
  const labelled = {
    targets: Int32Array.from(rows, (row) => labels[row]),
    counts,
    sources: files && Int32Array.from(rows, (row) => files[row]),
  }
  const random = new Random(seed, 'fixmatch/parts')
  return balancedFolds(labelled, { random }, PARTS).map((part) => part.map((at) => rows[at]))
}
