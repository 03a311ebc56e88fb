/** The stages of a fit by one network after training: predictions, and the classifier that gives them again. */
import { z } from 'zod'
import { readArrays } from '../../files/array-file.js'
import { predictionParts, writePredictions } from '../../data/predictions.js'
import { DEFAULT_READING } from '../../data/reading.js'
import { contentKey } from '../../files/content-key.js'
import { filesPresent } from '../../files/present.js'
import { confidenceFrom, sharpened } from '../../heads/confidence.js'
import type { JudgedRows } from '../../heads/judges.js'
import { type FeatureMatrix, matrixArray, matrixOf, selectRows } from '../../numerics/matrix.js'
import { CLASSIFIER_FILE, saveClassifier } from '../../runs/classifier.js'
import { RUN_FILES } from '../../runs/run-files.js'
import type { Stage } from '../../stages/stage.js'
import { fittedKey } from './fitting.js'
import { judgedOnLabels, judgedOnTest, judgedSchema, leftOutOf } from './network-judging.js'
import type { NetworkFitting, NetworkStage, PartStage } from './network-training.js'

const predictedSchema = z.object({
  file: z.string(),
  confidence: z.object({ exponent: z.number(), bend: z.number(), doubt: z.number() }),
  /** What the labels chose of several kinds. */
  features: z.string().optional(),
  /** By the test images, or by the labelled ones that were left out. */
  judged: judgedSchema.optional(),
})

export type PredictedStage = Stage<z.infer<typeof predictedSchema>>

/** The network's word on all images, as sure as left-out labels say, and how often it is right. */
export function predictedStage(
  fitting: NetworkFitting,
  network: NetworkStage,
  parts: readonly PartStage[],
): PredictedStage {
  const { context, dataset, draws, method, judges } = fitting
  const { run } = context
  const { train, test } = dataset
  const classCount = train.classNames.length
  const settings = {
    kind: 'predicted',
    needs: [network, ...parts].map(({ key }) => key),
    answersBy: method.answersBy,
    judges: test ? undefined : fitting.keys.judges,
  }
  const key = contentKey(settings)
  const total = train.count + (test?.count ?? 0)
  const file = `${RUN_FILES.model}/probabilities-${key.slice(0, 8)}.safetensors`
  return {
    kind: 'predicted',
    name: 'predict all images',
    group: 'predict all images',
    key,
    settings,
    needs: [network, ...parts],
    seconds: total / 500,
    unit: 'images',
    total,
    schema: predictedSchema,
    present: (result) => filesPresent(run.folder, [result.file]),
    work: async (stage) => {
      const classified = await method.classify(await weightsOf(fitting, network), draws[0], stage)
      const all = await classified.rows()
      const ofTest = await classified.test()
      const left = leftOutOf(await Promise.all(parts.map((part) => run.store.result(part))), classCount)
      const labels = draws[0].filter((label) => label >= 0).length
      const confidence =
        left === undefined ? classified.confidence : confidenceFrom(left.probabilities, left.truth, labels)
      const told = sharpened(all, confidence)
      const asked = (): JudgedRows | undefined =>
        judges.leftOut
          ? left && { ...left, probabilities: sharpened(left.probabilities, confidence) }
          : {
              rows: judges.unseen,
              truth: judges.unseen.map((row) => train.labels[row]),
              probabilities: selectRows(told, judges.unseen),
            }
      const found = test ? undefined : asked()
      await run.writeArrays(file, {
        train: matrixArray(told),
        ...(ofTest && { test: matrixArray(sharpened(ofTest, confidence)) }),
      })
      const judged =
        test && ofTest
          ? judgedOnTest(test, sharpened(ofTest, confidence))
          : found && judgedOnLabels(found, judges)
      const { features } = classified
      return { file, confidence, features, judged }
    },
  }
}

async function weightsOf({ context: { run } }: NetworkFitting, network: NetworkStage) {
  const { file } = await run.store.result(network)
  return (await readArrays(run.path(file))).arrays
}

/** What was predicted, from its file. */
export async function probabilitiesOf(
  { context: { run } }: NetworkFitting,
  predicted: PredictedStage,
): Promise<{ readonly train: FeatureMatrix; readonly test?: FeatureMatrix }> {
  const { file } = await run.store.result(predicted)
  const { arrays } = await readArrays(run.path(file))
  return {
    train: matrixOf(arrays.train),
    test: Object.hasOwn(arrays, 'test') ? matrixOf(arrays.test) : undefined,
  }
}

const filesSchema = z.object({ files: z.array(z.string()) })

/** What `handful predict` and `handful export` need, and the predictions for all images. */
export function networkClassifierStage(
  fitting: NetworkFitting,
  network: NetworkStage,
  predicted: PredictedStage,
): Stage<z.infer<typeof filesSchema>> {
  const { options, context, dataset, image, method, draws, keys } = fitting
  const { run } = context
  const { classNames } = dataset.train
  const settings = { kind: 'classifier', predicted: predicted.key, names: keys.names, fit: options.fit }
  return {
    kind: 'classifier',
    name: 'save the classifier',
    group: 'save the classifier',
    key: contentKey(settings),
    settings,
    needs: [network, predicted],
    seconds: 1,
    schema: filesSchema,
    present: ({ files }) => filesPresent(run.folder, files),
    work: async (stage) => {
      const { confidence } = await run.store.result(predicted)
      const classified = await method.classify(await weightsOf(fitting, network), draws[0], stage)
      await saveClassifier(run, {
        classNames,
        size: image.size,
        channels: image.channels,
        fit: options.fit,
        reading: dataset.reading ?? DEFAULT_READING,
        labelsKey: fittedKey(dataset, draws[0]),
        ...(await classified.kept(confidence)),
      })
      const { features, head } = method.source
      const parts = predictionParts(
        dataset,
        draws[0],
        await probabilitiesOf(fitting, predicted),
        `${features}, ${head}`,
      )
      await writePredictions(run.path(RUN_FILES.predictions), parts)
      return { files: [CLASSIFIER_FILE, RUN_FILES.predictions] }
    },
  }
}
