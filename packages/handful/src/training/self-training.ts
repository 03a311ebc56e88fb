/**
 * Self-training: a trained encoder learns on from the labelled images, and from what its features have made of all others
 * ("pseudo-labels" spread over the neighbour graph, Iscen et al., "Label propagation for deep semi-supervised learning", arXiv
 * 1904.04717). A step is that of FixMatch (models/fixmatch.ts), whose teacher is held to them.
 */
import type { z } from 'zod'
import { encoderClassifier, encoderOptimiser } from '../models/encoder-classifier.js'
import type { FixMatchOptions } from '../models/fixmatch.js'
import type { BoundModel } from '../models/model.js'
import { resolveAugmentation } from './model-options.js'
import {
  shiftedCrops,
  type SupervisedOptions,
  type supervisedOptionsSchema,
  supervisedSchedule,
} from './supervised.js'

export interface SelfTrainingSettings extends z.infer<typeof supervisedOptionsSchema> {
  readonly fixMatch: FixMatchOptions
}

/** Share of a fit's minutes that the model has before labels are seen. */
export const MODEL_SHARE = 0.6

export const selfTrainingDefaults: SelfTrainingSettings = {
  ...encoderOptimiser,
  ...supervisedSchedule,
  fixMatch: { ratio: 3, threshold: 0, weight: 1 },
}

/** @throws HandfulError (wrong use) for a model whose features labels cannot train further */
export function selfTraining(model: BoundModel, settings = selfTrainingDefaults): SupervisedOptions {
  const { fixMatch, ...optimised } = settings
  const strong = resolveAugmentation(undefined, model).options
  const mirror = model.image.channels === 3
  return {
    ...optimised,
    network: encoderClassifier(model),
    augmentation: shiftedCrops({ mirror }),
    fixMatch: { ...fixMatch, strong: strong ?? shiftedCrops({ mirror }) },
  }
}
