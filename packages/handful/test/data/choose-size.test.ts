/** The side that images are brought to where none is asked for. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sizeFor } from '../../src/data/choose-size.js'
import { openDataset } from '../../src/data/open.js'
import { specOf } from '../../src/runs/read-dataset.js'

test('is 96 pixels or half of what most images have, as far as it fits in memory', () => {
  const size = (sides: number[], count = 100): number => sizeFor(sides, count).size
  expect(size([28, 28, 30])).toBe(32)
  expect(size([64, 64, 64, 4000])).toBe(32)
  expect(size([96, 96, 96])).toBe(96)
  expect(size([90, 95, 97])).toBe(32)
  expect(size([128, 130, 100])).toBe(96)
  expect(size([3000, 3000, 4000])).toBe(96)
  expect(size([])).toBe(32)
  expect(size([3000], 100_000)).toBe(48)
  expect(sizeFor([32], 10).sentence).toBeUndefined()
  expect(sizeFor([170], 10).sentence).toBe(
    'Images are brought to 96x96 pixels (170 is the shorter side of most); --size takes another.',
  )
})

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-size-'))
  for (let i = 0; i < 6; i++) {
    const background = { r: 40 * i, g: 90, b: 20 }
    await sharp({ create: { width: 190, height: 140, channels: 3, background } })
      .png()
      .toFile(path.join(folder, `${i}.png`))
  }
})
afterAll(() => rm(folder, { recursive: true }))

test('a folder is opened at it and says so; older runs, which say no size, stay at 32 pixels', async () => {
  const auto = await openDataset({ folder, size: 'auto', labels: 'optional', seed: 0 })
  expect([auto.train.height, auto.train.width]).toEqual([96, 96])
  expect(auto.notes.join()).toContain('96x96 pixels (140')
  expect((await openDataset({ folder, labels: 'optional' })).train.height).toBe(96)
  expect(specOf({ folder, fit: 'cover', seed: 0 }).size).toBe(32)
})
