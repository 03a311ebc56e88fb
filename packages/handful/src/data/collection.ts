/**
 * What a folder, an archive and a Parquet table of images have in common: a list of images with their splits and labels,
 * known before any is decoded, and their contents one after another.
 */

import type { ImageContent } from './decode.js'
import type { SkippedFile } from './image-set.js'
import type { PlacedFile } from './layout.js'

export interface LabelledFile extends PlacedFile {
  /** The class name, '' where unlabelled. */
  readonly label: string
}

export interface ImageCollection {
  /** Short, for messages and reports. */
  readonly name: string
  /** Where it is on the disk, as the user wrote it. */
  readonly place: string
  readonly files: readonly LabelledFile[]
  readonly skipped: readonly SkippedFile[]
  /** Sentences for the user about how it was understood. */
  readonly notes: readonly string[]
  /**
   * The images at these places in `files`, in the order that suits the source: each has its place as `index`. Only a
   * few are in memory at a time.
   */
  readonly contents: (indices: readonly number[], signal?: AbortSignal) => AsyncIterable<ImageContent>
  /**
   * Refuses classes that leave nothing to learn from.
   * @param kept the images that could be decoded
   */
  readonly checkClasses?: (kept: readonly LabelledFile[]) => void
}
