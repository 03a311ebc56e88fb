/** What a study and the processes that fit heads for it say to each other. */
import type { DrawFit, FittedDraw } from './draw-fit.js'

export interface FitRequest {
  readonly id: number
  /** The study's folder, which the features lie below. */
  readonly folder: string
  readonly threads: number
  readonly device: string
  readonly fit: DrawFit
}

export type FitReply =
  { readonly id: number; readonly fitted: FittedDraw } | { readonly id: number; readonly error: string }
