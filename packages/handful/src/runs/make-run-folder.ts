/** Where a new run goes: a folder that holds nothing yet, on a disk with room for it. */
import { mkdir, readdir, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { makeFolders } from '../files/atomic.js'
import { freeBytes } from '../files/free-space.js'
import { filesPresent, isMissing } from '../files/present.js'
import { RUN_FILES } from './run-files.js'

/** Room that a run needs before it starts, in bytes: a small model with its checkpoints and pictures. */
const NEEDED_BYTES = 64 * 2 ** 20

/** Where a dated folder goes, and what it is called after. */
export interface DatedFolder {
  /** Where dated folders go, usually `runs`. */
  readonly parent: string
  /** A few words on what runs, such as the data set's name. */
  readonly name: string
  readonly date: Date
}

export interface MadeFolder {
  readonly folder: string
  readonly made: readonly string[]
}

/** The folder itself if it is there, else the first above it that is. */
export async function lastPresent(folder: string): Promise<string> {
  const full = path.resolve(folder)
  const above = path.dirname(full)
  return above === full || (await isThere(full)) ? full : lastPresent(above)
}

/** A folder and those above it that are not there yet, the innermost first. */
async function absent(folder: string): Promise<string[]> {
  const full = path.resolve(folder)
  return (await isThere(full)) ? [] : [full, ...(await absent(path.dirname(full)))]
}

const isThere = (place: string): Promise<boolean> =>
  stat(place).then(
    () => true,
    (error: unknown) => !isMissing(error),
  )

export async function makeDated(options: DatedFolder): Promise<MadeFolder> {
  const above = await absent(options.parent)
  await writingToRun(options.parent, () => makeFolders(options.parent))
  const two = (value: number): string => String(value).padStart(2, '0')
  const { date } = options
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const name = options.name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '') || 'run'
  for (let attempt = 1; ; attempt++) {
    const folder = path.join(options.parent, `${day}-${name}${attempt === 1 ? '' : `-${attempt}`}`)
    try {
      await mkdir(folder)
      return { folder, made: [folder, ...above] }
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw systemError('making the run folder', folder, error)
    }
  }
}

export async function makeNamed(folder: string): Promise<MadeFolder> {
  const made = await absent(folder)
  await writingToRun(folder, () => makeFolders(folder))
  await expectEmpty(folder)
  return { folder, made }
}

/** It need not be there. */
export async function expectEmpty(folder: string): Promise<void> {
  await expectNoRun(folder)
  const names = await writingToRun(folder, () =>
    readdir(folder).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return []
      throw error
    }),
  )
  const others = names.filter((name) => name !== '.lock' && name !== '.DS_Store')
  if (others.length === 0) return
  throw new HandfulError({
    what: 'output folder',
    where: folder,
    got: `a folder that holds other things (${printable(others[0])}${others.length > 1 ? ', ...' : ''})`,
    expected: 'a new or empty folder',
    hint: 'give another --out; nothing was changed',
  })
}

export async function expectNoRun(folder: string): Promise<void> {
  if (!(await filesPresent(folder, [RUN_FILES.config]))) return
  throw new HandfulError({
    what: 'output folder',
    where: folder,
    got: 'a run that is there already',
    expected: 'a new or empty folder',
    hint: `go on with it by --resume ${folder}, or give another --out; nothing was changed`,
  })
}

export async function checkRoom(folder: string): Promise<void> {
  const free = freeBytes(await writingToRun(folder, () => statfs(folder)))
  if (free >= NEEDED_BYTES) return
  throw new HandfulError({
    what: 'free disk space',
    where: folder,
    got: `${Math.floor(free / 2 ** 20)} MiB`,
    expected: `at least ${NEEDED_BYTES / 2 ** 20} MiB`,
    hint: 'make room, or write to another disk with --out',
  })
}

/** @throws HandfulError that names the file, for what the system refuses */
export async function writingToRun<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw systemError('writing to the run folder', file, error)
  }
}
