/**
 * Files that are packed as a whole: gzip by Node, bzip2, xz and Zstandard in a thread of their own (unpack-thread.ts), a part at
 * a time, so that however large a file is, little of it is in memory.
 */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { createGunzip } from 'node:zlib'
import { builtProgram } from './built-program.js'

/** How a file is packed. */
export type Packing = 'gzip' | 'bzip2' | 'xz' | 'zstd'

/* eslint-disable no-control-regex -- files begin with any bytes */
const BEGINNINGS: Readonly<Record<Packing, RegExp>> = {
  gzip: /^\x1f\x8b/,
  bzip2: /^BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)/,
  xz: /^\xfd7zXZ\0/,
  // A frame, or one that is to be skipped, which packers that work in parts write first.
  zstd: /^(\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)/,
}
/* eslint-enable no-control-regex */

/** @param start the first bytes of a file, 10 at least where it has so many */
export const isPacked = (packing: Packing, start: Buffer): boolean =>
  BEGINNINGS[packing].test(start.toString('latin1', 0, 16))

/** `cut`: the file ends too early. `unread`: it may be whole, but was packed in a way that is not read. */
export type PackingFaultKind = 'cut' | 'damaged' | 'unread'

/** What is wrong with a packed file. */
export class PackingFault extends Error {
  /** @param kind what is wrong @param cause the unpacker's own error, or its words */
  constructor(
    readonly kind: PackingFaultKind,
    cause: unknown,
  ) {
    super(`a packed file that is ${kind}`, { cause })
  }
}

/** What the unpacking thread is started with. */
export interface UnpackTask {
  readonly path: string
  readonly packing: Exclude<Packing, 'gzip'>
}

/** What it answers when it is asked for the next part. */
export type UnpackReply =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'fault'; readonly fault: PackingFaultKind; readonly message: string }
  | { readonly kind: 'system'; readonly code: string; readonly message: string }

/**
 * The content of a packed file as a stream, which is to be destroyed where it is not read to its end.
 * @throws (by the stream's event) PackingFault, or an error of the system or of zlib
 */
export function unpackedStream(path: string, packing: Packing): Readable {
  if (packing !== 'gzip') return Readable.from(partsOf({ path, packing }), { objectMode: false })
  const file = createReadStream(path)
  const unpacked = createGunzip()
  file.on('error', (error) => unpacked.destroy(error))
  unpacked.on('close', () => file.destroy())
  return file.pipe(unpacked)
}

async function* partsOf(task: UnpackTask): AsyncGenerator<Uint8Array> {
  const file = builtProgram(import.meta.url, 'files', 'unpack-thread.js', 'packed archives')
  const worker = new Worker(pathToFileURL(file), { workerData: task, execArgv: [] })
  try {
    for (let next = ask(worker); ;) {
      const reply = await next
      if (reply.kind === 'end') return
      if (reply.kind === 'fault') throw new PackingFault(reply.fault, reply.message)
      if (reply.kind === 'system') throw Object.assign(new Error(reply.message), { code: reply.code })
      // The thread unpacks on while this part is used.
      next = ask(worker)
      next.catch(() => undefined)
      yield reply.bytes
    }
  } finally {
    await worker.terminate()
  }
}

function ask(worker: Worker): Promise<UnpackReply> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      worker.off('message', answered).off('error', failed).off('exit', ended)
    }
    const answered = (reply: UnpackReply): void => {
      done()
      resolve(reply)
    }
    const failed = (error: Error): void => {
      done()
      reject(error)
    }
    const ended = (): void => failed(new Error('internal: the thread that unpacks has ended'))
    worker.on('message', answered).on('error', failed).on('exit', ended)
    worker.postMessage('next')
  })
}
