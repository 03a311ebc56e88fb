import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseIdx, unpackGzip } from '../../src/data/idx.js'
import { countLabels } from '../../src/data/image-set.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, put, temporaryFolder } from './support.js'

function idx(shape: readonly number[], values: ArrayLike<number>): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt32BE(0x0800 + shape.length)
  shape.forEach((length, axis) => header.writeUInt32BE(length, 4 + 4 * axis))
  return Buffer.concat([header, Uint8Array.from(values)])
}

/** Two training images and one test image of 2 x 3 pixels, under the official names. */
const small = {
  'train-images-idx3-ubyte': idx([2, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]),
  'train-labels-idx1-ubyte': idx([2], [7, 3]),
  't10k-images-idx3-ubyte.gz': gzipSync(idx([1, 2, 3], [5, 5, 5, 5, 5, 5])),
  't10k-labels-idx1-ubyte.gz': gzipSync(idx([1], [3])),
}

const open = (dataDir: string) => openDataset({ dataset: 'mnist', dataDir, seed: 0 }, { environment: {} })

describe('parseIdx', () => {
  it('reads shape and values', () => {
    const { shape, values } = parseIdx(idx([2, 1, 2], [1, 2, 3, 4]), 3, 'a')
    expect(shape).toEqual([2, 1, 2])
    expect([...values]).toEqual([1, 2, 3, 4])
  })

  it.each([
    ['an empty file', Buffer.alloc(0), 'IDX header (a): got 0 bytes, expected at least 16'],
    ['a short header', Buffer.of(0, 0, 8, 3, 0, 0, 0), 'IDX header (a): got 7 bytes'],
    [
      'text',
      Buffer.from('<!DOCTYPE html><html>'),
      'IDX magic number (a): got 0x3c21444f, expected 0x00000803',
    ],
    ['labels for images', idx([16], new Uint8Array(16)), 'got 0x00000801, expected 0x00000803'],
    ['floats', Buffer.concat([Buffer.of(0, 0, 0x0d, 3), Buffer.alloc(12)]), 'got 0x00000d03'],
    ['a header that promises 4 GB', idx([0xffffffff, 1, 1], [1]), 'got 1 bytes, expected 4294967295'],
    ['a product beyond 2^64', idx([0xffffffff, 0xffffffff, 0xffffffff], []), 'IDX values (a): got 0 bytes'],
    ['one byte too few', idx([2, 1, 1], [1]), 'got 1 bytes, expected 2, 2 x 1 x 1 as its header says'],
    ['one byte too many', idx([2, 1, 1], [1, 2, 3]), 'got 3 bytes, expected 2'],
  ])('refuses %s in one line', async (_, bytes, message) => {
    expect((await failure(() => parseIdx(bytes, 3, 'a'))).message).toContain(message)
  })
})

describe('unpackGzip', () => {
  it('passes on what is not gzip', async () => {
    expect([...(await unpackGzip(Uint8Array.of(1, 2), 'a'))]).toEqual([1, 2])
  })

  it('refuses a truncated archive and one that unpacks to more than any data set', async () => {
    const cut = gzipSync(Buffer.from('some words')).subarray(0, 20)
    expect((await failure(() => unpackGzip(cut, 'a.gz'))).message).toContain('gzip file (a.gz): got damaged')
    const bomb = gzipSync(Buffer.alloc(257 * 2 ** 20), { level: 1 })
    expect((await failure(() => unpackGzip(bomb, 'a.gz'))).got).toBe('more than 256 MiB unpacked')
  })
})

describe('openDataset mnist', () => {
  it('reads raw and gzipped files, in the folder or in mnist/', async () => {
    const direct = folderOf(small)
    const nested = folderOf(
      Object.fromEntries(Object.entries(small).map(([name, file]) => [`mnist/${name}`, file])),
    )
    for (const folder of [direct, nested]) {
      const { train, test } = await open(folder)
      expect(train).toMatchObject({
        count: 2,
        height: 2,
        width: 3,
        channels: 1,
        paths: ['train/00000', 'train/00001'],
      })
      expect([...train.pixels.subarray(6)]).toEqual([6, 7, 8, 9, 10, 255])
      expect([...train.labels]).toEqual([7, 3])
      expect(test?.images).toMatchObject({ count: 1, height: 2, width: 3 })
      expect(test?.score([3]).accuracy).toBe(1)
    }
  })

  it('takes HANDFUL_DATA where no folder is named', async () => {
    const environment = { HANDFUL_DATA: folderOf(small) }
    expect((await openDataset({ dataset: 'mnist', seed: 0 }, { environment })).train.count).toBe(2)
  })

  it('says which file is missing and which is wrong', async () => {
    const { 'train-labels-idx1-ubyte': labels, ...rest } = small
    const folder = folderOf(rest)
    expect((await failure(() => open(folder))).message).toMatch(
      /got 3 of 4, expected also train-labels-idx1-ubyte\.gz/,
    )
    put(folder, 'train-labels-idx1-ubyte', labels.subarray(0, 9))
    expect((await failure(() => open(folder))).message).toMatch(/IDX values \(.*train-labels-idx1-ubyte\)/)
    put(folder, 'train-labels-idx1-ubyte', idx([3], [1, 2, 3]))
    expect((await failure(() => open(folder))).message).toContain('got 3 labels for 2 images')
    put(folder, 'train-labels-idx1-ubyte', idx([2], [1, 10]))
    expect((await failure(() => open(folder))).message).toContain('label 1): got 10, expected 0 to 9')
    expect((await failure(() => open(temporaryFolder()))).message).toContain(
      'leave --data-dir out to download',
    )
  })

  it('names every mirror when none answers, and what to do', async () => {
    const cache = temporaryFolder()
    const answers = [
      () =>
        Promise.reject(
          Object.assign(new TypeError('fetch failed'), { cause: new Error('getaddrinfo ENOTFOUND') }),
        ),
      () => Promise.resolve(new Response('no', { status: 503 })),
      () => Promise.resolve(new Response('<html>a captive portal</html>')),
    ]
    const asked: string[] = []
    const fetch = (url: string | URL | Request): Promise<Response> => {
      asked.push(String(url))
      return answers[asked.length - 1]()
    }
    const options = { environment: { HANDFUL_CACHE: cache }, fetch }
    const error = await failure(() => openDataset({ dataset: 'mnist', seed: 0 }, options))
    expect(asked).toHaveLength(3)
    for (const url of asked) expect(error.message).toContain(new URL(url).host)
    expect(error.message).toMatch(/ENOTFOUND.*status 503.*another file \(29 bytes, wrong checksum\)/)
    expect(error.message).toContain('--data-dir <folder> (or set HANDFUL_DATA)')
    expect(readdirSync(cache)).toEqual([])
  })
})

const real = [process.env.HANDFUL_DATA, resolve(import.meta.dirname, '../../../../../shared/data')].find(
  (folder) => folder !== undefined && existsSync(join(folder, 'mnist/train-images-idx3-ubyte.gz')),
)

describe.skipIf(real === undefined)('the real MNIST (skipped where HANDFUL_DATA holds no mnist/)', () => {
  it('has the official images and class counts, and scores its own 10,000', async () => {
    const { train, test } = await open(real ?? '')
    expect(train.count).toBe(60_000)
    expect([...countLabels(train.labels, 10)]).toEqual([
      5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ])
    // MD5 of the official raw training file, without its header of 16 bytes put back.
    const header = Buffer.from('00000803' + '0000ea60' + '0000001c' + '0000001c', 'hex')
    const md5 = createHash('md5').update(header).update(train.pixels.subarray()).digest('hex')
    expect(md5).toBe('6bbc9ace898e44ae57da46a324031adb')
    const ones = test?.score(new Int32Array(10_000).fill(1))
    expect(ones?.correct).toBe(1135)
    expect(test?.images.paths[9999]).toBe('test/09999')
  })

  it('downloads with one request a file, keeps what is right, and asks no more the next time', async () => {
    const cache = temporaryFolder()
    const asked: string[] = []
    const fetch = (url: string | URL | Request): Promise<Response> => {
      asked.push(String(url))
      if (asked.length === 1) return Promise.resolve(new Response('gone', { status: 404 }))
      const name = String(url).split('/').pop() ?? ''
      return Promise.resolve(new Response(readFileSync(join(real ?? '', 'mnist', name))))
    }
    const options = { environment: { HANDFUL_CACHE: cache }, fetch }
    const first = await openDataset({ dataset: 'mnist', seed: 0 }, options)
    expect(first.train.count).toBe(60_000)
    // The first mirror fails once, then the one that answered is asked for the rest.
    expect(asked.map((url) => new URL(url).host).slice(1)).toEqual(new Array(4).fill(new URL(asked[1]).host))
    await openDataset({ dataset: 'mnist', seed: 0 }, options)
    expect(asked).toHaveLength(5)
    expect(readdirSync(join(cache, 'mnist'))).toHaveLength(4)
  })
})
