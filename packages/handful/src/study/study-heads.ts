/**
 * Heads as a study fits them: those of the registry, with two concessions to many labels. The reference's networks see
 * each labelled image 200 (or 90) times, which is minutes a fit at thousands of labels: beyond some number they see each
 * less often, as the reference itself does at its larger sizes. And where one fit takes seconds or the labels are many,
 * fewer draws do: accuracies of many labels hardly differ between draws.
 */
import type { Head } from '../heads/head.js'
import { plainSeconds } from '../heads/head-entry.js'
import { createHead, HEAD_ENTRIES } from '../heads/registry.js'
import type { HeadName } from '../names.js'
import type { Scale } from './estimate.js'

/** Images that a network is shown, at most: 200 times 3,200 labels. */
const MOST_SHOWN = 640_000

/** Nothing for a head that the caller brought along. */
const entryOf = (head: string) =>
  Object.hasOwn(HEAD_ENTRIES, head) ? HEAD_ENTRIES[head as HeadName] : undefined

/** Epochs of a network that is a head; 0 for other heads. */
export function headEpochs(head: string, labelled: number): number {
  const usual = entryOf(head)?.epochs ?? 0
  return Math.min(usual, Math.max(1, Math.floor(MOST_SHOWN / labelled)))
}

/** The head of a name for so many labelled images. */
export function studyHead(name: string, labelled: number): Head {
  const epochs = headEpochs(name, labelled)
  return createHead(name, epochs === 0 ? undefined : { epochs })
}

/** One draw. Heads run on one thread. */
export function fitSeconds(
  head: string,
  labelled: number,
  { trainImages, components, classCount }: Scale,
): number {
  const { seconds = plainSeconds } = entryOf(head) ?? {}
  return seconds({ labelled, trainImages, components, classCount, epochs: headEpochs(head, labelled) })
}

/** A fit that takes so many seconds is a dear one. */
const DEAR_SECONDS = 5
/** Beyond so many labels per class accuracies hardly differ between draws. */
const MANY_LABELS = 16

/** Draws of a cell whose fits take so long each, at so many labels per class. */
export const drawsFor = (
  { fitSeconds, labelsPerClass }: { readonly fitSeconds: number; readonly labelsPerClass: number },
  { draws, dearDraws }: { readonly draws: number; readonly dearDraws: number },
): number => (fitSeconds > DEAR_SECONDS || labelsPerClass > MANY_LABELS ? Math.min(draws, dearDraws) : draws)
