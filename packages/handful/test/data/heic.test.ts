/** HEIC files, as phones make them (fixtures/heic.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openFolder } from '../../src/data/folder.js'
import { decodeHeic } from '../../src/data/heic.js'
import { imageFormat } from '../../src/data/image-format.js'
import { folderOf, plain } from './support.js'

const fixtures = z
  .record(z.string(), z.object({ file: z.base64(), pixels: z.array(z.number()) }))
  .parse(JSON.parse(readFileSync(new URL('../fixtures/heic.json', import.meta.url), 'utf8')))
const fileOf = (name: string): Buffer => Buffer.from(fixtures[name].file, 'base64')

const options = { size: 32, fit: 'cover', labels: 'optional', seed: 0, channels: 3 } as const

describe('a HEIC file', () => {
  it.each(Object.entries(fixtures))('%s has its pixels', async (_, { file, pixels }) => {
    const folder = folderOf({ 'a.heic': Buffer.from(file, 'base64') })
    const { train, skipped } = await openFolder({ ...options, folder })
    expect(skipped).toEqual([])
    const apart = [...train.pixels.subarray()].map((value, i) => Math.abs(value - pixels[i]))
    expect(apart.reduce((a, b) => a + b) / apart.length).toBeLessThan(1.5)
    // Where it becomes transparent the coder rings.
    expect(apart.filter((each) => each > 8).length / apart.length).toBeLessThan(0.05)
  })

  it('gives the channels that are asked for', async () => {
    const folder = folderOf({ 'a.heic': fileOf('in colour') })
    const { train } = await openFolder({ ...options, channels: 1, bands: [2], folder })
    const [first, last] = [train.pixels.subarray(0, 1)[0], train.pixels.subarray(31 * 32, 31 * 32 + 1)[0]]
    expect(first).toBeLessThan(4)
    expect(Math.abs(last - 248)).toBeLessThan(4)
  })

  it('that is cut is refused, and others beside it are read', async () => {
    const whole = fileOf('in colour')
    const files = { 'a.heic': whole, 'b.heic': whole.subarray(0, -60), 'c.heic': whole.subarray(0, 40) }
    const { train, skipped } = await openFolder({ ...options, folder: folderOf(files) })
    expect(train.count).toBe(1)
    expect(skipped.map(({ reason }) => reason)).toEqual(new Array(2).fill('a damaged or truncated HEIC file'))
  })

  it('of more pixels than may be is not decoded', async () => {
    expect(await decodeHeic(fileOf('in colour'), 1023)).toEqual({ width: 32, height: 32, alpha: false })
  })

  it('is told from AVIF by its brands', async () => {
    const box = (...brands: string[]): Buffer => {
      const [major, ...others] = brands
      const size = Buffer.alloc(4)
      size.writeUInt32BE(16 + 4 * others.length)
      return Buffer.concat([size, Buffer.from(`ftyp${major}\0\0\0\0${others.join('')}`, 'latin1')])
    }
    expect(imageFormat(await plain('#c86432').avif().toBuffer())).toBe('AVIF')
    expect(imageFormat(box('heix', 'mif1'))).toBe('HEIC')
    expect(imageFormat(box('mif1', 'mif1', 'heic'))).toBe('HEIC')
    expect(imageFormat(box('mif1', 'mif1', 'avif'))).toBe('AVIF')
    expect(imageFormat(box('mp42', 'isom'))).toBe('unknown')
  })
})
