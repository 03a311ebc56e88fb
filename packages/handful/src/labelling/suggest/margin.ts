/** The images of which the predictions are least sure. */
import { inOrderOf, type Strategy } from './strategy.js'
import { doubtInWords, doubtOf } from './uncertainty.js'

export const margin: Strategy = {
  about: 'those of which the predictions are least sure',
  needsPredictions: true,
  async pick({ probabilities, classNames }, count, chosen) {
    if (probabilities === undefined) return []
    const found = doubtOf(probabilities)
    const { doubt } = found
    const order = [...doubt.keys()].sort((a, b) => doubt[b] - doubt[a] || a - b)
    return inOrderOf(order, count, chosen, (image) => doubtInWords(found, classNames, image))
  },
}
