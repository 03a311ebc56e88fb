/** Folders to choose one from: their names, how many images lie in each, and which are runs. */
import { readdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { isOwnFolder } from '../files/run-marker.js'
import { isImageName } from '../names.js'
import type { Answers } from './protocol.js'

/** Folders of one folder that are shown. */
const MOST_SHOWN = 500
/** Folders of a folder that are counted in. */
const MOST_INSIDE = 40

/** @throws HandfulError for what is no folder, or may not be read */
export async function browse(place: string | undefined): Promise<Answers['browse']> {
  const here = place === undefined || place === '' ? homedir() : place
  if (!path.isAbsolute(here)) {
    const expected = 'a path from the root on, such as /home/ada/pictures'
    throw new HandfulError({ what: 'folder', got: printable(here), expected })
  }
  const full = path.resolve(here)
  const parent = path.dirname(full)
  const names = (await entriesOf(full)).folders.slice(0, MOST_SHOWN)
  const folders = []
  for (const name of names) {
    const inside = path.join(full, name)
    // One that may not be read is shown, and says so when it is opened.
    const entries = await entriesOf(inside).catch(() => ({ files: [], folders: [] }))
    const isRun = isOwnFolder([...entries.files, ...entries.folders])
    folders.push({ path: inside, name, images: isRun ? 0 : await imagesIn(inside, entries), isRun })
  }
  return { path: full, ...(parent !== full && { parent }), folders }
}

interface Entries {
  readonly files: readonly string[]
  /** Without hidden ones, sorted as a person would. */
  readonly folders: readonly string[]
}

async function entriesOf(folder: string): Promise<Entries> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    const files: string[] = []
    const folders: string[] = []
    for (const entry of entries) {
      const isFolder =
        entry.isDirectory() ||
        (entry.isSymbolicLink() && (await leadsToFolder(path.join(folder, entry.name))))
      if (!isFolder) files.push(entry.name)
      else if (!entry.name.startsWith('.')) folders.push(entry.name)
    }
    return { files, folders: folders.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })) }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw systemError('reading the folder', folder, error)
    const got = 'nothing there'
    throw new HandfulError({
      what: 'folder',
      where: printable(folder),
      got,
      expected: 'a folder',
      cause: error,
    })
  }
}

const leadsToFolder = (place: string): Promise<boolean> =>
  stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  )

/** Those of the folder itself and of the folders next below it. */
async function imagesIn(folder: string, { files, folders }: Entries): Promise<number> {
  let count = files.filter((name) => isImageName(name)).length
  for (const name of folders.slice(0, MOST_INSIDE)) {
    const names = await readdir(path.join(folder, name)).catch(() => [])
    if (!isOwnFolder(names)) count += names.filter((each) => isImageName(each)).length
  }
  return count
}
