/** The files of the page itself, as they were built: known by name from the start, so that no path leads anywhere else. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { HandfulError, systemCode } from '../errors.js'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

/** Where the build puts it, beside the compiled program. */
export const builtPage = (): string => path.join(import.meta.dirname, '..', 'page')

export interface PageFile {
  readonly type: string
  readonly etag: string
  /** Names with a hash of the content are kept by the browser for ever. */
  readonly cache: string
  readonly body: Uint8Array
}

export class PageFiles {
  readonly #folder: string
  /** Address to the file's path. */
  readonly #files: ReadonlyMap<string, string>

  private constructor(folder: string, files: ReadonlyMap<string, string>) {
    this.#folder = folder
    this.#files = files
  }

  /** @throws HandfulError where the page was not built */
  static async open(folder: string): Promise<PageFiles> {
    const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if (systemCode(error) === undefined) throw error
      return []
    })
    const files = names.flatMap((entry): [string, string][] => {
      if (!entry.isFile() || TYPES[path.extname(entry.name)] === undefined) return []
      const file = path.relative(folder, path.join(entry.parentPath, entry.name))
      return [[`/${file.split(path.sep).join('/')}`, file]]
    })
    const pages = new PageFiles(folder, new Map(files))
    if (pages.#files.has('/index.html')) return pages
    throw new HandfulError({
      what: "the studio's page",
      where: folder,
      got: 'no index.html',
      expected: 'the page as it is built',
      hint: 'run "npm run build" in the checkout',
    })
  }

  /** @param address `/` or `/assets/index-4f2a.js`; undefined for what is no file of the page */
  async read(address: string): Promise<PageFile | undefined> {
    const file = this.#files.get(address === '/' ? '/index.html' : address)
    if (file === undefined) return undefined
    const body = await readFile(path.join(this.#folder, file))
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    const hashed = /-[\w-]{8,}\.\w+$/.test(file)
    const cache = hashed ? 'private, max-age=31536000, immutable' : 'no-store'
    return { type: TYPES[path.extname(file)], etag, cache, body }
  }
}
