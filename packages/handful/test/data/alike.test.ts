/** What is there more than once, told before training. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { nearDuplicates } from '../../src/data/alike.js'
import { openDataset } from '../../src/data/open.js'
import { Random } from 'onnx-autodiff'
import { folderOf, png } from './support.js'

/** A smooth picture of its own for each number. */
async function picture(seed: number): Promise<Buffer> {
  const random = new Random(seed, 'picture')
  const coarse = Uint8Array.from({ length: 6 * 6 * 3 }, () => random.integer(256))
  return sharp(coarse, { raw: { width: 6, height: 6, channels: 3 } })
    .resize(96, 96, { kernel: 'cubic' })
    .png()
    .toBuffer()
}

const open = (files: Readonly<Record<string, Uint8Array>>) =>
  openDataset({ folder: folderOf(files), size: 32, seed: 0 })

describe('the same image', () => {
  it('in two classes is said with both files', async () => {
    const [one, other] = [await picture(1), await picture(2)]
    const data = await open({ 'a/1.png': one, 'a/2.png': other, 'b/7.png': one, 'unlabeled/1.png': other })
    expect(data.notes).toEqual([
      '1 image lies in two classes, byte for byte the same, such as a/1.png (a) and b/7.png (b)',
    ])
    expect((await open({ 'a/1.png': one, 'a/2.png': one, 'b/1.png': other })).notes).toEqual([])
  })

  it('nearly, in training and test, is said: smaller, compressed, brighter, never another', async () => {
    const files: Record<string, Uint8Array> = {}
    for (let i = 0; i < 40; i++) files[`train/${'ab'[i % 2]}/${i}.png`] = await picture(i)
    files['test/a/small.png'] = await sharp(await picture(0))
      .resize(60)
      .png()
      .toBuffer()
    files['test/b/compressed.jpg'] = await sharp(await picture(1))
      .jpeg({ quality: 60 })
      .toBuffer()
    files['test/a/brighter.png'] = await sharp(await picture(2))
      .linear(0.9, 20)
      .png()
      .toBuffer()
    files['test/b/same.png'] = await picture(3)
    for (let i = 100; i < 110; i++) files[`test/${'ab'[i % 2]}/${i}.png`] = await picture(i)
    const { notes } = await open(files)
    expect(notes).toEqual([
      '1 of 14 test images are also among the training images, pixel for pixel',
      expect.stringMatching(
        /^3 of 14 test images nearly equal a training image, such as train\/[ab]\/[012]\.png$/,
      ),
    ])
  })

  it('is none of plain ones', async () => {
    const { notes } = await open({
      'train/a/1.png': await png('#808080'),
      'train/b/1.png': await png('#404040'),
      'test/a/1.png': await png('#828282'),
      'test/b/1.png': await png('#414141'),
    })
    expect(notes).toEqual([])
  })

  it('is found among ten thousands in seconds', () => {
    const images = (seed: number, count: number) => {
      const random = new Random(seed, 'pixels')
      const pixels = Uint8Array.from({ length: count * 256 }, () => random.integer(256))
      return { name: 'x', count, height: 16, width: 16, channels: 1 as const, pixels, paths: [] }
    }
    const [train, test] = [images(0, 20_000), images(1, 2_000)]
    test.pixels.set(train.pixels.subarray(7 * 256, 8 * 256), 5 * 256)
    const started = performance.now()
    expect(nearDuplicates(train, test)).toEqual([{ train: 7, test: 5 }])
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})

describe('what drives and systems leave', () => {
  it('is passed over, folders and files, and said', async () => {
    const red = await picture(1)
    const left = [
      ...[
        '__MACOSX/a/._1.png',
        'a/._1.png',
        'b/._2.png',
        'a/.DS_Store',
        '@eaDir/a/1.png',
        '$RECYCLE.BIN/1.png',
      ],
      ...[
        'System Volume Information/1.png',
        '.Trashes/1.png',
        'lost+found/1.png',
        'a/Thumbs.db',
        'b/desktop.ini',
      ],
    ]
    const data = await open({
      ...Object.fromEntries(left.map((path) => [path, red])),
      'a/1.png': red,
      'b/1.png': await picture(2),
    })
    expect(data.train.paths).toEqual(['a/1.png', 'b/1.png'])
    expect(data.skipped).toEqual([])
    expect(data.notes).toHaveLength(1)
    expect(data.notes[0]).toMatch(/^passed over, as hidden or left by a system: .* and \d more$/)
    const [, names] = data.notes[0].split(': ')
    expect(names.split(/, | and /).length).toBe(7)
  })
})
