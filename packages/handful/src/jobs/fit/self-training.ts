/**
 * `handful fit --method self-training`: the model learns from all images, its features and the labelled few say what the
 * others are, and then its encoder learns on from both.
 */
import { Random } from 'onnx-autodiff'
import type { Dataset } from '../../data/dataset.js'
import { filesOfFrames } from '../../data/frames.js'
import { guideFrom, GUIDING_HEAD } from '../../heads/guide.js'
import type { RunContext } from '../../runs/run-folder.js'
import { readSpace } from '../../runs/space-file.js'
import { MODEL_SHARE, selfTraining, selfTrainingDefaults } from '../../training/self-training.js'
import { encoderSource, featuresStage, patchesStage } from './fit-stages.js'
import type { FeatureFitOptions, SelfTrainingFitOptions } from './fit-options.js'
import { openFitting } from './fitting.js'
import type { NetworkMethod } from './network-training.js'

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
    ...{ method: undefined, head: GUIDING_HEAD, features: 'all' },
  }
  const fitting = await openFitting(ofFeatures, dataset, context)
  const { learning } = fitting
  if (learning === undefined) throw new Error('internal: selfTrainingMethod: got no model, expected one')
  const patches = options.patches === 0 ? undefined : patchesStage(fitting)
  const features = featuresStage(fitting, { patches, encoder: encoderSource(fitting, patches) })
  const training = selfTraining(learning.model)
  return {
    source: { features: 'self-training', head: 'the network itself' },
    title: training.network.title,
    identity: { selfTraining: selfTrainingDefaults, model: learning.train.key, features: features.key },
    training,
    limit: limits.network,
    stream: 'self-training',
    needs: [learning.train, ...(patches ? [patches] : []), features],
    async start(labels, { linearAlgebra, signal }) {
      const { learned } = await run.store.result(features)
      const space = await readSpace(run.folder, learned[0], { linearAlgebra, signal })
      const guide = await guideFrom(space, {
        labels,
        classCount: train.classNames.length,
        sources: filesOfFrames(train.paths),
        random: new Random(options.seed, 'self-training/guide'),
      })
      return { weights: (await learning.trained()).weights, guide }
    },
    config: { augment: learning.augment, config: learning.model.config, selfTraining: selfTrainingDefaults },
    notes: [
      `Self-training: the model learned from the ${train.count} training images without their labels; then its encoder learned on from the labelled ones and from what its features made of the others. Rates and lengths were fixed beforehand.`,
    ],
  }
}
