/** Dim 16-bit microscopy through the real commands: what `fit` found of it, every command after it uses. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fit } from '../../src/jobs/fit/command.js'
import { predict } from '../../src/jobs/predict/command.js'
import { greyTiff } from '../data/tiff-writer.js'
import { handful, type Outcome } from './harness.js'

const SIDE = 12
let parent: string
let run: string

/** 100 + 600 x, or darker and brighter, of stripes that lie or stand, as a 16-bit image. */
function stripes(lying: boolean, random: Random, darkest = 100): Buffer {
  const phase = random.between(0, 6)
  return greyTiff(
    Uint16Array.from({ length: SIDE * SIDE }, (_, i) => {
      const at = lying ? Math.floor(i / SIDE) : i % SIDE
      return (
        darkest +
        600 * Math.min(1, Math.max(0, 0.5 + 0.4 * Math.sin(1.2 * at + phase) + random.between(-0.05, 0.05)))
      )
    }),
  )
}

const command = (args: readonly string[]): Promise<Outcome> =>
  handful(args, { fit: fit.run, predict: predict.run })

beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-depth-'))
  run = path.join(parent, 'run')
  const random = new Random(1, 'stripes')
  for (const [folder, count] of [
    ['lying', 4],
    ['standing', 4],
    ['unlabeled', 24],
  ] as const) {
    await mkdir(path.join(parent, 'images', folder), { recursive: true })
    for (let i = 0; i < count; i++) {
      const lying = folder === 'unlabeled' ? i % 2 === 0 : folder === 'lying'
      await writeFile(path.join(parent, 'images', folder, `${i}.tif`), stripes(lying, random))
    }
  }
  const { exit, stderr } = await command([
    ...['fit', path.join(parent, 'images'), '--out', run, '--size', '12', '--steps', '30', '--draws', '1'],
    ...['--patches', '32', '--threads', '1', '--set', 'batch=8'],
  ])
  expect(exit, stderr).toBe(0)
  expect(stderr).toMatch(
    /images of whole numbers beyond 8 bits: 1\d\d is black and \d{3} white in all of them/,
  )
}, 120_000)

afterAll(() => rm(parent, { recursive: true }))

test('the stretch stands in the run, and predict gives new images their classes by it', async () => {
  const description = JSON.parse(await readFile(path.join(run, 'model/model.json'), 'utf8')) as object
  const classifier = JSON.parse(await readFile(path.join(run, 'model/classifier.json'), 'utf8')) as object
  const [[low, high]] = (description as { reading: { integers: [number, number][] } }).reading.integers
  expect([low > 99 && low < 200, high > 600 && high <= 700]).toEqual([true, true])
  expect(classifier).toMatchObject({ reading: { stretch: 'data', integers: [[low, high]] } })

  const { exit, stdout, stderr } = await command([
    'predict',
    run,
    path.join(parent, 'images/unlabeled'),
    '--json',
  ])
  expect(exit, stderr).toBe(0)
  const { predictions } = JSON.parse(stdout) as { predictions: { path: string; predicted: string }[] }
  expect(predictions).toHaveLength(24)
  const right = predictions.filter(({ path: file, predicted }) => {
    return predicted === (Number(path.basename(file, '.tif')) % 2 === 0 ? 'lying' : 'standing')
  })
  expect(right.length).toBeGreaterThanOrEqual(23)
})

test('images of another camera are read by a stretch of their own where predict is told so', async () => {
  const folder = path.join(parent, 'brighter')
  await mkdir(folder)
  const random = new Random(2, 'brighter stripes')
  for (let i = 0; i < 12; i++)
    await writeFile(path.join(folder, `${i}.tif`), stripes(i % 2 === 0, random, 20_000))
  const rightOf = async (...options: string[]): Promise<number> => {
    const { exit, stdout, stderr } = await command(['predict', run, folder, '--json', ...options])
    expect(exit, stderr).toBe(0)
    const { predictions } = JSON.parse(stdout) as { predictions: { path: string; predicted: string }[] }
    return predictions.filter(
      ({ path: file, predicted }) =>
        predicted === (Number(path.basename(file, '.tif')) % 2 === 0 ? 'lying' : 'standing'),
    ).length
  }
  expect(await rightOf('--stretch', 'data')).toBe(12)
  expect(await rightOf('--stretch', '20000,20700')).toBe(12)
  // By the run's own stretch all of them are white.
  expect(await rightOf()).toBeLessThan(9)
})

test('features of the same images are the same by the run or by their folder', async () => {
  const written: Buffer[] = []
  for (const images of [[], [path.join(parent, 'images')]]) {
    const out = path.join(parent, `${images.length}.npy`)
    const { exit, stderr } = await command(['features', run, ...images, '--out', out])
    expect(exit, stderr).toBe(0)
    written.push(await readFile(out))
  }
  expect(written[0].equals(written[1])).toBe(true)
})

test('numbers that the run has not seen are refused with their reason', async () => {
  const file = path.join(parent, 'floats.tif')
  await writeFile(file, greyTiff(Float32Array.from({ length: 144 }, (_, i) => i / 144)))
  const { exit, stderr } = await command(['predict', run, file])
  expect(exit).toBe(1)
  expect(stderr).toContain("32-bit float numbers, of which the run's images had none")
})

test.each([
  [['--channels', '0'], '--channels: got "0", expected one to three numbers of channels, counted from 1'],
  [['--channels', '1,2,3,4'], 'for example --channels 1,2,3'],
  [['--stretch', 'dta'], 'did you mean --stretch data?'],
  [['--stretch', '7,3'], '--stretch: got "7,3", expected two numbers, what is black and what is white'],
  [['--frames', 'every'], '--frames: got "every", expected first or all'],
])('%j is wrong use', async (options, message) => {
  const { exit, stderr } = await command(['fit', path.join(parent, 'images'), ...options])
  expect([exit, stderr]).toEqual([2, expect.stringContaining(message)])
})

test('a known data set has no channels to choose', async () => {
  const { exit, stderr } = await command(['pretrain', '--dataset', 'strokes', '--channels', '1'])
  expect([exit, stderr]).toEqual([2, expect.stringContaining('--channels')])
})
