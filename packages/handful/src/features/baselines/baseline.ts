/**
 * What a baseline is: features that no model is trained for, and what every model has to beat. Each is a file here with its
 * entry, and one line of the registry.
 */
import type { z } from 'zod'
import type { Images } from '../../data/image-set.js'
import { usageError } from '../../errors.js'
import type { FeatureChoice } from '../../models/feature-request.js'
import type { FeatureNetwork, ImageShape, Weights } from '../../models/model.js'
import type { BaselineName } from '../../names.js'
import type { LinearAlgebra } from '../../numerics/linear-algebra.js'
import { withSettings } from '../../training/model-options.js'
import type { ExtractOptions } from '../extract.js'
import { type FeatureSource, networkSource } from '../feature-sources.js'
import type { FeatureGroup } from '../reduce.js'

export interface BaselineNetwork {
  readonly network: FeatureNetwork
  readonly outputs: readonly string[]
  /** In words. */
  readonly detail: string
  /** What was fitted, to be kept. */
  readonly fitted?: FittedFeatures
}

/** What fitting gave: arrays and what they are of, from which the network is made. */
export interface FittedFeatures {
  readonly kind: BaselineName
  /** The images that it was fitted to. */
  readonly image: ImageShape
  readonly options: Readonly<Record<string, unknown>>
  readonly weights: Weights
}

export interface FitBaselineOptions {
  readonly seed: number
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
  /** Told of rounds of the fit. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A baseline with its settings. */
export interface BaselineSettings {
  /**
   * The features of images of one shape; what needs fitting is fitted to `images`, without labels.
   *
   * @param choice layers, pooling and noise, for random networks alone
   * @throws HandfulError where the images don't suit, or an option of `choice` is none of the baseline's
   */
  fit(images: Images, options: FitBaselineOptions, choice?: FeatureChoice): Promise<BaselineNetwork>
}

/** How features that were fitted are taken from a file. Both throw where the options are another kind's. */
export interface FittedKind {
  /** Of each array. */
  shapes(options: unknown, image: ImageShape): Readonly<Record<string, readonly number[]>>
  /** @throws HandfulError for images that it was not fitted to the like of */
  network(fitted: FittedFeatures, image: ImageShape): BaselineNetwork
}

/** Settings of a study that are a baseline's own, by their names there. */
export type StudyNumbers = Readonly<Record<string, number>>

/** What a study opens a baseline with. */
export interface SourceContext extends FitBaselineOptions, Omit<ExtractOptions, 'onProgress'> {
  readonly onProgress?: (done: number, total: number, note?: string) => void
}

interface Facts {
  readonly name: string
  /** As tables name it. */
  readonly title: string
  /** Of features, at 32x32 on two cores: what a study plans with. */
  readonly imagesPerSecond: number
  /** Where what is fitted can be kept in a file. */
  readonly fitted?: FittedKind
  /** What a study can be told of it. */
  readonly studyFields?: Readonly<Record<string, z.ZodDefault<z.ZodNumber>>>
}

export interface Baseline extends Omit<Facts, 'studyFields'>, Required<Pick<Facts, 'studyFields'>> {
  /** @throws HandfulError (wrong use) for an unknown setting or a value that does not suit */
  configure(set?: Readonly<Record<string, unknown>>): BaselineSettings
  /** All that its features depend on in a study, beside the images. */
  studySettings(numbers: StudyNumbers, seed: number): object
  /** Its features in a study, fitted to training images. */
  open(images: Images, numbers: StudyNumbers, context: SourceContext): Promise<FeatureSource>
}

/** A baseline of settings `V`. */
export interface BaselineParts<V extends object> extends Facts {
  readonly schema: z.ZodType<V>
  readonly values: V
  /** Whether it has layers, pooling and noise to choose. */
  readonly hasLayers?: boolean
  fit(
    images: Images,
    values: V,
    options: FitBaselineOptions,
    choice: FeatureChoice,
  ): BaselineNetwork | Promise<BaselineNetwork>
  /** In a study; `values` unless said otherwise. */
  studyValues?(numbers: StudyNumbers, images: Images): V
  /** Beside the seed. */
  studySettings?(numbers: StudyNumbers): object
  readonly standardise?: FeatureGroup['standardise']
}

export function defineBaseline<V extends object>({
  schema,
  values,
  hasLayers = false,
  fit,
  studyValues = () => values,
  studySettings = () => ({}),
  studyFields = {},
  standardise,
  ...facts
}: BaselineParts<V>): Baseline {
  const where = `baseline ${facts.name}`
  const bound = (chosen: V): BaselineSettings => ({
    fit: async (images, options, choice = {}) => {
      if (!hasLayers) refuseChoice(where, choice)
      return fit(images, chosen, options, choice)
    },
  })
  return {
    ...facts,
    studyFields,
    configure: (set = {}) => {
      if (Object.keys(values).length === 0) refuseSettings(set, where)
      return bound(withSettings(schema, values, set, where))
    },
    studySettings: (numbers, seed) => ({ ...studySettings(numbers), seed }),
    open: async (images, numbers, context) => {
      const { network, outputs, detail } = await bound(studyValues(numbers, images)).fit(images, {
        ...context,
        onProgress: (done, total) => context.onProgress?.(done, total, 'dictionary'),
      })
      return networkSource({ network, groups: [{ outputs, standardise }] }, context, detail)
    },
  }
}

function refuseSettings(set: Readonly<Record<string, unknown>>, where: string): void {
  const [given] = Object.keys(set)
  if (given === undefined) return
  throw usageError({
    what: `--set ${given}`,
    where,
    got: 'a setting',
    expected: 'none',
    hint: 'leave it out',
  })
}

/** @throws HandfulError (wrong use) where something is chosen that `name` does not have */
export function refuseChoice(name: string, choice: FeatureChoice): void {
  const flags: Readonly<Record<keyof FeatureChoice, string>> = {
    layers: 'layers',
    pooling: 'pooling',
    noiseLevel: 'noise-level',
    noiseLevels: 'noise-level',
    combineLevels: 'average-levels',
    draws: 'draws',
    mirror: 'mirror',
    combineViews: 'concatenate-views',
  }
  for (const [field, flag] of Object.entries(flags)) {
    const value = choice[field as keyof FeatureChoice]
    if (value === undefined) continue
    const expected = `none for ${name}`
    throw usageError({ what: `--${flag}`, got: String(value), expected, hint: 'leave it out' })
  }
}
