/** A model's own choice of features with the user's changes. */
import { quoted, usageError } from '../errors.js'
import { closest, listAlternatives } from '../errors/suggest.js'
import type { FeatureChoice, FeatureRequest } from './feature-request.js'
import type { BoundModel } from './model.js'
import { modelsWith } from './registry.js'

/**
 * The model's own choice with the user's changes.
 * @throws HandfulError (wrong use) for unknown layers, and for a noise level where there is none
 */
export function featureRequest(model: BoundModel, choice: FeatureChoice): FeatureRequest {
  const own = model.defaultFeatures
  const { layers = own.layers, pooling = own.pooling, noiseLevels, combineLevels } = choice
  const { draws, mirror, combineViews } = choice
  checkNames(model, layers)
  if (!model.hasNoiseLevels) refuseNoise(model, choice)
  if (combineViews !== undefined && (draws ?? 1) === 1 && mirror !== true) {
    throw usageError({
      what: '--concatenate-views',
      got: 'one view of each image',
      expected: 'several to stand beside each other',
      hint: 'add --draws 2 or --mirror',
    })
  }
  const views = { draws, mirror, combineViews }
  if (noiseLevels !== undefined) return { layers, pooling, noiseLevels, combineLevels, ...views }
  if (combineLevels !== undefined)
    throw usageError({ what: '--average-levels', got: 'one noise level', expected: 'several to average' })
  return { layers, pooling, noiseLevel: choice.noiseLevel ?? own.noiseLevel, ...views }
}

function checkNames(model: BoundModel, layers: readonly string[]): void {
  const known = model.layers().map(({ name }) => name)
  const unknown = layers.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const near = closest(unknown, known)
    throw usageError({
      what: '--layers',
      where: `model ${model.name}`,
      got: quoted(unknown),
      expected: `some of ${known.join(', ')}`,
      hint: near === undefined ? undefined : `did you mean ${near}?`,
    })
  }
  const twice = layers.find((name, i) => layers.indexOf(name) !== i)
  if (twice !== undefined)
    throw usageError({ what: '--layers', got: `${quoted(twice)} twice`, expected: 'each layer once' })
}

function refuseNoise(
  { name }: BoundModel,
  { noiseLevel, noiseLevels, combineLevels, draws, mirror, combineViews }: FeatureChoice,
): void {
  const given = {
    'noise-level': noiseLevel ?? noiseLevels,
    'average-levels': combineLevels,
    draws,
    mirror,
    'concatenate-views': combineViews,
  }
  const found = Object.entries(given).find(([, value]) => value !== undefined)
  if (found === undefined) return
  const [flag, value] = found
  throw usageError({
    what: `--${flag}`,
    got: String(value),
    expected: `none for model ${name}, which adds no noise`,
    hint: `leave it out; ${listAlternatives(modelsWith('hasNoiseLevels'))} has it`,
  })
}
