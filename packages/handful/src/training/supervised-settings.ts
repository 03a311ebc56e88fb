/** Settings of a supervised network as commands are told them: a preset's, and values that differ by name. */
import { z } from 'zod'
import { usageError } from '../errors.js'
import { fixMatchDefaults, fixMatchSchema } from '../models/fixmatch.js'
import type { ImageShape } from '../models/model.js'
import { resnet18, resnet18Presets, resnet18Schema } from '../models/resnet18/resnet18.js'
import type { SupervisedNetwork } from '../models/supervised-network.js'
import type { StemName, SupervisedAugmentationName, SupervisedPresetName } from '../names.js'
import { withSettings } from './model-options.js'
import {
  strongAugmentation,
  supervisedAugmentation,
  type SupervisedOptions,
  supervisedOptionsSchema,
  supervisedSchedule,
} from './supervised.js'

const supervisedSettingsSchema = z.strictObject({
  ...resnet18Schema.shape,
  ...supervisedOptionsSchema.shape,
  /** Undefined where the network learns from labels alone. */
  fixMatch: fixMatchSchema.optional(),
})

export type SupervisedSettings = z.infer<typeof supervisedSettingsSchema>

export interface SupervisedChoice {
  readonly preset: SupervisedPresetName
  readonly stem: StemName
  /** Values that differ from the preset's, by name. */
  readonly set: Readonly<Record<string, unknown>>
}

/** @throws HandfulError (wrong use) for a setting that there is not or a value that does not suit */
export function supervisedSettings({ preset, stem, set }: SupervisedChoice): SupervisedSettings {
  const own: SupervisedSettings =
    preset === 'reference'
      ? { ...resnet18Presets[stem], ...supervisedSchedule }
      : { ...resnet18Presets.strong, stem, ...supervisedSchedule }
  const values = preset === 'fixmatch' ? { ...own, fixMatch: fixMatchDefaults } : own
  const settings = withSettings(supervisedSettingsSchema, values, set, `ResNet-18, preset ${preset}`)
  return settings.fixMatch === undefined ? settings : withAverages(settings)
}

/** @throws HandfulError (wrong use) for settings of FixMatch without averaged weights */
export function withAverages<S extends Pick<SupervisedSettings, 'emaHalfLife'>>(settings: S): S {
  if ((settings.emaHalfLife ?? 0) > 0) return settings
  throw usageError({
    what: '--set emaHalfLife',
    got: String(settings.emaHalfLife),
    expected: 'more than 0 with FixMatch, whose averaged weights give the unlabelled images their classes',
  })
}

/** What is trained by settings, on images of a shape. */
export const supervisedTraining = (
  { stem, width, ...settings }: SupervisedSettings,
  augment: SupervisedAugmentationName,
  image: ImageShape,
): SupervisedOptions => trainingOf(resnet18({ stem, width }), settings, augment, image)

/** How a network is trained, on images of a shape; by FixMatch where the settings have any of it. */
export function trainingOf(
  network: SupervisedNetwork,
  { fixMatch, ...optimised }: Omit<SupervisedSettings, 'stem' | 'width'>,
  augment: SupervisedAugmentationName,
  image: ImageShape,
): SupervisedOptions {
  return {
    ...optimised,
    network,
    // The view of an unlabelled image that gives its class is distorted little.
    augmentation: supervisedAugmentation(fixMatch && augment === 'strong' ? 'crops' : augment, image),
    fixMatch: fixMatch && { ...fixMatch, strong: strongAugmentation(image) },
  }
}

/** `ResNet-18, 3x3 stem, width 24`; by FixMatch, that it saw the unlabelled images too. */
export const supervisedTitle = ({ stem, width, fixMatch }: SupervisedSettings): string =>
  fixMatch ? fixMatchTitle(resnet18({ stem, width })) : resnet18({ stem, width }).title

export const fixMatchTitle = ({ title }: Pick<SupervisedNetwork, 'title'>): string =>
  `${title}, FixMatch on all training images`
