/** All heads: a line for each name of the vocabulary. */
import { HandfulError } from '../errors.js'
import { HEADS, type HeadName } from '../names.js'
import { autoEntry } from './auto.js'
import { balancedPropagationEntry } from './balanced-propagation.js'
import { combinedEntry } from './combined.js'
import { compactEntry } from './compact.js'
import type { Head } from './head.js'
import type { HeadEntry, HeadOptions } from './head-entry.js'
import { plainPropagationEntry, propagationEntry } from './label-propagation.js'
import { linearEntry } from './logistic-regression.js'
import { mixtureEntry } from './mixture.js'
import { prototypesEntry } from './nearest-mean.js'
import { neighboursEntry } from './nearest-neighbours.js'
import { poissonEntry } from './poisson.js'
import { ridgeEntry } from './ridge.js'
import { linearNetworkEntry, mlpEntry } from './small-network.js'
import { smoothedEntry } from './smoothed.js'

export const HEAD_ENTRIES: Readonly<Record<HeadName, HeadEntry>> = {
  auto: autoEntry,
  propagation: propagationEntry,
  'propagation-plain': plainPropagationEntry,
  balanced: balancedPropagationEntry,
  poisson: poissonEntry,
  graph: combinedEntry,
  linear: linearEntry,
  ridge: ridgeEntry,
  prototypes: prototypesEntry,
  mixture: mixtureEntry,
  neighbours: neighboursEntry,
  mlp: mlpEntry,
  'linear-network': linearNetworkEntry,
  'compact-linear': compactEntry(linearEntry),
  'compact-mlp': compactEntry(mlpEntry),
  'smoothed-linear': smoothedEntry(linearEntry),
  'smoothed-mlp': smoothedEntry(mlpEntry, 2e-6),
}

/** Heads that a caller brings along, by name. */
export type OwnHeads = Readonly<Record<string, () => Head>>

/** The entry of a name from outside. Throws HandfulError listing the names there are. */
export function headEntry(name: string): HeadEntry {
  if (Object.hasOwn(HEAD_ENTRIES, name)) return HEAD_ENTRIES[name as HeadName]
  throw new HandfulError({
    what: 'head',
    where: 'heads',
    got: name,
    expected: HEADS.join(', '),
    hint: 'check the spelling',
  })
}

/** The head of that name, with its default settings unless told otherwise. */
export const createHead = (name: string, options?: HeadOptions, own: OwnHeads = {}): Head =>
  Object.hasOwn(own, name) ? own[name]() : headEntry(name).make(options)
