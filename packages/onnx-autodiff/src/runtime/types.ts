/** What a compiled program looks like to a runtime, and what a runtime offers. */

import type { OnnxArray, OnnxDtype } from '../onnx/model.js'

export interface ArraySpec {
  readonly dtype: OnnxDtype
  readonly shape: readonly number[]
}

export interface NamedArray extends ArraySpec {
  readonly data: OnnxArray
}

export type Arrays = Readonly<Record<string, NamedArray>>

/** One ONNX graph that maps (inputs, state) to (outputs, next state). An inference program has an empty state. */
export interface Program {
  /** The encoded ONNX model. */
  readonly model: Uint8Array
  /** What each run is fed, by ONNX input name. A dimension of -1 is dynamic. */
  readonly inputs: Readonly<Record<string, ArraySpec>>
  /** What each run gives back, by ONNX output name. */
  readonly outputs: Readonly<Record<string, ArraySpec>>
  /**
   * What a run reads and replaces: by ONNX input name, the ONNX output that holds the next value. The same shape and
   * element type on both sides; never the same buffer (the runtime swaps two).
   */
  readonly state: Readonly<Record<string, ArraySpec & { readonly next: string }>>
  /** Whether a run takes as many steps as the first extent of its inputs says (see CompileOptions). */
  readonly manySteps?: boolean
}

export interface SessionOptions {
  /** `cpu` unless said otherwise. An unknown or absent device is an error that lists those present. */
  readonly device?: string
  /** Threads inside one operator; by default the number of cores this process may use. */
  readonly threads?: number
  /** The state before the first run; without it `writeState` has to come first (an inference program has none). */
  readonly state?: Arrays
  /** How far onnxruntime rewrites the graph when it loads it; `all` unless said otherwise. */
  readonly optimization?: 'none' | 'basic' | 'extended' | 'all'
  /** Path and prefix of a file with the time of every node of every run, written by `close` as `<prefix>_<date>.json`. */
  readonly profile?: string
}

export interface Session {
  /**
   * One run. Resolves to the program's outputs; the state moves on by one step. Inputs may be transferred, not copied. Of
   * a session with several programs, those of `programs` (places in the list it was opened with, all where left out) run
   * one after the other, each on the state that the last one left; if one fails, the state is as it was before all.
   */
  run(inputs: Arrays, programs?: readonly number[]): Promise<Arrays>
  /** A copy of the whole state. */
  readState(): Promise<Arrays>
  /** Replaces the whole state (shapes and names are checked). */
  writeState(state: Arrays): Promise<void>
  close(): Promise<void>
}
