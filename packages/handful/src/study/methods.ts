/** The methods of a study: what `methods` names, resolved to what is computed and how tables call it. */
import { quoted, usageError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import { type methodKinds } from './result.js'
import { MODELS } from '../training/model-options.js'
import type { STEMS } from '../models/resnet18/resnet18.js'
import { STUDY_METHODS, type StudyOptions } from './study-options.js'
import type { FeatureMethod } from './sources.js'

export interface PlannedMethod {
  readonly id: string
  readonly title: string
  readonly kind: (typeof methodKinds)[number]
  /** Of a combination: the ids of its methods, each computed once whether or not it is listed itself. */
  readonly parts: readonly string[]
  /** Of a supervised network. */
  readonly stem?: (typeof STEMS)[number]
}

const TITLES: Readonly<Record<string, string>> = {
  vae: 'VAE',
  vqvae: 'VQ-VAE',
  diffusion: 'diffusion',
  gan: 'GAN',
  pixels: 'raw pixels',
  pca: 'PCA',
  patches: 'whitened patches',
  random: 'untrained network',
}

export type GenerativeName = (typeof MODELS)[number]

export const isGenerative = (name: string): name is GenerativeName => MODELS.some((model) => model === name)

/**
 * All methods in the order given. Raw pixels are always among them: whatever does not beat them has learned nothing.
 *
 * @param own methods that the caller brings along, which may be named like the others
 * @throws HandfulError (wrong use) for a name that nothing has, for supervised parts of a combination and for repeats
 */
export function resolveMethods(
  { methods, supervised }: Pick<StudyOptions, 'methods' | 'supervised'>,
  own: readonly FeatureMethod[] = [],
): PlannedMethod[] {
  const names = [...new Set(methods.map((name) => name.trim()))]
  const found = names.flatMap((name): PlannedMethod[] => {
    if (name.includes('+')) return [combination(name, own)]
    if (name === 'resnet18') return supervised.stems.map(networkOf)
    return [single(name, own)]
  })
  if (!found.some(({ id }) => id === 'pixels')) found.unshift(single('pixels', own))
  for (const method of own) if (!found.some(({ id }) => id === method.id)) found.push(single(method.id, own))
  return found
}

const networkOf = (stem: (typeof STEMS)[number]): PlannedMethod => ({
  id: stem === 'imagenet' ? 'resnet18' : 'resnet18-small',
  title: stem === 'imagenet' ? 'ResNet-18' : 'ResNet-18, 3x3 stem',
  kind: 'supervised',
  parts: [],
  stem,
})

function single(name: string, own: readonly FeatureMethod[]): PlannedMethod {
  const brought = own.find(({ id }) => id === name)
  if (brought !== undefined) return { id: name, title: brought.title, kind: brought.kind, parts: [] }
  checkName(name, name, own)
  const kind = isGenerative(name) ? 'generative' : 'baseline'
  return { id: name, title: TITLES[name], kind, parts: [] }
}

function combination(name: string, own: readonly FeatureMethod[]): PlannedMethod {
  const parts = name.split('+').map((part) => part.trim())
  const wrong = (got: string, expected: string) =>
    usageError({ what: 'methods', where: quoted(name), got, expected })
  if (new Set(parts).size < parts.length) throw wrong('a method twice', 'different methods')
  for (const part of parts) {
    if (part === 'resnet18') throw wrong('a supervised network', 'methods that give features')
    checkName(part, name, own)
  }
  const titles = parts.map((part) => single(part, own).title)
  return { id: parts.join('+'), title: titles.join(' + '), kind: 'combination', parts }
}

function checkName(name: string, within: string, own: readonly FeatureMethod[]): void {
  const known = [...STUDY_METHODS, ...own.map(({ id }) => id)]
  if (known.includes(name)) return
  const near = closest(name, known)
  throw usageError({
    what: 'methods',
    where: name === within ? undefined : quoted(within),
    got: quoted(name),
    expected: `some of ${known.join(', ')}, or several joined by +`,
    hint: near === undefined ? undefined : `did you mean ${near}?`,
  })
}
