/**
 * Where the studio keeps what belongs to a folder of images rather than to one run: beside its runs,
 *
 *     runs/<images>-studio/
 *       .handful-run       the sign by which it is never read as images
 *       studio.json        which images
 *       labels.jsonl       the labels, unless a run had its own before (labels/journal.ts)
 *       training/          what each training was asked for, and what it has said
 *
 * Runs that are trained here point to these labels (`labels.at`), so that all of a folder's runs share them.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { HandfulError, systemCode } from '../errors.js'
import { writeFileAtomic } from '../files/atomic.js'
import { MARKER_TEXT, RUN_MARKER } from '../files/run-marker.js'

const HOME_FILE = 'studio.json'
const homeSchema = z.object({ version: z.literal(1), images: z.string() })

/** The home of these images below a folder of runs, if there is one. */
export async function findHome(runs: string, images: string): Promise<string | undefined> {
  for (const name of await folderNames(runs)) {
    const home = path.join(runs, name)
    if ((await imagesOfHome(home)) === images) return home
  }
  return undefined
}

/** The same, made where there is none. @throws HandfulError where nothing can be written */
export async function makeHome(runs: string, images: string): Promise<string> {
  const found = await findHome(runs, images)
  if (found !== undefined) return found
  const home = path.join(runs, await freeName(runs, `${plainName(path.basename(images))}-studio`))
  await writeFileAtomic(path.join(home, RUN_MARKER), MARKER_TEXT)
  const record: z.infer<typeof homeSchema> = { version: 1, images }
  await writeFileAtomic(path.join(home, HOME_FILE), `${JSON.stringify(record, null, 2)}\n`)
  return home
}

/** Full path; undefined for what is no such folder. @throws HandfulError for a file that is damaged */
export async function imagesOfHome(home: string): Promise<string | undefined> {
  const file = path.join(home, HOME_FILE)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === undefined) throw error
    return undefined
  })
  if (text === undefined) return undefined
  try {
    const { images } = homeSchema.parse(JSON.parse(text))
    return await realpath(images).catch(() => images)
  } catch (cause) {
    const expected = 'the JSON that was written there'
    throw new HandfulError({ what: 'studio folder', where: file, got: 'something else', expected, cause })
  }
}

/** Names of the folders in a folder, sorted; none where there is no such folder. */
export async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === undefined) throw error
    return []
  })
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
}

/** A name of a folder that no command line or file system trips over. */
export const plainName = (name: string): string =>
  name
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 80) || 'images'

/** The name, with a number if it is taken. */
export async function freeName(
  folder: string,
  name: string,
  taken: (name: string) => boolean = () => false,
): Promise<string> {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`
    const there = await stat(path.join(folder, candidate)).catch(() => undefined)
    if (there === undefined && !taken(candidate)) return candidate
  }
}
