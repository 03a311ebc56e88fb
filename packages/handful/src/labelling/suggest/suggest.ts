/** What to label next, what to look at again, and what the audit asks: the one way in to all strategies. */
import { Random } from 'onnx-autodiff'
import { HandfulError } from '../../errors.js'
import { closest } from '../../errors/suggest.js'
import type { NearDuplicates } from './near-duplicates.js'
import { STRATEGIES, type StrategyName, usualStrategy } from './registry.js'
import type { Chosen, Ranked, SuggestionProblem } from './strategy.js'

export interface SuggestOptions {
  readonly count: number
  /** Not these. */
  readonly except: ReadonlySet<number>
  /** As suits the labels where left out. */
  readonly strategy?: string
  readonly seed: number
}

/**
 * Images without a label, best first.
 * @throws HandfulError for a strategy that is not there, or one that needs predictions where there are none
 */
export async function suggestNext(
  problem: Omit<SuggestionProblem, 'random'>,
  alike: NearDuplicates,
  { count, except, strategy, seed }: SuggestOptions,
): Promise<Ranked[]> {
  const { labelled, probabilities } = problem
  const classes = probabilities?.columns ?? 0
  const name = strategy === undefined ? usualStrategy(labelled.length, classes) : strategyOf(strategy)
  const { needsPredictions, pick } = STRATEGIES[name]
  if (needsPredictions && probabilities === undefined) {
    throw new HandfulError({
      what: 'strategy',
      where: name,
      got: 'labels of fewer than two classes',
      expected: 'labels of two classes, for predictions whose doubts it goes by',
      hint: 'label with --strategy herding first',
      exitCode: 2,
    })
  }
  const random = new Random(seed, `suggestions/${name}/${labelled.length}`)
  return pick({ ...problem, random }, count, stillOpen(labelled, alike, except))
}

function strategyOf(name: string): StrategyName {
  if (Object.hasOwn(STRATEGIES, name)) return name as StrategyName
  const names = Object.keys(STRATEGIES)
  const near = closest(name, names)
  throw new HandfulError({
    what: 'strategy',
    got: name,
    expected: names.join(', '),
    hint: near === undefined ? undefined : `did you mean ${near}?`,
    exitCode: 2,
  })
}

/** What is labelled, excepted, or nearly the same as something labelled or suggested is not asked for. */
function stillOpen(labelled: Int32Array, alike: NearDuplicates, except: ReadonlySet<number>): Chosen {
  const closed = new Set(except)
  const followed = new Set<number>()
  const take = (image: number): void => alike.close(image, closed, followed)
  for (const image of labelled) take(image)
  return { may: (image) => !closed.has(image), take }
}

/**
 * The audit: images in an order that the seed alone decides, each once, whatever was labelled meanwhile. What is labelled
 * already is passed over.
 */
export function auditStream(
  images: number,
  seed: number,
  { count, closed }: { readonly count: number; readonly closed: (image: number) => boolean },
): Ranked[] {
  const picked: Ranked[] = []
  for (const image of new Random(seed, 'audit').permutation(images)) {
    if (picked.length === count) break
    if (!closed(image)) picked.push({ image, why: 'drawn at random, to tell how good the predictions are' })
  }
  return picked
}
