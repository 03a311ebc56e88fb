/**
 * `handful fit --method self-training`: the model learns from all images, its features and the labelled few say what the
 * others are, and then its encoder learns on from both.
 */
import { Random } from 'onnx-autodiff'
import type { Dataset } from '../../data/dataset.js'
import { filesOfFrames } from '../../data/frames.js'
import { learnedFeatures } from '../../features/feature-sources.js'
import type { FeatureSpace } from '../../features/feature-space.js'
import { confidenceSettings } from '../../heads/confidence.js'
import { fitToTrained, type Guide, guideBy, GUIDING_HEAD } from '../../heads/guide.js'
import type { WeightedModel, Weights } from '../../models/model.js'
import { selectRows } from '../../numerics/matrix.js'
import type { RunContext } from '../../runs/run-folder.js'
import { readSpace } from '../../runs/space-file.js'
import type { StageContext } from '../../stages/stage.js'
import { MODEL_SHARE, selfTraining, selfTrainingDefaults } from '../../training/self-training.js'
import { encoderSource, featuresStage, patchesStage } from './fit-stages.js'
import type { FeatureFitOptions, SelfTrainingFitOptions } from './fit-options.js'
import { FEATURES, mirroredNote, openFitting } from './fitting.js'
import type { Classification, NetworkMethod } from './network-training.js'

interface Limit {
  readonly minutes?: number
  readonly steps?: number
}

/** The model's part of the time, and the network's; of steps the network has half as many as the model. */
export function selfTrainingLimits({ minutes, steps }: Limit): {
  readonly model: Limit
  readonly network: Limit
} {
  if (minutes !== undefined)
    return { model: { minutes: MODEL_SHARE * minutes }, network: { minutes: (1 - MODEL_SHARE) * minutes } }
  return {
    model: { steps },
    network: { steps: steps === undefined ? undefined : Math.max(1, Math.round(steps / 2)) },
  }
}

/** @throws HandfulError (wrong use) for settings that do not suit, and a model whose features labels cannot train further */
export async function selfTrainingMethod(
  options: SelfTrainingFitOptions,
  dataset: Dataset,
  context: RunContext,
): Promise<NetworkMethod> {
  const { run } = context
  const { train } = dataset
  const limits = selfTrainingLimits(options)
  const ofFeatures: FeatureFitOptions = {
    ...options,
    ...{ minutes: undefined, steps: undefined, ...limits.model },
    ...{ method: undefined, head: GUIDING_HEAD },
  }
  const fitting = await openFitting(ofFeatures, dataset, context)
  const { learning } = fitting
  if (learning === undefined) throw new Error('internal: selfTrainingMethod: got no model, expected one')
  const patches = options.patches === 0 ? undefined : patchesStage(fitting)
  const features = featuresStage(fitting, { patches, encoder: encoderSource(fitting, patches) })
  const training = selfTraining(learning.model)
  const given = (labels: Int32Array) => ({
    labels,
    classCount: train.classNames.length,
    sources: filesOfFrames(train.paths),
    random: new Random(options.seed, 'self-training/guide'),
  })
  const guides = new WeakMap<Int32Array, Promise<Guide>>()
  const guideOf = async (labels: Int32Array, { linearAlgebra, signal }: StageContext): Promise<Guide> => {
    const { learned } = await run.store.result(features)
    const spaces: FeatureSpace[] = []
    for (const each of learned) spaces.push(await readSpace(run.folder, each, { linearAlgebra, signal }))
    return guideBy(spaces, given(labels))
  }
  const guide = (labels: Int32Array, stage: StageContext): Promise<Guide> => {
    const known = guides.get(labels) ?? guideOf(labels, stage)
    guides.set(labels, known)
    return known
  }
  const classified = async (
    weights: Weights,
    labels: Int32Array,
    stage: StageContext,
  ): Promise<Classification> => {
    const { linearAlgebra, onProgress, ...machine } = stage
    const trained = async (): Promise<WeightedModel> => {
      const before = await learning.trained()
      return { ...before, weights: { ...before.weights, ...weights } }
    }
    const encoder = await encoderSource({ ...fitting, learning: { ...learning, trained } }, patches)()
    const counted = { ...machine, onProgress: (done: number, total: number) => onProgress?.(done, total) }
    const { space: position, confidence: before } = await guide(labels, stage)
    const space = await learnedFeatures(dataset, encoder, linearAlgebra, counted, position)
    const fitted = await fitToTrained(space, given(labels))
    return {
      async rows(places) {
        const all = await fitted.probabilities()
        return places === undefined ? all : selectRows(all, places)
      },
      test: () => space.test && fitted.predict(space.test),
      confidence: before,
      features: encoder !== undefined && encoder.groups.length > 1 ? space.name : undefined,
      kept: async (confidence) => ({
        outputs: encoder?.groups.flatMap(({ outputs }) => outputs) ?? [],
        encoder: encoder?.network.program,
        batch: encoder?.network.batch,
        normalisation: await space.normalisation(),
        head: {
          ...fitted.parameters,
          settings: { ...fitted.parameters.settings, ...confidenceSettings(confidence) },
        },
      }),
    }
  }
  // Predictions and the classifier that gives them again follow each other.
  let latest: { readonly labels: Int32Array; readonly classified: Classification } | undefined
  return {
    source: { features: 'self-training', head: GUIDING_HEAD },
    title: training.network.title,
    identity: { selfTraining: selfTrainingDefaults, model: learning.train.key, features: features.key },
    training,
    limit: limits.network,
    stream: 'self-training',
    mirror: fitting.mirror,
    needs: [learning.train, ...(patches ? [patches] : []), features],
    async start(labels, stage) {
      const { weights } = await learning.trained()
      return { weights, guide: (await guide(labels, stage)).probabilities }
    },
    async classify(weights, labels, stage) {
      if (latest?.labels !== labels) latest = { labels, classified: await classified(weights, labels, stage) }
      return latest.classified
    },
    sureness:
      'Probabilities are as sure as predictions of left-out labels were right by the features before they saw a label.',
    before: () => run.store.result(learning.train),
    config: { augment: learning.augment, config: learning.model.config, selfTraining: selfTrainingDefaults },
    notes: [
      `Self-training: the model learned from the ${train.count} training images without their labels; then its encoder learned on from the labelled ones and from what its features made of the others. Its features as they are then classify. Rates and lengths were fixed beforehand.`,
      ...mirroredNote(FEATURES, { options, mirror: fitting.mirror }),
    ],
  }
}
