/** What a session and the thread it runs in say to each other. */

import type { Arrays } from '../arrays.js'
import type { Program } from '../onnx/program.js'
import type { Backend } from './backends/backend.js'
import type { SessionOptions } from './types.js'

export type Call =
  | {
      readonly kind: 'open'
      readonly programs: readonly Program[]
      readonly backend: Backend
      readonly options: SessionOptions
    }
  | { readonly kind: 'run'; readonly inputs: Arrays; readonly programs?: readonly number[] }
  | { readonly kind: 'readState' }
  | { readonly kind: 'writeState'; readonly state: Arrays }
  | { readonly kind: 'close' }

export type Request = Call & { readonly id: number }

export type Reply =
  { readonly id: number; readonly arrays?: Arrays } | { readonly id: number; readonly error: string }

/**
 * What the two threads tell each other by one shared integer. A thread that is ended while onnxruntime runs in it takes
 * the whole process down (its native code finds no JavaScript to return to), so a process that exits first sets
 * `STOPPING` and waits for `STOPPED`.
 */
export const IDLE = 0
export const BUSY = 1
export const STOPPING = 2
export const STOPPED = 3

/** What node.ts starts the thread with. */
export interface WorkerData {
  readonly phase: Int32Array<SharedArrayBuffer>
}
