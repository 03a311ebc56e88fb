/**
 * What a folder, an archive and a Parquet table of images have in common: a list of images with their splits and labels,
 * known before any is decoded, and their contents one after another.
 */

import type { ImageContent } from './decode.js'
import type { SkippedFile } from './image-set.js'
import type { ColumnChoice, ShownAs } from './label-columns.js'
import type { LabelTable } from './labels-file.js'
import type { PlacedFile } from './layout.js'
import type { ImageReading } from './reading.js'
import type { SplitOptions } from './split-folders.js'
import type { FolderListing, FoundSoFar } from './walk.js'

/** How a folder, an archive or a table is understood: where that is not found out, or not what is wanted. */
export interface CollectionOptions extends ColumnChoice, SplitOptions {
  /** Whether each frame of an animation or a stack is an image of its own (frames.ts); the first unless said otherwise. */
  readonly frames?: ImageReading['frames']
  /** Told now and then, while a folder or an archive is gone through. */
  readonly onFound?: (found: FoundSoFar) => void
  /** Full paths of folders below it that are about to be written to. */
  readonly passOver?: readonly string[]
}

/** An image file of a collection with its place there and its label. */
export interface LabelledFile extends PlacedFile {
  /** The class name, '' where unlabelled. */
  readonly label: string
}

/** How images were shown when they were labelled, where a table that handful wrote says so: their paths. */
export type ShownImages = Readonly<Record<ShownAs, ReadonlySet<string>>>

/**
 * A kind of file that holds many images. It is known by its first bytes, never by its name, and opens as a tree of files,
 * as a folder does, or as a list of images.
 */
export interface CollectionFormat {
  readonly name: string
  /** Whether it is an archive of a folder, with its usual ending, or a table; in words. */
  readonly kind: 'archive' | 'table'
  readonly words: string
  /** @param start the first 512 bytes at most */
  readonly recognises: (start: Buffer) => boolean
  readonly open: (
    place: string,
    signal?: AbortSignal,
    columns?: ColumnChoice & Pick<CollectionOptions, 'onFound'>,
  ) => Promise<FileTree | ImageCollection>
}

export interface FileTree {
  readonly name: string
  /** As the user wrote it. */
  readonly place: string
  readonly listing: FolderListing
  readonly notes: readonly string[]
  /** The frames of files whose frames are files of their own here (frames.ts). */
  readonly framesOf?: ReadonlyMap<string, readonly string[]>
  /** The table in a labels file. */
  readonly readLabels: (path: string) => Promise<LabelTable>
  /** A text beside images; empty where it is too large to be one. */
  readonly readText: (path: string) => Promise<string>
  /** The files at these paths, each with its place in the list as `index`. */
  readonly contents: (paths: readonly string[], signal?: AbortSignal) => AsyncIterable<ImageContent>
}

export const isTree = (opened: FileTree | ImageCollection): opened is FileTree => 'listing' in opened

/**
 * Images with some labels as a source has them, whatever it is: a folder, an archive, a table. Nothing is decoded
 * yet.
 */
export interface ImageCollection {
  /** Short, for messages and reports. */
  readonly name: string
  /** Where it is on the disk, as the user wrote it. */
  readonly place: string
  readonly files: readonly LabelledFile[]
  readonly shown?: ShownImages
  readonly skipped: readonly SkippedFile[]
  /** Sentences for the user about how it was understood. */
  readonly notes: readonly string[]
  /** The same in one line with counts, of a folder. @param kept the images that could be decoded */
  readonly understood?: (kept: readonly LabelledFile[]) => string
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
