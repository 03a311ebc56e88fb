/** The stages of `handful fit` after training: what they are called, how long they take, and what each is kept by. */
import { contentKey } from '../../files/content-key.js'
import type { Fitting } from './fitting.js'

export const TITLES = {
  patches: 'find patches',
  features: 'compute features',
  heads: 'fit classifiers',
  classifier: 'save the classifier',
  report: 'write the report',
} as const

const PLANNED_IMAGES = 20_000

/** Expected seconds of each stage; `images`: how many there are, or what most sets have where that is not known yet. */
export function expectedSeconds(
  patches: number,
  images = PLANNED_IMAGES,
): Readonly<Record<keyof typeof TITLES, number>> {
  const share = images / PLANNED_IMAGES
  return { patches: 5, features: (5 + patches / 20) * share, heads: 40 * share, classifier: 1, report: 1 }
}

export const imagesOf = ({ dataset: { train, test } }: Fitting): number => train.count + (test?.count ?? 0)

/** What every stage of a fit says of itself. */
export function described(fitting: Fitting, stage: keyof typeof TITLES, settings: object) {
  const { options } = fitting
  return {
    kind: stage,
    name: TITLES[stage],
    group: TITLES[stage],
    settings: { kind: stage, ...settings },
    key: contentKey({ kind: stage, ...settings }),
    seconds: expectedSeconds(options.patches, imagesOf(fitting))[stage],
  }
}
