/** The jobs as library calls: defaults and errors as on the command line, a whole run folder, images in memory. */
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { availableThreads } from 'onnx-autodiff/threads'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  openDataset,
  parseFitOptions,
  RunFolder,
  runFit,
  runPredict,
  silentProgress,
} from '../../src/index.js'
import { writeGreyFolders } from '../cli/image-folders.js'

let parent: string
let images: string
const context = { signal: new AbortController().signal, progress: silentProgress }

beforeAll(async () => {
  parent = await mkdtemp(path.join(os.tmpdir(), 'handful-library-'))
  images = path.join(parent, 'images')
  await writeGreyFolders(images, [
    ['dark', 20],
    ['light', 190],
  ])
})
afterAll(() => rm(parent, { recursive: true, force: true }))

test('options have the defaults of the command line', () => {
  const own = parseFitOptions({ folder: 'photos' }, { HANDFUL_DATA: '/data' })
  expect(own).toMatchObject({ size: 'auto', minutes: 3, head: 'auto', seed: 0, dataDir: '/data' })
  expect(own.threads).toBe(availableThreads())
  expect(parseFitOptions({ dataset: 'strokes' }, {})).toEqual(expect.not.objectContaining({ size: 'auto' }))
  expect(parseFitOptions({ dataset: 'strokes' }, {}).labelsPerClass).toBe(4)
})

test.each([
  [{}, /images|dataset/],
  [{ folder: 'a', dataset: 'strokes' as const }, /--dataset/],
  [{ folder: 'a', steps: 0 }, /--steps/],
  [{ folder: 'a', minutes: 1, steps: 1 }, /--steps.*not both/],
])('%j is told as the command line tells it', (input, message) => {
  expect(() => parseFitOptions(input, {})).toThrow(message)
  expect(() => parseFitOptions(input, {})).toThrow(expect.objectContaining({ exitCode: 2 }))
})

test('count is for generated sets alone', async () => {
  expect((await openDataset({ dataset: 'strokes', count: 30, testCount: 0 })).train.count).toBe(30)
  await expect(openDataset({ folder: images, count: 30 })).rejects.toThrow(/count.*none with a folder/)
})

test('runFit leaves what the command leaves; runPredict takes files, their bytes and pixels alike', async () => {
  const options = parseFitOptions({
    folder: images,
    size: 12,
    threads: 1,
    steps: 2,
    patches: 4,
    preset: 'fast',
    set: { width: 4, batch: 4 },
  })
  const run = await RunFolder.create({
    folder: path.join(parent, 'run'),
    parent,
    name: 'grey',
    date: new Date(),
    config: JSON.parse(JSON.stringify(options)) as Record<string, unknown>,
    environment: {},
  })
  const report = await runFit(options, { ...context, run })
  await run.close()
  for (const file of ['report.html', 'report.json', 'predictions.csv'])
    await access(path.join(run.folder, file))
  const saved = JSON.parse(await readFile(path.join(run.folder, 'report.json'), 'utf8')) as {
    next: unknown[]
  }
  expect(saved.next).toEqual(report.next)
  expect(report.next.length).toBeGreaterThan(0)

  const file = path.join(
    images,
    'light',
    (await openDataset({ folder: images })).train.paths.find((each) => each.startsWith('light'))?.slice(6) ??
      '',
  )
  const { data, info } = await sharp(file)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const pixels = {
    height: info.height,
    width: info.width,
    channels: info.channels as 1 | 3,
    pixels: new Uint8Array(data),
  }
  const { predictions } = await runPredict(
    { run: run.folder, images: [file, await readFile(file), pixels], threads: 1 },
    context,
  )
  expect(predictions.map((each) => each.path)).toEqual([file, 'image 2', 'image 3'])
  for (const { predicted, probability } of predictions)
    expect({ predicted, probability }).toEqual({
      predicted: 'light',
      probability: predictions[0].probability,
    })

  // Where all images have labels there are no others to be unlike.
  expect(predictions[0]).not.toHaveProperty('unlike')
  await expect(
    runPredict({ run: run.folder, images: [file], noneAbove: 0.9, threads: 1 }, context),
  ).rejects.toThrow(/--none-above .*got 0.9, expected a run that tells images of none of its classes/)

  const short = { ...pixels, pixels: pixels.pixels.subarray(1) }
  await expect(runPredict({ run: run.folder, images: [short], threads: 1 }, context)).rejects.toThrow(
    /pixels \(image 1\): got \d+ bytes for .* expected a Uint8Array of height x width x channels/,
  )
})
