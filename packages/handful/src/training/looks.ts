/**
 * Looking at what a model makes while it trains: a few times, closer together in the beginning, when most changes, and never
 * for more than a small share of the time.
 */
import type { Weights } from '../models/model.js'

export interface Looks {
  /** Of the first look, as far as it can be told; the others are known by those before. */
  readonly expectedSeconds: number
  /** Told the step that training begins at: what was seen of later ones does not count any more. */
  start(step: number): Promise<void>
  /** @param weights averaged ones, as they are now */
  look(step: number, weights: Weights): Promise<void>
}

/** Looks of a whole training, at most. The k-th is due at the share (k / LOOKS)^2 of the steps. */
const LOOKS = 20
/** Of the time so far that looking may have taken. */
const SHARE = 0.03

export class LookSchedule {
  #taken = 0
  #spent = 0

  constructor(private expectedSeconds: number) {}

  /**
   * @param seconds spent in training so far, by earlier processes too: what of them went into looking is not known, and
   *   counts as all that might have
   */
  start(step: number, steps: number, seconds: number): void {
    this.#taken = dueAt(step, steps)
    this.#spent = Math.max(this.#spent, SHARE * seconds)
  }

  isDue(step: number, steps: number, seconds: number): boolean {
    return dueAt(step, steps) > this.#taken && this.#spent + this.expectedSeconds <= SHARE * seconds
  }

  taken(step: number, steps: number, lookSeconds: number): void {
    this.#taken = dueAt(step, steps)
    this.#spent += lookSeconds
    this.expectedSeconds = lookSeconds
  }
}

const dueAt = (step: number, steps: number): number => Math.floor(LOOKS * Math.sqrt(step / steps))
