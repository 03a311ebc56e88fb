/** How far the reading of images is: told by the job behind it, and shown by the page while it lasts. */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDataset } from '../../src/runs/read-dataset.js'
import { FoundImages } from '../../src/studio/found-images.js'
import { openImageSource } from '../../src/studio/image-source.js'
import { noteForThePage } from '../../src/studio/page-words.js'
import { TrainingLog } from '../../src/studio/training-log.js'

let folder: string
let images: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-reading-'))
  images = path.join(folder, 'photos')
  const png = await sharp({ create: { width: 24, height: 16, channels: 3, background: '#369' } })
    .png()
    .toBuffer()
  for (const kind of ['a', 'b', 'c']) {
    await mkdir(path.join(images, kind), { recursive: true })
    for (let i = 0; i < 4; i++) await writeFile(path.join(images, kind, `${i}.png`), png)
    await writeFile(path.join(images, kind, 'broken.png'), png.subarray(0, 40))
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a job tells how many images it has skipped so far, and a log of it is read so', async () => {
  const reports: object[] = []
  const progress = {
    plan: () => {},
    report: (event: object) => void reports.push(event),
    message: () => {},
    aside: () => {},
  }
  const signal = new AbortController().signal
  await readDataset({ folder: images, size: 8, fit: 'cover', seed: 0 }, { signal, progress }, 'optional')
  expect(reports.at(-1)).toEqual({
    stage: 'read the images',
    done: 15,
    total: 15,
    unit: 'images',
    skipped: 3,
  })

  const file = path.join(folder, 'training.log')
  await writeFile(file, `${JSON.stringify({ report: { ...reports.at(-1), done: 12_300, total: 60_000 } })}\n`)
  const log = new TrainingLog(file)
  await log.read()
  expect(log.heard.reading).toEqual({ done: 12_300, total: 60_000, skipped: 3 })
  const next = { stage: 'train', done: 1, total: 9, unit: 'steps' }
  await appendFile(file, `${JSON.stringify({ report: next })}\n`)
  await log.read()
  expect(log.heard.reading).toBeUndefined()
})

test('the first images are shown before a folder is gone through to its end', async () => {
  const found = new FoundImages(path.join(folder, 'cache'))
  const counts: unknown[] = []
  const pictures: Promise<unknown>[] = []
  await openImageSource(images, undefined, (far) => {
    found.take(images, far)
    counts.push(found.count)
    if (found.count.found > 0 && pictures.length === 0) pictures.push(found.thumbnail(0))
  })
  expect(counts).toContainEqual({ done: 5, total: 0, skipped: 0, found: 5 })
  expect(await pictures[0]).toMatchObject({ type: 'image/webp' })
  expect(await found.thumbnail(1000)).toBeUndefined()
  found.close()
  expect(await found.thumbnail(0)).toBeUndefined()
})

test('what a folder was understood as has thousands marks, and its notes name no option of the command line', async () => {
  const many = path.join(folder, 'many')
  await mkdir(many)
  const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#369' } })
    .png()
    .toBuffer()
  for (let i = 0; i < 1002; i++) await writeFile(path.join(many, `${i}.png`), png)
  await writeFile(path.join(many, 'list.txt'), '0.png one two\n1.png two one\n2.png one one\n')
  const { understood, notes } = await openImageSource(many)
  expect(understood).toBe('understood as no class, 1,002 images without a label, no test split')
  expect(notes).toEqual([expect.stringMatching(/^list\.txt is not taken for labels: .*, expected one$/)])
  // A folder of images to predict later.
  expect(
    noteForThePage(
      'new/ holds 3 files and no class: it is left out and can be predicted afterwards (handful predict <run> a (1)/new; --splits none if it is a class)',
    ),
  ).toBe('new/ holds 3 files and no class: it is left out and can be predicted afterwards')
  expect(noteForThePage('val/ is held out; 3 of its images have no label')).toBe(
    'val/ is held out; 3 of its images have no label',
  )
})
