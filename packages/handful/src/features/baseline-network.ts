/**
 * Features without a trained model, as networks: raw pixels, principal components, whitened patches, and networks with
 * random weights. What every generative model has to beat.
 */
import { z } from 'zod'
import type { Images } from '../data/image-set.js'
import { HandfulError, usageError } from '../errors.js'
import { listAlternatives } from '../errors/suggest.js'
import type { FittedFeatures } from './fitted.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import { defaultPatches, fitPatches, PATCHES, patchNetwork, patchOptionsSchema } from './patches.js'
import { COMPONENTS, defaultPca, fitPca, pcaNetwork, pcaSchema } from './pca.js'
import { pixelNetwork, PIXELS } from './pixels.js'
import { untrainedFeatures, untrainedSupervisedFeatures } from './random-network.js'
import { featureRequest } from '../models/choose-features.js'
import { type FeatureChoice, featureOutputs, requestInWords } from '../models/feature-request.js'
import type { FeatureNetwork, ImageShape } from '../models/model.js'
import { isSupervisedName, supervisedModels } from '../models/supervised-registry.js'
import { type BaselineName, MODELS, PRESETS, SUPERVISED_MODELS } from '../names.js'
import { resolveModel, withSettings } from '../training/model-options.js'

const randomSchema = z.strictObject({
  /** Whose architecture. */
  network: z.enum([...MODELS, ...SUPERVISED_MODELS]),
  preset: z.enum(PRESETS),
})

/** What each can be set, with its defaults. */
const settings = {
  pixels: { schema: z.strictObject({}), values: {} },
  pca: { schema: pcaSchema, values: defaultPca },
  patches: { schema: patchOptionsSchema, values: defaultPatches },
  random: {
    schema: randomSchema,
    values: { network: 'vae', preset: 'fast' } as z.infer<typeof randomSchema>,
  },
} as const

export type BaselineSettings =
  | { readonly name: 'pixels' }
  | { readonly name: 'pca'; readonly values: z.infer<typeof pcaSchema> }
  | { readonly name: 'patches'; readonly values: z.infer<typeof patchOptionsSchema> }
  | { readonly name: 'random'; readonly values: z.infer<typeof randomSchema> }

/**
 * Settings of a baseline with some of them changed.
 * @throws HandfulError (wrong use) for an unknown name or a value that does not suit
 */
export function baselineSettings(
  name: BaselineName,
  set: Readonly<Record<string, unknown>> = {},
): BaselineSettings {
  const where = `baseline ${name}`
  switch (name) {
    case 'pixels': {
      const [given] = Object.keys(set)
      if (given === undefined) return { name }
      throw usageError({
        what: `--set ${given}`,
        where,
        got: 'a setting',
        expected: 'none',
        hint: 'leave it out',
      })
    }
    case 'pca':
      return { name, values: withSettings(settings.pca.schema, settings.pca.values, set, where) }
    case 'patches':
      return { name, values: withSettings(settings.patches.schema, settings.patches.values, set, where) }
    case 'random':
      return { name, values: withSettings(settings.random.schema, settings.random.values, set, where) }
  }
}

export interface BaselineNetwork {
  readonly network: FeatureNetwork
  readonly outputs: readonly string[]
  /** In words. */
  readonly detail: string
  /** What was fitted, to be kept. */
  readonly fitted?: FittedFeatures
}

export interface FitBaselineOptions {
  readonly seed: number
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * A baseline for images of a shape; what needs fitting is fitted to `images`, without labels.
 *
 * @param choice layers, pooling and noise, for random networks alone
 * @throws HandfulError where the images don't suit, or an option of `choice` is none of the baseline's
 */
export async function fitBaseline(
  baseline: BaselineSettings,
  images: Images,
  { seed, linearAlgebra, signal, onProgress }: FitBaselineOptions,
  choice: FeatureChoice = {},
): Promise<BaselineNetwork> {
  const image: ImageShape = { size: images.height, channels: images.channels }
  if (baseline.name !== 'random') refuseChoice(`baseline ${baseline.name}`, choice)
  switch (baseline.name) {
    case 'pixels':
      return { network: pixelNetwork(image), outputs: [PIXELS], detail: 'raw pixels' }
    case 'pca':
      return fittedNetwork(
        { kind: 'pca', image, weights: await fitPca(images, { ...baseline.values, seed, linearAlgebra }) },
        image,
      )
    case 'patches': {
      const dictionary = await fitPatches(images, baseline.values, {
        seed,
        linearAlgebra,
        signal,
        onProgress,
      })
      return fittedNetwork({ kind: 'patches', image, dictionary }, image)
    }
    case 'random':
      return randomNetwork(baseline.values, image, seed, choice)
  }
}

/** The network of features that were fitted before, for images of a shape. @throws HandfulError if they don't suit */
export function fittedNetwork(fitted: FittedFeatures, image: ImageShape): BaselineNetwork {
  if (fitted.kind === 'pca') {
    const [, components] = fitted.weights.projection.shape
    const network = pcaNetwork(fitted.weights, image)
    return {
      network,
      outputs: [COMPONENTS],
      detail: `${components} principal components of the pixels`,
      fitted,
    }
  }
  const { atoms, size, dictionary } = fitted.dictionary.options
  const network = patchNetwork(fitted.dictionary, image)
  const found = dictionary === 'k-means' ? 'by k-means' : 'at random'
  return { network, outputs: [PATCHES], detail: `${atoms} whitened ${size}x${size} patches ${found}`, fitted }
}

function randomNetwork(
  { network: name, preset }: z.infer<typeof randomSchema>,
  image: ImageShape,
  seed: number,
  choice: FeatureChoice,
): BaselineNetwork {
  if (!isSupervisedName(name)) {
    const model = resolveModel({ model: name, preset, set: {} }, image)
    const request = featureRequest(model, choice)
    const network = untrainedFeatures(model, seed, request)
    const detail = `${model.title}, random weights, ${requestInWords(request)}`
    return { network, outputs: featureOutputs(request), detail }
  }
  const { network: classifier, features: usual } = supervisedModels[name].untrained
  const { layers = usual.layers, pooling = usual.pooling, ...noise } = choice
  refuseChoice(`network ${name}`, noise)
  const network = untrainedSupervisedFeatures(classifier, image, seed, { layers, pooling })
  return { network, outputs: layers, detail: `${classifier.title}, random weights, pooling ${pooling}` }
}

function refuseChoice(name: string, choice: FeatureChoice): void {
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

/** @throws HandfulError where features fitted before are of another kind than asked for */
export function checkKind({ kind }: FittedFeatures, asked: BaselineName, file: string): void {
  if (kind === asked) return
  throw new HandfulError({
    what: '--dictionary',
    where: file,
    got: `fitted features of baseline ${kind}`,
    expected: `those of ${listAlternatives([asked])}`,
    hint: `use --baseline ${kind}`,
    exitCode: 2,
  })
}
