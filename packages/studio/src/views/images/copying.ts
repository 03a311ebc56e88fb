/** Copies dropped files to the studio, in packs of a few megabytes, unless they lie on this machine where it finds them. */
import type { Asked, Studio } from '../../../../handful/src/studio/protocol.js'
import { OutOfReach } from '../../studio/failures.js'
import { findFolders } from './dropped.js'
import type { Dropped, DroppedFile } from './dropped-files.js'

const PACK_BYTES = 4 * 2 ** 20
/** Pieces of a file that is larger than a pack. */
const PIECE_BYTES = 2 ** 20
/** Files whose sizes are compared, and those whose bytes are; spread over all. */
const [SIZES, HASHES] = [200, 6]
const MOST_HASHED_BYTES = 32 * 2 ** 20
const [TRIES, WAIT_MS] = [5, 500]

/** The path of a folder of this name near `from` that holds the same files. */
export async function sameFolder(
  studio: Studio,
  { name, files }: Dropped,
  from: string | undefined,
): Promise<string | undefined> {
  const facts = await factsOf(files)
  for (const path of await findFolders(studio, name, from)) {
    const { same } = await studio.ask('holds', { path, files: facts })
    if (same) return path
  }
  return undefined
}

/** By what a folder is known: sizes of many files, and what some of them hold. */
async function factsOf(files: readonly DroppedFile[]): Promise<Asked<'holds'>['files']> {
  const compared = spread(files, SIZES).map(({ path, file }) => ({ path, bytes: file.size }))
  const hashed = await Promise.all(
    spread(files, HASHES)
      .filter(({ file }) => file.size <= MOST_HASHED_BYTES)
      .map(async ({ path, file }) => ({ path, bytes: file.size, sha256: await sha256(file) })),
  )
  return [...compared, ...hashed]
}

export interface Copying {
  readonly signal: AbortSignal
  /** Files that are there, of how many. */
  readonly tell: (done: number, total: number) => void
}

/** @returns the path that is to be opened */
export async function copy(
  studio: Studio,
  { name, files }: Dropped,
  { signal, tell }: Copying,
): Promise<string> {
  const begun = await studio.ask('startUpload', { name, files: await factsOf(files), count: files.length })
  if ('path' in begun) return begun.path
  const { id } = begun
  try {
    let done = 0
    for (const pack of packs(files)) {
      signal.throwIfAborted()
      await sent(() => studio.upload(id, pack.blob))
      done += pack.ended
      tell(done, files.length)
    }
    signal.throwIfAborted()
    return (await studio.ask('finishUpload', { id })).path
  } catch (failure) {
    await studio.ask('cancelUpload', { id }).catch(() => undefined)
    throw failure
  }
}

/** The same pack twice changes nothing: where no answer came, it is sent again. */
async function sent(send: () => Promise<void>): Promise<void> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await send()
    } catch (failure) {
      if (!(failure instanceof OutOfReach) || left === 0) throw failure
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
  }
}

/** Nothing is read here: a browser reads what a pack is made of while it sends it. */
export function* packs(files: readonly DroppedFile[]): Generator<{ blob: Blob; ended: number }> {
  let [parts, size, ended]: [BlobPart[], number, number] = [[], 0, 0]
  for (const { path, file } of files) {
    for (let offset = 0; offset === 0 || offset < file.size; offset += PIECE_BYTES) {
      const piece = file.slice(offset, offset + PIECE_BYTES)
      const head = header({ path, offset, bytes: piece.size })
      parts.push(head, piece)
      size += head.byteLength + piece.size
      if (offset + PIECE_BYTES >= file.size) ended++
      if (size < PACK_BYTES) continue
      yield { blob: new Blob(parts), ended }
      ;[parts, size, ended] = [[], 0, 0]
    }
  }
  if (parts.length > 0) yield { blob: new Blob(parts), ended }
}

function header(value: { path: string; offset: number; bytes: number }): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(value))
  const whole = new Uint8Array(4 + text.length)
  new DataView(whole.buffer).setUint32(0, text.length, true)
  whole.set(text, 4)
  return whole.buffer
}

const spread = <T>(all: readonly T[], count: number): readonly T[] =>
  all.length <= count
    ? all
    : Array.from({ length: count }, (_, k) => all[Math.floor((k * all.length) / count)])

async function sha256(file: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer())
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
