/**
 * FixMatch as commands and studies are told it: which network it trains from random weights, and by what settings. The
 * encoder of the contrastive network is the backbone that features come from; ResNet-18 is the preset `fixmatch` of
 * `handful supervised`.
 */
import { z } from 'zod'
import { encoderClassifier, encoderOptimiser } from '../models/encoder-classifier.js'
import { fixMatchDefaults, fixMatchSchema } from '../models/fixmatch.js'
import type { ImageShape } from '../models/model.js'
import type { FixMatchNetworkName } from '../names.js'
import { type ModelChoice, resolveModel, withSettings } from './model-options.js'
import { type SupervisedOptions, supervisedOptionsSchema, supervisedSchedule } from './supervised.js'
import {
  fixMatchTitle,
  type SupervisedSettings,
  supervisedSettings,
  supervisedTraining,
  trainingOf,
  withAverages,
} from './supervised-settings.js'

const size = z.int().min(1)

/** What of a model's configuration makes its encoder; a model has some of them. */
const encoderSchema = z.object({ patch: size, width: size, blocks: size, hidden: size }).partial()

const encoderFixMatchSchema = z.strictObject({
  ...encoderSchema.shape,
  ...supervisedOptionsSchema.shape,
  fixMatch: fixMatchSchema,
})

export interface FixMatchChoice {
  readonly network: FixMatchNetworkName
  /** Values that differ from the network's own, by name. */
  readonly set: Readonly<Record<string, unknown>>
  /** The contrastive network as it is trained elsewhere; its preset `fast` where left out. */
  readonly model?: ModelChoice
}

export interface FixMatch {
  /** Plain data, checked. */
  readonly settings: SupervisedSettings | z.infer<typeof encoderFixMatchSchema>
  readonly title: string
  readonly training: SupervisedOptions
}

/** Views that labelled images are seen in, and those of unlabelled ones that give their classes. */
export const FIXMATCH_AUGMENT = 'crops'

const CONTRASTIVE: ModelChoice = { model: 'contrastive', preset: 'fast', set: {} }

/** @throws HandfulError (wrong use) for a setting that there is not or a value that does not suit */
export function fixMatch({ network, set, model = CONTRASTIVE }: FixMatchChoice, image: ImageShape): FixMatch {
  if (network === 'contrastive') return encoderFixMatch(model, set, image)
  const settings = supervisedSettings({ preset: 'fixmatch', stem: 'small', set })
  const training = supervisedTraining(settings, FIXMATCH_AUGMENT, image)
  return { settings, title: fixMatchTitle(training.network), training }
}

function encoderFixMatch(choice: ModelChoice, set: FixMatchChoice['set'], image: ImageShape): FixMatch {
  const values = {
    ...encoderSchema.parse(resolveModel(choice, image).config),
    ...encoderOptimiser,
    ...supervisedSchedule,
    fixMatch: fixMatchDefaults,
  }
  const settings = withAverages(
    withSettings(encoderFixMatchSchema, values, set, `FixMatch of the ${choice.model} network's encoder`),
  )
  const model = resolveModel({ ...choice, set: { ...choice.set, ...encoderSchema.parse(settings) } }, image)
  const network = encoderClassifier(model)
  const trained = { ...supervisedOptionsSchema.strip().parse(settings), fixMatch: settings.fixMatch }
  return {
    settings,
    title: fixMatchTitle(network),
    training: trainingOf(network, trained, FIXMATCH_AUGMENT, image),
  }
}
