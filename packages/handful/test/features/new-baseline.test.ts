/**
 * What a new baseline costs: a file with its entry, and its line in the registry. Here it takes the place of one that there
 * is; whatever is said of it from then on comes from the entry.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeSafetensors } from 'onnx-autodiff'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { featureSeconds } from '../../src/study/estimate.js'
import { resolveMethods } from '../../src/study/methods.js'
import { baselineMethod } from '../../src/study/sources.js'
import { parseStudyOptions } from '../../src/study/study-options.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { handful } from '../cli/harness.js'
import { writeGreyFolders } from '../cli/image-folders.js'

/** The mean of each channel, times a number that can be set. */
vi.mock('../../src/features/baselines/pca.js', async () => {
  const { mean, mul } = await import('onnx-autodiff')
  const { z } = await import('zod')
  const { defineBaseline } = await import('../../src/features/baselines/baseline.js')
  const { imageInput, toUnitRange } = await import('../../src/models/common.js')
  const meanColour = defineBaseline({
    name: 'mean-colour',
    title: 'mean colour',
    imagesPerSecond: 1,
    schema: z.strictObject({ times: z.int().min(1) }),
    values: { times: 1 },
    fit: ({ height: size, channels }, { times }) => {
      const pixels = imageInput({ size, channels })
      const colour = mul(mean(mean(toUnitRange(pixels), 0), 0), times)
      const program = { inputs: [pixels], outputs: { colour }, parameters: {} }
      return { network: { program }, outputs: ['colour'], detail: `mean colour times ${times}` }
    },
    studyFields: { colourTimes: z.number().int().min(1).default(2) },
    studyValues: ({ colourTimes }) => ({ times: colourTimes }),
    studySettings: ({ colourTimes }) => ({ colourTimes }),
  })
  return { pca: meanColour }
})

let parent: string
beforeAll(async () => (parent = await mkdtemp(path.join(tmpdir(), 'handful-baseline-'))))
afterAll(() => rm(parent, { recursive: true }))

test('its features are written by the command, with its settings and without what it does not have', async () => {
  const images = path.join(parent, 'images')
  await writeGreyFolders(images, [
    ['dark', 50],
    ['light', 200],
  ])
  const out = path.join(parent, 'f.safetensors')
  const args = ['features', '--baseline', 'pca', images, '--size', '12', '--out', out, '--quiet']
  const { stdout, stderr, exit } = await handful([...args, '--set', 'times=3'])
  expect(exit, stderr).toBe(0)
  expect(stdout).toContain(`${out}: mean colour times 3\n  colour: `)
  const { colour } = decodeSafetensors(await readFile(out)).arrays
  const rows = (await readFile(`${out}.csv`, 'utf8')).trim().split('\r\n').slice(1)
  expect(rows.length).toBeGreaterThan(2)
  for (const [i, row] of rows.entries()) {
    const { channels } = await sharp(path.join(images, row.split(',')[2])).stats()
    expect((colour.data as Float32Array)[i] / 3).toBeCloseTo(channels[0].mean / 255, 4)
  }
  for (const [more, message] of [
    [['--set', 'tims=3'], /--set tims \(baseline mean-colour\).*did you mean times\?/],
    [['--layers', 'a'], /--layers: got a, expected none for baseline mean-colour/],
    [
      ['--save-dictionary', 'd'],
      /--save-dictionary: got a file, expected none for baseline pca, which is not/,
    ],
  ] as const) {
    const refused = await handful([...args, ...more])
    expect(refused.exit).toBe(2)
    expect(refused.stderr).toMatch(message)
  }
})

test('a study names, plans, sets and opens it by its entry', async () => {
  const options = (baselines: object) =>
    parseStudyOptions({ dataset: 'strokes', methods: ['pca'], threads: 1, baselines }, 'test')
  expect(resolveMethods(options({}))).toContainEqual({
    id: 'pca',
    title: 'mean colour',
    kind: 'baseline',
    parts: [],
  })
  const scale = { trainImages: 600, testImages: 0, size: 32, classCount: 2, components: 8, threads: 2 }
  expect(featureSeconds('pca', { ...scale, channels: 1 })).toBeCloseTo(603, 0)
  expect(() => options({ pcaComponents: 8 })).toThrow(/pcaComponents.*expected one of colourTimes/)

  const method = baselineMethod('pca', options({ colourTimes: 5 }))
  expect(method).toMatchObject({
    title: 'mean colour',
    kind: 'baseline',
    settings: { colourTimes: 5, seed: 0 },
  })
  const images: Images = {
    name: 'two',
    count: 2,
    height: 8,
    width: 8,
    channels: 1,
    pixels: Uint8Array.from({ length: 128 }, (_, i) => (i < 64 ? 51 : 102)),
    paths: ['a', 'b'],
  }
  const source = await method.open(images, {
    linearAlgebra: plainLinearAlgebra(),
    seed: 0,
    threads: 1,
    device: 'cpu',
    signal: new AbortController().signal,
  })
  try {
    expect(source).toMatchObject({ columns: 1, detail: 'mean colour times 5' })
    const { data } = await source.extract({ ...images, pixels: images.pixels.subarray() }, 0)
    expect(data[0]).toBeCloseTo(1, 5)
    expect(data[1]).toBeCloseTo(2, 5)
  } finally {
    await source.close?.()
  }
})
