/** What a training tells between steps, and what those who listen may do. */
import type { Arrays } from '../arrays.js'

/** Scalars of a step or epoch by name, `loss` among them. */
export type Metrics = Readonly<Record<string, number>>

/** What an epoch came to. */
export interface Epoch {
  /** Counted from 1. */
  readonly epoch: number
  /** Steps taken since the beginning. */
  readonly step: number
  /** Means over the examples of the epoch, each before the update of its step. */
  readonly training: Metrics
  /** Means over the validation examples after it, if there are any. */
  readonly validation?: Metrics
}

/** What callbacks may do between steps. */
export interface Running {
  /** Ends the training after this step or epoch. */
  stop(): void
  /** A copy of all state: parameters, buffers, what the optimiser keeps. */
  readState(): Promise<Arrays>
  /**
   * Replaces all state by what `readState` gave.
   *
   * @throws Error where names or shapes differ
   */
  writeState(state: Arrays): Promise<void>
}

/** What a callback goes on from: plain data, numbers finite, and arrays by name. */
export interface CallbackState {
  readonly json: unknown
  readonly arrays?: Arrays
}

/** Called in order and awaited. `onEnd` comes once, after the last epoch. */
export interface Callback {
  /** After each step, with what it put out before its update; `step` counts from 1 through all epochs. */
  readonly onStep?: (step: number, metrics: Metrics, running: Running) => void | Promise<void>
  /** After each epoch and its validation. */
  readonly onEpoch?: (epoch: Epoch, running: Running) => void | Promise<void>
  /** Once, before the parameters are read. */
  readonly onEnd?: (running: Running) => void | Promise<void>
  /** What has to be kept with a checkpoint, so that a training that goes on from it has the same callback again. */
  readonly save?: () => CallbackState
  /** Goes on from what `save` gave, before the first step. */
  readonly load?: (state: CallbackState) => void
}
