/** The generative models by name, as the command line and a run's configuration know them. */
import { quoted, usageError } from '../errors.js'
import { diffusion } from './diffusion/diffusion.js'
import { gan } from './gan/gan.js'
import type { ModelDefinition } from './model.js'
import { vae } from './vae/vae.js'
import { vqVae } from './vqvae/vqvae.js'

/** The least that every configuration has. */
export interface AnyConfig {
  readonly batch: number
}

/** A model with whatever configuration; one that its own `configSchema` or presets gave. */
export type AnyModel = ModelDefinition<AnyConfig>

const models = new Map(
  [diffusion, vae, vqVae, gan].map((model) => [model.name, model as unknown as AnyModel]),
)

export const modelNames = (): string[] => [...models.keys()]

/** @throws HandfulError (wrong use) for a name that no model has */
export function modelNamed(name: string): AnyModel {
  const found = models.get(name)
  if (found) return found
  throw usageError({ what: 'model', got: quoted(name), expected: `one of ${modelNames().join(', ')}` })
}
