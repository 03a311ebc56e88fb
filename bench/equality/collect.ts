/** All that a run has left in its working directory, file by file, as entries of a recording. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { contentsOf } from './contents.js'
import { IMAGE_SETS } from './images.js'
import { digest, type Normaliser, normaliseText } from './normalise.js'
import type { Category, Entries } from './recording.js'

export interface Collecting {
  readonly normaliser: Normaliser
  /** Only these files, where a run says so. */
  readonly only?: RegExp
  /** Digests of files as they were at first: what is still the same is named and not read. */
  readonly before?: ReadonlyMap<string, string>
}

export async function collect(folder: string, entries: Entries, options: Collecting): Promise<void> {
  const { normaliser, only, before } = options
  const names = await namesFor(await filesIn(folder), folder)
  for (const [file, name] of [...names].sort(byName)) {
    if (file.endsWith('/')) {
      if (only === undefined) entries.files[name] = 'folder'
      continue
    }
    if (only !== undefined && !only.test(file)) continue
    const full = path.join(folder, file)
    const same = before !== undefined && before.get(file) === digest(await readFile(full))
    entries.files[name] = same ? 'unchanged' : 'file'
    if (name !== file) entries.keys[`name of ${name}`] = file
    if (same) continue
    const found = await contentsOf(full, normaliser)
    for (const [category, value] of Object.entries(found)) entries[category as Category][name] = value
  }
}

/** By the name that is recorded: hashes are not to decide the order. */
const byName = ([, one]: readonly [string, string], [, other]: readonly [string, string]): number =>
  one < other ? -1 : one > other ? 1 : 0

/** Digests of all files, to tell later what was written. */
export async function digestsOf(folder: string): Promise<Map<string, string>> {
  const digests = new Map<string, string>()
  for (const file of await filesIn(folder))
    if (!file.endsWith('/')) digests.set(file, digest(await readFile(path.join(folder, file))))
  return digests
}

/** Paths in a folder but for the images, sorted; folders end in a slash. */
async function filesIn(folder: string, below = ''): Promise<string[]> {
  const found: string[] = []
  const inside = await readdir(path.join(folder, below), { withFileTypes: true })
  for (const entry of inside) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`
    if (below === '' && IMAGE_SETS.some((set) => set === name)) continue
    if (entry.isDirectory()) found.push(`${name}/`, ...(await filesIn(folder, name)))
    else found.push(name)
  }
  return found.sort()
}

/** Names without the hashes that a study gives its files; a stage has its own name in their place. */
async function namesFor(files: readonly string[], folder: string): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  const taken = new Map<string, number>()
  for (const file of files) {
    const stage = /(^|\/)stages\/[\w+]+-[0-9a-f]{16}\.json$/.test(file)
    const title = stage ? await stageName(path.join(folder, file)) : undefined
    const short = nameOnly(file)
    const wanted = title === undefined ? short : short.replace('<hash>', title)
    const count = (taken.get(wanted) ?? 0) + 1
    taken.set(wanted, count)
    names.set(file, count === 1 ? wanted : `${wanted} (${count})`)
  }
  return names
}

const nameOnly = (file: string): string => normaliseText(file, { places: [], realClock: false })

async function stageName(file: string): Promise<string | undefined> {
  const { name } = JSON.parse(await readFile(file, 'utf8')) as { name?: unknown }
  return typeof name === 'string' ? name : undefined
}
