/**
 * What a new data set and a new kind of archive cost: a file with its entry, and its line in a registry. Here each takes the
 * place of one that there is; whatever is said of it from then on comes from the entry.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { CollectionFormat } from '../../src/data/collection.js'
import type { DatasetEntry } from '../../src/data/known-set.js'
import { openCollection } from '../../src/data/open-collection.js'
import { openDataset } from '../../src/data/open.js'
import { listDatasets } from '../../src/jobs/data/run.js'
import { dataFolders } from '../../src/data/locate.js'
import { knownShape } from '../../src/training/model-options.js'
import { failure } from './support.js'

/** Three grey images of four pixels. */
const shades = vi.hoisted((): DatasetEntry => ({
  title: 'Shades',
  description: 'three shades of grey',
  size: 2,
  channels: 1,
  classCount: 3,
  source: 'made here',
  licence: 'MIT',
  generated: true,
  open: () =>
    Promise.resolve({
      name: 'shades',
      train: {
        name: 'shades',
        count: 3,
        height: 2,
        width: 2,
        channels: 1,
        pixels: Uint8Array.from({ length: 12 }, (_, i) => 100 * Math.floor(i / 4)),
        labels: Int32Array.of(0, 1, 2),
        classNames: ['black', 'grey', 'white'],
        paths: ['0', '1', '2'],
      },
      skipped: [],
      notes: [],
    }),
}))

/** A file that begins with CRATE and holds one image, of the class `thing`. */
const crate = vi.hoisted((): CollectionFormat => ({
  name: 'crate',
  kind: 'archive',
  words: '.crate',
  recognises: (start) => start.toString('latin1', 0, 5) === 'CRATE',
  open: (place) =>
    Promise.resolve({
      name: 'crate',
      place,
      notes: [],
      listing: { files: ['thing/1.png'], folders: ['thing'], skipped: [] },
      readText: () => Promise.resolve(''),
      readLabels: (name) => Promise.resolve({ name, columns: [], rows: [] }),
      async *contents(paths: readonly string[]) {
        const { readFile } = await import('node:fs/promises')
        for (const [index, inner] of paths.entries()) {
          const content = await readFile(place)
          yield { index, path: inner, load: () => Promise.resolve(content.subarray(5)) }
        }
      },
    }),
}))

vi.mock('../../src/data/strokes-dataset.js', () => ({ strokes: shades }))
vi.mock('../../src/data/tar.js', async (original) => ({
  ...(await original<typeof import('../../src/data/tar.js')>()),
  tar: crate,
}))

let folder: string
beforeAll(async () => (folder = await mkdtemp(path.join(tmpdir(), 'handful-entries-'))))
afterAll(() => rm(folder, { recursive: true }))

test('a data set is opened, listed and known to models by its entry', async () => {
  const { train } = await openDataset({ dataset: 'strokes', seed: 0 })
  expect(train.classNames).toEqual(['black', 'grey', 'white'])
  expect(knownShape({ dataset: 'strokes' })).toEqual({ size: 2, channels: 1 })
  const [listed] = await listDatasets(dataFolders(undefined, {}))
  expect(listed).toMatchObject({
    title: 'Shades',
    description: 'three shades of grey',
    presence: 'generated',
  })
})

test('a kind of archive is known by its first bytes, opened as a folder, and named where none is', async () => {
  const image = await sharp({ create: { width: 3, height: 3, channels: 3, background: '#f00' } })
    .png()
    .toBuffer()
  const file = path.join(folder, 'things')
  await writeFile(file, Buffer.concat([Buffer.from('CRATE'), image]))
  const { files, contents } = await openCollection(file)
  expect(files.map(({ path: inner, label }) => [inner, label])).toEqual([['thing/1.png', 'thing']])
  for await (const { load } of contents([0])) expect(Buffer.from(await load())).toEqual(image)

  const other = path.join(folder, 'other')
  await writeFile(other, 'nothing of the kind')
  expect((await failure(() => openCollection(other))).message).toContain(
    'expected a folder of images, a .crate, .tar.bz2, .tar.gz, .tar.xz, .tar.zst or .zip of one, or a Parquet file',
  )
})
