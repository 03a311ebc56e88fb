/** What a session offers, and how one is opened. */
import type { Arrays, NamedArray } from '../arrays.js'
import type { Backend } from './backends/backend.js'

/** Where a session runs, and from what state. */
export interface SessionOptions {
  /** `cpu` unless said otherwise. An unknown or absent device is an error that lists those present. */
  readonly device?: string | Backend
  /** Threads inside one operator; by default the number of cores this process may use. */
  readonly threads?: number
  /** The state before the first run; without it `writeState` has to come first (an inference program has none). */
  readonly state?: Arrays
  /**
   * How long one run of `advance` may take, about, and so how many steps it takes (at least one). By default 800 in a
   * thread of its own, and 50 in the calling thread, which hears nothing meanwhile.
   */
  readonly runMilliseconds?: number
  /** How far onnxruntime rewrites the graph when it loads it; `all` unless said otherwise. */
  readonly optimization?: 'none' | 'basic' | 'extended' | 'all'
  /** Path and prefix of a file with the time of every node of every run, written by `close` as `<prefix>_<date>.json`. */
  readonly profile?: string
}

/** Steps to take, counted from wherever the caller counts from. */
export interface Steps {
  readonly from: number
  /** The first step that is not taken any more. */
  readonly to: number
  /** The inputs of a step. Asked for once each and in order, while the steps before it run. */
  readonly draw: (step: number) => Arrays | Promise<Arrays>
  /** Of a session with several programs, those that run in a step (all where left out). */
  readonly due?: (step: number) => readonly number[]
}

/** What a step puts out, by name. */
export type Outputs<Output extends string> = Readonly<Record<Output, NamedArray>>

/**
 * Programs that are loaded, with the state that they share: each run takes a step and moves the state on.
 *
 * @typeParam Output the names of the outputs, where the type of what was opened tells them
 */
export interface Session<Output extends string = string> {
  /**
   * One step. Resolves to the program's outputs; the state moves on. Inputs may be transferred, not copied. Of a session
   * with several programs, those of `programs` (places in the list it was opened with, all where left out) run one after
   * the other, each on the state that the last one left; if one fails, the state is as it was before all.
   */
  run(inputs: Arrays, programs?: readonly number[]): Promise<Outputs<Output>>
  /**
   * Takes steps, several in one run where that saves time (see `SessionOptions.runMilliseconds`). Gives the
   * outputs of each step of a run when the run is done; between two of them the state may be read, or the rest left.
   */
  advance(steps: Steps): AsyncGenerator<readonly Outputs<Output>[], void>
  /** A copy of the whole state. */
  readState(): Promise<Arrays>
  /** Replaces the whole state (shapes and names are checked). */
  writeState(state: Arrays): Promise<void>
  /** Frees the session's memory and its thread; nothing can be run after. */
  close(): Promise<void>
}

/** What runs programs: a session but for how many steps one run takes. */
export interface Runner extends Omit<Session, 'advance'> {
  /** One run. Of a program that takes many steps (see Program), inputs and outputs are stacked. */
  run(inputs: Arrays, programs?: readonly number[]): Promise<Arrays>
}
