/** Pixels in a scratch file are what pixels in memory are. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import { openFolder } from '../../src/data/folder.js'
import { imageAt, imagesAt } from '../../src/data/image-set.js'
import { imagesKey } from '../../src/data/content.js'
import { partsOf, pixelPart, pixelSpace } from '../../src/data/pixel-store.js'
import { takeImages } from '../../src/training/augment.js'
import { folderOf, noise, plain } from './support.js'

describe('pixels beyond their memory', () => {
  it('are read and written as an array is', () => {
    const [array, file] = [pixelSpace(1000, 1000), pixelSpace(1000, 999)]
    expect(array).toBeInstanceOf(Uint8Array)
    expect(file).not.toBeInstanceOf(Uint8Array)
    const random = new Random(1, 'bytes')
    for (const at of [0, 990, 400, 405]) {
      const bytes = Uint8Array.from({ length: 10 }, () => random.integer(256))
      for (const space of [array, file]) space.set(bytes, at)
    }
    for (const [start, end] of [[], [398, 420], [980], [-20], [995, 2000], [7, 3]])
      expect(file.subarray(start, end)).toEqual(array.subarray(start, end))
    const [partOfArray, partOfFile] = [array, file].map((space) => pixelPart(space, 395, 415))
    expect(partOfFile.length).toBe(20)
    expect(partOfFile.slice(3, 9)).toEqual(partOfArray.slice(3, 9))
    expect([...partsOf(partOfFile)].map(({ bytes }) => [...bytes]).flat()).toEqual([
      ...partOfArray.subarray(),
    ])
    expect(() => file.set(new Uint8Array(5), 998)).toThrow('beyond their space')
  })

  it('leave no file behind', () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('handful-pixels-'))
    pixelSpace(10, 1).set(new Uint8Array(3), 0)
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith('handful-pixels-'))
    expect(after.filter((name) => !before.includes(name))).toEqual([])
  })

  it.each([
    [
      'in colour',
      async () => ({
        'train/a/1.png': await noise(9).png().toBuffer(),
        'train/b/2.png': await plain('#c86432', 9).png().toBuffer(),
      }),
    ],
    [
      'grey',
      async () => ({
        'train/a/1.png': await plain('#777777', 9).png().toBuffer(),
        'train/b/2.png': await plain('#111111', 9).png().toBuffer(),
      }),
    ],
  ] as const)('make the same data set: %s, with a test split and damaged files', async (_, content) => {
    const folder = folderOf({
      ...(await content()),
      'train/a/0-damaged.png': Buffer.from('\x89PNG\r\n\x1a\nnot much', 'latin1'),
      'test/a/3.png': await plain('#222222', 9).png().toBuffer(),
      'test/b/4.png': await plain('#999999', 9).png().toBuffer(),
    })
    const open = (memory?: number) =>
      openFolder({ folder, size: 8, fit: 'cover', labels: 'required', seed: 0, memory })
    const [inMemory, inFile] = [await open(), await open(1)]
    expect(inFile.train.pixels).not.toBeInstanceOf(Uint8Array)
    for (const of of [inMemory, inFile])
      expect(of.skipped.map(({ path }) => path)).toEqual(['train/a/0-damaged.png'])
    expect(inFile.train.pixels.subarray()).toEqual(inMemory.train.pixels.subarray())
    expect(inFile.test?.images.pixels.subarray()).toEqual(inMemory.test?.images.pixels.subarray())
    expect(imagesKey(inFile.train)).toBe(imagesKey(inMemory.train))
    expect(imageAt(inFile.train, 1)).toEqual(imageAt(inMemory.train, 1))
    expect(imagesAt(inFile.train, [1, 0]).pixels).toEqual(imagesAt(inMemory.train, [1, 0]).pixels)
    const bytes = imageAt(inFile.train, 0).length
    expect(takeImages(inFile.train.pixels, bytes, [1, 1, 0])).toEqual(
      takeImages(inMemory.train.pixels, bytes, [1, 1, 0]),
    )
  })
})
