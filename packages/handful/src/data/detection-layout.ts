/** Where images lie whose labels are those of objects in them: any folder on the way may be a split. */

import { listed } from './image-set.js'
import type { AttachedLabels } from './attach-labels.js'
import { classRemarks } from './class-remarks.js'
import type { FileTree, LabelledFile } from './collection.js'
import type { Detections } from './detections.js'
import { type FolderLayout, type Split, splitNamed } from './layout.js'
import type { SplitOptions } from './split-folders.js'

interface DetectionLayout {
  readonly layout: FolderLayout
  readonly attached: AttachedLabels
  readonly notes: readonly string[]
}

/** The same as a folder's layout and its labels: `images/train/1.jpg` and `train/images/1.jpg` are in the split `train`. */
export function detectionLayout(
  { listing }: FileTree,
  { kind, files: annotations, labels, note, taken }: Detections,
  { splits: wanted }: SplitOptions,
): DetectionLayout {
  const notes = [note]
  const paths = listing.files.filter((path) => !annotations.has(path))
  const found = new Map<string, ReturnType<typeof splitNamed>>()
  const prefixOf = (path: string): string => {
    if (wanted === 'none') return ''
    const folders = path.split('/').slice(0, -1)
    const at = folders.findIndex((folder) => splitNamed(folder) !== undefined)
    if (at < 0) return ''
    const prefix = `${folders.slice(0, at + 1).join('/')}/`
    found.set(prefix, splitNamed(folders[at]))
    return prefix
  }
  const prefixes = paths.map(prefixOf)
  const scores = [...found.values()].includes('test') ? 'test' : 'validation'
  const splits = new Map<string, Split | 'out'>()
  for (const [prefix, split] of found) {
    if (split === 'train') splits.set(prefix, 'train')
    else if (split !== 'unlabelled') splits.set(prefix, split === scores ? 'test' : 'out')
  }
  const of = (wantedSplit: Split | 'out'): string[] =>
    [...splits].flatMap(([prefix, split]) => (split === wantedSplit ? [prefix] : []))
  if (scores === 'validation' && of('test').length > 0)
    notes.push(`${listed(of('test'))} held out for scoring`)
  if (of('out').length > 0)
    notes.push(`${listed(of('out'))} left out: ${listed(of('test'))} is the split for scoring`)
  const files = paths.flatMap((path, i): LabelledFile[] => {
    const split = splits.get(prefixes[i]) ?? 'train'
    return split === 'out' ? [] : [{ path, split, folderClass: '', label: labels.get(path) ?? '' }]
  })
  notes.push(...classRemarks(new Set(files.map(({ label }) => label))))
  return {
    layout: { files, labelsFiles: [], unreadTables: [], classFolders: new Map(), splits, notes: [] },
    attached: {
      files,
      byFolder: false,
      tables: [kind === 'WebDataset' ? 'files beside the images' : `objects of ${kind}`],
      ...(!taken && { refusals: [note] }),
    },
    notes,
  }
}
