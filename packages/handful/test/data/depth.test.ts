/** Scientific depths: numbers become bytes by one stretch for the data set, and by the run's for new images. */
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { openFolder } from '../../src/data/folder.js'
import { openImages } from '../../src/data/open-images.js'
import { READ_BEFORE } from '../../src/data/reading.js'
import { folderOf, png } from './support.js'
import { greyTiff, type Numbers, tiff } from './tiff-writer.js'

const SIDE = 8
const options = { size: SIDE, fit: 'cover', labels: 'optional', seed: 0 } as const

/** 64 numbers from `low` up in steps, as one type of number. */
function ramp<T extends Numbers>(type: { from(values: ArrayLike<number>): T }, low: number, step: number): T {
  return type.from(Array.from({ length: SIDE * SIDE }, (_, i) => low + i * step))
}

/** What the stretch has to give, by its definition. */
const bytesOf = (samples: ArrayLike<number>, low: number, high: number): number[] =>
  Array.from(samples, (value) => Math.round(255 * Math.min(1, Math.max(0, (value - low) / (high - low)))))

/** The `share` point of all numbers, as the nearest of them. */
function point(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.round(share * (sorted.length - 1))]
}

describe('numbers of more than 8 bits', () => {
  it.each([
    ['16-bit whole', ramp(Uint16Array, 100, 9), ramp(Uint16Array, 200, 9), 'integers'],
    ['16-bit signed', ramp(Int16Array, -3000, 90), ramp(Int16Array, -2000, 90), 'integers'],
    ['32-bit whole', ramp(Uint32Array, 0, 6e7), ramp(Uint32Array, 1e8, 6e7), 'integers'],
    ['32-bit signed', ramp(Int32Array, -3e6, 1e5), ramp(Int32Array, -2e6, 1e5), 'integers'],
    ['32-bit float', ramp(Float32Array, -2, 0.25), ramp(Float32Array, 3, 0.25), 'floats'],
    ['64-bit float', ramp(Float64Array, 1e6, 1e3), ramp(Float64Array, 2e6, 1e3), 'floats'],
  ] as const)(
    '%s: one stretch for all images, from the 0.1 and 99.9 %% points',
    async (_, dark, bright, kind) => {
      const folder = folderOf({ 'a.tif': greyTiff(dark), 'b.tif': greyTiff(bright) })
      const { train, reading, skipped } = await openFolder({ ...options, folder })
      expect(skipped).toEqual([])
      const all = [...dark, ...bright]
      const [low, high] = [point(all, 0.001), point(all, 0.999)]
      expect(reading).toEqual({ stretch: 'data', [kind]: [[low, high]] })
      expect([...train.pixels.subarray()]).toEqual([
        ...bytesOf(dark, low, high),
        ...bytesOf(bright, low, high),
      ])
    },
  )

  it('keeps ordinary ranges: 16-bit photographs, floats from 0 to 1, floats of bytes', async () => {
    const photograph = ramp(Uint16Array, 0, 1040)
    const read = async (content: Buffer) =>
      (await openFolder({ ...options, folder: folderOf({ 'a.png': content }) })).train.pixels.subarray()
    const deep = await sharp(photograph, { raw: { width: 8, height: 8, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer()
    expect([...(await read(deep))]).toEqual(bytesOf(photograph, 0, 65_535))
    expect([...(await read(greyTiff(photograph)))]).toEqual(bytesOf(photograph, 0, 65_535))
    const unit = ramp(Float32Array, 0.01, 1 / 65)
    expect([...(await read(greyTiff(unit)))]).toEqual(bytesOf(unit, 0, 1))
    const bytes = ramp(Float32Array, 3, 4)
    expect([...(await read(greyTiff(bytes)))]).toEqual([...bytes])
  })

  it('keeps colours of a 16-bit photograph, and shows its transparency as white', async () => {
    const samples = Uint16Array.from({ length: 256 }, (_, i) => [60_000, 30_000, 1000, 65_535][i % 4])
    samples.set([0, 0, 0, 0, 65_535, 65_535, 65_535, 65_535])
    const content = await sharp(samples, { raw: { width: 8, height: 8, channels: 4 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer()
    const { train } = await openFolder({ ...options, folder: folderOf({ 'a.png': content }) })
    expect([...train.pixels.subarray(0, 9)]).toEqual([255, 255, 255, 255, 255, 255, 233, 117, 4])
  })

  it('gives each of a few whole numbers a level of its own: labels, counts', async () => {
    const counts = Uint16Array.from({ length: 64 }, (_, i) => (i === 63 ? 9 : i % 3))
    const { train, reading } = await openFolder({
      ...options,
      folder: folderOf({ 'a.tif': greyTiff(counts) }),
    })
    expect(reading?.integers).toEqual([[0, 9]])
    expect([...train.pixels.subarray()]).toEqual(bytesOf(counts, 0, 9))
  })

  it('is not led by hot pixels', async () => {
    const files: Record<string, Buffer> = {}
    for (let i = 0; i < 40; i++) {
      const samples = ramp(Uint16Array, 100 + i, 9)
      if (i < 2) samples[5] = 65_535
      files[`${i}.tif`] = greyTiff(samples)
    }
    const { reading } = await openFolder({ ...options, folder: folderOf(files) })
    const [[low, high]] = reading?.integers ?? []
    expect(low).toBeLessThanOrEqual(110)
    expect(high).toBeGreaterThan(650)
    expect(high).toBeLessThan(720)
  })

  it('takes the sample from training images alone', async () => {
    const folder = folderOf({
      'train/a/1.tif': greyTiff(ramp(Uint16Array, 100, 9)),
      'train/b/1.tif': greyTiff(ramp(Uint16Array, 100, 9)),
      'test/a/1.tif': greyTiff(ramp(Uint16Array, 5000, 9)),
    })
    const { reading, test } = await openFolder({ ...options, folder })
    expect(reading?.integers).toEqual([[100, 667]])
    expect([...new Set(test?.images.pixels.subarray())]).toEqual([255])
  })

  it('stretches each image by itself, by its type, or by two numbers, if asked', async () => {
    const [dark, bright] = [ramp(Uint16Array, 100, 9), ramp(Uint16Array, 20_000, 9)]
    const folder = folderOf({ 'a.tif': greyTiff(dark), 'b.tif': greyTiff(bright) })
    const read = async (stretch: 'each' | 'none' | readonly [number, number]) => [
      ...(await openFolder({ ...options, folder, stretch })).train.pixels.subarray(),
    ]
    expect(await read('each')).toEqual([...bytesOf(dark, 100, 667), ...bytesOf(bright, 20_000, 20_567)])
    expect(await read('none')).toEqual([...bytesOf(dark, 0, 65_535), ...bytesOf(bright, 0, 65_535)])
    expect(await read([50, 1000])).toEqual([...bytesOf(dark, 50, 1000), ...bytesOf(bright, 50, 1000)])
  })

  it('takes NaN as black, and says so; an image without a finite number is refused', async () => {
    const samples = ramp(Float32Array, 10, 1)
    samples[0] = NaN
    samples[1] = Infinity
    samples[2] = -Infinity
    const folder = folderOf({ 'a.tif': greyTiff(samples), 'b.tif': greyTiff(new Float32Array(64).fill(NaN)) })
    const { train, notes, skipped } = await openFolder({ ...options, folder })
    expect([...train.pixels.subarray(0, 3)]).toEqual([0, 255, 0])
    expect(train.pixels.subarray()[63]).toBe(255)
    expect(notes.join()).toContain('1 image has pixels that are NaN or infinite, such as a.tif')
    expect(skipped).toEqual([{ path: 'b.tif', reason: 'no finite number in the image' }])
  })

  it('refuses images that hold one number alone, with the reason', async () => {
    const folder = folderOf({ 'a.tif': greyTiff(new Float32Array(64).fill(7)) })
    await expect(openFolder({ ...options, folder })).rejects.toThrow(
      'no usable image among 1 files, such as a.tif: the same number everywhere in all images that were looked at, 7',
    )
    await expect(openFolder({ ...options, folder, stretch: 'each' })).rejects.toThrow(
      'the same number everywhere in the image, 7',
    )
  })

  it('leaves 8-bit images beside 16-bit ones as they are, and says so', async () => {
    const folder = folderOf({ 'a.png': await png('#808080'), 'b.tif': greyTiff(ramp(Uint16Array, 100, 9)) })
    const { train, notes } = await openFolder({ ...options, folder })
    expect(train.pixels.subarray()[0]).toBe(128)
    expect(notes.join()).toContain('1 of 2 images have more than 8 bits and are stretched as one')
    expect(notes.join()).toContain('100 is black and 667 white')
  })

  it('is upright, and inverted where zero is white', async () => {
    const samples = ramp(Uint16Array, 100, 9)
    const read = async (page: { orientation?: number; photometric?: number }) => [
      ...(
        await openFolder({ ...options, folder: folderOf({ 'a.tif': greyTiff(samples, page) }) })
      ).train.pixels.subarray(),
    ]
    const stored = bytesOf(samples, 100, 667)
    expect(await read({ photometric: 0 })).toEqual(stored.map((level) => 255 - level))
    // Orientation 6: the first row is the right side.
    const turned = Array.from({ length: 64 }, (_, i) => stored[(7 - (i % 8)) * 8 + Math.floor(i / 8)])
    expect(await read({ orientation: 6 })).toEqual(turned)
    expect(await read({ orientation: 3 })).toEqual(stored.toReversed())
    expect(await read({ orientation: 2 })).toEqual(stored.map((_, i) => stored[i - (i % 8) + 7 - (i % 8)]))
  })

  it('reads plain and binary PGM of 16 bits', async () => {
    const samples = ramp(Uint16Array, 100, 9)
    const binary = Buffer.alloc(128)
    samples.forEach((value, i) => binary.writeUInt16BE(value, 2 * i))
    for (const content of [
      Buffer.concat([Buffer.from('P5 8 8 # a comment\n1000\n'), binary]),
      Buffer.from(`P2\n8 8\n1000\n${samples.join(' ')}\n`),
    ]) {
      const { train } = await openFolder({ ...options, folder: folderOf({ 'a.pgm': content }) })
      expect([...train.pixels.subarray()]).toEqual(bytesOf(samples, 100, 667))
    }
  })
})

describe('new images', () => {
  const place = { size: SIDE, fit: 'cover', channels: 1 } as const

  it('are stretched as the run was, not by themselves', async () => {
    const dim = ramp(Uint16Array, 100, 1)
    const folder = folderOf({ 'a.tif': greyTiff(dim) })
    const reading = { stretch: 'data', integers: [[100, 667]] } as const
    const { images, notes } = await openImages([folder], {
      ...place,
      reading: { ...reading, integers: [[100, 667]] },
    })
    expect([...images.pixels.subarray()]).toEqual(bytesOf(dim, 100, 667))
    expect(notes).toEqual([])
  })

  it('of a kind that the run has not seen are refused, but for ordinary 16 bits, which is said', async () => {
    const samples = ramp(Uint16Array, 100, 900)
    const folder = folderOf({ 'a.tif': greyTiff(samples), 'b.tif': greyTiff(ramp(Float32Array, 0, 1)) })
    const { images, notes, skipped } = await openImages([folder], { ...place, reading: { stretch: 'data' } })
    expect([...images.pixels.subarray()]).toEqual(bytesOf(samples, 0, 65_535))
    expect(notes.join()).toContain('1 image has 16 bits, such as')
    expect(skipped).toEqual([
      {
        path: join(folder, 'b.tif'),
        reason: expect.stringContaining("32-bit float numbers, of which the run's"),
      },
    ])
  })

  it('of a run that knows no stretch are read as they were then', async () => {
    const folder = folderOf({
      'a.tif': greyTiff(ramp(Uint16Array, 100, 1000)),
      'b.tif': greyTiff(ramp(Float32Array, 0, 4)),
    })
    const { images } = await openImages([folder], { ...place, reading: READ_BEFORE })
    // 16 bits lose their lower eight, floats are bytes already.
    expect([...images.pixels.subarray()]).toEqual([
      ...Array.from(ramp(Uint16Array, 100, 1000), (value) => value >> 8),
      ...ramp(Float32Array, 0, 4),
    ])
  })
})

describe('channels', () => {
  const channelled = (channels: number, extra?: readonly number[], photometric = 1) =>
    tiff({
      width: 8,
      height: 8,
      channels,
      photometric,
      extra,
      samples: Uint8Array.from({ length: 64 * channels }, (_, i) => 10 + 40 * (i % channels)),
    })
  const read = async (content: Buffer, bands?: readonly number[]) => {
    const { train, notes, skipped } = await openFolder({
      ...options,
      folder: folderOf({ 'a.tif': content }),
      ...(bands && { bands }),
    })
    return { pixel: [...train.pixels.subarray(0, train.channels)], notes: notes.join(), skipped }
  }

  it('the second of two is no transparency unless the file says so', async () => {
    const two = await read(channelled(2, [0]))
    expect(two.pixel).toEqual([10, 50, 0])
    expect(two.notes).toContain('1 image has 2 channels, such as a.tif: 1 and 2 are taken as red and green')
    // 10 at an opacity of 50 / 255 on white.
    const [level] = (await read(channelled(2, [2]))).pixel
    expect(Math.abs(level - (255 - (245 * 50) / 255))).toBeLessThan(1.5)
  })

  it.each([4, 5])('%i: the first three, and it is said', async (channels) => {
    const { pixel, notes } = await read(channelled(channels, new Array<number>(channels - 1).fill(0)))
    expect(pixel).toEqual([10, 50, 90])
    expect(notes).toContain(`1 image has ${channels} channels`)
    expect(notes).toContain('--channels')
  })

  it('a fourth that is not tagged leaves red, green and blue alone', async () => {
    expect((await read(channelled(4, [0], 2))).pixel).toEqual([10, 50, 90])
  })

  it('are chosen by their numbers, in that order', async () => {
    expect((await read(channelled(5, [0, 0, 0, 0]), [5, 1, 2])).pixel).toEqual([170, 10, 50])
    expect((await read(channelled(5, [0, 0, 0, 0]), [4])).pixel).toEqual([130])
    expect((await read(await png('#c86432'), [3])).pixel).toEqual([50])
    await expect(read(channelled(2, [0]), [3])).rejects.toThrow(
      '2 channels, and --channels asks for number 3',
    )
  })

  it('have a stretch each where they are measured on their own', async () => {
    const samples = Uint16Array.from(
      { length: 192 },
      (_, i) => [100, 2000, 30_000][i % 3] + 10 * Math.floor(i / 3),
    )
    const folder = folderOf({ 'a.tif': tiff({ width: 8, height: 8, channels: 3, extra: [0, 0], samples }) })
    const { reading } = await openFolder({ ...options, folder })
    expect(reading?.integers).toEqual([[100, 730], [2000, 2630], [30_000, 30_630]]) // prettier-ignore
  })

  it.each([
    ['LZMA', { compression: 34_925 }, /compressed by LZMA, which is not read; save it with LZW/],
    ['FillOrder 2', { fillOrder: 2 }, /bytes hold them in reverse \(FillOrder 2\), which is not read/],
    ['complex numbers', { sampleFormat: 6 }, /complex numbers/],
  ] as const)('%s: the true reason', async (_, page, reason) => {
    const folder = folderOf({ 'a.tif': greyTiff(new Float32Array(64), page) })
    await expect(openFolder({ ...options, folder })).rejects.toThrow(reason)
  })

  it('a cut TIFF of floats is refused', async () => {
    const samples = ramp(Float32Array, 0, 1)
    const whole = tiff({
      width: 8,
      height: 8,
      samples,
      strip: new Uint8Array(samples.buffer).subarray(0, 200),
    })
    const folder = folderOf({ 'a.tif': whole })
    await expect(openFolder({ ...options, folder })).rejects.toThrow(
      'a.tif: a damaged or truncated TIFF file',
    )
  })
})
