/** Which features of a model are asked for: the model's own choice with the user's changes, checked and in words. */
import { quoted, usageError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import type { FeatureRequest, ImageShape } from '../models/model.js'
import type { AnyConfig, AnyModel } from '../models/registry.js'
import type { Pooling } from '../names.js'

/** Which features; what is left out is what the model does best with. */
export interface FeatureChoice {
  readonly layers?: readonly string[]
  readonly pooling?: Pooling
  readonly noiseLevel?: number
  /** Several in its place. */
  readonly noiseLevels?: readonly number[]
  readonly combineLevels?: FeatureRequest['combineLevels']
  readonly draws?: number
  readonly mirror?: boolean
  readonly combineViews?: FeatureRequest['combineViews']
}

/**
 * The model's own choice with the user's changes.
 * @throws HandfulError (wrong use) for unknown layers, and for a noise level where there is none
 */
export function featureRequest(
  model: AnyModel,
  config: AnyConfig,
  image: ImageShape,
  choice: FeatureChoice,
): FeatureRequest {
  const own = model.defaultFeatures(config)
  const { layers = own.layers, pooling = own.pooling, noiseLevels, combineLevels } = choice
  const { draws, mirror, combineViews } = choice
  const known = model.layers(config, image).map(({ name }) => name)
  for (const name of layers) {
    if (known.includes(name)) continue
    const near = closest(name, known)
    throw usageError({
      what: '--layers',
      where: `model ${model.name}`,
      got: quoted(name),
      expected: `some of ${known.join(', ')}`,
      hint: near === undefined ? undefined : `did you mean ${near}?`,
    })
  }
  const twice = layers.find((name, i) => layers.indexOf(name) !== i)
  if (twice !== undefined)
    throw usageError({ what: '--layers', got: `${quoted(twice)} twice`, expected: 'each layer once' })
  if (own.noiseLevel === undefined) {
    const given = {
      'noise-level': choice.noiseLevel ?? noiseLevels,
      'average-levels': combineLevels,
      draws,
      mirror,
      'concatenate-views': combineViews,
    }
    for (const [flag, value] of Object.entries(given)) {
      if (value === undefined) continue
      throw usageError({
        what: `--${flag}`,
        got: String(value),
        expected: `none for model ${model.name}, which adds no noise`,
        hint: 'leave it out; diffusion has it',
      })
    }
  }
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

/** `pooling 2x2, noise levels 50, 200`. */
export function requestInWords(request: FeatureRequest): string {
  const { pooling, noiseLevel, noiseLevels, combineLevels, draws = 1, mirror = false, combineViews } = request
  const levels = noiseLevels ?? (noiseLevel === undefined ? [] : [noiseLevel])
  const noise = `noise level${levels.length > 1 ? 's' : ''} ${levels.join(', ')}`
  return [
    `pooling ${pooling}`,
    ...(levels.length > 0 ? [noise] : []),
    ...(levels.length > 1 && combineLevels === 'average' ? ['averaged'] : []),
    ...(draws > 1 ? [`${draws} draws`] : []),
    ...(mirror ? ['mirrored too'] : []),
    ...(combineViews === 'concatenate' ? ['these beside each other'] : []),
  ].join(', ')
}
