/** The networks that are trained on labels alone, one line each. */
import { type StemName, STEMS, type SupervisedName } from '../names.js'
import { resnet18Model } from './resnet18/resnet18.js'
import type { SupervisedModel } from './supervised-network.js'

export const supervisedModels: Readonly<Record<SupervisedName, SupervisedModel>> = { resnet18: resnet18Model }

export const isSupervisedName = (name: string): name is SupervisedName =>
  Object.hasOwn(supervisedModels, name)

/** The stem of the network that studies call so. */
export function stemOf(id: string): StemName | undefined {
  const all = Object.values(supervisedModels)
  return STEMS.find((stem) => all.some(({ stems }) => stems[stem].id === id))
}
