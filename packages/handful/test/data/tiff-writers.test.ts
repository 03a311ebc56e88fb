/** TIFF files that tifffile has written (fixtures/tiff.py) are read as what they hold, and what is not read says why. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openFolder } from '../../src/data/folder.js'
import { folderOf } from './support.js'
import { tiff } from './tiff-writer.js'

const fixtures = z
  .record(z.string(), z.object({ file: z.base64(), pixels: z.array(z.number()) }))
  .parse(JSON.parse(readFileSync(new URL('../fixtures/tiff.json', import.meta.url), 'utf8')))

const SIDE = 16
const options = { size: SIDE, fit: 'cover', labels: 'optional', seed: 0 } as const

async function read(content: Buffer, channels?: 1 | 3): Promise<number[]> {
  const { train, skipped } = await openFolder({
    ...options,
    channels,
    folder: folderOf({ 'a.tif': content }),
  })
  expect(skipped).toEqual([])
  return [...train.pixels.subarray()]
}

describe('a TIFF file of another writer', () => {
  it.each(Object.entries(fixtures))('%s', async (name, { file, pixels }) => {
    const found = await read(Buffer.from(file, 'base64'), pixels.length === SIDE ** 2 ? 1 : 3)
    const apart = found.map((value, i) => Math.abs(value - pixels[i]))
    // Eight bits of luminance and colour differences, or of L*a*b*, are coarser than those of red, green and blue.
    const [most, mean] =
      name.includes('Lab') || name.includes('L*a*b*')
        ? [40, 1.5]
        : name.startsWith('YCbCr')
          ? [4, 1]
          : [1, 0.5]
    expect(Math.max(...apart)).toBeLessThanOrEqual(most)
    expect(apart.reduce((a, b) => a + b) / apart.length).toBeLessThan(mean)
  })

  it.each([
    [5, 'a TIFF file of CMYK in 3 channels of 8 bits, which is not read; convert it to RGB'],
    [
      6,
      'a TIFF file of YCbCr colours that pixels share (2x2) without JPEG, which is not read; convert it to RGB',
    ],
    [10, 'a TIFF file of ITU L*a*b* in 3 channels of 8 bits, which is not read; convert it to RGB'],
  ])('of colour model %i: the true reason', async (photometric, reason) => {
    const samples = new Uint8Array(3 * SIDE ** 2)
    const content = tiff({ width: SIDE, height: SIDE, channels: 3, samples, photometric })
    await expect(openFolder({ ...options, folder: folderOf({ 'a.tif': content }) })).rejects.toThrow(reason)
  })
})
