/**
 * What the files of an image folder mean, from their paths alone (Hugging Face's imagefolder layout): which split a
 * file belongs to and which class its folder names.
 *
 *     cats/1.png  dogs/a/2.png      class is the first folder; deeper ones belong to it
 *     unlabeled/3.png  4.png        no label
 *     train/cats/1.png              the same inside a split
 *     test/cats/5.png               held out for scoring
 *     test/6.png                    images to predict: left out, and a note says so
 *     labels.csv, metadata.csv      label by path; folders then say nothing about classes
 *
 * Without `test/`, `validation/` takes its place; with both, `validation/` is left out and a note says so. Which folder
 * is a split, its content decides (split-folders.ts): a class may be called `train` or `test` too.
 */

import { HandfulError, printable } from '../errors.js'
import { isImageName } from '../names.js'
import { isAnyText, isLabelsFile, isSideText, isTableFile, isUnreadTable } from './labels-file.js'
import { findSplits, splitNamed, type Split, type SplitOptions, UNLABELLED } from './split-folders.js'
import type { FolderListing } from './walk.js'

export { splitNamed, type Split } from './split-folders.js'

export interface LabelsFilePlace {
  /** Path relative to the data set's folder. */
  readonly path: string
  /** What precedes its rows' paths: '' or `train/`. */
  readonly prefix: string
  /** Whether it is called so; another table is taken for one where there is nothing else that labels the images. */
  readonly named: boolean
  /** Whether it may be any text: then it is a file as others are until it turns out to be a table. */
  readonly anyText?: boolean
}

export interface PlacedFile {
  readonly path: string
  readonly split: Split
  /** The class that its folder names, '' for none. */
  readonly folderClass: string
}

export interface FolderLayout {
  readonly files: readonly PlacedFile[]
  readonly labelsFiles: readonly LabelsFilePlace[]
  /** What looks like labels and is not read. */
  readonly unreadTables: readonly string[]
  /** Classes that a training folder names, with the folder, whether or not it holds an image. */
  readonly classFolders: ReadonlyMap<string, string>
  /** The folders that are splits, with a `/` at the end. */
  readonly splits: ReadonlyMap<string, Split | 'out'>
  readonly notes: readonly string[]
}

/** A class name in the one form that all its spellings share: composed, without white space around it. */
export function className(text: string): string {
  const composed = text.normalize('NFC')
  return composed.trim() === '' ? composed : composed.trim()
}

/**
 * @param root the folder's name, for messages
 * @throws HandfulError if a folder holds two labels files
 */
export function readLayout(root: string, listing: FolderListing, options: SplitOptions = {}): FolderLayout {
  const notes: string[] = []
  const splits = findSplits(root, listing, options, notes)
  const prefixes = ['', ...splits.keys()].filter((prefix) => splits.get(prefix) !== 'out')
  const place = (path: string): { split: Split | 'out'; inner: string } => {
    for (const [prefix, split] of splits) {
      if (path.startsWith(prefix)) return { split, inner: path.slice(prefix.length) }
    }
    return { split: 'train', inner: path }
  }
  const withoutLabel = options.splits === 'none' ? /(?!)/ : UNLABELLED
  const folderClass = (inner: string): string => {
    const end = inner.indexOf('/')
    const first = end < 0 ? '' : inner.slice(0, end)
    return withoutLabel.test(first) ? '' : className(first)
  }

  const texts = textFolders(listing)
  const classFolders = new Map<string, string>()
  for (const folder of listing.folders) {
    const { split, inner } = place(`${folder}/`)
    if (texts.has(folder) || [...splits.keys()].some((prefix) => prefix.startsWith(`${folder}/`))) continue
    if (split !== 'train' || inner === '' || inner.indexOf('/') < inner.length - 1) continue
    const name = folderClass(inner)
    if (name !== '') classFolders.set(name, folder)
  }
  const named = prefixes.flatMap((prefix) => findLabelsFile(root, prefix, listing.files))
  const labelsFiles = named.length > 0 || classFolders.size > 1 ? named : otherTables(listing.files, texts)
  const unread = listing.files.filter((path) =>
    ['', ...splits.keys()].some(
      (prefix) => path.startsWith(prefix) && isUnreadTable(path.slice(prefix.length)),
    ),
  )
  for (const path of unread)
    notes.push(
      `${printable(path)} is not read: labels are read from text such as labels.csv, with file_name,label`,
    )
  const told = new Set([...labelsFiles.map(({ path }) => path), ...unread].map((path) => path.split('/')[0]))
  for (const folder of texts)
    if (!told.has(folder)) notes.push(`${printable(folder)}/ holds tables and texts alone: it is no class`)
  const isLabels = new Set([
    ...labelsFiles.flatMap(({ path, anyText }) => (anyText === true ? [] : [path])),
    ...unread,
  ])
  const files = listing.files.flatMap((path): PlacedFile[] => {
    const { split, inner } = place(path)
    if (split === 'out' || isLabels.has(path) || texts.has(path.slice(0, path.indexOf('/')))) return []
    return [{ path, split, folderClass: folderClass(inner) }]
  })
  return { files, labelsFiles, unreadTables: unread, classFolders, splits, notes }
}

function findLabelsFile(root: string, prefix: string, files: readonly string[]): LabelsFilePlace[] {
  const found = files.filter((path) => path.startsWith(prefix) && isLabelsFile(path.slice(prefix.length)))
  if (found.length > 1) {
    throw new HandfulError({
      what: 'labels file',
      where: `${printable(root)}/${prefix}`,
      got: found.map((path) => printable(path.slice(prefix.length))).join(' and '),
      expected: 'one of them',
      hint: 'remove or rename the other',
    })
  }
  return found.map((path) => ({ path, prefix, named: true }))
}

/** Tables beside images that nothing else labels, such as an export, or `train.csv` of a competition. */
function otherTables(files: readonly string[], texts: ReadonlySet<string>): LabelsFilePlace[] {
  const images = new Set(files.filter(isImageName).map(stemOf))
  const found = files
    .filter((path) => {
      const [folder, ...inner] = path.split('/')
      const beside = inner.length === 0 || (inner.length === 1 && texts.has(folder))
      return beside && (isTableFile(path) || isAnyText(path))
    })
    .map((path) => ({ path, prefix: '', named: false, anyText: isAnyText(path) }))
  // A file for each image is no table.
  const ofImages = found.filter(({ path }) => images.has(stemOf(path)))
  return ofImages.length > FEW_TABLES ? found.filter((each) => !ofImages.includes(each)) : found
}

const FEW_TABLES = 3
const stemOf = (path: string): string => path.replace(/\.[^./]*$/, '')
/** Folders at the top that hold tables and texts alone, such as `annotations/`: they are no classes. */
function textFolders({ files }: FolderListing): ReadonlySet<string> {
  const only = new Map<string, boolean>()
  for (const path of files) {
    const end = path.indexOf('/')
    if (end < 0) continue
    const folder = path.slice(0, end)
    const name = path.slice(path.lastIndexOf('/') + 1)
    const text =
      isTableFile(name) || isSideText(name) || /^readme|\.(md|html?|pdf|m|mat|py|ipynb)$/i.test(name)
    only.set(folder, text && (only.get(folder) ?? true))
  }
  return new Set(
    [...only].flatMap(([folder, text]) => (text && splitNamed(folder) === undefined ? [folder] : [])),
  )
}
