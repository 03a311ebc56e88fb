/** How a method looks in every figure of a study. */
import { HUES } from '../../draw/figure-frame.js'
import { lookOf, type Look } from '../../draw/looks.js'
import { isNetwork } from '../method-kinds.js'
import type { Study, StudyMethod } from '../result.js'

/** Known methods look the same in every report. */
const KNOWN: Readonly<Record<string, Look>> = {
  resnet18: { colour: 'f-ink', marker: 'square' },
  'resnet18-small': { colour: 'f-ink', dash: '8 3', marker: 'diamond' },
  fixmatch: { colour: 'f-ink', dash: '9 3 2 3', marker: 'star' },
  'self-training': { colour: 'f-ink', dash: '14 4', marker: 'plus' },
  pixels: { colour: 'f-soft', dash: '2.5 2.5', marker: 'square' },
  random: { colour: 'f-soft', dash: '9 3 2 3', marker: 'cross' },
  contrastive: { colour: 'f-hue-6', dash: '8 3', marker: 'star' },
  diffusion: { colour: 'f-hue-0', marker: 'circle' },
  vae: { colour: 'f-hue-1', dash: '8 3', marker: 'triangle' },
  vqvae: { colour: 'f-hue-2', dash: '9 3 2 3', marker: 'diamond' },
  gan: { colour: 'f-hue-3', dash: '14 4', marker: 'down' },
  patches: { colour: 'f-hue-4', dash: '2.5 2.5', marker: 'cross' },
  pca: { colour: 'f-hue-5', dash: '5 3', marker: 'plus' },
}

/** The look of each method of a study, by id. Combinations and others take what is left, in their order. */
export function methodLooks(study: Study): (method: string) => Look {
  const looks = new Map<string, Look>()
  let next = 0
  for (const method of study.methods) looks.set(method.id, KNOWN[method.id] ?? other(method, next++))
  return (method) => looks.get(method) ?? { colour: 'f-ink', marker: 'circle' }
}

/** From the yellow backwards, with markers and dashes that no single method with that colour has. */
function other(method: StudyMethod, i: number): Look {
  const look = lookOf(HUES - 1 + i * 3, i * 2, 6 + i * 3)
  return isNetwork(method) ? { ...look, colour: 'f-ink', dash: lookOf(i + 2).dash, marker: 'star' } : look
}
