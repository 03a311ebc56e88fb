/** The generative models, one line each, as the command line and a run's configuration know them. */
import { quoted, usageError } from '../errors.js'
import { type ModelName, MODELS } from '../names.js'
import { diffusion } from './diffusion/diffusion.js'
import { flow } from './flow/flow.js'
import { gan } from './gan/gan.js'
import type { Model, ModelFacts } from './model.js'
import { vae } from './vae/vae.js'
import { vqVae } from './vqvae/vqvae.js'

export const models: Readonly<Record<ModelName, Model>> = { vae, vqvae: vqVae, diffusion, gan, flow }

export const isModelName = (name: string): name is ModelName => Object.hasOwn(models, name)

/** @throws HandfulError (wrong use) for a name that no model has */
export function modelNamed(name: string): Model {
  if (isModelName(name)) return models[name]
  throw usageError({ what: 'model', got: quoted(name), expected: `one of ${MODELS.join(', ')}` })
}

/** Names of the models of which this is true. */
export const modelsWith = (fact: keyof Pick<ModelFacts, 'hasNoiseLevels' | 'hasDecoder'>): ModelName[] =>
  MODELS.filter((name) => models[name][fact])
