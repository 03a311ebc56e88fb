/** The files of what was dropped or chosen: paths below the dropped folder, without what is hidden or no data set's. */
import { COLLECTION_ENDINGS, endsIn, isImageName, TABLE_ENDINGS } from '../../../../handful/src/names.js'

export interface DroppedFile {
  /** Below the folder, with slashes. */
  readonly path: string
  readonly file: File
}

export interface Dropped {
  /** The folder's name, or the one file's. */
  readonly name: string
  readonly files: readonly DroppedFile[]
  /** Files that are left where they are: neither images nor tables nor archives. */
  readonly leftOut: number
}

/** Of labels; larger ones are something else. */
const MOST_TABLE_BYTES = 64 * 2 ** 20

type Described = Pick<File, 'name' | 'type' | 'size'>

const holdsImages = ({ name, type }: Described): boolean =>
  type.startsWith('image/') || isImageName(name) || endsIn(name, COLLECTION_ENDINGS)

export const isUsable = (file: Described): boolean =>
  holdsImages(file) || (endsIn(file.name, TABLE_ENDINGS) && file.size <= MOST_TABLE_BYTES)

/** The roots have to be taken while the event is handled; a browser forgets them after. */
export const rootsOf = (transfer: DataTransfer | null): readonly FileSystemEntry[] =>
  [...(transfer?.items ?? [])].flatMap((item) =>
    item.kind === 'file' ? (item.webkitGetAsEntry() ?? []) : [],
  )

export async function filesOfRoots(roots: readonly FileSystemEntry[]): Promise<Dropped | undefined> {
  const [first] = roots
  if (first === undefined) return undefined
  const single = roots.length === 1
  const found: DroppedFile[] = []
  const walk = async (entry: FileSystemEntry, path: string): Promise<void> => {
    if (entry.name.startsWith('.')) return
    if (isFile(entry)) found.push({ path, file: await fileOf(entry) })
    else if (isFolder(entry))
      for (const inner of await entriesOf(entry))
        await walk(inner, path === '' ? inner.name : `${path}/${inner.name}`)
  }
  for (const root of roots) await walk(root, single && root.isDirectory ? '' : root.name)
  return usable(single ? first.name : 'dropped', found)
}

/** Of a chooser of folders: each file says where it lies below the folder. */
export function filesOfInput(list: FileList | null): Dropped | undefined {
  const all = [...(list ?? [])].map((file) => ({ file, parts: file.webkitRelativePath.split('/') }))
  const [first] = all
  if (first === undefined) return undefined
  const seen = all.filter(({ parts }) => !parts.some((part) => part.startsWith('.')))
  return usable(
    first.parts[0],
    seen.map(({ file, parts }) => ({ file, path: parts.slice(1).join('/') })),
  )
}

function usable(name: string, all: readonly DroppedFile[]): Dropped {
  const found = all.filter(({ file }) => isUsable(file)).sort((a, b) => (a.path < b.path ? -1 : 1))
  // Tables and texts say something of images; alone they are none.
  const files = found.some(({ file }) => holdsImages(file)) ? found : []
  return { name, files, leftOut: all.length - files.length }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject))

/** A reader gives at most a hundred at a time, and none when it is through. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0) return all
    all.push(...some)
  }
}
