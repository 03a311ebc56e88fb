/**
 * Which method of a combination leads: the labels of each draw choose, by propagation and for all heads alike, between the
 * space in which all methods weigh the same and one for each method in which it leads (heads/choose-space.ts), as `handful fit`
 * does. Test labels have no say.
 */
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import { contentKey } from '../files/content-key.js'
import { mostEvident, spaceEvidence } from '../heads/choose-space.js'
import { labelPropagation } from '../heads/label-propagation.js'
import type { Stage, StageContext } from '../stages/stage.js'
import type { BankRecord } from './bank.js'
import type { Workshop } from './workshop.js'

/** The features that heads of a method choose between: all parts alike, then each leading; of a method by itself the one. */
export type MethodSpaces = readonly Stage<BankRecord>[]

export interface LeadingRequest {
  /** What tells the draws from those of other label counts and data. */
  readonly identity: object
  /** As progress names it. */
  readonly name: string
  readonly spaces: MethodSpaces
  readonly draws: readonly Int32Array[]
  /** Of the random draws of fits. */
  readonly stream: string
}

/** Positions in `spaces`, one for each draw; a record of the study, which all heads share. */
export async function leadingOfDraws(
  { identity, name, spaces, draws, stream }: LeadingRequest,
  workshop: Workshop,
  context: StageContext,
): Promise<readonly number[]> {
  if (spaces.length === 1) return draws.map(() => 0)
  const { data, options, store } = workshop
  const stage = {
    kind: 'leading',
    name: `${name}, what leads`,
    key: contentKey({ ...identity, kind: 'leading', spaces: spaces.map(({ key }) => key) }),
    schema: z.array(z.int().min(0)).min(draws.length),
  }
  const chosen = await store.once(stage, async () => {
    const evidence: number[][] = draws.map(() => [])
    for (const each of spaces) {
      const space = await workshop.bank(each, context)
      for (const [draw, labels] of draws.entries()) {
        context.signal.throwIfAborted()
        const random = new Random(options.seed, `leading/${stream}/draw ${draw}`)
        const given = { labels: labels.slice(), classCount: data.classNames.length, random }
        evidence[draw].push(await spaceEvidence(labelPropagation(), space, given))
      }
    }
    return evidence.map(mostEvident)
  })
  return chosen.slice(0, draws.length)
}
