/**
 * Where files of the known data sets are looked for: the folder the user names, then `HANDFUL_DATA`, then the cache.
 * The environment is passed in, not read.
 */

import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { HandfulError, printable, systemError } from '../errors.js'
import { isMissing } from '../files/present.js'

/** Where files of known data sets are looked for, in this order. */
export interface DataFolders {
  /** Named by the user (`--data-dir`): files missing there are an error. */
  readonly dataDir?: string
  /** `HANDFUL_DATA`: may hold some data sets and not others. */
  readonly sharedDir?: string
  /** Where downloads are kept. */
  readonly cacheDir: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The folders that apply. The cache is `HANDFUL_CACHE`, else `handful` in `XDG_CACHE_HOME`, else `~/.cache/handful`.
 */
export function dataFolders(dataDir: string | undefined, environment: Environment): DataFolders {
  const { HANDFUL_DATA: shared, HANDFUL_CACHE: cache, XDG_CACHE_HOME: xdg } = environment
  return {
    dataDir: given(dataDir),
    sharedDir: given(shared),
    // The XDG specification tells to ignore relative paths.
    cacheDir: given(cache) ?? join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'handful'),
  }
}

function given(path: string | undefined): string | undefined {
  return path === undefined || path === '' ? undefined : resolve(path)
}

/**
 * The first folder in which every file is found, under one of its names.
 *
 * @param files for each file the names it may have
 * @param hint how to get what is missing
 * @returns a path for each file, or undefined if no folder holds any of them
 * @throws HandfulError if no folder is complete and one holds some of the files
 */
export async function locateFiles(
  folders: readonly string[],
  files: readonly (readonly string[])[],
  what: string,
  hint: string,
): Promise<string[] | undefined> {
  let incomplete: HandfulError | undefined
  for (const folder of folders) {
    const paths = await Promise.all(files.map((names) => firstFile(folder, names)))
    const missing = files.filter((_, index) => paths[index] === undefined)
    if (missing.length === 0) return paths.filter((path) => path !== undefined)
    if (missing.length === files.length) continue
    incomplete ??= new HandfulError({
      what: `${what} files`,
      where: printable(folder),
      got: `${files.length - missing.length} of ${files.length}`,
      expected: `also ${missing.map(([name]) => name).join(', ')}`,
      hint,
    })
  }
  if (incomplete !== undefined) throw incomplete
  return undefined
}

async function firstFile(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const path = join(folder, name)
    try {
      if ((await stat(path)).isFile()) return path
    } catch (error) {
      if (!isMissing(error)) throw systemError('reading', path, error)
    }
  }
  return undefined
}

/** A whole file, up to `limitBytes`. */
export async function readBounded(path: string, limitBytes: number, what: string): Promise<Uint8Array> {
  let bytes: number
  try {
    bytes = (await stat(path)).size
    if (bytes <= limitBytes) return await readFile(path)
  } catch (error) {
    throw systemError(`reading ${what}`, path, error)
  }
  throw new HandfulError({
    what,
    where: printable(path),
    got: `${bytes} bytes`,
    expected: `at most ${limitBytes}`,
  })
}
