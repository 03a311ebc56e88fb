/**
 * Checkpoints that survive a crash at any moment. Each is a folder `000001`, `000002`, ... with the arrays
 * (`arrays.safetensors`), the rest (`state.json`) and a manifest of their sizes and SHA-256. Every file is written beside
 * its place, forced to the disk and renamed, the manifest last: a folder with a manifest is whole, one without was cut
 * off. Older checkpoints go only when a newer one is whole.
 */

import { createHash } from 'node:crypto'
import { fsync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Arrays } from '../arrays.js'
import { decodeSafetensors, safetensorsParts } from './safetensors.js'

const ARRAYS = 'arrays.safetensors'
const STATE = 'state.json'
const MANIFEST = 'manifest.json'

const entrySchema = z.strictObject({
  bytes: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
const manifestSchema = z.strictObject({
  format: z.literal(1),
  files: z.strictObject({ [ARRAYS]: entrySchema, [STATE]: entrySchema }),
})
type Manifest = z.infer<typeof manifestSchema>
type ManifestEntry = z.infer<typeof entrySchema>

/** All that a run goes on from. */
export interface Checkpoint {
  readonly arrays: Arrays
  /** Whatever else the run needs to go on: step, random streams, order of the data, a hash of the configuration. */
  readonly json: unknown
}

/** A checkpoint as it was found. */
export interface LoadedCheckpoint extends Checkpoint {
  /** The folder it was read from. */
  readonly path: string
  /** One line for each newer checkpoint that was damaged and passed over. */
  readonly damaged: readonly string[]
}

/** The calls that write, so that a test can let one fail. */
export interface CheckpointDisk {
  /** Writes the parts one after another into a new file and returns when they are on the disk. */
  write(path: string, parts: readonly Uint8Array[]): Promise<void>
  rename(from: string, to: string): Promise<void>
}

export interface SaveOptions {
  /** How many checkpoints stay, this one included; 2 unless said otherwise, so that a damaged one has one before it. */
  readonly keep?: number
  readonly disk?: CheckpointDisk
}

/** Puts what was written on the disk. By its number: handles under Yarn's Plug'n'Play have a `sync` that throws. */
async function flush(file: FileHandle): Promise<void> {
  await promisify(fsync)(file.fd)
}

const realDisk: CheckpointDisk = {
  async write(path, parts) {
    const file = await open(path, 'w')
    try {
      for (const part of parts) await file.writeFile(part)
      await flush(file)
    } finally {
      await file.close()
    }
  },
  rename,
}

/**
 * Saves a checkpoint as the newest in `folder` (made if it is not there; one run at a time writes to it) and removes the
 * oldest beyond `keep`. If anything fails, the disk being full included, those that were there before are untouched.
 *
 * @returns the new checkpoint's folder
 * @throws Error `checkpoint (<path>): got <reason>, expected to save it; ...`
 */
export async function saveCheckpoint(
  folder: string,
  checkpoint: Checkpoint,
  { keep = 2, disk = realDisk }: SaveOptions = {},
): Promise<string> {
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new RangeError(`keep (saveCheckpoint): got ${keep}, expected a whole number of at least 1`)
  }
  const arrays = safetensorsParts(checkpoint.arrays)
  const state = [new TextEncoder().encode(exactJson(checkpoint.json))]
  const manifest: Manifest = { format: 1, files: { [ARRAYS]: describe(arrays), [STATE]: describe(state) } }
  const earlier = await listFolders(folder)
  const path = join(folder, String((earlier.at(-1)?.number ?? 0) + 1).padStart(6, '0'))
  try {
    await mkdir(path, { recursive: true })
    await writeDurably(disk, join(path, ARRAYS), arrays)
    await writeDurably(disk, join(path, STATE), state)
    await syncFolder(path)
    await writeDurably(disk, join(path, MANIFEST), [
      new TextEncoder().encode(JSON.stringify(manifest, null, 2)),
    ])
    await syncFolder(path)
    await syncFolder(folder)
  } catch (error) {
    await rm(path, { recursive: true, force: true }).catch(() => undefined)
    throw new Error(
      `checkpoint (${path}): got ${reason(error)}, expected to save it; earlier checkpoints are kept, make room or choose another folder`,
      { cause: error },
    )
  }
  await removeOld(earlier, keep - 1)
  return path
}

/**
 * Loads the newest checkpoint in `folder` whose files are as they were written; undefined if there is none at all.
 *
 * @throws Error in one line if there are checkpoints and every one is damaged
 */
export async function loadCheckpoint(folder: string): Promise<LoadedCheckpoint | undefined> {
  const whole = (await listFolders(folder)).filter(({ whole }) => whole)
  const damaged: string[] = []
  for (const { path } of whole.reverse()) {
    try {
      return { ...(await readCheckpoint(path)), path, damaged }
    } catch (error) {
      damaged.push(`checkpoint (${path}): ${reason(error)}`)
    }
  }
  if (damaged.length === 0) return undefined
  const others = damaged.length > 1 ? `; ${damaged.length - 1} earlier ones are damaged too` : ''
  throw new Error(`${damaged[0]}${others}; remove ${folder} to start again`)
}

async function readCheckpoint(path: string): Promise<Checkpoint> {
  const parsed = manifestSchema.safeParse(parseJson(await readFile(join(path, MANIFEST), 'utf8')))
  if (!parsed.success)
    throw new Error(`${MANIFEST}: got something else, expected sizes and checksums of two files`)
  const { files } = parsed.data
  const arrays = await readVerified(path, ARRAYS, files[ARRAYS])
  const state = await readVerified(path, STATE, files[STATE])
  return {
    arrays: decodeSafetensors(arrays).arrays,
    json: JSON.parse(new TextDecoder().decode(state)) as unknown,
  }
}

async function readVerified(path: string, name: string, expected: ManifestEntry): Promise<Uint8Array> {
  const content = await readFile(join(path, name))
  const { bytes, sha256 } = describe([content])
  if (bytes !== expected.bytes) throw new Error(`${name}: got ${bytes} bytes, expected ${expected.bytes}`)
  if (sha256 !== expected.sha256) {
    throw new Error(
      `${name}: got SHA-256 ${sha256.slice(0, 12)}..., expected ${expected.sha256.slice(0, 12)}...`,
    )
  }
  return content
}

interface CheckpointFolder {
  readonly number: number
  readonly path: string
  /** Whether it has its manifest. */
  readonly whole: boolean
}

/** Oldest first. */
async function listFolders(folder: string): Promise<CheckpointFolder[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new Error(`checkpoint (${folder}): could not be read: ${reason(error)}`)
  })
  const folders: CheckpointFolder[] = []
  for (const name of names) {
    if (!/^\d{6,15}$/.test(name)) continue
    const path = join(folder, name)
    const files: string[] = await readdir(path).catch(() => [])
    folders.push({ number: Number(name), path, whole: files.includes(MANIFEST) })
  }
  return folders.sort((a, b) => a.number - b.number)
}

/** Leaves the newest `keep` whole ones. What cannot be removed costs room on the disk, and must not stop a run. */
async function removeOld(earlier: readonly CheckpointFolder[], keep: number): Promise<void> {
  const whole = earlier.filter(({ whole }) => whole)
  const kept = new Set(keep === 0 ? [] : whole.slice(-keep))
  for (const old of earlier) {
    if (kept.has(old)) continue
    try {
      // The manifest first: a removal that is cut off leaves an unfinished checkpoint, not a damaged one.
      await rm(join(old.path, MANIFEST), { force: true })
      await rm(old.path, { recursive: true, force: true })
    } catch {
      continue
    }
  }
}

async function writeDurably(disk: CheckpointDisk, path: string, parts: readonly Uint8Array[]): Promise<void> {
  await disk.write(`${path}.tmp`, parts)
  await disk.rename(`${path}.tmp`, path)
}

/** Makes renames in a folder last; Windows has no such call and refuses to open a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await flush(handle)
  } finally {
    await handle.close()
  }
}

function describe(parts: readonly Uint8Array[]): ManifestEntry {
  const hash = createHash('sha256')
  let bytes = 0
  for (const part of parts) {
    hash.update(part)
    bytes += part.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** JSON turns NaN and infinity into null, and a run must not go on from a null where a number was. */
function exactJson(value: unknown): string {
  const text = JSON.stringify(value, (key, item: unknown) => {
    if (typeof item === 'number' && !Number.isFinite(item)) {
      throw new RangeError(`json.${key} (saveCheckpoint): got ${item}, expected a finite number`)
    }
    return item
  })
  if (text === undefined)
    throw new TypeError(`json (saveCheckpoint): got ${typeof value}, expected what JSON can hold`)
  return text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message.split('\n', 1)[0]
}
