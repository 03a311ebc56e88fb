/** What a worker and the processes that do its stages say to each other. */

import type { PlainObject } from '../runs/run-files.js'

export interface StageOrder {
  /** Of the study, absolute. */
  readonly folder: string
  readonly key: string
  /** Versions and machine, for the runs that it writes. */
  readonly environment: PlainObject
}

export type StageRequest =
  | ({ readonly kind: 'do' } & StageOrder)
  /** Save a checkpoint and end. */
  | { readonly kind: 'stop' }

export type StageReply =
  | { readonly kind: 'progress'; readonly part: number; readonly note?: string }
  /** Processor time used so far, in seconds: whether a process that says nothing else works. */
  | { readonly kind: 'alive'; readonly processorSeconds: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly message: string; readonly storeTrouble: boolean }
