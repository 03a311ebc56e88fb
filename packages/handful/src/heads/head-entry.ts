/** What is known of a head beside how it works: the registry has one entry for each. */
import type { Head } from './head.js'

/** What the time of a fit depends on. */
export interface FitSize {
  readonly labelled: number
  readonly trainImages: number
  /** Dimensions of the rows. */
  readonly components: number
  readonly classCount: number
  /** Times that a network sees each labelled image; 0 for heads that are none. */
  readonly epochs: number
}

export interface HeadOptions {
  /** Times that a network sees each labelled image. */
  readonly epochs?: number
}

export interface HeadEntry<H extends Head = Head> {
  /** Rows alone, their neighbour graph, or rows smoothed by it. */
  readonly worksOn: 'rows' | 'graph' | 'smoothed'
  /** Of networks: times that each labelled image is seen, unless there are many. */
  readonly epochs?: number
  readonly make: (options?: HeadOptions) => H
  /** Raised when it comes to give something else for the same labels, so that a study never mixes both. */
  readonly version?: number
  /** One fit on one thread, of two cores of 2020s server hardware. */
  readonly seconds: (fit: FitSize) => number
  /** In every comparison of `fit`: the one made for few labels, and the plain one beside it. */
  readonly alwaysCompared?: boolean
  /** The reference study's own. */
  readonly reference?: boolean
}

/** Of heads with a closed form. */
export const plainSeconds = ({ labelled, components, classCount }: FitSize): number =>
  0.05 + labelled * components * classCount * 2e-7

/** Of heads that solve on the graph. @param seconds for 60,000 images and 10 classes; other classes in proportion, roughly */
export const graphSeconds =
  (seconds: number) =>
  ({ trainImages, classCount }: FitSize): number =>
    0.05 + seconds * (trainImages / 60_000) * (0.5 + classCount / 20)
