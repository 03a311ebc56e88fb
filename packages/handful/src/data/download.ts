/**
 * Fetches one file from the first of several mirrors that delivers it whole: size bounded, SHA-256 checked before
 * anything is kept, given up when a mirror is silent for too long.
 */

import { createHash } from 'node:crypto'
import { HandfulError, printable } from '../errors.js'

export interface DownloadRequest {
  /** What it is, for messages: `MNIST`. */
  readonly what: string
  readonly fileName: string
  /** Folders of the mirrors as URLs that end with `/`, tried in this order. */
  readonly mirrors: readonly string[]
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

export interface Download {
  readonly content: Uint8Array
  readonly mirror: string
}

/**
 * @throws HandfulError that names every mirror with its failure, and says what to do instead
 */
export async function download(request: DownloadRequest): Promise<Download> {
  const failures: string[] = []
  for (const mirror of request.mirrors) {
    try {
      return { content: await fetchChecked(mirror + request.fileName, request), mirror }
    } catch (error) {
      request.signal?.throwIfAborted()
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

async function fetchChecked(url: string, request: DownloadRequest): Promise<Uint8Array> {
  const { limitBytes, signal, onProgress, silenceMs = 20_000, fetch = globalThis.fetch } = request
  const silence = new AbortController()
  const giveUp = (): void => silence.abort(new Error(`no answer for ${silenceMs / 1000} s`))
  let timer = setTimeout(giveUp, silenceMs)
  try {
    const signals = signal === undefined ? [silence.signal] : [silence.signal, signal]
    const response = await fetch(url, { signal: AbortSignal.any(signals) })
    if (!response.ok) throw new Error(`status ${response.status}`)
    if (response.body === null) throw new Error('an empty answer')
    const total = Number(response.headers.get('content-length') ?? 0)
    const hash = createHash('sha256')
    const chunks: Uint8Array[] = []
    let received = 0
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      clearTimeout(timer)
      timer = setTimeout(giveUp, silenceMs)
      received += chunk.length
      if (received > limitBytes) throw new Error(`more than ${limitBytes} bytes`)
      hash.update(chunk)
      chunks.push(chunk)
      onProgress?.(received, total)
    }
    if (hash.digest('hex') !== request.sha256)
      throw new Error(`another file (${received} bytes, wrong checksum)`)
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

/** The innermost reason: `fetch failed` alone says nothing. */
function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error))
  if (error.cause instanceof Error) return failureOf(error.cause)
  if ('code' in error && typeof error.code === 'string') return error.code
  return printable(error.message)
}
