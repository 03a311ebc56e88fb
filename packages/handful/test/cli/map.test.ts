/** A map by the command alone, with the real jobs on a small folder. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeGreyFolders } from './image-folders.js'
import { handful } from './harness.js'

let parent: string
let images: string
let run: string

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-map-'))
  images = path.join(parent, 'images')
  run = path.join(parent, 'run')
  await writeGreyFolders(images, [
    ['train/dark', 40],
    ['train/light', 200],
    ['test/dark', 40],
    ['test/light', 200],
  ])
  const small = ['--set', 'width=4', '--set', 'hidden=16', '--set', 'latent=4', '--set', 'batch=8']
  const trained = await handful(['pretrain', images, '--size', '12', '--steps', '6', '--out', run, ...small])
  expect(trained.exit, trained.stderr).toBe(0)
})

afterAll(() => rm(parent, { recursive: true }))

const rowsOf = async (file: string): Promise<Record<string, unknown>[]> =>
  parquetReadObjects({ file: await asyncBufferFromFile(file) })

describe('map', () => {
  test("lays out the run's own training images: figures, a table and a file for embedding-atlas", async () => {
    const { exit, stdout, stderr } = await handful(['map', run])
    expect(exit, stderr).toBe(0)
    const folder = path.join(run, 'map')
    expect((await readdir(folder)).sort()).toEqual([
      'features',
      'map-thumbnails.svg',
      'map.csv',
      'map.parquet',
      'map.svg',
      'stages',
    ])
    expect(stdout).toMatch(
      /^16 images, coloured by label; layers .*\nneighbours of the same class: [\d.]+ % \(46\.7 % by chance\)\nsilhouette of the classes: /,
    )
    expect(stderr).toContain(
      `embedding-atlas ${path.join(folder, 'map.parquet')} --x x --y y --neighbors neighbors --image image`,
    )
    const table = (await readFile(path.join(folder, 'map.csv'), 'utf8')).trim().split('\r\n')
    expect(table).toHaveLength(17)
    expect(table[1]).toMatch(/^train\/dark\/0\.png,train,-?\d+\.\d{4},-?\d+\.\d{4},dark,,$/)
    const rows = await rowsOf(path.join(folder, 'map.parquet'))
    expect(rows.map((row) => row.label)).toEqual([
      ...Array<string>(8).fill('dark'),
      ...Array<string>(8).fill('light'),
    ])
    expect(await readFile(path.join(folder, 'map-thumbnails.svg'), 'utf8')).toContain(
      'data:image/png;base64,',
    )
  })

  test('computes features once for several layouts, and again where they were deleted', async () => {
    const out = path.join(parent, 'twice')
    const table = (): Promise<string> => readFile(path.join(out, 'map.csv'), 'utf8')
    const map = async (...more: string[]): Promise<string> => {
      const { exit, stderr } = await handful(['map', run, '--out', out, ...more])
      expect(exit, stderr).toBe(0)
      return stderr
    }
    expect(await map()).toMatch(/compute features.*\n.*lay out/)
    const first = await table()
    const wider = await map('--min-distance', '0.8')
    expect(wider).toContain('lay out')
    expect(wider).not.toContain('compute features')
    expect(await table()).not.toBe(first)
    expect(await map()).toContain('nothing is computed again')
    expect(await table()).toBe(first)
    await rm(path.join(out, 'features'), { recursive: true })
    expect(await map()).toMatch(/compute features.*\n.*lay out/)
    expect(await table()).toBe(first)
    expect(await map('--layers', 'mean')).toContain('compute features')
    expect((await readdir(path.join(out, 'features'))).map((name) => name.split('-')[0]).sort()).toEqual([
      'features',
      'layout',
    ])
  })

  test('shows images of a test split without their labels', async () => {
    const out = path.join(parent, 'all')
    const { exit, stdout } = await handful(['map', run, images, '--out', out])
    expect(exit).toBe(0)
    expect(stdout).toMatch(/^32 images \(16 labelled\)/)
    const rows = await rowsOf(path.join(out, 'map.parquet'))
    expect(rows.filter((row) => row.split === 'test').map((row) => row.label)).toEqual(Array(16).fill(null))
  })

  test('draws as many images as asked for, the same ones again', async () => {
    const table = async (name: string): Promise<string> => {
      const out = path.join(parent, name)
      expect((await handful(['map', run, '--count', '9', '--out', out])).exit).toBe(0)
      return readFile(path.join(out, 'map.csv'), 'utf8')
    }
    const first = await table('first')
    expect(first.trim().split('\r\n')).toHaveLength(10)
    expect(await table('again')).toBe(first)
  })

  test('understands a folder as it is told', async () => {
    const out = path.join(parent, 'no-splits')
    const { exit, stdout } = await handful(['map', run, images, '--splits', 'none', '--out', out, '--json'])
    expect(exit).toBe(0)
    // Without splits the folders train/ and test/ are no more than classes, or ways to them.
    expect(JSON.parse(stdout)).toMatchObject({ images: 32, labelled: 32 })
  })

  test('takes files, and prints JSON alone on stdout', async () => {
    const files = [0, 1, 2, 3, 4].map((i) => path.join(images, 'test/dark', `${i}.png`))
    const out = path.join(parent, 'files')
    const { exit, stdout } = await handful(['map', run, ...files, '--out', out, '--json'])
    expect(exit).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ images: 5, labelled: 0, colours: 'nothing', skipped: [] })
  })

  test('says in one line what is wrong, before anything is computed', async () => {
    const file = path.join(parent, 'file')
    await writeFile(file, '')
    const cases: [string[], number, RegExp][] = [
      [['map', run, images, '--dataset', 'mnist'], 2, /^error: images: got both images and --dataset/],
      [['map', run, '--layers', 'none-such'], 2, /^error: --layers \(model vae\)/],
      [['map', path.join(parent, 'none')], 1, /^error: run folder .* got /],
      [['map', run, '--out', file], 1, /^error: writing a map .*file\): got something already there/],
      [
        ['map', run, images, '--stretch', 'each'],
        2,
        /^error: --stretch: got it with a run, which reads images/,
      ],
      [['map', run, '--splits', 'none'], 2, /^error: --splits: got it without a folder, expected a folder/],
      [['map', run, '--count', '3'], 2, /^error: --count: got "3"/],
    ]
    for (const [args, status, message] of cases) {
      const { exit, stderr, stdout } = await handful(args)
      expect(stderr).toMatch(message)
      expect(stderr.trim().split('\n')).toHaveLength(1)
      expect([exit, stdout]).toEqual([status, ''])
    }
  })
})
