/** `handful fit --method fixmatch`: what is trained, from random weights. */
import type { ImageShape } from '../../models/model.js'
import {
  supervisedSettings,
  supervisedTitle,
  supervisedTraining,
} from '../../training/supervised-settings.js'
import type { FixMatchFitOptions } from './fit-options.js'
import type { NetworkMethod } from './network-training.js'

/** Views that labelled images are seen in: those of the preset. */
const AUGMENT = 'crops'

/** What follows from the options; `--print-config` shows it. @throws HandfulError (wrong use) for a setting that does not suit */
export const fixMatchSettings = ({ set }: Pick<FixMatchFitOptions, 'set'>) =>
  supervisedSettings({ preset: 'fixmatch', stem: 'small', set })

/** @param counts of the images that it learns from */
export function fixMatchMethod(
  options: FixMatchFitOptions,
  image: ImageShape,
  { labelled, images }: { readonly labelled: number; readonly images: number },
): NetworkMethod {
  const settings = fixMatchSettings(options)
  const { minutes, steps } = options
  return {
    source: { features: 'FixMatch', head: 'the network itself' },
    title: supervisedTitle(settings),
    identity: { settings, augment: AUGMENT, image },
    training: supervisedTraining(settings, AUGMENT, image),
    limit: { minutes, steps },
    stream: 'fixmatch',
    needs: [],
    config: { config: settings },
    notes: [
      `FixMatch: one network learned from ${labelled} labelled images and from the ${images} training images without their labels. Its rate and length were fixed beforehand.`,
    ],
  }
}
