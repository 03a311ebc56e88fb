/**
 * The folder that all machines share. Studies lie in it, each in a folder of its own, and `.handful-store` holds the name by
 * which the queue tells one store from another, wherever a machine has it mounted.
 */
import { randomUUID } from 'node:crypto'
import { readFile, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { HandfulError, printable, systemCode, systemError, usageError } from '../errors.js'
import { createFileAtomic, makeFolders, writeFileAtomic } from '../files/atomic.js'
import { freeBytes } from '../files/free-space.js'

const NAME_FILE = '.handful-store'
/** Room without which no stage is begun. */
const NEEDED_BYTES = 64 * 2 ** 20

export interface SharedStore {
  /** Absolute, on this machine. */
  readonly folder: string
  readonly id: string
}

/** Opens the store, or makes it. @throws HandfulError where it cannot be written */
export async function openSharedStore(folder: string): Promise<SharedStore> {
  const full = path.resolve(folder)
  await makeFolders(full).catch((error: unknown) => {
    throw systemError('opening the store', full, error)
  })
  const file = path.join(full, NAME_FILE)
  const found = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw systemError('opening the store', file, error)
  })
  if (found === undefined) {
    await createFileAtomic(file, `${randomUUID().replaceAll('-', '').slice(0, 16)}\n`)
    return openSharedStore(folder)
  }
  const id = found.trim()
  if (/^[0-9a-f]{16}$/.test(id)) return { folder: full, id }
  throw new HandfulError({
    what: 'store',
    where: printable(file),
    got: 'a damaged name',
    expected: '16 hexadecimal digits',
    hint: 'delete the file, and start planner and workers again',
  })
}

/** @throws HandfulError where nothing can be written there, or hardly anything more */
export async function checkStore({ folder }: SharedStore): Promise<void> {
  const probe = path.join(folder, `.probe-${process.pid}`)
  await writeFileAtomic(probe, '')
  await rm(probe, { force: true })
  const free = freeBytes(await statfs(folder))
  if (free >= NEEDED_BYTES) return
  throw new HandfulError({
    what: 'store',
    where: printable(folder),
    got: `${Math.floor(free / 2 ** 20)} MiB free`,
    expected: `at least ${NEEDED_BYTES / 2 ** 20} MiB`,
    hint: 'make room',
  })
}

/** Failed calls that say something of the store and nothing of the stage. */
const STORE_CODES = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'ESTALE']

export const isStoreTrouble = (error: unknown): boolean =>
  STORE_CODES.includes(
    systemCode(error) ?? systemCode(error instanceof Error ? error.cause : undefined) ?? '',
  )

/** A study's folder as the queue names it: below the store, with `/`. @throws HandfulError (wrong use) where it is elsewhere */
export function studyInStore({ folder }: SharedStore, study: string): string {
  const relative = path.relative(folder, path.resolve(study))
  if (relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative))
    return relative.split(path.sep).join('/')
  throw usageError({
    what: 'study folder',
    where: printable(study),
    got: 'a folder outside the store',
    expected: `one in ${printable(folder)}`,
    hint: 'leave --out away, or give one in the store',
  })
}
