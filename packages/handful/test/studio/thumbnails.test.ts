/** Which thumbnail is made when: what is asked for first, and the first screenful before anyone asks. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Thumbnails } from '../../src/studio/thumbnails.js'

let folder: string
let content: Buffer

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-thumbnails-'))
  content = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#369' } })
    .jpeg()
    .toBuffer()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Thumbnails of so many images, and which of them were read, in order. */
function thumbnails(images: number, cache: string): { readonly made: Thumbnails; readonly read: number[] } {
  const read: number[] = []
  const source = {
    place: cache,
    paths: Array.from({ length: images }, (_, image) => `${image}.jpg`),
    version: () => Promise.resolve('1'),
    load: async (image: number) => {
      read.push(image)
      return Promise.resolve({ content })
    },
  }
  return { made: new Thumbnails(source, path.join(folder, cache)), read }
}

test('the first are made ahead, each once, and are there when they are asked for', async () => {
  const { made, read } = thumbnails(100, 'ahead')
  made.ahead(20)
  await expect.poll(() => read.length, { timeout: 20_000 }).toBe(20)
  expect(read.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, image) => image))
  expect((await made.of(7)).body.length).toBeGreaterThan(100)
  expect(read).toHaveLength(20)
  await made.close()
})

test('what is asked for is not kept waiting by what is made ahead', async () => {
  const { made, read } = thumbnails(100, 'asked')
  made.ahead(60)
  await made.of(90)
  // At most those that were being made or looked for as it was asked for.
  expect(read.indexOf(90)).toBeLessThan(10)
  // Once it is closed nothing is made, and nothing is written any more.
  await made.close()
  const before = [read.length, (await readdir(path.join(folder, 'asked'), { recursive: true })).length]
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect([read.length, (await readdir(path.join(folder, 'asked'), { recursive: true })).length]).toEqual(
    before,
  )
})

test('of few images no more are made than there are', async () => {
  const { made, read } = thumbnails(3, 'few')
  made.ahead(60)
  await expect.poll(() => read.length, { timeout: 20_000 }).toBe(3)
  await made.close()
})
