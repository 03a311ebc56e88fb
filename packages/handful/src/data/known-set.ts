/** What is known of a data set that has a name: its facts, its files, and how it is opened. */

import type { DataFolders } from './locate.js'
import type { Dataset } from './dataset.js'
import type { OfficialSet } from './official.js'

/** Class names of the sets of digits. */
export const DIGITS: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

export interface OpenRequest {
  readonly folders: DataFolders
  /** Of generated sets. */
  readonly seed: number
  /** Images of generated sets; the data set's own numbers where left out. */
  readonly count?: number
  readonly testCount?: number
  readonly onProgress?: OpenProgress
  readonly signal?: AbortSignal
  readonly fetch?: typeof globalThis.fetch
}

/** Called now and then with what is done of the present activity, in files or images, and how many of these were no good. */
export type OpenProgress = (done: number, total: number, activity: OpenActivity, skipped?: number) => void
/** What opening a data set is at, as progress says it. */
export type OpenActivity = 'downloading' | 'reading' | 'generating' | 'decoding'

/** A known data set: what it is, where it comes from, how it is opened. */
export interface DatasetEntry {
  readonly title: string
  readonly description: string
  /** Side of the square images in pixels. */
  readonly size: number
  readonly channels: 1 | 3
  readonly classCount: number
  /** Where it comes from: a page or a package. */
  readonly source: string
  readonly licence: string
  /** Its files; undefined where there are none. */
  readonly official?: OfficialSet
  /** Whether it is made here rather than read. */
  readonly generated: boolean
  /** Reads it, downloaded first where it is not there. */
  readonly open: (request: OpenRequest) => Promise<Dataset>
}
