import { chmodSync, existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { Random } from 'onnx-autodiff'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImages, isGrey, toGrey } from '../../src/data/decode.js'
import type { ResizeMode } from '../../src/names.js'
import { listFolder } from '../../src/data/walk.js'
import type { Pixels } from '../../src/data/pixel-store.js'
import { openImages } from '../../src/data/open-images.js'
import { failure, folderOf, noise, plain, png } from './support.js'

async function decodeOne(content: Uint8Array, size = 8, fit: ResizeMode = 'cover') {
  const folder = folderOf({ 'image.png': content })
  return decodeImages([{ path: 'image.png', file: join(folder, 'image.png') }], { size, fit })
}

/** Red, green and blue at `x`, `y` of an 8 x 8 result. */
function pixelAt(pixels: Pixels, x: number, y: number): number[] {
  return [...pixels.subarray(3 * (8 * y + x), 3 * (8 * y + x) + 3)]
}

/** Left half one colour, right half another, 16 x 8. */
function halves(left: string, right: string): Sharp {
  return plain(left, 16, 8).composite([
    { input: { create: { width: 8, height: 8, channels: 3, background: right } }, left: 8, top: 0 },
  ])
}

describe('decodeImages', () => {
  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'reads %s, whatever its name',
    async (format) => {
      const { count, pixels } = await decodeOne(
        await plain('#c86432', 20, 20).toFormat(format, { quality: 100 }).toBuffer(),
      )
      expect(count).toBe(1)
      pixelAt(pixels, 3, 3).forEach((value, channel) => {
        expect(Math.abs(value - [200, 100, 50][channel])).toBeLessThan(5)
      })
    },
  )

  it('keeps the bytes of an image that has the size already', async () => {
    const bytes = await noise(8).raw().toBuffer()
    expect([...(await decodeOne(await noise(8).png().toBuffer())).pixels.subarray()]).toEqual([...bytes])
  })

  it('cuts to the centre, pads with white, or stretches', async () => {
    const wide = await plain('#000000', 24, 8)
      .composite([
        { input: { create: { width: 8, height: 8, channels: 3, background: '#ff0000' } }, left: 8, top: 0 },
      ])
      .png()
      .toBuffer()
    const cover = (await decodeOne(wide, 8, 'cover')).pixels
    expect([pixelAt(cover, 0, 4), pixelAt(cover, 7, 4)]).toEqual([[255, 0, 0], [255, 0, 0]]) // prettier-ignore
    const pad = (await decodeOne(wide, 8, 'pad')).pixels
    expect([pixelAt(pad, 4, 0), pixelAt(pad, 4, 7)]).toEqual([[255, 255, 255], [255, 255, 255]]) // prettier-ignore
    expect(pixelAt(pad, 0, 4)[0]).toBeLessThan(40)
    const stretch = (await decodeOne(wide, 8, 'stretch')).pixels
    expect(pixelAt(stretch, 0, 0)[0]).toBeLessThan(40)
    expect(pixelAt(stretch, 4, 0)[0]).toBeGreaterThan(200)
  })

  it('turns as EXIF says', async () => {
    // Orientation 6: the right side of the stored image is the bottom of the picture.
    const turned = await halves('#ff0000', '#0000ff').withMetadata({ orientation: 6 }).png().toBuffer()
    const { pixels } = await decodeOne(turned, 8, 'stretch')
    expect(pixelAt(pixels, 4, 0)).toEqual([255, 0, 0])
    expect(pixelAt(pixels, 4, 7)).toEqual([0, 0, 255])
  })

  it('shows transparency as white, and 16-bit and CMYK images as 8-bit colours', async () => {
    const clear = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer()
    expect(pixelAt((await decodeOne(clear)).pixels, 0, 0)).toEqual([255, 255, 255])
    const deep = await sharp(new Uint16Array(64).fill(0x8000), { raw: { width: 8, height: 8, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer()
    expect(pixelAt((await decodeOne(deep)).pixels, 0, 0)).toEqual([128, 128, 128])
    const cmyk = await plain('#ffffff').toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()
    expect(Math.min(...pixelAt((await decodeOne(cmyk)).pixels, 0, 0))).toBeGreaterThan(245)
  })

  it('skips bad files with a reason each and keeps the order of the good ones', async () => {
    const jpeg = await noise(64).jpeg().toBuffer()
    const damaged = await noise(64).png().toBuffer()
    damaged.fill(0x55, damaged.length / 2, damaged.length / 2 + 20)
    const files = {
      'a good.png': await png('#ff0000'),
      'b empty.png': '',
      'c text.jpg': 'no picture at all, but some words',
      'd cut.jpg': jpeg.subarray(0, jpeg.length * 0.6),
      'e damaged.png': damaged,
      'f header only.png': Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
      'g photo.jxl': Buffer.from('\xff\x0a rest', 'latin1'),
      'h drawing.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      'i good.png': await png('#00ff00'),
      'j huge.png': await plain('#000000', 8000, 6251).png({ compressionLevel: 1 }).toBuffer(),
      'k good.png': await png('#0000ff'),
    }
    const folder = folderOf(files)
    const names = [...Object.keys(files), 'l gone.png']
    const progress: string[] = []
    const { count, pixels, indices, skipped } = await decodeImages(
      names.map((path) => ({ path, file: join(folder, path) })),
      { size: 8, fit: 'cover', onProgress: (done, total) => progress.push(`${done}/${total}`) },
    )
    expect(indices).toEqual([0, 8, 10])
    expect(pixels.length).toBe(count * 8 * 8 * 3)
    expect([0, 1, 2].map((i) => [...pixels.subarray(i * 192, i * 192 + 3)])).toEqual([
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ])
    expect(Object.fromEntries(skipped.map(({ path, reason }) => [path[0], reason]))).toEqual({
      b: 'an empty file',
      c: 'not an image',
      d: 'a damaged or truncated JPEG file',
      e: 'a damaged or truncated PNG file',
      f: 'a damaged or truncated PNG file',
      g: 'a JPEG XL file, only PNG, JPEG, WebP, GIF, TIFF, AVIF, HEIC, BMP, PGM and PPM are read; convert it to PNG',
      h: 'an SVG file, only PNG, JPEG, WebP, GIF, TIFF, AVIF, HEIC, BMP, PGM and PPM are read; convert it to PNG',
      j: '8000x6251 pixels, the limit is 50 megapixels; make it smaller',
      l: 'cannot be read, the file is gone',
    })
    expect(progress).toHaveLength(12)
    expect(progress.at(-1)).toBe('12/12')
  })

  it('believes a header of 4 gigapixels only as far as refusing it', async () => {
    const header = Buffer.from(await png('#000000'))
    header.writeUInt32BE(65_535, 16)
    header.writeUInt32BE(65_535, 20)
    const [skipped] = (await decodeOne(header)).skipped
    expect(skipped.reason).toMatch(/65535x65535 pixels|damaged/)
  })

  it('never stops for a file, however its bytes are changed', async () => {
    const originals = await Promise.all(
      (['png', 'jpeg', 'webp', 'gif', 'tiff'] as const).map((format) =>
        noise(12).toFormat(format).toBuffer(),
      ),
    )
    const random = new Random(7, 'changed bytes')
    const files: Record<string, Buffer> = {}
    for (let i = 0; i < 150; i++) {
      const bytes = Buffer.from(originals[i % originals.length])
      for (let k = 0; k < 1 + (i % 6); k++) bytes[random.integer(bytes.length)] = random.integer(256)
      files[`${i}.png`] = i % 4 === 0 ? bytes.subarray(0, random.integer(bytes.length)) : bytes
    }
    const folder = folderOf(files)
    const list = Object.keys(files).map((path) => ({ path, file: join(folder, path) }))
    const { count, pixels, skipped } = await decodeImages(list, { size: 8, fit: 'cover' })
    expect(count + skipped.length).toBe(150)
    expect(pixels.length).toBe(count * 192)
    expect(skipped.length).toBeGreaterThan(30)
    for (const { reason } of skipped) expect(reason).not.toMatch(/\n|vips|Input buffer/)
  })

  it('refuses more than memory and disk hold instead of running out of either', async () => {
    const files = Array.from({ length: 100_000 }, () => ({ path: 'a', file: 'a' }))
    const error = await failure(() => decodeImages(files, { size: 1024, fit: 'cover' }))
    expect(error.message).toMatch(
      /^images \(scratch file in .*\): got 293.0 GiB of pixels, expected at most .* GiB, .*smaller --size/,
    )
  })

  it('stops when told to', async () => {
    const files = [{ path: 'a', file: 'a' }]
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(decodeImages(files, { size: 8, fit: 'cover', signal })).rejects.toThrow('stopped')
  })
})

describe('grey', () => {
  it('is what has equal channels, and keeps its values', () => {
    const pixels = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3))
    expect(isGrey(pixels)).toBe(true)
    expect([...toGrey(pixels)]).toEqual(Array.from({ length: 256 }, (_, i) => i))
    pixels[5] = 0
    expect(isGrey(pixels)).toBe(false)
  })
})

describe('listFolder', () => {
  it('ends at links that lead in a circle and enters each folder once, by its own path', async () => {
    const folder = folderOf({
      'z/real.png': '',
      'a/inner/': '',
      '.hidden/x.png': '',
      'Thumbs.db': '',
      'a/.DS_Store': '',
    })
    symlinkSync('..', join(folder, 'a/inner/up'))
    symlinkSync('z', join(folder, 'a link'))
    symlinkSync('nowhere', join(folder, 'broken.png'))
    symlinkSync('circle', join(folder, 'circle'))
    symlinkSync('z/real.png', join(folder, 'copy.png'))
    const listing = await listFolder(folder)
    expect(listing.files).toEqual(['copy.png', 'z/real.png'])
    expect(listing.folders).toEqual(['a', 'a/inner', 'z'])
    expect(Object.fromEntries(listing.skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      'a/inner/up': 'a symbolic link to a folder that is read already',
      'a link': 'a symbolic link to a folder that is read already',
      'broken.png': 'a symbolic link that leads nowhere',
      circle: 'a symbolic link that leads in a circle',
    })
  })

  it('follows a link out of the folder', async () => {
    const outside = folderOf({ 'b.png': '' })
    const folder = folderOf({ 'a.png': '' })
    symlinkSync(outside, join(folder, 'linked'))
    expect((await listFolder(folder)).files).toEqual(['a.png', 'linked/b.png'])
  })

  it.runIf(existsSync('/usr/bin/mkfifo'))('never opens a pipe', async () => {
    const folder = folderOf({ 'a.png': '' })
    execFileSync('mkfifo', [join(folder, 'pipe.png')])
    expect((await listFolder(folder)).skipped).toEqual([{ path: 'pipe.png', reason: 'not a regular file' }])
  })

  it.skipIf(process.getuid?.() === 0)(
    'goes on past a folder that it may not read (skipped for root)',
    async () => {
      const folder = folderOf({ 'a.png': '', 'secret/b.png': '' })
      chmodSync(join(folder, 'secret'), 0o000)
      const { files, skipped } = await listFolder(folder)
      chmodSync(join(folder, 'secret'), 0o700)
      expect(files).toEqual(['a.png'])
      expect(skipped[0].reason).toContain('EACCES')
    },
  )

  it('says what is wrong with the folder itself', async () => {
    const folder = folderOf({ 'a.zip': '' })
    const missing = await failure(() => listFolder(join(folder, 'nope')))
    expect(missing.message).toMatch(
      /^image folder \(.*nope\): got nothing there, expected a folder of images/,
    )
    const file = await failure(() => listFolder(join(folder, 'a.zip')))
    expect(file.message).toContain('got a file, expected a folder of images; give the folder that holds it')
  })
})

describe('openImages', () => {
  it('takes files and folders, each image once, and names them as they were given', async () => {
    const folder = folderOf({
      'b/2.png': await png('#ff0000'),
      'a.png': await png('#00ff00'),
      'labels.csv': 'x',
      'c.txt': 'x',
    })
    const { images, skipped } = await openImages([join(folder, 'a.png'), folder], {
      size: 8,
      fit: 'cover',
      channels: 3,
    })
    expect(images).toMatchObject({ count: 2, height: 8, width: 8, channels: 3 })
    expect(images.paths).toEqual([join(folder, 'a.png'), join(folder, 'b/2.png')])
    expect([...images.pixels.subarray(0, 3)]).toEqual([0, 255, 0])
    expect(skipped).toEqual([{ path: join(folder, 'c.txt'), reason: 'not an image' }])
  })

  it('brings colour to grey for a model of grey images', async () => {
    const folder = folderOf({ 'a.png': await png('#ff0000') })
    const { images } = await openImages([folder], { size: 8, fit: 'cover', channels: 1 })
    expect(images.pixels.subarray()[0]).toBe(77)
  })

  it('says when there is nothing to classify', async () => {
    const folder = folderOf({ 'a.txt': 'words' })
    const options = { size: 8, fit: 'cover', channels: 3 } as const
    expect((await failure(() => openImages([folder], options))).message).toContain('a.txt: not an image')
    expect((await failure(() => openImages([join(folder, 'b')], options))).got).toBe('nothing there')
  })
})
