/** Images at random: what every other strategy has to be better than. */
import { inOrderOf, type Strategy } from './strategy.js'

export const drawn: Strategy = {
  about: 'at random',
  needsPredictions: false,
  async pick({ features, random }, count, chosen) {
    return inOrderOf(random.permutation(features.rows), count, chosen, () => 'drawn at random')
  },
}
