/**
 * Which top folders are splits. A name alone (`train`, `training_set`, `labeled`, `test`, `val`) does not make one: a class may be
 * called `train`, `test`, `valid` or `dev` too. A folder so called is a split where it holds what a split holds:
 *
 *     train/cat/ train/dog/           folders of classes, or a labels file
 *     test/ with the classes' names   likewise; its images score
 *     test/ with images alone         images to predict, beside train/ or at least two classes; in any other place a class
 *     labels.csv beside train/, test/ folders say nothing about classes then, so that their names are of splits
 */

import { printable } from '../errors.js'
import { isLabelsFile } from './labels-file.js'
import type { FolderListing } from './walk.js'

export type Split = 'train' | 'test'

export interface SplitOptions {
  /** `none`: folders called train, test and so on are classes too. */
  readonly splits?: 'auto' | 'none'
}

const TRAIN_NAMES = ['train', 'training', 'labeled', 'labelled']
const TEST_NAMES = ['test', 'testing']
const VALIDATION_NAMES = ['validation', 'valid', 'val', 'dev']
export const UNLABELLED = /^unlabell?ed$/i

/** The split that a folder or a table called so stands for; undefined for any other name. */
export function splitNamed(name: string): 'train' | 'validation' | 'test' | 'unlabelled' | undefined {
  const lower = name.toLowerCase().replace(/[ _-]?(set|data|images)$/, '')
  if (TRAIN_NAMES.includes(lower)) return 'train'
  if (TEST_NAMES.includes(lower)) return 'test'
  if (VALIDATION_NAMES.includes(lower)) return 'validation'
  return UNLABELLED.test(name) || lower === 'unsupervised' ? 'unlabelled' : undefined
}

/** What a top folder holds. */
interface TopFolder {
  readonly name: string
  /** `train/`, or `train/train/` where that holds all the rest, as archives of archives leave it. */
  readonly prefix: string
  /** Files directly in it. */
  readonly loose: number
  /** Sub-folders that hold a file, in lower case. */
  readonly inner: ReadonlySet<string>
  readonly labelsFile: boolean
}

/** Prefix of each split's folder (`test/`) and what becomes of its files. */
export function findSplits(
  root: string,
  listing: FolderListing,
  { splits: wanted }: SplitOptions,
  notes: string[],
): Map<string, Split | 'out'> {
  const splits = new Map<string, Split | 'out'>()
  if (wanted === 'none') return splits
  const folders = topFolders(listing)
  const named = (split: string) => folders.filter(({ name }) => splitNamed(name) === split)
  const others = folders.filter(({ name }) => splitNamed(name) === undefined)
  const rootLabels = listing.files.some(isLabelsFile)
  const flat = [...named('test'), ...named('validation')].some(({ loose }) => loose > 0)
  const [train] = named('train').filter(
    (folder) => rootLabels || holdsTraining(folder, others) || (others.length === 0 && flat),
  )
  const classes = new Set(train ? [...train.inner] : others.map(({ name }) => name.toLowerCase()))
  // Beside a class that is called like a split, another may be.
  const asClasses = [...named('train'), ...named('validation')].filter(({ loose }) => loose > 0)
  const alone = others.length === 0 && listing.files.every((path) => path.includes('/'))
  const scores = (folder: TopFolder): boolean =>
    rootLabels ||
    folder.labelsFile ||
    (folder.inner.size > 0 &&
      (train !== undefined || alone || [...folder.inner].some((name) => classes.has(name))))

  if (train !== undefined) splits.set(train.prefix, 'train')
  const test = named('test').find(scores)
  if (test !== undefined) splits.set(test.prefix, 'test')
  const validation = named('validation').find(scores)
  if (validation !== undefined) {
    const { name, prefix } = validation
    splits.set(prefix, test === undefined ? 'test' : 'out')
    notes.push(
      test === undefined
        ? `${name}/ is held out for scoring`
        : `${name}/ is left out: ${test.name}/ is the split for scoring`,
    )
  }
  const toPredict = (folder: TopFolder): boolean =>
    !splits.has(folder.prefix) &&
    folder.loose > 0 &&
    (train !== undefined ||
      (splitNamed(folder.name) === 'test' && others.length > 1 && asClasses.length === 0))
  for (const { name, prefix, loose } of [...named('test'), ...named('validation')].filter(toPredict)) {
    splits.set(prefix, 'out')
    notes.push(
      `${name}/ holds ${loose} files and no class: it is left out and can be predicted afterwards ` +
        `(handful predict <run> ${printable(root)}/${name}; --splits none if it is a class)`,
    )
  }
  for (const { name, loose, inner } of [...named('test'), ...named('validation')])
    if (loose + inner.size === 0 && (train !== undefined || others.length > 0)) {
      splits.set(`${name}/`, 'out')
      notes.push(`${printable(name)}/ holds no file`)
    }
  if (train !== undefined && !rootLabels) {
    for (const { name, prefix } of folders) {
      if (splits.has(prefix) || UNLABELLED.test(name)) continue
      splits.set(prefix, 'out')
      notes.push(`${printable(name)}/ is left out: it stands beside ${train.name}/, not in it`)
    }
  }
  return splits
}

/** Classes inside it, and not the same sort of folders as in those beside it. */
function holdsTraining({ inner, labelsFile }: TopFolder, others: readonly TopFolder[]): boolean {
  if (labelsFile) return true
  const beside = others.filter(({ loose, inner: own }) => loose > 0 || own.size > 0)
  if (inner.size < 2) return inner.size === 1 && beside.length === 0
  return !beside.some((other) => [...other.inner].some((name) => inner.has(name)))
}

function topFolders({ files, folders }: FolderListing): TopFolder[] {
  const found = new Map(
    folders
      .filter((folder) => !folder.includes('/'))
      .map((name) => [
        name,
        { name, prefix: prefixOf(name, files), loose: 0, inner: new Set<string>(), labelsFile: false },
      ]),
  )
  for (const path of files) {
    const [name] = path.split('/')
    const { prefix = `${name}/` } = found.get(name) ?? {}
    const [next, ...rest] = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : []
    const folder = found.get(name)
    if (folder === undefined || next === undefined) continue
    if (rest.length > 0) folder.inner.add(next.toLowerCase())
    else if (isLabelsFile(next)) folder.labelsFile = true
    else folder.loose++
  }
  return [...found.values()]
}

function prefixOf(name: string, files: readonly string[]): string {
  const split = splitNamed(name)
  const own = split === undefined ? [] : files.filter((path) => path.startsWith(`${name}/`))
  const [first = ''] = own
  const [inner] = first.slice(name.length + 1).split('/')
  const prefix = `${name}/${inner}/`
  return splitNamed(inner) === split && own.length > 0 && own.every((path) => path.startsWith(prefix))
    ? prefix
    : `${name}/`
}
