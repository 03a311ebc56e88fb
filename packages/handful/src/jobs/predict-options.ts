/** What `handful predict` is told and what it gives back. */

export interface PredictOptions {
  /** A run folder with its model. */
  readonly run: string
  /** Image files, and folders that are searched for images. */
  readonly images: readonly string[]
  readonly threads: number
  readonly device: string
}

export interface Prediction {
  /** As it was given, or found below a given folder. */
  readonly path: string
  readonly predicted: string
  /** Of the predicted class, 0 to 1. */
  readonly probability: number
}

export interface PredictResult {
  readonly predictions: readonly Prediction[]
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
}
