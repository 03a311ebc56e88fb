/** The contact sheet of suggested images shows what the run reads, whatever the format. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { writeSheet } from '../../src/jobs/suggest/sheet.js'
import type { JobContext } from '../../src/training/progress.js'
import { folderOf, plain, temporaryFolder } from '../data/support.js'
import { greyTiff, tiff } from '../data/tiff-writer.js'

/** A PPM of one colour. */
const ppm = (colour: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from('P6\n4 4\n255\n'), Buffer.from(new Array(16).fill(colour).flat() as number[])])

test('formats, depths and frames that sharp does not read are pictures too; what is gone is grey', async () => {
  const page = (level: number) => ({ width: 4, height: 4, samples: new Uint8Array(16).fill(level) })
  const dark = Uint16Array.from({ length: 16 }, (_, i) => 100 + 10 * i)
  const folder = folderOf({
    'a.png': await plain('#ff0000').png().toBuffer(),
    'b.ppm': ppm([0, 255, 0]),
    'c.tif': greyTiff(dark),
    'd.tif': tiff(page(10), page(90)),
  })
  const images = ['a.png', 'b.ppm', 'c.tif', 'd.tif#2', 'gone.png']
  const file = join(temporaryFolder(), 'sheet.png')
  const suggestions = images.map((image) => ({ image, why: 'typical' }))
  const place = { run: folder, imageFolder: folder, dataDir: undefined, title: 'test' }
  // Nothing of it is used where there are files.
  await writeSheet(file, suggestions, place, {} as JobContext)
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const cell = info.width / images.length
  const at = (place: number, x: number, y: number): number[] => {
    const from = (Math.round(y * cell) * info.width + Math.round((place + x) * cell)) * 3
    return [...data.subarray(from, from + 3)]
  }
  expect(at(0, 0.5, 0.5)).toEqual([255, 0, 0])
  expect(at(1, 0.5, 0.5)).toEqual([0, 255, 0])
  const [first, last] = [at(2, 0.1, 0.1)[0], at(2, 0.9, 0.9)[0]]
  expect(first).toBeLessThan(40)
  expect(last).toBeGreaterThan(215)
  expect(at(3, 0.5, 0.5)).toEqual([90, 90, 90])
  expect(at(4, 0.5, 0.5)).toEqual([200, 200, 200])
})

test('the page says of each image why it is suggested, in words that stand beside its own picture', async () => {
  const folder = folderOf({
    'a.png': await plain('#ff0000').png().toBuffer(),
    'b.png': await plain('#00ff00').png().toBuffer(),
  })
  const file = join(temporaryFolder(), 'sheet.html')
  const suggestions = [
    { image: 'a.png', why: 'stands for 12 images like it' },
    { image: 'b.png', why: 'between <cat> & dog', predicted: 'cat', probability: 0.51 },
  ]
  const place = { run: folder, imageFolder: folder, dataDir: undefined, title: 'test' }
  await writeSheet(file, suggestions, place, {} as JobContext)
  const figures = (await readFile(file, 'utf8')).match(/<figure>[^]*?<\/figure>/g) ?? []
  expect(figures.length).toBe(2)
  expect(figures[0]).toContain('<b>a.png</b><br />stands for 12 images like it<br />')
  expect(figures[1]).toContain('<b>b.png</b><br />between &lt;cat&gt; &amp; dog<br />cat, 51\u00a0%')
})
