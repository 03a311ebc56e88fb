/**
 * A plain head on smoothed features (`features/smoothing.ts`): in the coordinates of the neighbour graph's diffusion map,
 * where a network or a logistic regression does from a few labels what label propagation does. New images are classified
 * as label propagation classifies them, by the mean of their nearest neighbours' probabilities.
 */
import { SMOOTHED_DIMENSIONS } from '../features/smoothing.js'
import type { Head, RowHead } from './head.js'
import type { HeadEntry } from './head-entry.js'
import { neighbourHead } from './predictor.js'

/** Neighbours of a new image; those that make the graph are as many. */
const K = 10

/**
 * The same head in the coordinates of the neighbour graph's diffusion map; new rows get the mean probabilities of
 * their 10 nearest.
 */
export function smoothed(head: RowHead): Head {
  const name = `${head.name} on smoothed features`
  return {
    name,
    async fit(problem) {
      const { labels, classCount, random, linearAlgebra, accepted } = problem
      const features = await problem.smoothed()
      const rows = { features, labels, classCount, random, linearAlgebra, accepted }
      const { chosen, probabilities, leaveOneOut, settled } = await head.fit(rows)
      const own = { name, chosen, k: K, kernel: 'self-tuned', leaveOneOut } as const
      return {
        ...neighbourHead({ ...own, probabilities: await probabilities() }, problem),
        settled: settled && smoothed(settled),
      }
    },
  }
}

/** @param imageSeconds what each training image adds to a fit */
export const smoothedEntry = (entry: HeadEntry<RowHead>, imageSeconds = 0): HeadEntry => ({
  worksOn: 'smoothed',
  epochs: entry.epochs,
  make: (options) => smoothed(entry.make(options)),
  seconds: (fit) =>
    fit.trainImages * imageSeconds + entry.seconds({ ...fit, components: SMOOTHED_DIMENSIONS }),
})
