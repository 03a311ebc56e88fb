/**
 * What the files of an image folder mean, from their paths alone (Hugging Face's imagefolder layout): which split a
 * file belongs to and which class its folder names.
 *
 *     cats/1.png  dogs/a/2.png      class is the first folder; deeper ones belong to it
 *     unlabeled/3.png  4.png        no label
 *     train/cats/1.png              the same inside a split
 *     test/cats/5.png               held out for scoring
 *     labels.csv, metadata.csv      label by path; folders then say nothing about classes
 *
 * Without `test/`, `validation/` takes its place; with both, `validation/` is left out and a note says so.
 */

import { HandfulError, printable } from '../errors.js'
import { LABEL_FILES } from './labels-file.js'
import type { FolderListing } from './walk.js'

export type Split = 'train' | 'test'

export interface LabelsFilePlace {
  /** Path relative to the data set's folder. */
  readonly path: string
  /** What precedes its rows' paths: '' or `train/`. */
  readonly prefix: string
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
  /** Classes that a training folder names, with the folder, whether or not it holds an image. */
  readonly classFolders: ReadonlyMap<string, string>
  readonly notes: readonly string[]
}

const TRAIN_NAMES = ['train', 'training']
const TEST_NAMES = ['test', 'testing']
const VALIDATION_NAMES = ['validation', 'valid', 'val', 'dev']
const UNLABELLED = /^unlabell?ed$/i

/** The split that a folder or a table called so stands for; undefined for any other name. */
export function splitNamed(name: string): 'train' | 'validation' | 'test' | 'unlabelled' | undefined {
  const lower = name.toLowerCase()
  if (TRAIN_NAMES.includes(lower)) return 'train'
  if (TEST_NAMES.includes(lower)) return 'test'
  if (VALIDATION_NAMES.includes(lower)) return 'validation'
  return UNLABELLED.test(name) || lower === 'unsupervised' ? 'unlabelled' : undefined
}

/**
 * @param root the folder's name, for messages
 * @throws HandfulError if a folder holds two labels files, or `test/` holds images of no class
 */
export function readLayout(root: string, listing: FolderListing): FolderLayout {
  const notes: string[] = []
  const splits = findSplits(root, listing, notes)
  const prefixes = ['', ...splits.keys()].filter((prefix) => splits.get(prefix) !== 'out')
  const labelsFiles = prefixes.flatMap((prefix) => findLabelsFile(root, prefix, listing.files))
  const isLabelsFile = new Set(labelsFiles.map(({ path }) => path))

  const place = (path: string): { split: Split | 'out'; inner: string } => {
    for (const [prefix, split] of splits) {
      if (path.startsWith(prefix)) return { split, inner: path.slice(prefix.length) }
    }
    return { split: 'train', inner: path }
  }
  const files = listing.files.flatMap((path): PlacedFile[] => {
    const { split, inner } = place(path)
    if (split === 'out' || isLabelsFile.has(path)) return []
    return [{ path, split, folderClass: folderClass(inner) }]
  })

  const classFolders = new Map<string, string>()
  for (const folder of listing.folders) {
    const { split, inner } = place(`${folder}/`)
    if (split !== 'train' || inner === '' || inner.indexOf('/') < inner.length - 1) continue
    const name = folderClass(inner)
    if (name !== '') classFolders.set(name, folder)
  }
  return { files, labelsFiles, classFolders, notes }
}

function folderClass(inner: string): string {
  const end = inner.indexOf('/')
  const first = end < 0 ? '' : inner.slice(0, end)
  return UNLABELLED.test(first) ? '' : first
}

/** Prefix of each split's folder (`test/`) and what becomes of its files. */
function findSplits(root: string, listing: FolderListing, notes: string[]): Map<string, Split | 'out'> {
  const top = listing.folders.filter((folder) => !folder.includes('/'))
  const named = (names: readonly string[]) => top.find((folder) => names.includes(folder.toLowerCase()))
  const train = named(TRAIN_NAMES)
  const test = named(TEST_NAMES)
  const validation = named(VALIDATION_NAMES)
  const splits = new Map<string, Split | 'out'>()
  // A class may be called "train" or "test" too; a split is told from it by what stands beside or inside it.
  const holdsClasses = (folder: string): boolean =>
    listing.files.some((path) => path.startsWith(`${folder}/`) && path.indexOf('/', folder.length + 1) > 0) ||
    LABEL_FILES.some((name) => listing.files.includes(`${folder}/${name}`))
  const rootLabels = LABEL_FILES.some((name) => listing.files.includes(name))
  const isSplit = (folder: string | undefined): folder is string =>
    folder !== undefined && (train !== undefined || rootLabels || holdsClasses(folder))

  if (train !== undefined) splits.set(`${train}/`, 'train')
  if (isSplit(test)) splits.set(`${test}/`, 'test')
  else if (test !== undefined) throw classlessTest(root, test)
  if (isSplit(validation)) {
    splits.set(`${validation}/`, isSplit(test) ? 'out' : 'test')
    notes.push(
      isSplit(test)
        ? `${validation}/ is left out: ${test}/ is the split for scoring`
        : `${validation}/ is held out for scoring`,
    )
  }
  if (train !== undefined) {
    for (const folder of top) {
      if (splits.has(`${folder}/`) || UNLABELLED.test(folder) || rootLabels) continue
      splits.set(`${folder}/`, 'out')
      notes.push(`${printable(folder)}/ is left out: it stands beside ${train}/, not in it`)
    }
  }
  return splits
}

function classlessTest(root: string, test: string): HandfulError {
  return new HandfulError({
    what: 'test split',
    where: `${printable(root)}/${test}`,
    got: 'no class sub-folder and no labels file',
    expected: `${test}/<class>/<image>, to score against`,
    hint: 'move its images into unlabeled/ to have them predicted, or rename the folder if it is a class',
  })
}

function findLabelsFile(root: string, prefix: string, files: readonly string[]): LabelsFilePlace[] {
  const found = LABEL_FILES.filter((name) => files.includes(prefix + name))
  if (found.length > 1) {
    throw new HandfulError({
      what: 'labels file',
      where: `${printable(root)}/${prefix}`,
      got: found.join(' and '),
      expected: 'one of them',
      hint: 'remove or rename the other',
    })
  }
  return found.map((name) => ({ path: prefix + name, prefix }))
}
