/** All ways to choose what to label next: a line for each. */
import { drawn } from './drawn.js'
import { herding, uncertaintyHerding } from './herding.js'
import { margin } from './margin.js'
import type { Strategy } from './strategy.js'
import { typical } from './typical.js'

export const STRATEGIES = {
  typical,
  herding,
  margin,
  'uncertainty-herding': uncertaintyHerding,
  random: drawn,
} as const satisfies Readonly<Record<string, Strategy>>

export type StrategyName = keyof typeof STRATEGIES

/** From so many labels a class on predictions are good enough for their doubts to mean something. */
const ENOUGH_TO_DOUBT = 5

/** What is taken unless something else is asked for. @param classes that have a label */
export const usualStrategy = (labels: number, classes: number): StrategyName =>
  classes >= 2 && labels >= ENOUGH_TO_DOUBT * classes ? 'uncertainty-herding' : 'herding'
