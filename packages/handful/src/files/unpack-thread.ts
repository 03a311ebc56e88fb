/**
 * A thread of its own that unpacks one file, and answers each question with the next part of it. bzip2 by bunzip2.ts; xz by
 * xz-embedded as WebAssembly (xz-decompress), which takes one file at a time in a thread; Zstandard by fzstd.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { Readable } from 'node:stream'
import { parentPort, workerData } from 'node:worker_threads'
import { Decompress } from 'fzstd'
import xz from 'xz-decompress'
import { bunzip2 } from './bunzip2.js'
import { PackingFault, type PackingFaultKind, type UnpackReply, type UnpackTask } from './packing.js'

const READ_BYTES = 65_536
/** A block of Zstandard takes 4 bytes at least and unpacks to 128 KiB at most: of so many bytes, to 32 MiB. */
const ZSTD_PIECE_BYTES = 1024
/** What `zstd` itself reads unless told otherwise. */
const LIMIT_WINDOW_BYTES = 2 ** 27

function* fileChunks(path: string): Generator<Uint8Array> {
  const file = openSync(path, 'r')
  try {
    for (;;) {
      const chunk = new Uint8Array(READ_BYTES)
      const bytes = readSync(file, chunk)
      if (bytes === 0) return
      yield chunk.subarray(0, bytes)
    }
  } finally {
    closeSync(file)
  }
}

function* unzstd(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  let parts: Uint8Array[] = []
  const decoder = new Decompress((part) => parts.push(part))
  const taken = (): Uint8Array[] => {
    const own = parts
    parts = []
    return own
  }
  let first = true
  for (const chunk of chunks) {
    if (first) checkWindow(chunk)
    first = false
    for (let at = 0; at < chunk.length; at += ZSTD_PIECE_BYTES) {
      decoder.push(chunk.subarray(at, at + ZSTD_PIECE_BYTES))
      yield* taken()
    }
  }
  decoder.push(new Uint8Array(), true)
  yield* taken()
}

/** How far back the first frame may refer (RFC 8878, section 3.1.1.1), which has to be kept in memory. */
function checkWindow(start: Uint8Array): void {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  if (start.length < 18 || view.getUint32(0, true) !== 0xfd2fb528) return
  const [flags, window] = [start[4], start[5]]
  if ((flags & 0x20) !== 0) return
  const base = 2 ** (10 + (window >> 3))
  if (base + (base / 8) * (window & 7) > LIMIT_WINDOW_BYTES)
    throw new PackingFault('unread', 'a window of more than 128 MiB')
}

async function* partsOf({ path, packing }: UnpackTask): AsyncGenerator<Uint8Array> {
  const chunks = fileChunks(path)
  if (packing === 'bzip2') yield* bunzip2(chunks)
  else if (packing === 'zstd') yield* unzstd(chunks)
  else
    for await (const part of new xz.XzReadableStream(
      Readable.toWeb(Readable.from(chunks)) as ReadableStream<Uint8Array>,
    ))
      yield part
}

/** As fzstd and xz-embedded (linux/xz.h) number them. */
const [ZSTD_WINDOW, ZSTD_END] = [1, 5]
const XZ_CODES: Readonly<Record<string, PackingFaultKind>> = {
  3: 'unread',
  4: 'unread',
  6: 'unread',
  8: 'cut',
}

function faultOf(error: unknown): PackingFaultKind {
  if (error instanceof PackingFault) return error.kind
  if (!(error instanceof Error)) return 'damaged'
  const code: unknown = 'code' in error ? error.code : undefined
  if (code === ZSTD_END || error.message === 'unexpected end of data') return 'cut'
  if (code === ZSTD_WINDOW) return 'unread'
  const [, number] = /error code (\d+)$/.exec(error.message) ?? []
  return number === undefined ? 'damaged' : (XZ_CODES[number] ?? 'damaged')
}

const parts = partsOf(workerData as UnpackTask)

async function answer(): Promise<UnpackReply> {
  try {
    const next = await parts.next()
    return next.done === true ? { kind: 'end' } : { kind: 'bytes', bytes: next.value }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return error instanceof Error && 'code' in error && typeof error.code === 'string'
      ? { kind: 'system', code: error.code, message }
      : { kind: 'fault', fault: faultOf(error), message }
  }
}

parentPort?.on('message', () => {
  void answer().then((reply) => parentPort?.postMessage(reply))
})
