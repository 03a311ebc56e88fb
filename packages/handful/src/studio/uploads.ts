/**
 * Folders that were dropped on the page and lie nowhere that the server knows: copied in packs of a few megabytes into a
 * folder beside the runs, `runs/<name>-images`, which is there whole or not at all. A pack is pieces of files, each
 *
 *     length of the header, 4 bytes, little-endian | header, JSON { path, offset, bytes } | that many bytes
 */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { HandfulError, printable, quoted, systemError } from '../errors.js'
import { makeFolders } from '../files/atomic.js'
import { jsonOrNothing } from '../files/json.js'
import { isImageName } from '../names.js'
import type { Answers, Asked } from './protocol.js'
import { freeName, plainName } from './studio-home.js'

/** Of a pack; the page keeps to less. */
export const LIMIT_PACK_BYTES = 16 * 2 ** 20
const HEADER_BYTES = 4
const MOST_HEADER_BYTES = 8192
/** Hidden, so that nothing unfinished is taken for images. */
const UNFINISHED = '.upload-'

const headerSchema = z.strictObject({
  path: z.string().min(1).max(4096),
  offset: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
})

interface Upload {
  readonly name: string
  readonly folder: string
}

export class Uploads {
  readonly #runs: string
  readonly #uploads = new Map<string, Upload>()

  /** @param runs the folder that copies go into */
  constructor(runs: string) {
    this.#runs = path.resolve(runs)
  }

  /** @returns what is to be opened of an earlier copy where it holds these files and no others */
  async start({ name, files, count }: Asked<'startUpload'>): Promise<Answers['startUpload']> {
    for (const before of await this.#copies(name)) {
      const same = (await holds({ path: before, files })).same && (await filesIn(before)) === count
      if (same) return { path: await placeIn(before) }
    }
    const id = randomBytes(16).toString('hex')
    const folder = path.join(this.#runs, `${UNFINISHED}${id}`)
    await makeFolders(folder)
    this.#uploads.set(id, { name, folder })
    return { id }
  }

  /** Writes the pieces of a pack; the same again changes nothing. @throws HandfulError for what is no pack of a folder */
  async take(id: string, pack: Buffer): Promise<void> {
    const { folder } = this.#upload(id)
    for (const { header, data } of piecesOf(pack)) {
      const file = insideOf(folder, header.path)
      await makeFolders(path.dirname(file))
      const handle = await open(file, constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW).catch(
        (error: unknown) => {
          throw systemError('copying', printable(header.path), error)
        },
      )
      try {
        await handle.write(data, 0, data.length, header.offset)
      } catch (error) {
        throw systemError('copying', printable(header.path), error)
      } finally {
        await handle.close()
      }
    }
  }

  /** @returns what is to be opened */
  async finish(id: string): Promise<{ path: string }> {
    const { folder, name } = this.#upload(id)
    this.#uploads.delete(id)
    const place = path.join(this.#runs, await freeName(this.#runs, copyName(name)))
    await rename(folder, place)
    return { path: await placeIn(place) }
  }

  async cancel(id: string): Promise<void> {
    const { folder } = this.#upload(id)
    this.#uploads.delete(id)
    await rm(folder, { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#uploads.keys()].map((id) => this.cancel(id)))
  }

  /** Earlier copies of what had this name: the first, and those that another of the name had to stand beside. */
  async #copies(name: string): Promise<string[]> {
    const own = copyName(name)
    const names = await readdir(this.#runs).catch(() => [])
    const found = names.filter((each) => each.startsWith(own) && /^(-\d+)?$/.test(each.slice(own.length)))
    return found.map((each) => path.join(this.#runs, each))
  }

  #upload(id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload !== undefined) return upload
    const got = 'one that was not begun, or has ended'
    throw new HandfulError({ what: 'copy', got, expected: 'one that goes on', hint: 'drop the folder again' })
  }
}

/** What of a copy is to be opened: the folder, or the one file in it that is no image, such as an archive. */
async function placeIn(copy: string): Promise<string> {
  const [first, ...others] = await readdir(copy, { withFileTypes: true })
  const single = others.length === 0 && first?.isFile() && !isImageName(first.name)
  return single ? path.join(copy, first.name) : copy
}

async function filesIn(folder: string): Promise<number> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return all.filter((entry) => entry.isFile()).length
}

const copyName = (name: string): string => `${plainName(name)}-images`

/** Whether a folder of this machine holds these files with the same sizes, and the same bytes where a hash is given. */
export async function holds({ path: folder, files }: Asked<'holds'>): Promise<{ same: boolean }> {
  for (const { path: inner, bytes, sha256 } of files) {
    const file = insideOf(folder, inner)
    const found = await stat(file).catch(() => undefined)
    if (found?.isFile() !== true || found.size !== bytes) return { same: false }
    if (sha256 === undefined) continue
    const content = await readFile(file).catch(() => Buffer.alloc(0))
    if (createHash('sha256').update(content).digest('hex') !== sha256) return { same: false }
  }
  return { same: files.length > 0 }
}

/** @throws HandfulError for a path that leads out of the folder or to what is hidden */
function insideOf(folder: string, inner: string): string {
  const parts = inner.split('/')
  const isPlain = (part: string): boolean =>
    !part.startsWith('.') && !/[\\\0]/.test(part) && part.trim() !== ''
  if (parts.every(isPlain)) return path.join(folder, ...parts)
  const expected = 'a path below the folder, without hidden names'
  throw new HandfulError({ what: 'file', got: quoted(inner), expected })
}

function* piecesOf(pack: Buffer): Generator<{ header: z.output<typeof headerSchema>; data: Buffer }> {
  let at = 0
  while (at < pack.length) {
    const start = at + HEADER_BYTES
    const length = start <= pack.length ? pack.readUInt32LE(at) : Infinity
    if (length > MOST_HEADER_BYTES || start + length > pack.length) throw noPack()
    const header = headerSchema.safeParse(jsonOrNothing(pack.toString('utf8', start, start + length)))
    if (!header.success) throw noPack()
    at = start + length
    const end = at + header.data.bytes
    if (end > pack.length) throw noPack()
    yield { header: header.data, data: pack.subarray(at, end) }
    at = end
  }
}

const noPack = (): HandfulError =>
  new HandfulError({
    what: 'copy',
    got: 'bytes of another form',
    expected: 'pieces of files with their headers',
  })
