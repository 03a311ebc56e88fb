/** What is found in an ONNX file made elsewhere, and what its features of an image are then: by hand, from the pixels. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Images } from '../../src/data/image-set.js'
import { Originals } from '../../src/data/originals.js'
import { encodeSets } from '../../src/encoders/encode-images.js'
import type { EncoderOptions } from '../../src/encoders/encoder-options.js'
import { openOutsideEncoder } from '../../src/encoders/outside-encoder.js'
import { HandfulError } from '../../src/errors.js'
import { floats, int, ints, node, tinyModel, type TinyOptions, withGraph } from './tiny-encoder.js'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'handful-outside-'))))
afterAll(() => rm(folder, { recursive: true }))

let count = 0
async function fileOf(bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, `tiny-${count++}.onnx`)
  await writeFile(file, bytes)
  return file
}

/** Two images of one colour each: red 255, green 102, blue 0, and one darker. */
const COLOURS = [
  [255, 102, 0],
  [51, 204, 153],
]
const images: Images = {
  name: 'colours',
  count: 2,
  height: 4,
  width: 4,
  channels: 3,
  pixels: Uint8Array.from(COLOURS.flatMap((colour) => Array.from({ length: 16 }, () => colour).flat())),
  paths: ['a', 'b'],
}

/** Features of the two images, and what was said. */
async function featuresOf(model: TinyOptions | Uint8Array, options: EncoderOptions = {}) {
  const file = await fileOf(model instanceof Uint8Array ? model : tinyModel(model))
  const encoder = await openOutsideEncoder(file, options, { threads: 1 })
  const originals = new Originals({ names: images.paths })
  const [rows] = await encodeSets(encoder, [{ images, originals }], { threads: 1 })
  return { rows, description: encoder.description }
}

/** The mean of each colour as the model takes it, and of its square. */
const expected = (take: (byte: number, c: number) => number, order = [0, 1, 2]): number[] =>
  COLOURS.flatMap((colour) => {
    const taken = order.map((c) => take(colour[c], c))
    return [...taken, ...taken.map((each) => each ** 2)]
  })

function near(rows: { readonly data: Float32Array }, numbers: readonly number[]): void {
  expect(rows.data).toHaveLength(numbers.length)
  rows.data.forEach((value, i) => expect(value).toBeCloseTo(numbers[i], 3))
}

const MEAN = [0.485, 0.456, 0.406]
const DEVIATION = [0.229, 0.224, 0.225]
const imagenet = (byte: number, c: number): number => (byte / 255 - MEAN[c]) / DEVIATION[c]
const unit = (byte: number): number => byte / 255

describe('the numbers that an encoder takes', () => {
  test("are ImageNet's where nothing says it, and that is told", async () => {
    const { rows, description } = await featuresOf({})
    near(rows, expected(imagenet))
    expect(description).toMatchObject({ size: 16, channels: 3, columns: 6, single: false })
    expect(description.notes.join('\n')).toContain('cannot be known from the file')
  })

  test.each([
    ['0,1', unit],
    ['0,255', (byte: number) => byte],
    ['-1,1', (byte: number) => (2 * byte) / 255 - 1],
    ['imagenet', imagenet],
  ] as const)('are told by --encoder-range %s', async (encoderRange, take) => {
    const { rows, description } = await featuresOf({}, { encoderRange })
    near(rows, expected(take))
    expect(description.notes.join('\n')).not.toContain('cannot be known')
  })

  test('are bytes where its input is of bytes', async () => {
    near(
      (await featuresOf({ dtype: 'uint8', layout: 'nhwc' })).rows,
      expected((byte) => byte),
    )
  })

  const less = (scale: number, shift: number): TinyOptions => ({
    first: [node('Mul', ['image', 'scale'], ['scaled']), node('Sub', ['scaled', 'shift'], ['shifted'])],
    constants: [floats('scale', [], scale), floats('shift', [], shift)],
  })

  test.each([
    ['bytes are divided by 255 first', less(1 / 255, 0), (byte: number) => byte / 255],
    ['a mean of 0.5 goes first', less(2, 1), (byte: number) => (2 * byte) / 255 - 1],
    ['a mean of bytes goes first', less(1 / 58, 2), (byte: number) => byte / 58 - 2],
  ] as const)('are seen in the graph: %s', async (_, model, take) => {
    const { rows, description } = await featuresOf(model)
    near(rows, expected(take))
    expect(description.notes.join('\n')).not.toContain('cannot be known')
  })

  test.each([
    [{ 'Image.NominalPixelRange': 'Normalized_0_1' }, unit],
    [{ input: 'RGB, -1 to 1, NCHW' }, (byte: number) => (2 * byte) / 255 - 1],
    [{ mean: '[0.5, 0.5, 0.5]', std: '[0.25, 0.25, 0.25]' }, (byte: number) => (byte / 255 - 0.5) / 0.25],
  ] as const)('are read in its metadata: %o', async (metadata, take) => {
    near((await featuresOf({ metadata })).rows, expected(take))
  })

  test('stand blue first where the metadata or an option says so', async () => {
    const bgr = expected(unit, [2, 1, 0])
    near(
      (await featuresOf({ metadata: { 'Image.BitmapPixelFormat': 'Bgr8' } }, { encoderRange: '0,1' })).rows,
      bgr,
    )
    near((await featuresOf({}, { encoderRange: '0,1', encoderColours: 'bgr' })).rows, bgr)
  })
})

describe('its form', () => {
  test('channels last, and grey', async () => {
    near((await featuresOf({ layout: 'nhwc' }, { encoderRange: '0,1' })).rows, expected(unit))
    const grey = (await featuresOf({ channels: 1 })).rows
    const luma = COLOURS.map(([r, g, b]) => (0.299 * r + 0.587 * g + 0.114 * b) / 255)
    luma.forEach((value, i) => expect(grey.data[2 * i]).toBeCloseTo(value, 1))
  })

  test('one image at a time', async () => {
    const { rows, description } = await featuresOf({ batch: 1 }, { encoderRange: '0,1' })
    near(rows, expected(unit))
    expect(description.single).toBe(true)
  })

  test('one at a time though it says any number: the reshape inside says otherwise', async () => {
    const one = tinyModel({
      change: (model) =>
        withGraph(model, {
          nodes: [...model.graph.nodes.slice(0, -1), node('Reshape', ['pooled', 'one'], ['features'])],
          initializers: [{ name: 'one', dtype: 'int64', shape: [2], data: BigInt64Array.of(1n, 6n) }],
        }),
    })
    const { rows, description } = await featuresOf(one, { encoderRange: '0,1' })
    near(rows, expected(unit))
    expect(description.notes.join('\n')).toContain('one image at a time')
  })

  test('any size: 224 unless told', async () => {
    const open = await featuresOf({ size: 'side' }, { encoderRange: '0,1' })
    expect(open.description.size).toBe(224)
    expect(open.description.notes.join('\n')).toContain('224x224 is taken')
    near(open.rows, expected(unit))
    expect((await featuresOf({ size: 'side' }, { encoderSize: 48 })).description.size).toBe(48)
    expect((await featuresOf({ size: 'side', metadata: { imgsz: '[64, 64]' } })).description.size).toBe(64)
  })

  test('a map is pooled, tokens too, and that is told', async () => {
    const map = await featuresOf({}, { encoderOutput: 'map', encoderRange: '0,1' })
    near(map.rows, expected(unit))
    expect(map.description.notes.join('\n')).toContain('a map of 16x16, of which the mean is taken')
    // Tokens [n, 257, 6]: 256 squares behind one of zeros.
    const tokens = tinyModel({
      output: 'tokens',
      constants: [
        { name: 'form', dtype: 'int64', shape: [3], data: BigInt64Array.of(0n, 6n, -1n) },
        { name: 'pads', dtype: 'int64', shape: [6], data: BigInt64Array.of(0n, 1n, 0n, 0n, 0n, 0n) },
        floats('seven', [], 7),
      ],
      change: (model) =>
        withGraph(model, {
          nodes: [
            ...model.graph.nodes.slice(0, -2),
            node('Reshape', ['map', 'form'], ['list']),
            node('Transpose', ['list'], ['squares of it'], { perm: ints(0, 2, 1) }),
            node('Pad', ['squares of it', 'pads', 'seven'], ['tokens']),
          ],
          outputs: [{ name: 'tokens', dtype: 'float32' }],
        }),
    })
    const first = featuresOf(tokens, { encoderRange: '0,1' })
    await expect(first).rejects.toThrow('the same for all images')
    const mean = await featuresOf(tokens, { encoderRange: '0,1', encoderPooling: 'mean' })
    near(
      mean.rows,
      expected(unit).map((each) => (256 * each + 7) / 257),
    )
    expect(mean.description.notes.join('\n')).toContain('257 tokens, of which the mean is taken')
  })

  test('of a classifier what goes into its last layer is taken', async () => {
    const classifier = tinyModel({
      constants: [floats('weight', [6, 4], ...Array.from({ length: 24 }, (_, i) => i / 9 - 1))],
      change: (model) =>
        withGraph(model, {
          nodes: [
            ...model.graph.nodes,
            node('Gemm', ['features', 'weight'], ['logits']),
            node('Softmax', ['logits'], ['out']),
          ],
          outputs: [{ name: 'out', dtype: 'float32', shape: ['batch', 4] }],
        }),
    })
    const { rows, description } = await featuresOf(classifier, { encoderRange: '0,1' })
    near(rows, expected(unit))
    expect(description.notes.join('\n')).toContain('the scores of 4 classes')
    const scores = await featuresOf(classifier, { encoderRange: '0,1', encoderOutput: 'out' })
    expect(scores.description.columns).toBe(4)
    const sum = scores.rows.data.slice(0, 4).reduce((a, b) => a + b, 0)
    expect(sum).toBeCloseTo(1, 4)
  })
})

describe('what is no encoder of images is told', () => {
  const changed = (graph: (model: Parameters<typeof withGraph>[0]) => Parameters<typeof withGraph>[1]) =>
    tinyModel({ change: (model) => withGraph(model, graph(model)) })
  const input = (name: string, dtype: 'float32' | 'int64', shape: readonly (number | string)[]) =>
    changed(() => ({ inputs: [{ name, dtype, shape }] }))
  const made = (nodes: readonly ReturnType<typeof node>[]) =>
    changed(({ graph }) => ({ nodes: [...graph.nodes.slice(0, -1), ...nodes] }))

  test.each([
    [
      'two images',
      () =>
        changed(({ graph }) => ({
          inputs: [...graph.inputs, { name: 'other', dtype: 'float32', shape: [1, 3, 16, 16] }],
        })),
      /2 image inputs: image .*; other .*expected one image input and no other/,
    ],
    ['text', () => input('image', 'int64', ['batch', 77]), /a text input, image int64 \[batch, 77\]/],
    ['five dimensions', () => input('image', 'float32', [1, 3, 8, 16, 16]), /an input of 5 dimensions/],
    ['eight images at once', () => tinyModel({ batch: 8 }), /an input of exactly 8 images/],
    ['four channels', () => tinyModel({ channels: 4 }), /an input of 4 channels/],
    ['no square', () => input('image', 'float32', [1, 3, 16, 32]), /images of 32x16, expected square ones/],
    [
      'chance',
      () =>
        made([
          node('RandomNormalLike', ['pooled'], ['noise']),
          node('Add', ['pooled', 'noise'], ['noisy']),
          node('Flatten', ['noisy'], ['features']),
        ]),
      /differs each time it runs/,
    ],
    [
      'the other images of its batch',
      () =>
        made([
          node('ReduceMean', ['pooled'], ['mean'], { axes: ints(0), keepdims: int(1) }),
          node('Sub', ['pooled', 'mean'], ['centred']),
          node('Flatten', ['centred'], ['features']),
        ]),
      /depends on the other images of a batch/,
    ],
    [
      'infinity',
      () =>
        made([
          node('Reciprocal', ['zero'], ['inf']),
          node('Mul', ['pooled', 'inf'], ['big']),
          node('Flatten', ['big'], ['features']),
        ]),
      /onnxruntime does not run/,
    ],
  ])('%s', async (_, model, message) => {
    const file = await fileOf(model())
    const opening = openOutsideEncoder(file, {}, { threads: 1 })
    await expect(opening).rejects.toThrow(message)
    await expect(opening).rejects.toBeInstanceOf(HandfulError)
    await expect(opening).rejects.not.toThrow(/\n|internal/)
  })

  test('and so are wrong names, a size that is fixed, and what is no ONNX file', async () => {
    const file = await fileOf(tinyModel())
    const open = (options: EncoderOptions) => openOutsideEncoder(file, options, { threads: 1 })
    await expect(open({ encoderOutput: 'featurs' })).rejects.toThrow('did you mean "features"?')
    await expect(open({ encoderInput: 'imagee' })).rejects.toThrow('did you mean "image"?')
    await expect(open({ encoderSize: 32 })).rejects.toThrow('expected 16, which the model fixes')
    const text = await fileOf(new TextEncoder().encode('no model at all, but a few words'))
    await expect(openOutsideEncoder(text, {}, {})).rejects.toThrow(/encoder \(.*\): .*expected/)
    await expect(openOutsideEncoder(path.join(folder, 'none.onnx'), {}, {})).rejects.toThrow('nothing there')
    await expect(openOutsideEncoder(folder, {}, {})).rejects.toThrow('a folder')
  })
})

const REAL = '../../../../../shared/data/encoders/efficientnet-lite0.onnx'
const real = path.join(import.meta.dirname, REAL)

test.skipIf(!existsSync(real))(
  'a real encoder says all of itself (skipped where the file is absent)',
  async () => {
    const { description } = await openOutsideEncoder(real, {}, { threads: 2 })
    expect(description).toMatchObject({ size: 224, channels: 3, columns: 1280, single: false })
    expect(description.notes).toEqual([
      'efficientnet-lite0: 1280 numbers an image, from images of 224x224 in colour, 0 to 1',
    ])
  },
)
