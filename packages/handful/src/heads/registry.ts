/**
 * All heads by the names that commands and configurations use.
 */
import { HandfulError } from '../errors.js'
import { compact } from './compact.js'
import type { Head } from './head.js'
import { combinedPropagation } from './combined.js'
import { labelPropagation } from './label-propagation.js'
import { logisticRegression } from './logistic-regression.js'
import { nearestMean } from './nearest-mean.js'
import { nearestNeighbours } from './nearest-neighbours.js'
import { poissonLearning } from './poisson.js'
import { ridgeRegression } from './ridge.js'
import { linearNetwork, smallNetwork } from './small-network.js'
import { smoothed } from './smoothed.js'

const HEADS = {
  propagation: () => labelPropagation(),
  'propagation-plain': () => labelPropagation({ massNormalisation: false }),
  poisson: () => poissonLearning(),
  graph: () => combinedPropagation(),
  linear: () => logisticRegression(),
  ridge: () => ridgeRegression(),
  prototypes: () => nearestMean(),
  neighbours: () => nearestNeighbours(),
  mlp: () => smallNetwork(),
  'linear-network': () => linearNetwork(),
  'compact-linear': () => compact(logisticRegression()),
  'compact-mlp': () => compact(smallNetwork()),
  'smoothed-linear': () => smoothed(logisticRegression()),
  'smoothed-mlp': () => smoothed(smallNetwork()),
}

export type HeadName = keyof typeof HEADS

export const HEAD_NAMES = Object.keys(HEADS) as HeadName[]

/** Whether a head works on smoothed features, which are then best found once for all draws. */
export const isSmoothed = (name: string): boolean => name.startsWith('smoothed-')

/** The head of that name with its default settings. Throws HandfulError listing the names there are. */
export function createHead(name: string): Head {
  if (Object.hasOwn(HEADS, name)) return HEADS[name as HeadName]()
  throw new HandfulError({
    what: 'head',
    where: 'heads',
    got: name,
    expected: HEAD_NAMES.join(', '),
    hint: 'check the spelling',
  })
}
