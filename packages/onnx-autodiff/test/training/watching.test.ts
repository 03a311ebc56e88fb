/** Metrics against scikit-learn, summaries against counts by hand, event files against TFRecord's and TensorBoard's own. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  accuracy,
  add,
  calibration,
  confusionMatrix,
  convolution,
  crossEntropy,
  decodeSafetensors,
  embedding,
  encodeSafetensors,
  evaluate,
  f1Score,
  firstNonFinite,
  flattenImage,
  input,
  linear,
  loadWeights,
  log,
  mul,
  openEventFile,
  Parameters,
  predictedClasses,
  relu,
  rocAuc,
  sequence,
  sub,
  summarise,
  tensorBoard,
  train,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { floats } from '../optim/steps.js'
import { blobs, classifier } from './blobs.js'

test('confusion, F1 and AUC are those of scikit-learn 1.9', () => {
  const labels = [0, 0, 1, 1, 2, 2, 2, 0, 1, 2]
  const predicted = [0, 1, 1, 1, 2, 0, 2, 0, 2, 2]
  expect(confusionMatrix(labels, predicted, 3)).toEqual([
    [2, 1, 0],
    [0, 2, 1],
    [1, 0, 3],
  ])
  expect(accuracy(labels, predicted)).toBe(0.7)
  const { perClass, macro, weighted, precision, recall } = f1Score(labels, predicted, 3)
  const third = 2 / 3
  expect(perClass.map((x) => x.toFixed(9))).toEqual([third, third, 0.75].map((x) => x.toFixed(9)))
  expect(macro).toBeCloseTo(0.6944444444, 9)
  expect(weighted).toBeCloseTo(0.7, 9)
  expect(precision[1]).toBeCloseTo(third, 9)
  expect(recall[2]).toBe(0.75)
  expect(rocAuc([0, 0, 1, 1, 0, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.35, 0.8, 0.7, 0.7])).toBe(0.8125)
  expect(() => rocAuc([1, 1], [0, 1])).toThrow('got 2 positives and 0 negatives, expected some of both')
  expect(() => confusionMatrix([0, 3], [0, 0], 3)).toThrow(
    'got 3 and 0 at 1, expected whole numbers from 0 to 2',
  )
  expect([...predictedClasses(floats([1, 2, 3, 5, 5, 4], [2, 3]))]).toEqual([2, 0])
})

test('calibration: two bins by hand', () => {
  const { bins, error } = calibration([0.9, 0.95, 0.6, 1], [1, 0, 1, 1])
  expect(bins[9]).toEqual({ count: 3, confidence: 2.85 / 3, accuracy: 2 / 3 })
  expect(bins[6]).toEqual({ count: 1, confidence: 0.6, accuracy: 1 })
  expect(error).toBeCloseTo((Math.abs(2.85 - 2) + 0.4) / 4, 9)
  expect(() => calibration([1.2], [1])).toThrow('got 1.2 at 0, expected a number from 0 to 1')
})

test('a summary counts parameters and operations layer by layer', () => {
  const p = new Parameters()
  const network = sequence(
    convolution(p.scope('first'), { inputs: 3, outputs: 8, kernel: 3, padding: 1 }),
    relu,
    flattenImage,
    linear(p.scope('last'), { inputs: 8 * 16, outputs: 10 }),
  )
  const { layers, parameters, flops, text } = summarise(network(input('x', [4, 4, 2, 3])), p)
  // Multiply and add of each of 3 x 3 x 3 weights at 4 x 4 pixels of 2 images in 8 channels, and the bias.
  const first = 2 * 27 * 256 + 256
  const last = 2 * 128 * 20 + 20
  expect(layers).toEqual([
    { name: 'first', shape: [4, 4, 2, 8], parameters: 27 * 8 + 8, flops: first },
    { name: 'last', shape: [2, 10], parameters: 1290, flops: last },
  ])
  expect(parameters).toBe(p.count)
  expect(flops).toBe(first + 256 + last)
  expect(text.split('\n')).toEqual([
    'layer   shape         parameters   FLOPs',
    'first   [4, 4, 2, 8]         224  14,080',
    'last    [2, 10]            1,290   5,140',
    'in all                     1,514  19,476',
  ])
})

test('the first operator that gives no number is named, with what it was given', async () => {
  const [x, w] = [input('x', [3]), input('w', [3])]
  const y = add(mul(log(sub(x, w)), 2), 1)
  const values = { x: floats([1, 2, 3]), w: floats([0, 2, 1]) }
  const found = await firstNonFinite([y], values)
  expect(found).toMatchObject({ operator: 'log', within: [], shape: [3], index: 1, value: -Infinity })
  expect(found?.message).toBe(
    'log (result): got -Infinity at 1 of [3] of sub [3] from 0 to 2, expected numbers',
  )
  expect(await firstNonFinite([y], { ...values, w: floats([0, 1, 2]) })).toBeUndefined()
  const bad = await firstNonFinite([y], { ...values, x: floats([1, NaN, 3]) })
  expect(bad?.operator).toBe('input "x"')
  const labels = { dtype: 'int32', shape: [1], data: Int32Array.of(0) } as const
  const loss = crossEntropy(mul(input('logits', [1, 2]), 1e20), input('labels', [1], 'int32'))
  const overflow = await firstNonFinite([loss], { logits: floats([3e30, 0], [1, 2]), labels })
  expect(overflow).toMatchObject({ operator: 'mul', within: [] })
  const inside = crossEntropy(input('logits', [1, 2]), input('labels', [1], 'int32'))
  const huge = await firstNonFinite([inside], { logits: floats([3e38, -3e38], [1, 2]), labels })
  expect(huge).toMatchObject({ operator: 'sub', within: ['logSoftmax'] })
})

/** Written once, and read by TensorBoard 2.21's EventAccumulator: step 3, loss/training 0.5, loss/validation 0.25. */
const GOLDEN =
  'GAAAAAAAAACjf0siCQAAIED8VNlBGg1icmFpbi5FdmVudDoyKzUxEDsAAAAAAAAAGiOsXAkAACBA/FTZQRADKi4KFAoNbG9zcy90cmFpbmluZxUAAAA/ChYKD2xvc3MvdmFsaWRhdGlvbhUAAIA+AYBWXw=='

/** CRC-32C bit by bit, by its definition: no table to share a mistake with. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n
  }
  return Number(crc ^ 0xffffffffn)
}

/** Records of a TFRecord file, their checksums checked. */
function records(file: Buffer): Buffer[] {
  const found: Buffer[] = []
  const masked = (bytes: Uint8Array): number => {
    const crc = crc32c(bytes)
    return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
  }
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at))
    const data = file.subarray(at + 12, at + 12 + length)
    expect(file.readUInt32LE(at + 8)).toBe(masked(file.subarray(at, at + 8)))
    expect(file.readUInt32LE(at + 12 + length)).toBe(masked(data))
    found.push(data)
    at += 16 + length
  }
  return found
}

test('an event file is byte for byte the one that TensorBoard 2.21 reads as these scalars', async () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  const folder = await mkdtemp(join(tmpdir(), 'events-'))
  try {
    const writer = await openEventFile(folder, { now: () => 1_700_000_000_500 })
    await writer.scalars(3, { 'loss/training': 0.5, 'loss/validation': 0.25 })
    await writer.close()
    const [name] = await readdir(folder)
    expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./)
    const file = await readFile(join(folder, name))
    expect(records(file)).toHaveLength(2)
    expect(file.toString('base64')).toBe(GOLDEN)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a training writes its epochs into an event file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'events-'))
  try {
    await train(classifier, blobs(20, 'few'), {
      epochs: 2,
      threads: 1,
      validation: blobs(5, 'fewer'),
      callbacks: [tensorBoard(folder)],
    })
    const [name] = await readdir(folder)
    const events = records(await readFile(join(folder, name))).map((each) => each.toString('latin1'))
    expect(events.map((text) => /loss\/\w+/.exec(text)?.[0])).toEqual([
      undefined,
      'loss/training',
      'loss/validation',
      'loss/training',
      'loss/validation',
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test("weights come by name from safetensors in PyTorch's layout, and are trained further", async () => {
  const file = encodeSafetensors({
    'model.layer.weight': floats([1, 2, 3, 4, 5, 6], [3, 2]),
    'model.layer.bias': floats([1, 0, -1], [3]),
    'model.head.weight': floats([7], [1, 1]),
  })
  const { arrays } = decodeSafetensors(file)
  const p = new Parameters()
  const y = linear(p.scope('layer'), { inputs: 2, outputs: 3 })(input('x', [1, 2]))
  const { initial, unused } = loadWeights(p, arrays, { torch: true, nameOf: (name) => `model.${name}` })
  expect(unused).toEqual(['model.head.weight'])
  const feeds = Object.fromEntries(
    Object.entries(initial).map(([name, { data }]) => [name, Array.from(data, Number)]),
  )
  // x W' + b of the rows [1, 2], [3, 4], [5, 6].
  expect([...evaluate([y], { ...feeds, x: [10, 1] })[0]]).toEqual([13, 34, 55])
  const data = blobs(30, 'training')
  const { history } = await train(classifier, data, { epochs: 3, threads: 1, initial })
  const scratch = await train(classifier, data, { epochs: 1, threads: 1 })
  expect(history[0].training.loss).not.toBeCloseTo(scratch.history[0].training.loss, 2)
  expect(history[2].training.loss).toBeLessThan(history[0].training.loss)
})

test('filters are turned, tables are not, and what does not fit is told', () => {
  const p = new Parameters()
  convolution(p.scope('conv'), { inputs: 2, outputs: 1, kernel: [1, 3], bias: false })
  embedding(p.scope('words'), { count: 2, channels: 3 })
  const arrays = {
    'conv.weight': floats([1, 2, 3, 4, 5, 6], [1, 2, 1, 3]),
    'words.weight': floats([1, 2, 3, 4, 5, 6], [2, 3]),
  }
  const { initial } = loadWeights(p, arrays, { torch: (name) => !name.startsWith('words') })
  expect(initial['conv.weight']).toEqual(floats([1, 4, 2, 5, 3, 6], [1, 3, 2, 1]))
  expect(initial['words.weight']).toEqual(arrays['words.weight'])
  expect(() => loadWeights(p, arrays)).toThrow(
    `"conv.weight" (loadWeights): got float32 [1, 2, 1, 3], expected float32 [1, 3, 2, 1]; say \`torch\` if`,
  )
  const only = { 'words.weight': arrays['words.weight'] }
  expect(() => loadWeights(p, only)).toThrow('got words.weight, expected conv.weight too')
  expect(loadWeights(p, only, { partial: true }).missing).toEqual(['conv.weight'])
})
