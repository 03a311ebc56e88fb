/** The models that learn without labels, one line each, as the command line and a run's configuration know them. */
import { quoted, usageError } from '../errors.js'
import { type ModelName, MODELS } from '../names.js'
import { contrastive } from './contrastive/contrastive.js'
import { diffusion } from './diffusion/diffusion.js'
import { flow } from './flow/flow.js'
import { gan } from './gan/gan.js'
import type { Model, ModelFacts, ModelPicture } from './model.js'
import { vae } from './vae/vae.js'
import { vqVae } from './vqvae/vqvae.js'

/** The models that are built in, by name. */
export const models: Readonly<Record<ModelName, Model>> = {
  contrastive,
  vae,
  vqvae: vqVae,
  diffusion,
  gan,
  flow,
}

/** Models that a caller brings along, by name. */
export type OwnModels = Readonly<Record<string, Model>>

export const isModelName = (name: string): name is ModelName => Object.hasOwn(models, name)

/** All names that a model has. */
export const modelNames = (own: OwnModels = {}): string[] => [...MODELS, ...Object.keys(own)]

/** The model of a name, where there is one. */
export function findModel(name: string, own: OwnModels = {}): Model | undefined {
  if (isModelName(name)) return models[name]
  return Object.hasOwn(own, name) ? own[name] : undefined
}

/**
 * @param own models beside those that are built in
 * @throws HandfulError (wrong use) for a name that no model has
 */
export function modelNamed(name: string, own: OwnModels = {}): Model {
  const found = findModel(name, own)
  if (found !== undefined) return found
  throw usageError({
    what: 'model',
    got: quoted(name),
    expected: `one of ${modelNames(own).join(', ')}`,
    hint: 'a model of a plugin needs its --plugin <file.js>',
  })
}

/** Names of the models of which this is true. */
export const modelsWith = (fact: keyof Pick<ModelFacts, 'hasNoiseLevels' | 'hasDecoder'>): ModelName[] =>
  MODELS.filter((name) => models[name][fact])

/** Names of the models that make such pictures. */
export const modelsOffering = (what: ModelPicture): ModelName[] =>
  MODELS.filter((name) => models[name].offers.includes(what))
