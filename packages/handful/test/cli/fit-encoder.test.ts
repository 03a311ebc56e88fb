/** `fit`, `predict`, `features`, `map` and `study` with an encoder made elsewhere, by the command alone on small images. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fit } from '../../src/jobs/fit/command.js'
import { predict } from '../../src/jobs/predict/command.js'
import { tinyModel } from '../encoders/tiny-encoder.js'
import { handful } from './harness.js'

let parent: string
let images: string
let encoder: string
beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-fit-encoder-'))
  images = path.join(parent, 'images')
  encoder = path.join(parent, 'tiny.onnx')
  await writeFile(encoder, tinyModel({ size: 64 }))
  // What tells the classes apart is gone at 8 pixels a side: stripes one pixel wide, and grey of the same mean.
  const random = new Random(0, 'cells')
  for (const [name, high] of [
    ['plain', 120],
    ['striped', 220],
  ] as const) {
    await mkdir(path.join(images, name), { recursive: true })
    for (let i = 0; i < 8; i++) {
      const cells = Array.from({ length: 64 }, () => random.between(-15, 15))
      const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => {
        const [x, y] = [Math.floor(at / 3) % 64, Math.floor(at / 192)]
        return (x % 2 === 0 ? high : 240 - high) + cells[8 * Math.floor(y / 8) + Math.floor(x / 8)]
      })
      await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
        .png()
        .toFile(path.join(images, name, `${name}-${i}.png`))
    }
  }
})
afterAll(() => rm(parent, { recursive: true }))

const real = { fit: fit.run, predict: predict.run }
const base = ['--size', '8', '--draws', '2', '--labels-per-class', '3', '--threads', '1', '--quiet']

test('alone: nothing is trained, originals are seen at its own size, and predict works when all has moved', async () => {
  const out = path.join(parent, 'alone')
  const given = ['--encoder', encoder, '--encoder-range', '-1,1', '--model', 'none']
  const fitted = await handful(['fit', images, ...given, ...base, '--out', out], real)
  expect(fitted.exit, fitted.stderr).toBe(0)
  expect(fitted.stdout).toMatch(/\* tiny, auto +16 of 16/)
  expect(fitted.stderr).toContain('tiny: 6 numbers an image, from images of 64x64 in colour, -1 to 1')
  const model = await readdir(path.join(out, 'model'))
  expect(model.some((name) => /^outside-encoder-.*\.onnx$/.test(name))).toBe(true)
  expect(model).not.toContain('weights.safetensors')
  const rows = (await readFile(path.join(out, 'predictions.csv'), 'utf8')).trim().split('\r\n').slice(1)
  expect(rows).toHaveLength(16)
  for (const row of rows) expect(row).toMatch(/^(plain|striped)\/\1-\d\.png,(\1)?,\1,.*,"?tiny/)

  const moved = path.join(parent, 'moved')
  await rename(out, moved)
  await rename(encoder, `${encoder}.away`)
  const file = path.join(images, 'striped', 'striped-7.png')
  const found = await handful(['predict', moved, file, '--threads', '1', '--quiet'], real)
  await rename(`${encoder}.away`, encoder)
  expect(found.stdout).toMatch(/striped-7\.png,striped,[01]\.\d+/)
  const mapped = await handful([
    'map',
    moved,
    images,
    '--out',
    path.join(parent, 'map'),
    '--quiet',
    '--threads',
    '1',
  ])
  expect(mapped.exit, mapped.stderr).toBe(0)
  expect(mapped.stdout).toContain('what the classifier works on, tiny')
})

test('beside patches, and a table beside both, which predict asks for', async () => {
  const table = path.join(parent, 'table.csv')
  const names = ['plain', 'striped'].flatMap((name) =>
    Array.from({ length: 8 }, (_, i) => `${name}-${i}.png,${name === 'plain' ? i : 10 + i},${i % 3}`),
  )
  await writeFile(table, `file_name,a,b\n${names.join('\n')}\n`)
  const out = path.join(parent, 'together')
  const given = ['--encoder', encoder, '--embeddings', table, '--model', 'none', '--patches', '4']
  const fitted = await handful(['fit', images, ...given, ...base, '--out', out], real)
  expect(fitted.exit, fitted.stderr).toBe(0)
  expect(fitted.stdout).toContain('patches, tiny and table, label propagation')
  const file = path.join(images, 'plain', 'plain-0.png')
  const without = await handful(['predict', out, file, '--quiet'], real)
  expect(without.exit).toBe(2)
  expect(without.stderr).toMatch(/--embeddings \(.*\): got no table, expected a table of the new images/)
  const found = await handful(
    ['predict', out, file, '--embeddings', table, '--threads', '1', '--quiet'],
    real,
  )
  expect(found.exit, found.stderr).toBe(0)
  expect(found.stdout).toMatch(/plain-0\.png,plain,/)
})

test('features of it are written, and read back as a table they give the same', async () => {
  const out = path.join(parent, 'rows.npy')
  const range = ['--encoder-range', '0,1']
  const written = await handful([
    'features',
    images,
    '--encoder',
    encoder,
    ...range,
    '--out',
    out,
    '--threads',
    '1',
    '--quiet',
  ])
  expect(written.exit, written.stderr).toBe(0)
  expect(written.stdout).toContain('encoder: 16 x 6')
  const accuracies = async (name: string, given: readonly string[]): Promise<unknown> => {
    const folder = path.join(parent, name)
    const { exit, stderr, stdout } = await handful(
      ['fit', images, ...given, '--model', 'none', ...base, '--json', '--out', folder],
      real,
    )
    expect(exit, stderr).toBe(0)
    const { results } = JSON.parse(stdout) as { results: { mean: number }[] }
    return results.slice(0, 2).map(({ mean }) => mean)
  }
  expect(await accuracies('by-table', ['--embeddings', out])).toEqual(
    await accuracies('by-encoder', ['--encoder', encoder, ...range]),
  )
})

test('a study has it as a method', async () => {
  const out = path.join(parent, 'study')
  const { exit, stdout, stderr } = await handful([
    ...['study', images, '--encoder', encoder, '--methods', 'pixels,encoder+pixels', '--labels', '2'],
    ...['--heads', 'propagation', '--draws', '2', '--size', '8', '--threads', '1', '--quiet', '--out', out],
    ...['--without', 'sweep,parts,maps,atlas,generation'],
  ])
  expect(exit, stderr).toBe(0)
  expect(stdout).toContain('2 labels per class: 100.0 %')
  const study = JSON.parse(await readFile(path.join(out, 'study.json'), 'utf8')) as {
    methods: { id: string; title: string; kind: string; dimension: number }[]
  }
  expect(study.methods.map(({ id, kind }) => `${id} ${kind}`)).toEqual([
    'pixels baseline',
    'encoder+pixels combination',
    'encoder outside',
  ])
  expect(study.methods[2]).toMatchObject({ title: 'tiny', dimension: 6 })
})

describe('what does not go together is told before anything is done', () => {
  test.each([
    [['--model', 'none'], /--model .*expected a model, or features without one/],
    [['--encoder-size', '64'], /--encoder-size .*expected an --encoder that it says something of/],
    [
      ['--encoder', 'x.onnx', '--model', 'none', '--minutes', '3'],
      /--minutes .*expected none with --model none/,
    ],
    [['--encoder', 'x.onnx', '--encoder-range', '0-1'], /--encoder-range: got "0-1"/],
  ])('%j', async (given, message) => {
    const { exit, stderr } = await handful(
      ['fit', images, ...given, '--out', path.join(parent, 'none')],
      real,
    )
    expect(stderr).toMatch(message)
    expect(exit).toBe(2)
  })

  test('an encoder that is no model leaves no run behind', async () => {
    const wrong = path.join(parent, 'wrong.onnx')
    await writeFile(wrong, 'no model')
    const out = path.join(parent, 'nothing')
    const given = ['fit', images, '--encoder', wrong, ...base, '--out', out]
    const { exit, stderr } = await handful(given, real)
    expect(exit).toBe(1)
    expect(stderr).toMatch(/^error: encoder \(.*wrong\.onnx\): got /m)
    expect(await readdir(parent)).not.toContain('nothing')
  })
})
