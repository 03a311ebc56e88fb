/**
 * Fetches one file from the first of several mirrors that delivers it whole: size bounded, SHA-256 checked before it gets
 * its name, given up when a mirror is silent for too long. What has come of an interrupted download is kept beside the
 * target as `.<name>.part`, and the next one goes on from there where the server lets it.
 */

import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { HandfulError, printable, systemError } from '../errors.js'
import { flush, makeFolders } from './atomic.js'

export interface DownloadRequest {
  /** What it is, for messages: `MNIST`. */
  readonly what: string
  readonly fileName: string
  /** Folders of the mirrors as URLs that end with `/`, tried in this order. */
  readonly mirrors: readonly string[]
  /** Where the file goes; folders above it are made. */
  readonly path: string
  /** Hexadecimal. */
  readonly sha256: string
  readonly limitBytes: number
  /** What a user can do without a network. */
  readonly hint: string
  readonly signal?: AbortSignal
  /** Bytes received so far, and in all where the server says (else 0). */
  readonly onProgress?: (received: number, total: number) => void
  /** Milliseconds without a byte after which a mirror is given up; 20,000 unless given. */
  readonly silenceMs?: number
  readonly fetch?: typeof globalThis.fetch
}

/**
 * @returns the mirror that delivered
 * @throws HandfulError that names every mirror with its failure, and says what to do instead; or if the file cannot be
 *   written
 */
export async function download(request: DownloadRequest): Promise<string> {
  const failures: string[] = []
  for (const mirror of request.mirrors) {
    try {
      await fetchChecked(mirror + request.fileName, request)
      return mirror
    } catch (error) {
      request.signal?.throwIfAborted()
      if (error instanceof HandfulError) throw error
      failures.push(`${new URL(mirror).host}: ${failureOf(error)}`)
    }
  }
  throw new HandfulError({
    what: `${request.what} download`,
    where: request.fileName,
    got: failures.join(', '),
    expected: `the file from one of ${request.mirrors.length} mirrors`,
    hint: request.hint,
  })
}

class WrongFile extends Error {}

async function fetchChecked(url: string, request: DownloadRequest): Promise<void> {
  const { path, sha256 } = request
  const part = join(dirname(path), `.${basename(path)}.part`)
  const kept = await keptPart(part)
  try {
    const received = await receive(url, part, kept, request)
    if (received.sha256 !== sha256) {
      throw new WrongFile(`another file (${received.bytes} bytes, wrong checksum)`)
    }
  } catch (error) {
    if (!(error instanceof WrongFile)) throw error
    await rm(part, { force: true })
    await rmdir(dirname(part)).catch(() => undefined)
    // What was kept may have been the wrong part, such as one of another mirror.
    if (kept.bytes > 0) return fetchChecked(url, request)
    throw error
  }
  await writing(path, () => rename(part, path))
}

interface Kept {
  readonly bytes: number
  readonly hash: Hash
}

/** What an earlier download has left, with the hash of it. */
async function keptPart(part: string): Promise<Kept> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of createReadStream(part) as AsyncIterable<Uint8Array>) {
      hash.update(chunk)
      bytes += chunk.length
    }
  } catch {
    return { bytes: 0, hash: createHash('sha256') }
  }
  return { bytes, hash }
}

async function receive(
  url: string,
  part: string,
  kept: Kept,
  { limitBytes, signal, onProgress, silenceMs = 20_000, fetch = globalThis.fetch }: DownloadRequest,
): Promise<{ bytes: number; sha256: string }> {
  const silence = new AbortController()
  const giveUp = (): void => silence.abort(new Error(`no answer for ${silenceMs / 1000} s`))
  let timer = setTimeout(giveUp, silenceMs)
  try {
    const signals = signal === undefined ? [silence.signal] : [silence.signal, signal]
    const response = await fetch(url, {
      signal: AbortSignal.any(signals),
      headers: kept.bytes > 0 ? { range: `bytes=${kept.bytes}-` } : {},
    })
    if (response.status === 416) throw new WrongFile('nothing left to send')
    if (!response.ok) throw new Error(`status ${response.status}`)
    if (response.body === null) throw new Error('an empty answer')
    const range = response.headers.get('content-range') ?? ''
    const goesOn = response.status === 206 && range.startsWith(`bytes ${kept.bytes}-`)
    if (response.status === 206 && !goesOn) throw new WrongFile('another part of the file')
    const hash = goesOn ? kept.hash : createHash('sha256')
    let bytes = goesOn ? kept.bytes : 0
    const length = Number(response.headers.get('content-length') ?? 0)
    const total = length > 0 ? bytes + length : 0
    const file = await writing(part, async () => {
      await makeFolders(dirname(part))
      return open(part, goesOn ? 'a' : 'w')
    })
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        clearTimeout(timer)
        timer = setTimeout(giveUp, silenceMs)
        bytes += chunk.length
        if (bytes > limitBytes) throw new WrongFile(`more than ${limitBytes} bytes`)
        hash.update(chunk)
        await writing(part, () => file.writeFile(chunk))
        onProgress?.(bytes, total)
      }
      await writing(part, () => flush(file))
    } finally {
      await file.close()
    }
    return { bytes, sha256: hash.digest('hex') }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

/** A full disk is no mirror's failure: it ends the search. */
async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    throw systemError('writing', path, error)
  }
}

/** The innermost reason: `fetch failed` alone says nothing. */
function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error))
  if (error.cause instanceof Error) return failureOf(error.cause)
  if ('code' in error && typeof error.code === 'string') return error.code
  return printable(error.message)
}
