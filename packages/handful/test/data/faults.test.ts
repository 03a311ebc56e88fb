/** Faults that every viewer passes over are passed over and counted; what is cut is refused. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { chunkBytes } from '../../src/data/animated-png.js'
import { openFolder } from '../../src/data/folder.js'
import { folderOf, noise } from './support.js'
import { greyTiff } from './tiff-writer.js'

const options = { size: 16, fit: 'cover', labels: 'optional', seed: 0 } as const

async function read(content: Uint8Array) {
  const { train, notes } = await openFolder({ ...options, folder: folderOf({ 'a.jpg': content }) })
  return { pixels: [...train.pixels.subarray()], notes: notes.join() }
}

const jpeg = (side: number, progressive = false) => noise(side).jpeg({ progressive }).toBuffer()

/** Where a marker segment begins. */
function find(content: Buffer, marker: number): number {
  let at = 2
  while (content[at + 1] !== marker) at += 2 + content.readUInt16BE(at + 2)
  return at
}

function insert(content: Buffer, at: number, bytes: readonly number[]): Buffer {
  return Buffer.concat([content.subarray(0, at), Buffer.from(bytes), content.subarray(at)])
}

const JFIF_9 = [0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 9, 2, 0, 0, 1, 0, 1, 0, 0]
const ADOBE_7 = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 7]

describe('a JPEG file', () => {
  it.each([
    [
      'a wrong spectral selection',
      (whole: Buffer) => {
        const changed = Buffer.from(whole)
        const scan = find(changed, 0xda)
        changed[scan + changed.readUInt16BE(scan + 2)] = 0
        return changed
      },
    ],
    ['an unknown JFIF version', (whole: Buffer) => insert(whole, 2, JFIF_9)],
    ['an unknown Adobe transform', (whole: Buffer) => insert(whole, 2, ADOBE_7)],
    ['padding before a marker', (whole: Buffer) => insert(whole, find(whole, 0xc0), [0, 0, 0])],
    ['padding before a marker', (whole: Buffer) => insert(whole, find(whole, 0xda), [7, 7])],
    ['no end marker', (whole: Buffer) => whole.subarray(0, -2)],
    ['no end marker', (whole: Buffer) => whole.subarray(0, -1)],
  ])('with %s has the pixels of the one without', async (fault, change) => {
    for (const side of [8, 16, 64]) {
      const whole = await jpeg(side)
      const { pixels, notes } = await read(change(whole))
      expect(pixels).toEqual((await read(whole)).pixels)
      expect(notes).toBe(`1 image has a harmless fault and is read anyway, such as a.jpg (1 ${fault})`)
    }
  })

  it('is cut where a byte of its pixels is missing, however small and however it is stored', async () => {
    for (const side of [1, 8, 9, 16, 64]) {
      for (const progressive of [false, true]) {
        const whole = await jpeg(side, progressive)
        expect((await read(whole.subarray(0, -2))).pixels).toEqual((await read(whole)).pixels)
        for (const missing of [3, 4, 10, Math.floor(whole.length / 3)]) {
          await expect(read(whole.subarray(0, -missing))).rejects.toThrow('a damaged or truncated JPEG file')
        }
      }
    }
  })

  it('with a changed byte among its pixels is refused', async () => {
    const damaged = await jpeg(64)
    damaged[damaged.length >> 1] ^= 0x55
    await expect(read(damaged)).rejects.toThrow('a damaged or truncated JPEG file')
  })
})

describe('a TIFF file', () => {
  const samples = Uint8Array.from({ length: 256 }, (_, i) => i)

  it.each([
    ['a zero byte in a text', { description: 'one\0two' }],
    ['tags out of order', { unsorted: true }],
  ])('with %s has its pixels', async (fault, page) => {
    for (const numbers of [samples, Uint16Array.from(samples, (value) => 257 * value)]) {
      const { pixels, notes } = await read(greyTiff(numbers, page))
      expect(pixels).toEqual([...samples])
      expect(notes).toContain(`read anyway, such as a.jpg (1 ${fault})`)
    }
  })

  it('that is cut is refused, faults or not', async () => {
    const strip = samples.subarray(0, 200)
    for (const page of [{}, { unsorted: true }, { description: 'one\0two' }]) {
      await expect(read(greyTiff(samples, { ...page, strip }))).rejects.toThrow('damaged or truncated TIFF')
    }
  })
})

describe('a PNG file', () => {
  const pictures = {
    'of 8 bits': () => noise(24).png().toBuffer(),
    interlaced: () => noise(24).png({ progressive: true }).toBuffer(),
    'with a palette': () => noise(24).png({ palette: true }).toBuffer(),
    'of 16 bits': () => noise(24).toColourspace('rgb16').png().toBuffer(),
  }
  /** Where the chunk of pixels and its end lie. */
  const pixelChunk = (png: Buffer): { at: number; end: number } => {
    let at = 8
    while (png.toString('latin1', at + 4, at + 8) !== 'IDAT') at += 12 + png.readUInt32BE(at)
    return { at, end: at + 12 + png.readUInt32BE(at) }
  }
  const changed = (png: Buffer, at: number): Buffer => {
    const copy = Buffer.from(png)
    copy[at] ^= 0x55
    return copy
  }
  /** The chunk of pixels with another content and the right sum over it. */
  const resummed = (png: Buffer, change: (data: Buffer) => Buffer): Buffer => {
    const { at, end } = pixelChunk(png)
    const data = change(Buffer.from(png.subarray(at + 8, end - 4)))
    return Buffer.concat([png.subarray(0, at), chunkBytes({ type: 'IDAT', data }), png.subarray(end)])
  }

  it.each(Object.entries(pictures))(
    '%s with one of its two checksums wrong has its pixels',
    async (_, make) => {
      const png = await make()
      const { end } = pixelChunk(png)
      const { pixels } = await read(png)
      for (const [fault, content] of [
        ['a wrong checksum', changed(png, end - 1)],
        ['a wrong checksum', resummed(png, (data) => changed(data, data.length - 1))],
        ['a wrong checksum', resummed(png, (data) => data.subarray(0, -4))],
        ['no end', png.subarray(0, end - 2)],
        ['no end', png.subarray(0, end - 8)],
      ] as const) {
        const found = await read(content)
        expect(found.pixels).toEqual(pixels)
        expect(found.notes).toContain(
          `1 image has a harmless fault and is read anyway, such as a.jpg (1 ${fault})`,
        )
      }
    },
  )

  it.each(Object.entries(pictures))('%s whose pixels nothing vouches for is refused', async (_, make) => {
    const png = await make()
    const { at, end } = pixelChunk(png)
    for (const content of [
      changed(changed(png, end - 1), end - 6),
      changed(png, Math.round((at + end) / 2)),
      png.subarray(0, end - 12),
      png.subarray(0, Math.round((at + end) / 2)),
    ])
      await expect(read(content)).rejects.toThrow('a damaged or truncated PNG file')
  })

  it('with a fault in what is no picture is read without a word', async () => {
    const png = await noise(16).png().toBuffer()
    const comment = changed(chunkBytes({ type: 'tEXt', data: Buffer.from('Comment\0x') }), 20)
    const found = await read(
      Buffer.concat([png.subarray(0, 33), comment, png.subarray(33), Buffer.from('more')]),
    )
    expect(found).toEqual({ ...(await read(png)), notes: '' })
  })
})

it('faults are counted by kind', async () => {
  const whole = await jpeg(16)
  const { notes } = await openFolder({
    ...options,
    folder: folderOf({
      'a.jpg': whole.subarray(0, -2),
      'b.jpg': insert(whole, 2, JFIF_9),
      'c.jpg': whole.subarray(0, -2),
      'd.png': await sharp(whole).png().toBuffer(),
    }),
  })
  expect(notes).toEqual([
    '3 images have harmless faults and are read anyway, such as a.jpg (2 no end marker, 1 an unknown JFIF version)',
  ])
})
