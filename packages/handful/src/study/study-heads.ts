/**
 * Heads as a study fits them: those of the registry, with two concessions to many labels. The reference's networks see
 * each labelled image 200 (or 90) times, which is minutes a fit at thousands of labels: beyond some number they see each
 * less often, as the reference itself does at its larger sizes. And where one fit takes seconds or the labels are many,
 * fewer draws do: accuracies of many labels hardly differ between draws.
 */
import { compact } from '../heads/compact.js'
import type { Head } from '../heads/head.js'
import { createHead } from '../heads/registry.js'
import { LINEAR_EPOCHS, linearNetwork, SMALL_EPOCHS, smallNetwork } from '../heads/small-network.js'
import { smoothed } from '../heads/smoothed.js'

interface NetworkHead {
  /** Times that each labelled image is seen, unless there are many. */
  readonly epochs: number
  readonly make: (options: { readonly epochs: number }) => Head
}

const NETWORKS: Readonly<Record<string, NetworkHead>> = {
  mlp: { epochs: SMALL_EPOCHS, make: smallNetwork },
  'compact-mlp': { epochs: SMALL_EPOCHS, make: (options) => compact(smallNetwork(options)) },
  'smoothed-mlp': { epochs: SMALL_EPOCHS, make: (options) => smoothed(smallNetwork(options)) },
  'linear-network': { epochs: LINEAR_EPOCHS, make: linearNetwork },
}
/** Images that a network is shown, at most: 200 times 3,200 labels. */
const MOST_SHOWN = 640_000

/** Epochs of a network that is a head; 0 for other heads. */
export function smallNetworkEpochs(head: string, labelled: number): number {
  if (!Object.hasOwn(NETWORKS, head)) return 0
  return Math.min(NETWORKS[head].epochs, Math.max(1, Math.floor(MOST_SHOWN / labelled)))
}

/** The head of a name for so many labelled images. */
export function studyHead(name: string, labelled: number): Head {
  const epochs = smallNetworkEpochs(name, labelled)
  return epochs === 0 ? createHead(name) : NETWORKS[name].make({ epochs })
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
