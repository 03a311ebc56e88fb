/** BMP, PNM, animations and stacks, and photographs of more than 50 megapixels. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { openFolder } from '../../src/data/folder.js'
import { openImages } from '../../src/data/open-images.js'
import { folderOf, plain } from './support.js'
import { animatedPng } from './png-writer.js'
import { greyTiff, tiff } from './tiff-writer.js'

const options = { size: 4, fit: 'cover', labels: 'optional', seed: 0 } as const

/** Red, green and blue of every pixel of a picture of 4x4. */
async function pixelsOf(content: Uint8Array, channels: 1 | 3 = 3): Promise<number[]> {
  const { train, skipped } = await openFolder({
    ...options,
    channels,
    folder: folderOf({ 'a.bin': content }),
  })
  expect(skipped).toEqual([])
  return [...train.pixels.subarray()]
}

/** A BMP of 4x4: header of 40 bytes, then what follows it. */
function bitmap(
  bits: number,
  pixels: readonly number[],
  {
    compression = 0,
    between = [],
    height = 4,
  }: { compression?: number; between?: readonly number[]; height?: number } = {},
): Buffer {
  const head = Buffer.alloc(54)
  head.write('BM')
  head.writeUInt32LE(54 + between.length + pixels.length, 2)
  head.writeUInt32LE(54 + between.length, 10)
  head.writeUInt32LE(40, 14)
  head.writeInt32LE(4, 18)
  head.writeInt32LE(height, 22)
  head.writeUInt16LE(1, 26)
  head.writeUInt16LE(bits, 28)
  head.writeUInt32LE(compression, 30)
  return Buffer.concat([head, Buffer.from(between), Buffer.from(pixels)])
}

/** Rows from the top: pixel (x, y) has red 10 x, green 20 y, blue 200. */
const COLOURS = Array.from({ length: 16 }, (_, i) => [10 * (i % 4), 20 * (i >> 2), 200])
const bottomUp = <T>(rows: readonly T[]): T[] =>
  [3, 2, 1, 0].flatMap((row) => rows.slice(4 * row, 4 * row + 4))
const PALETTE = [0, 0, 255, 0, 0, 255, 0, 0]
/** Indices of a checkerboard, and its colours: red at 0, green at 1. */
const CHECKS = Array.from({ length: 16 }, (_, i) => (i + (i >> 2)) % 2)
const CHECKED = CHECKS.flatMap((index) => (index === 0 ? [255, 0, 0] : [0, 255, 0]))

describe('BMP', () => {
  const blueFirst = COLOURS.map(([red, green, blue]) => [blue, green, red])

  it('of 24 and 32 bits, bottom up and top down', async () => {
    expect(await pixelsOf(bitmap(24, bottomUp(blueFirst).flat()))).toEqual(COLOURS.flat())
    expect(await pixelsOf(bitmap(24, blueFirst.flat(), { height: -4 }))).toEqual(COLOURS.flat())
    const padded = bottomUp(blueFirst).flatMap((pixel) => [...pixel, 0])
    expect(await pixelsOf(bitmap(32, padded))).toEqual(COLOURS.flat())
  })

  it('of 16 bits and of bit fields', async () => {
    const packed = (red: number, green: number, blue: number, greenBits: number): number[] => {
      const value = (red << (5 + greenBits)) | (green << 5) | blue
      return [value & 255, value >> 8]
    }
    const five = (value: number): number => Math.round((255 * value) / 31)
    const plainBits = new Array(16).fill(packed(31, 16, 1, 5)).flat() as number[]
    expect((await pixelsOf(bitmap(16, plainBits))).slice(0, 3)).toEqual([255, five(16), five(1)])
    const masks = [0, 0xf8, 0, 0, 0xe0, 0x07, 0, 0, 0x1f, 0, 0, 0]
    const fields = new Array(16).fill(packed(31, 32, 1, 6)).flat() as number[]
    const read = await pixelsOf(bitmap(16, fields, { compression: 3, between: masks }))
    expect(read.slice(0, 3)).toEqual([255, Math.round((255 * 32) / 63), five(1)])
  })

  it('of palettes of 1, 4 and 8 bits, run-length encoded or not', async () => {
    const rows = bottomUp(CHECKS)
    const row = (at: number): number[] => rows.slice(4 * at, 4 * at + 4)
    const every = [0, 1, 2, 3]
    const forms = {
      8: bitmap(8, rows, { between: PALETTE }),
      4: bitmap(
        4,
        every.flatMap((at) => [(row(at)[0] << 4) | row(at)[1], (row(at)[2] << 4) | row(at)[3], 0, 0]),
        { between: PALETTE },
      ),
      1: bitmap(
        1,
        every.flatMap((at) => [row(at).reduce((bits, index, i) => bits | (index << (7 - i)), 0), 0, 0, 0]),
        { between: PALETTE },
      ),
      // A run of one and an absolute run of three in each row, an end of row, and the end.
      rle8: bitmap(8, [...every.flatMap((at) => [1, row(at)[0], 0, 3, ...row(at).slice(1), 0, 0, 0]), 0, 1], {
        between: PALETTE,
        compression: 1,
      }),
      // A run of four nibbles that alternate.
      rle4: bitmap(4, [...every.flatMap((at) => [4, (row(at)[0] << 4) | row(at)[1], 0, 0]), 0, 1], {
        between: PALETTE,
        compression: 2,
      }),
    }
    for (const [form, content] of Object.entries(forms)) {
      expect([form, ...(await pixelsOf(content))]).toEqual([form, ...CHECKED])
    }
  })

  it('that names a mask of opacity and has none anywhere is seen', async () => {
    const masks = Buffer.alloc(16)
    ;[0xff0000, 0xff00, 0xff, 0xff000000].forEach((mask, i) => masks.writeUInt32LE(mask, 4 * i))
    const withOpacity = (opacity: (pixel: number) => number): Buffer =>
      bitmap(32, bottomUp(blueFirst.map((pixel, i) => [...pixel, opacity(i)])).flat(), {
        compression: 6,
        between: [...masks],
      })
    expect(await pixelsOf(withOpacity(() => 0))).toEqual(COLOURS.flat())
    expect(await pixelsOf(withOpacity((i) => (i === 0 ? 255 : 0)))).toEqual([
      ...COLOURS[0],
      ...new Array<number>(45).fill(255),
    ])
  })

  it('that is cut, or of an unknown kind, is refused', async () => {
    const cut = bitmap(24, bottomUp(blueFirst).flat()).subarray(0, -5)
    await expect(pixelsOf(cut)).rejects.toThrow('a damaged or truncated BMP file')
    await expect(pixelsOf(bitmap(24, [], { compression: 4 }))).rejects.toThrow(/BMP file/)
  })
})

describe('PNM', () => {
  it('PGM and PPM, plain and binary', async () => {
    const grey = Array.from({ length: 16 }, (_, i) => 16 * i)
    expect(await pixelsOf(Buffer.from(`P2 4 4 255 ${grey.join(' ')}`), 1)).toEqual(grey)
    expect(await pixelsOf(Buffer.concat([Buffer.from('P5\n4 4\n255\n'), Buffer.from(grey)]), 1)).toEqual(grey)
    const colours = COLOURS.flat()
    expect(await pixelsOf(Buffer.from(`P3\n# by hand\n4 4\n255\n${colours.join('\n')}`))).toEqual(colours)
    expect(await pixelsOf(Buffer.concat([Buffer.from('P6 4 4 255\n'), Buffer.from(colours)]))).toEqual(
      colours,
    )
  })

  it('with a comment before its pixels, and with line ends of Windows', async () => {
    const grey = Buffer.from(Array.from({ length: 16 }, (_, i) => 16 * i))
    for (const header of ['P5\n4 4\n255# made by hand\n', 'P5\n4 4\n255 # by hand\n', 'P5\r\n4 4\r\n255\r\n'])
      expect(await pixelsOf(Buffer.concat([Buffer.from(header), grey]), 1)).toEqual([...grey])
  })

  it('whose white is less than 255 is as bright', async () => {
    const content = Buffer.concat([Buffer.from('P5 4 4 15\n'), Buffer.from(new Uint8Array(16).fill(15))])
    expect((await pixelsOf(content, 1))[0]).toBe(255)
  })

  it('bitmaps, in which 1 is black', async () => {
    const expected = CHECKS.map((bit) => 255 * (1 - bit))
    const rows = [0, 1, 2, 3].map((y) => CHECKS.slice(4 * y, 4 * y + 4).join(''))
    expect(await pixelsOf(Buffer.from(`P1\n4 4\n${rows.join('\n')}\n`), 1)).toEqual(expected)
    const packed = rows.map((bits) => parseInt(bits.padEnd(8, '0'), 2))
    expect(await pixelsOf(Buffer.concat([Buffer.from('P4\n4 4\n'), Buffer.from(packed)]), 1)).toEqual(
      expected,
    )
  })

  it('PAM: grey, colours, transparency, black and white', async () => {
    const pam = (depth: number, white: number, type: string, samples: readonly number[]): Buffer =>
      Buffer.concat([
        Buffer.from(
          `P7\n# made by hand\nWIDTH 4\nHEIGHT 4\nDEPTH ${depth}\nMAXVAL ${white}\n${type === '' ? '' : `TUPLTYPE ${type}\n`}ENDHDR\n`,
        ),
        Buffer.from(samples),
      ])
    const grey = Array.from({ length: 16 }, (_, i) => 16 * i)
    expect(await pixelsOf(pam(1, 255, 'GRAYSCALE', grey), 1)).toEqual(grey)
    const colours = COLOURS.flat()
    for (const type of ['RGB', '']) expect(await pixelsOf(pam(3, 255, type, colours))).toEqual(colours)
    // Unlike in PBM, 1 is white.
    expect(await pixelsOf(pam(1, 1, 'BLACKANDWHITE', CHECKS), 1)).toEqual(CHECKS.map((bit) => 255 * bit))
    const seen = (opacity: number) => COLOURS.flatMap((pixel) => [...pixel, opacity])
    expect(await pixelsOf(pam(4, 255, 'RGB_ALPHA', seen(255)))).toEqual(colours)
    expect(await pixelsOf(pam(4, 255, 'RGB_ALPHA', seen(0)))).toEqual(colours.map(() => 255))
    // A fourth channel is transparency only where the file says so.
    expect(await pixelsOf(pam(4, 255, '', seen(0)))).toEqual(colours)
    const two = grey.flatMap((level) => [level, 255])
    expect(await pixelsOf(pam(2, 255, 'GRAYSCALE_ALPHA', two), 1)).toEqual(grey)
  })

  it('PAM of 16 bits, and PFM in either byte order from its lowest row, are stretched', async () => {
    const levels = Array.from({ length: 16 }, (_, i) => 4369 * i)
    const words = Buffer.alloc(32)
    levels.forEach((level, i) => words.writeUInt16BE(level, 2 * i))
    const pam = Buffer.from('P7\nWIDTH 4\nHEIGHT 4\nDEPTH 1\nMAXVAL 65535\nTUPLTYPE GRAYSCALE\nENDHDR\n')
    const expected = Array.from({ length: 16 }, (_, i) => 17 * i)
    expect(await pixelsOf(Buffer.concat([pam, words]), 1)).toEqual(expected)
    for (const [scale, write] of [
      ['-1.0', 'writeFloatLE'],
      ['1', 'writeFloatBE'],
    ] as const) {
      const floats = Buffer.alloc(64)
      bottomUp(expected).forEach((level, i) => floats[write](level / 255, 4 * i))
      const file = Buffer.concat([Buffer.from(`Pf\n4 4\n${scale}\n`), floats])
      expect(await pixelsOf(file, 1)).toEqual(expected)
      await expect(pixelsOf(file.subarray(0, -2), 1)).rejects.toThrow('a damaged or truncated PNM file')
    }
    const colour = Buffer.alloc(192)
    bottomUp(COLOURS)
      .flat()
      .forEach((level, i) => colour.writeFloatLE(level / 255, 4 * i))
    const { train, notes } = await openFolder({
      ...options,
      stretch: 'none',
      folder: folderOf({ 'a.pfm': Buffer.concat([Buffer.from('PF\n4 4\n-1.000000\n'), colour]) }),
    })
    expect([...train.pixels.subarray()]).toEqual(COLOURS.flat())
    expect(notes).toEqual([])
  })

  it('that is cut is refused', async () => {
    const pam = 'P7\nWIDTH 4\nHEIGHT 4\nDEPTH 1\nMAXVAL 255\nENDHDR\nabc'
    for (const content of ['P5 4 4 255\nabc', 'P2 4 4 255 1 2 3', 'P6 4', pam, 'P7\nWIDTH 4\nENDHDR\n']) {
      await expect(pixelsOf(Buffer.from(content))).rejects.toThrow('a damaged or truncated PNM file')
    }
  })
})

describe('frames', () => {
  const page = (level: number) => ({ width: 4, height: 4, samples: new Uint8Array(16).fill(level) })

  it('the first is taken, and it is said', async () => {
    const folder = folderOf({ 'stack.tif': tiff(page(10), page(20), page(30)), 'one.tif': tiff(page(5)) })
    const { train, notes } = await openFolder({ ...options, folder })
    expect(train.paths).toEqual(['one.tif', 'stack.tif'])
    expect([train.pixels.subarray()[0], train.pixels.subarray()[16]]).toEqual([5, 10])
    expect(notes.join()).toContain(
      '1 file holds several frames, such as stack.tif with 3: the first is taken; --frames all takes each as an image',
    )
  })

  it('all are images with the label of their file, by folder or by table', async () => {
    const files = { 'a/stack.tif': tiff(page(10), page(20), page(30)), 'b/one.tif': tiff(page(5)) }
    const tables: Record<string, string>[] = [
      {},
      { 'labels.csv': 'file_name,label\na/stack.tif,a\nb/one.tif,b\n' },
    ]
    for (const table of tables) {
      const { train, notes } = await openFolder({
        ...options,
        frames: 'all',
        folder: folderOf({ ...files, ...table }),
      })
      expect(train.paths).toEqual(['a/stack.tif#1', 'a/stack.tif#2', 'a/stack.tif#3', 'b/one.tif'])
      expect(train.paths.map((_, i) => train.pixels.subarray()[16 * i])).toEqual([10, 20, 30, 5])
      expect([...train.labels]).toEqual([0, 0, 0, 1])
      expect(notes.join()).not.toContain('frames')
    }
  })

  it('have a label of their own where a table names them, and the file can be named as any other', async () => {
    const files = { 'stack.tif': tiff(page(10), page(20), page(30)), 'one.tif': tiff(page(5)) }
    const table = 'image;class\nstack;dim\nstack.tif#3;bright\none;dim\n'
    const folder = folderOf({ ...files, 'labels.csv': table })
    const { train, notes, understood } = await openFolder({ ...options, frames: 'all', folder })
    const labels = [...train.labels].map((label) => train.classNames[label])
    expect(Object.fromEntries(train.paths.map((path, i) => [path, labels[i]]))).toEqual({
      'one.tif': 'dim',
      'stack.tif#1': 'dim',
      'stack.tif#2': 'dim',
      'stack.tif#3': 'bright',
    })
    expect(understood).toContain('2 classes from labels.csv (bright 1, dim 3), 0 images without a label')
    expect(notes.join()).not.toContain('byte for byte')
  })

  it('of an animation, and of 16-bit stacks', async () => {
    const frames = Buffer.concat(
      await Promise.all(['#ff0000', '#0000ff'].map((colour) => plain(colour, 4).raw().toBuffer())),
    )
    const gif = await sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
      .gif()
      .toBuffer()
    const read = await openFolder({ ...options, frames: 'all', folder: folderOf({ 'a.gif': gif }) })
    expect(read.train.paths).toEqual(['a.gif#1', 'a.gif#2'])
    expect([[...read.train.pixels.subarray(0, 3)], [...read.train.pixels.subarray(48, 51)]]).toEqual([[255, 0, 0], [0, 0, 255]]) // prettier-ignore
    const deep = [100, 1100].map((low) => ({
      ...page(0),
      samples: Uint16Array.from({ length: 16 }, (_, i) => low + 60 * i),
    }))
    const stack = await openFolder({
      ...options,
      frames: 'all',
      folder: folderOf({ 'a.tif': tiff(...deep) }),
    })
    expect([stack.train.pixels.subarray()[0], stack.train.pixels.subarray()[31]]).toEqual([0, 255])
    expect(stack.reading).toEqual({ frames: 'all', stretch: 'data', integers: [[100, 2000]] })
  })

  it('of an animated PNG are what a viewer shows: laid over, cleared, or taken back', async () => {
    const [red, green, blue] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]] // prettier-ignore
    const png = animatedPng(
      { width: 4, height: 4, colour: [255, 0, 0, 255] },
      { width: 2, height: 2, left: 1, top: 1, blend: 1, dispose: 2, colour: [0, 0, 255, 128] },
      { width: 2, height: 2, dispose: 1, colour: [0, 255, 0, 255] },
      { width: 1, height: 1, left: 3, top: 3, colour: [0, 0, 255, 255] },
    )
    const folder = folderOf({ 'a.png': png })
    const { train } = await openFolder({ ...options, frames: 'all', folder })
    expect(train.paths).toEqual(['a.png#1', 'a.png#2', 'a.png#3', 'a.png#4'])
    const pixel = (frame: number, x: number, y: number): number[] => {
      const at = 3 * (16 * frame + 4 * y + x)
      return [...train.pixels.subarray(at, at + 3)]
    }
    expect([pixel(0, 0, 0), pixel(0, 3, 3)]).toEqual([red, red])
    expect([pixel(1, 0, 0), pixel(1, 1, 1)]).toEqual([red, [127, 0, 128]])
    // The blue was taken back, green takes the place of the corner.
    expect([pixel(2, 0, 0), pixel(2, 2, 2)]).toEqual([green, red])
    // Where green was nothing is left, which is white behind an image.
    expect([pixel(3, 0, 0), pixel(3, 2, 2), pixel(3, 3, 3)]).toEqual([[255, 255, 255], red, blue])
    const still = await openFolder({ ...options, folder })
    expect([...still.train.pixels.subarray(0, 3)]).toEqual(red)
    expect(still.notes.join()).toContain('such as a.png with 4: the first is taken')
  })

  it('that is cut is refused, and those before it are read', async () => {
    const colours = ['#ff0000', '#00ff00', '#0000ff']
    const frames = Buffer.concat(
      await Promise.all(colours.map((colour) => plain(colour, 4).raw().toBuffer())),
    )
    const gif = await sharp(frames, { raw: { width: 4, height: 12, channels: 3, pageHeight: 4 } })
      .gif()
      .toBuffer()
    const png = animatedPng(
      { width: 4, height: 4, colour: [255, 0, 0, 255] },
      { width: 4, height: 4, colour: [0, 255, 0, 255] },
      { width: 4, height: 4, colour: [0, 0, 255, 255] },
    )
    for (const [name, content] of [
      ['a.gif', gif.subarray(0, -3)],
      ['a.png', png.subarray(0, -20)],
    ] as const) {
      const read = await openFolder({ ...options, frames: 'all', folder: folderOf({ [name]: content }) })
      expect(read.train.paths).toEqual([`${name}#1`, `${name}#2`])
      expect([...read.train.pixels.subarray(48, 51)]).toEqual([0, 255, 0])
      expect(read.skipped).toEqual([
        { path: `${name}#3`, reason: `a damaged or truncated ${name === 'a.gif' ? 'GIF' : 'PNG'} file` },
      ])
      const still = await openFolder({ ...options, folder: folderOf({ [name]: content }) })
      expect([...still.train.pixels.subarray(0, 3)]).toEqual([255, 0, 0])
    }
  })

  it('of new images are taken as the run took them', async () => {
    const folder = folderOf({ 'stack.tif': tiff(page(10), page(20)) })
    const file = `${folder}/stack.tif`
    const open = (input: string, frames?: 'all') =>
      openImages([input], { size: 4, fit: 'cover', channels: 1, reading: { stretch: 'data', frames } })
    for (const input of [folder, file]) {
      const { images } = await open(input, 'all')
      expect(images.paths).toEqual([`${file}#1`, `${file}#2`])
      expect([images.pixels.subarray()[0], images.pixels.subarray()[16]]).toEqual([10, 20])
      expect((await open(input)).images.paths).toEqual([file])
    }
  })
})

it('a JPEG of more than 50 megapixels is read reduced, and it is said', async () => {
  const photo = await plain('#c86432', 8000, 6300).jpeg({ quality: 90 }).toBuffer()
  const folder = folderOf({ 'phone.jpg': photo, 'small.tif': greyTiff(new Uint8Array(16).fill(9)) })
  const { train, notes } = await openFolder({ ...options, folder })
  const pixel = [...train.pixels.subarray(0, 3)]
  pixel.forEach((value, channel) => expect(Math.abs(value - [200, 100, 50][channel])).toBeLessThan(4))
  expect(notes).toEqual(['1 image has more than 50 megapixels, such as phone.jpg with 50: read reduced'])
})

describe('what is not read says what it is', () => {
  const bytes = (...parts: (string | number[])[]): Buffer =>
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
    )
  /** Markers of a JPEG file up to its frame of so many bits. */
  const frame = (marker: number, bits: number): Buffer =>
    bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, marker, 0, 11, bits, 0, 8, 0, 8, 1, 1, 17, 0])
  const svg = '<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'

  it.each([
    ['a DICOM file', bytes(new Array<number>(128).fill(0), 'DICM')],
    ['a FITS file', bytes('SIMPLE  =                    T')],
    ['a Photoshop file', bytes('8BPS', [0, 1])],
    ['an OpenEXR file', bytes([0x76, 0x2f, 0x31, 1])],
    ['an ICO file', bytes([0, 0, 1, 0, 1, 0, 16, 16])],
    ['a damaged or truncated HEIC file', bytes([0, 0, 0, 24], 'ftypheic')],
    ['a raw file of a camera', bytes('II*\0\x10\0\0\0CR\x02\0')],
    ['a raw file of a camera', bytes('FUJIFILMCCD-RAW 0201')],
    ['a PDF file', bytes('%PDF-1.7')],
    ['an SVG file', bytes(svg)],
    ['a NumPy file', bytes([0x93], 'NUMPY')],
    [
      'a Git LFS pointer instead of the image; fetch the images with git lfs pull',
      bytes('version https://git-lfs.github.com/spec/v1\n'),
    ],
    ['an HTML page instead of an image; download it again', bytes('\n<!DOCTYPE html><html>404</html>')],
    ['a JPEG file of 12 bits, which is not read; convert it to PNG', frame(0xc1, 12)],
    ['a lossless JPEG file of 16 bits, which is not read; convert it to PNG', frame(0xc3, 16)],
    ['a JPEG-LS file, which is not read; convert it to PNG', frame(0xf7, 8)],
    ['not an image', bytes('hello')],
  ])('%s', async (reason, content) => {
    const folder = folderOf({ 'a.png': content, 'b.png': await plain('#c86432').png().toBuffer() })
    const { skipped } = await openFolder({ ...options, folder })
    expect(skipped).toHaveLength(1)
    expect(skipped[0].reason.startsWith(reason)).toBe(true)
  })
})
