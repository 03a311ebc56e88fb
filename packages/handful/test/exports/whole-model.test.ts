/** One file from pixels to probabilities says what `predict` says, for every model and every head. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeModel, readForeignModel } from 'onnx-autodiff'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Originals } from '../../src/data/originals.js'
import { inputPixels, predictedAlone } from '../../src/exports/predicted.js'
import { openModel } from '../../src/exports/run-model.js'
import { type ModelInput, wholeModel } from '../../src/exports/whole-model.js'
import { METADATA_KEY } from '../../src/exports/model-format.js'
import { MODELS } from '../../src/names.js'
import type { FeatureMatrix } from '../../src/numerics/matrix.js'
import { type Classifier, loadClassifier } from '../../src/runs/classifier.js'
import { openClassifier } from '../../../try/src/page/classifier.js'
import { int, node, tinyModel, withGraph } from '../encoders/tiny-encoder.js'
import { drawnImages, heads, makeRun, type RunParts } from './make-run.js'

let parent: string
beforeAll(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'handful-export-'))
})
afterAll(() => rm(parent, { recursive: true }))

const running = { threads: 1, device: 'cpu', signal: new AbortController().signal }

/** Images that no part of the run has seen. */
function newImages({ size, channels }: Classifier, count = 6) {
  const paths = Array.from({ length: count }, (_, i) => `new-${i}.png`)
  const pixels = drawnImages(count, { size, channels }, 9)
  return {
    images: { name: 'new', count, height: size, width: size, channels, pixels, paths },
    originals: new Originals({ names: paths }),
  }
}

/** The largest difference of a probability, and the model. */
async function differs(folder: string) {
  const classifier = await loadClassifier(folder)
  const whole = await wholeModel(folder, classifier)
  const metadata = {
    inputs: whole.inputs.map((each) => ({ ...each, type: 'uint8' as const, layout: 'NHWC' as const })),
    batch: whole.batch,
    classes: [...classifier.classNames],
    features: whole.columns,
  }
  const about = { ...metadata, square: { fit: classifier.fit } }
  const bytes = whole.encode({ [METADATA_KEY]: JSON.stringify(about) })
  const images = newImages(classifier)
  const expected = await predictedAlone(folder, classifier, images, running)
  const model = await openModel(await readForeignModel(bytes), metadata, { threads: 1 })
  const pixels = await inputPixels(whole.inputs, images, running.signal)
  const found = await model.probabilities(pixels, images.images.count)
  await model.close()
  const worst = found.reduce((most, p, i) => Math.max(most, Math.abs(p - expected.data[i])), 0)
  const sums = Array.from({ length: expected.rows }, (_, i) =>
    found.subarray(i * expected.columns, (i + 1) * expected.columns).reduce((a, b) => a + b, 0),
  )
  // Images that all get the same say nothing of how they were computed.
  const spread =
    Math.max(...found.filter((_, i) => i % expected.columns === 1)) -
    Math.min(...found.filter((_, i) => i % expected.columns === 1))
  return { worst, sums, spread, bytes, whole, byPage: byPage(bytes, whole.inputs, pixels, expected) }
}

/** The largest difference where the page's interpreter computes it. */
function byPage(
  bytes: Uint8Array,
  inputs: readonly ModelInput[],
  pixels: Readonly<Record<string, Uint8Array>>,
  expected: FeatureMatrix,
): number {
  const page = openClassifier(bytes)
  let worst = 0
  for (let image = 0; image < 3; image++) {
    const squares = inputs.map(({ name, size, channels }) => {
      const length = size * size * channels
      return [name, pixels[name].slice(image * length, (image + 1) * length)] as const
    })
    for (const [c, p] of page.probabilitiesOf(Object.fromEntries(squares)).entries())
      worst = Math.max(worst, Math.abs(p - expected.data[image * expected.columns + c]))
  }
  return worst
}

async function expectEqual(parts: RunParts, worst = 1e-5) {
  const { folder } = await makeRun(parent, parts)
  const found = await differs(folder)
  expect(found.worst).toBeLessThan(worst)
  // Its sums are doubles: where a head makes much of the last digits of float32, that shows a little more.
  expect(found.byPage).toBeLessThan(3 * worst)
  for (const sum of found.sums) expect(sum).toBeCloseTo(1, 5)
  expect(found.spread).toBeGreaterThan(1e-3)
  return found
}

describe('models', () => {
  for (const model of MODELS) {
    test(`${model} in grey, alone`, async () => {
      const { bytes } = await expectEqual({ model, head: heads.neighbours })
      const { opsets, graph } = decodeModel(bytes)
      expect(opsets).toEqual({ '': 21 })
      expect(new Set(graph.nodes.map(({ domain }) => domain))).toEqual(new Set(['']))
    })

    test(`${model} in colour, with patches`, async () => {
      await expectEqual({ model, patches: 4, image: { size: 12, channels: 3 }, head: heads.linear })
    })
  }

  test('patches alone', async () => {
    await expectEqual({ patches: 6, head: heads.product })
  })

  test('with attention', async () => {
    await expectEqual({ model: 'diffusion', set: { attention: 1, patch: 1 } })
  })
})

describe('heads', () => {
  for (const [name, head] of Object.entries(heads)) {
    test(name, async () => {
      await expectEqual({ model: 'vae', patches: 4, head })
    })
  }

  test('a class that is ruled out has a probability of 0 exactly', async () => {
    const { folder } = await makeRun(parent, { patches: 5, head: heads.linear })
    const classifier = await loadClassifier(folder)
    const expected = await predictedAlone(folder, classifier, newImages(classifier), running)
    expect(expected.data[0]).toBe(0)
    const { worst } = await differs(folder)
    expect(worst).toBeLessThan(1e-5)
  })
})

describe('an encoder made elsewhere', () => {
  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    const file = path.join(parent, name)
    await writeFile(file, bytes)
    return file
  }

  test('alone, at its own size', async () => {
    const file = await write('alone.onnx', tinyModel({ size: 16 }))
    const { whole } = await expectEqual({ encoder: { file, encoderRange: '-1,1' }, head: heads.product })
    expect(whole.inputs).toEqual([{ name: 'image', size: 16, channels: 3 }])
  })

  test('beside a model of another size: two images go in', async () => {
    const file = await write('beside.onnx', tinyModel({ size: 16 }))
    const { whole } = await expectEqual({
      model: 'vae',
      patches: 4,
      encoder: { file, encoderRange: 'imagenet' },
      head: heads.neighbours,
    })
    expect(whole.inputs.map(({ name, size }) => [name, size])).toEqual([
      ['image', 12],
      ['image-2', 16],
    ])
  })

  test('of the same size as the model: one image goes in', async () => {
    const file = await write('same.onnx', tinyModel({ size: 12 }))
    const { whole } = await expectEqual({
      model: 'gan',
      image: { size: 12, channels: 3 },
      encoder: { file, encoderRange: '0,1' },
    })
    expect(whole.inputs).toEqual([{ name: 'image', size: 12, channels: 3 }])
  })

  test('of an old opset, whose sums and means name their axes otherwise', async () => {
    const change = (opset: number) => (model: Parameters<typeof withGraph>[0]) => ({
      ...model,
      opsets: { '': opset },
    })
    for (const opset of [11, 17]) {
      const file = await write(`old-${opset}.onnx`, tinyModel({ size: 12, change: change(opset) }))
      await expectEqual({ patches: 4, encoder: { file, encoderRange: '0,1' }, head: heads.product })
    }
    const file = await write('older.onnx', tinyModel({ size: 12, change: change(9) }))
    const { folder } = await makeRun(parent, { encoder: { file, encoderRange: '0,1' } })
    await expect(
      wholeModel(folder, await loadClassifier(folder)).then((whole) => whole.encode({})),
    ).rejects.toThrow(
      /export \(.*\): got an encoder of opset 9, expected opset 11 or newer.*; export the encoder again/,
    )
  })

  test('that takes one image at a time', async () => {
    const file = await write('single.onnx', tinyModel({ size: 12, batch: 1 }))
    const { whole } = await expectEqual({ encoder: { file, encoderRange: '0,1' } })
    expect(whole.batch).toBe(1)
  })

  test('whose values are called as those of the file are', async () => {
    const file = await write(
      'names.onnx',
      tinyModel({
        size: 12,
        output: 'probabilities',
        change: (model) =>
          withGraph(model, {
            nodes: [
              ...model.graph.nodes.slice(0, -1),
              node('Flatten', ['pooled'], ['features'], { axis: int(1) }),
              node('Identity', ['features'], ['head/1']),
              node('Identity', ['head/1'], ['probabilities']),
            ],
          }),
      }),
    )
    await expectEqual({ patches: 4, encoder: { file, encoderRange: '0,1' } })
  })

  test('that is an exported classifier itself', async () => {
    const { folder } = await makeRun(parent, { model: 'vae', patches: 4, image: { size: 12, channels: 3 } })
    const whole = await wholeModel(folder, await loadClassifier(folder))
    const file = await write('exported.onnx', whole.encode({}))
    await expectEqual({ encoder: { file, encoderOutput: 'features' }, head: heads.neighbours })
  })
})

test('features from a table cannot be computed from an image', async () => {
  const { folder } = await makeRun(parent, { patches: 3 })
  const classifier = await loadClassifier(folder)
  const embeddings = { title: 'table.csv', columns: 2, notes: [] }
  await expect(wholeModel(folder, { ...classifier, outside: { embeddings } })).rejects.toThrow(
    /export \(.*\): got a run with features from the table table\.csv, expected features that are computed from the image; fit without --embeddings/,
  )
})
