/**
 * Which images a run was made from, so that they are found again from wherever one stands, and no other folder of the same
 * name is taken for them:
 *
 *     images.json     the folder as it was given, its full path, its place beside the run, and what its files are
 *
 * Files are compared by their number, their names and the content of a few.
 */

import { createHash } from 'node:crypto'
import { open, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import type { ImageCollection } from '../data/collection.js'
import { openImagePaths } from '../data/open-collection.js'
import type { FoundSoFar } from '../data/walk.js'
import { HandfulError, printable, systemCode } from '../errors.js'
import { damageInWords } from '../files/damage.js'
import type { RunFolder } from './run-folder.js'

export const IMAGES_FILE = 'images.json'

/** Files whose content is compared. */
const SAMPLES = 24
/** Of an archive or a table, so much of its beginning and of its end. */
const PART_BYTES = 2 ** 20

/** What people and this program write beside images, by its ending: a table more or less changes no image. */
const NO_IMAGE = /\.(csv|tsv|jsonl?|ya?ml|txt|md|npy|safetensors|svg|html|xlsx?|ods)$/i

const filesSchema = z.strictObject({
  /** How many there are. */
  count: z.int().min(0),
  /** Of all their names. */
  names: z.string(),
  /** Of the content of some. */
  samples: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
})

const recordSchema = z.strictObject({
  version: z.literal(1),
  /** As it was given. */
  folder: z.string(),
  /** Its full path. */
  path: z.string(),
  /** From the run's folder, for those that are moved together. */
  fromRun: z.string(),
  files: filesSchema,
})

export type ImageFiles = z.infer<typeof filesSchema>
export type ImageRecord = z.infer<typeof recordSchema>

/** What the files of a folder, an archive or a table are. @throws HandfulError if it is none of these */
export async function surveyImages(
  place: string,
  signal?: AbortSignal,
  onFound?: (found: FoundSoFar) => void,
): Promise<ImageFiles> {
  if ((await stat(place).catch(() => undefined))?.isFile()) {
    return { count: 1, names: sha256(''), samples: [{ path: '', sha256: await fileDigest(place) }] }
  }
  const { paths, contents } = await openImagePaths(place, signal, { onFound })
  const sorted = paths
    .map((_, index) => index)
    .filter((index) => !NO_IMAGE.test(paths[index]))
    .sort((a, b) => (paths[a] < paths[b] ? -1 : 1))
  const names = sha256(sorted.map((index) => paths[index]).join('\0'))
  const count = sorted.length
  const wanted = Array.from({ length: Math.min(SAMPLES, count) }, (_, i) => {
    return sorted[Math.floor((i * count) / Math.min(SAMPLES, count))]
  })
  return { count, names, samples: await sampled(paths, wanted, contents, signal) }
}

async function sampled(
  paths: readonly string[],
  wanted: readonly number[],
  contents: ImageCollection['contents'],
  signal: AbortSignal | undefined,
): Promise<ImageFiles['samples']> {
  const samples: ImageFiles['samples'] = []
  for await (const { index, load } of contents(wanted, signal)) {
    // A file that cannot be read is one of the same name that cannot be read.
    samples.push({ path: paths[index], sha256: await load().then(sha256, () => '') })
  }
  return samples.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')

async function fileDigest(place: string): Promise<string> {
  const file = await open(place, 'r')
  try {
    const { size } = await file.stat()
    const part = async (start: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PART_BYTES), 0, PART_BYTES, start)
      return buffer.subarray(0, bytesRead)
    }
    const ends = [await part(0), await part(Math.max(0, size - PART_BYTES))]
    return sha256(Buffer.concat([Buffer.from(`${size} `), ...ends]))
  } finally {
    await file.close()
  }
}

/** Keeps beside a run, or a study, which images it is made from. */
export async function recordImages(
  run: Pick<RunFolder, 'folder' | 'writeJson'>,
  folder: string,
  files: ImageFiles,
): Promise<void> {
  const full = path.resolve(folder)
  const real = async (place: string): Promise<string> => realpath(place).catch(() => path.resolve(place))
  const fromRun = path.relative(await real(run.folder), await real(full))
  await run.writeJson(IMAGES_FILE, { version: 1, folder, path: full, fromRun, files } satisfies ImageRecord)
}

/** @throws HandfulError if it is damaged; undefined for a run of an older version */
export async function readImageRecord(run: string): Promise<ImageRecord | undefined> {
  const file = path.join(run, IMAGES_FILE)
  try {
    return recordSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw new HandfulError({
      what: 'record of images',
      where: file,
      got: damageInWords(error),
      expected: 'the JSON that was written there',
      hint: 'restore the file',
    })
  }
}

/**
 * Where the images of a run are now: where they were, or beside the run where both were moved, or where they were given as
 * from here.
 *
 * @param folder as the run was told
 * @param hint how to give the images instead
 * @throws HandfulError naming both places where there are other images, or none
 */
export async function locateImages(run: string, folder: string, hint: string): Promise<string> {
  const record = await readImageRecord(run)
  // What an older version wrote says nothing of its images but this.
  if (record === undefined) return folder
  const candidates = [folder, record.path, path.resolve(run, record.fromRun)]
  const tried = new Set<string>()
  const others: { place: string; found: ImageFiles }[] = []
  for (const place of candidates) {
    const full = path.resolve(place)
    if (tried.has(full)) continue
    tried.add(full)
    const found = await surveyImages(place).catch((error: unknown) => {
      if (error instanceof HandfulError) return undefined
      throw error
    })
    if (found === undefined) continue
    if (sameFiles(record.files, found)) return place
    others.push({ place: full, found })
  }
  const [other] = others
  throw new HandfulError({
    what: 'images of the run',
    where: printable(run),
    got:
      other === undefined
        ? `nothing at ${[...tried].map(printable).join(' or ')}`
        : `${difference(record.files, other.found)} in ${printable(other.place)}`,
    expected: `the ${record.files.count} files of ${printable(record.path)} as they were when the run was made`,
    hint,
  })
}

/** Whether a folder holds the images of a run; as far as is known, of one of an older version. */
export async function holdsImagesOf(run: string, folder: string): Promise<boolean> {
  const record = await readImageRecord(run)
  return record !== undefined && sameFiles(record.files, await surveyImages(folder))
}

const sameFiles = (a: ImageFiles, b: ImageFiles): boolean =>
  a.count === b.count && a.names === b.names && JSON.stringify(a.samples) === JSON.stringify(b.samples)

function difference(known: ImageFiles, found: ImageFiles): string {
  if (known.count !== found.count) return `${found.count} files`
  return known.names === found.names ? 'files of the same names with other content' : 'files of other names'
}
