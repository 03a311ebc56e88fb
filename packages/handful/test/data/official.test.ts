import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip, gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterEach, describe, expect, it } from 'vitest'
import { cifar100 } from '../../src/data/cifar.js'
import { listDatasets } from '../../src/jobs/data/run.js'
import { MNIST } from '../../src/data/mnist.js'
import {
  fetchOfficial,
  findOfficial,
  verifyOfficial,
  type FetchRequest,
  type OfficialSet,
} from '../../src/data/official.js'
import { fetchArchive } from '../../src/data/unpack-official.js'
import { failure, folderOf, put, temporaryFolder } from './support.js'

const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function server(answer: RequestListener): Promise<string> {
  const listening = createServer(answer)
  await new Promise<void>((ready) => listening.listen(0, '127.0.0.1', ready))
  closing.push(() => {
    listening.closeAllConnections()
    listening.close()
  })
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

const records = Buffer.from('records of images')
const names = 'cat\ndog\n'

/** The archive of a set of two files, as the official ones are made, and the set. */
async function published(
  entries: Readonly<Record<string, string | Uint8Array>>,
): Promise<{ path: string; set: (mirror: string) => OfficialSet }> {
  const archive = pack()
  for (const [name, content] of Object.entries(entries)) archive.entry({ name }, Buffer.from(content))
  archive.finalize()
  const path = join(temporaryFolder(), 'pets.tar.gz')
  await pipeline(archive, createGzip(), createWriteStream(path))
  const content = readFileSync(path)
  const set = (mirror: string): OfficialSet => {
    const own: OfficialSet = {
      title: 'Pets',
      files: [
        { names: ['records.bin'], bytes: records.length, sha256: sha256(records) },
        { names: ['names.txt'], bytes: 0, sha256: sha256(names), isText: true },
      ],
      places: (root) => [join(root, 'pets-binary'), root],
      downloadBytes: content.length,
      fetch: (request: FetchRequest) =>
        fetchArchive(
          own,
          {
            mirror,
            fileName: 'pets.tar.gz',
            bytes: content.length,
            sha256: sha256(content),
            folder: 'pets-binary',
          },
          request,
        ),
    }
    return own
  }
  return { path, set }
}

const official = {
  'pets-binary/readme.html': '<html>',
  'pets-binary/records.bin': records,
  'pets-binary/names.txt': `${names}\n`,
}

describe('fetching official files', () => {
  it('downloads the archive, unpacks what is known, checks it, and does nothing the next time', async () => {
    const { path, set } = await published(official)
    const asked: string[] = []
    const mirror = await server((incoming, response) => {
      asked.push(incoming.url ?? '')
      response.end(readFileSync(path))
    })
    const folder = join(temporaryFolder(), 'data')
    const progress: number[] = []
    const first = await fetchOfficial(set(mirror), {
      folder,
      onProgress: (received) => progress.push(received),
    })
    expect(first).toMatchObject({ folder: join(folder, 'pets-binary'), fetched: true })
    expect(first.files.map(({ state }) => state)).toEqual(['right', 'right'])
    expect(readdirSync(folder)).toEqual(['pets-binary'])
    expect(readdirSync(join(folder, 'pets-binary')).sort()).toEqual(['names.txt', 'records.bin'])
    expect(progress.at(-1)).toBe(readFileSync(path).length)
    expect((await fetchOfficial(set(mirror), { folder })).fetched).toBe(false)
    put(folder, 'pets-binary/records.bin', 'damaged by something')
    expect((await fetchOfficial(set(mirror), { folder })).fetched).toBe(true)
    expect(readFileSync(join(folder, 'pets-binary/records.bin'))).toEqual(records)
    expect(asked).toEqual(['/pets.tar.gz', '/pets.tar.gz'])
  })

  it('takes an archive that is there, wherever its entries say they belong', async () => {
    const { path, set } = await published({ '../../records.bin': records, '/etc/names.txt': names })
    const folder = temporaryFolder()
    await fetchOfficial(set('http://127.0.0.1:9/'), { folder, from: path })
    expect(readdirSync(folder)).toEqual(['pets-binary'])
    expect(existsSync(path)).toBe(true)
  })

  it('keeps nothing wrong, and says what is', async () => {
    const wrong = { ...official, 'pets-binary/records.bin': 'records of nothing' }
    const { path, set } = await published(wrong)
    const folder = temporaryFolder()
    const unpack = (from: string) =>
      failure(() => fetchOfficial(set('http://127.0.0.1:9/'), { folder, from }))
    expect((await unpack(path)).message).toMatch(
      /^Pets archive \(.*\): got pets-binary\/records\.bin, which has 18 bytes, not 17, expected the official files/,
    )
    const other = await published({ ...official, 'pets-binary/records.bin': 'records of imagez' })
    expect((await unpack(other.path)).message).toMatch(/which has another content \(SHA-256/)
    const half = await published({ 'pets-binary/records.bin': records })
    expect((await unpack(half.path)).message).toContain('got no names.txt in it')
    writeFileSync(path, readFileSync(path).subarray(0, 60))
    expect((await unpack(path)).message).toMatch(/^archive \(.*\): got a file that is cut short/)
    expect(existsSync(join(folder, 'pets-binary/names.txt'))).toBe(false)
    const nothing = temporaryFolder()
    const unreachable = await failure(() => fetchOfficial(set('http://127.0.0.1:9/'), { folder: nothing }))
    expect(unreachable.message).toMatch(
      /^Pets download \(pets\.tar\.gz\): got 127\.0\.0\.1:9: .*in another way and pass it with --from$/,
    )
    expect(readdirSync(nothing)).toEqual([])
  })
})

describe('verifying official files', () => {
  it('names what is missing or wrong, file by file; a text may end as it likes', async () => {
    const { set } = await published(official)
    const folder = folderOf({ 'names.txt': 'cat\r\ndog' })
    const check = await verifyOfficial(set(''), [temporaryFolder(), folder])
    expect(check).toEqual({
      folder,
      files: [
        { name: 'records.bin', state: 'missing', reason: 'is missing' },
        { name: 'names.txt', path: join(folder, 'names.txt'), state: 'right' },
      ],
    })
    put(folder, 'records.bin', gzipSync(records))
    put(folder, 'names.txt', 'cat\nbird\n')
    const states = (await verifyOfficial(set(''), [folder])).files.map(({ state, reason }) => [state, reason])
    expect(states).toEqual([
      ['right', undefined],
      ['wrong', expect.stringMatching(/^has another content/)],
    ])
    expect((await failure(() => verifyOfficial(set(''), [temporaryFolder()]))).message).toMatch(
      /^Pets files \(.*\): got none, expected records\.bin, names\.txt; fetch them/,
    )
  })

  it('knows the files of MNIST in either form and under either name, and both label levels of CIFAR-100', async () => {
    const folder = folderOf({ 'mnist/train-images.idx3-ubyte': 'x', 'mnist/t10k-labels-idx1-ubyte.gz': 'y' })
    const check = await verifyOfficial(MNIST, [folder])
    expect(check.files.map(({ state }) => state)).toEqual(['wrong', 'missing', 'missing', 'wrong'])
    expect(check.files[0].reason).toBe('has 1 bytes, not 47040016: it is cut short or another file')
    expect(cifar100.official?.files.map(({ names: [name] }) => name)).toEqual([
      'fine_label_names.txt',
      'coarse_label_names.txt',
      'train.bin',
      'test.bin',
    ])
  })

  it('lists the sets with the place that has most of their files', async () => {
    const sharedDir = folderOf({ 'mnist/train-images-idx3-ubyte': 'x' })
    const listings = await listDatasets({ sharedDir, cacheDir: temporaryFolder() })
    expect(listings.map(({ name, presence }) => `${name} ${presence}`)).toEqual([
      'strokes generated',
      'mnist incomplete',
      'cifar10 absent',
      'cifar100 absent',
    ])
    expect(listings[1]).toMatchObject({ folder: join(sharedDir, 'mnist'), bytesOnDisk: 1 })
    expect(await findOfficial(MNIST, [temporaryFolder()])).toBeUndefined()
  })
})

describe('fetching MNIST', () => {
  it('takes files from a folder, and refuses those that are not the official ones', async () => {
    const from = folderOf({ 'train-images-idx3-ubyte.gz': 'x' })
    const folder = temporaryFolder()
    const error = await failure(() => fetchOfficial(MNIST, { folder, from }))
    expect(error.message).toMatch(/^MNIST file \(.*\): got train-images-idx3-ubyte\.gz, which has 1 bytes/)
    expect(readdirSync(folder)).toEqual([])
  })

  it('asks the mirror that was named first', async () => {
    const asked: string[] = []
    const mirror = await server((incoming, response) => {
      asked.push(incoming.url ?? '')
      response.writeHead(404).end()
    })
    const fetch: typeof globalThis.fetch = (input, init) =>
      String(input).startsWith(mirror)
        ? globalThis.fetch(input, init)
        : Promise.reject(new Error('no network'))
    const request = { folder: temporaryFolder(), mirror, fetch }
    expect((await failure(() => fetchOfficial(MNIST, request))).message).toMatch(
      /got 127\.0\.0\.1:\d+: status 404, oss/,
    )
    expect(asked).toEqual(['/train-images-idx3-ubyte.gz'])
  })
})
