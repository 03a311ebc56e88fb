/**
 * A feature space from outside: any ONNX file that turns images into rows of numbers, such as an Inception-v3 whose last
 * pooling layer gives the 2,048 numbers of FID (Heusel et al., arXiv 1706.08500). The file is the user's own; what it
 * expects of its pixels has to be said, since a file doesn't tell. Images are resampled bilinearly by pixel centres: scores
 * compare with one another, and with published ones as far as those were made with the same file and resampling.
 */
import { readFile } from 'node:fs/promises'
import {
  add,
  type Arrays,
  cast,
  concat,
  decodeModel,
  fromBatchFirst,
  input,
  mul,
  type OnnxValue,
  openSession,
  type Network,
  type Program,
  resizeBilinear,
  toBatchFirst,
} from 'onnx-autodiff'
import { z } from 'zod'
import { fileSha256 } from '../files/file-hash.js'
import { imageBytes, type Images } from '../data/image-set.js'
import { contentKey } from '../files/content-key.js'
import { HandfulError, printable, systemError } from '../errors.js'
import { featureMatrix, type FeatureMatrix } from '../numerics/matrix.js'
import { imageInput } from '../models/common.js'
import type { ImageShape, RunOptions } from '../models/model.js'

export const inceptionSchema = z.strictObject({
  /** Path of the ONNX file. */
  file: z.string().min(1),
  /** Names in the file; its only input and its first output where left out. */
  input: z.string().optional(),
  output: z.string().optional(),
  /** Side in pixels that images are resampled to. */
  size: z.int().min(8).max(1024).default(299),
  layout: z.enum(['nchw', 'nhwc']).default('nchw'),
  /** What a byte b becomes: b / 255, b / 127.5 - 1, or b. */
  range: z.enum(['zero-to-one', 'minus-one-to-one', 'bytes']).default('minus-one-to-one'),
  /** Then, by red, green and blue: (value - mean) / deviation. */
  mean: z.tuple([z.number(), z.number(), z.number()]).default([0, 0, 0]),
  deviation: z
    .tuple([z.number().positive(), z.number().positive(), z.number().positive()])
    .default([1, 1, 1]),
})

export type InceptionOptions = z.input<typeof inceptionSchema>
type Spec = z.infer<typeof inceptionSchema>

interface Loaded {
  readonly program: Program
  readonly input: string
  readonly output: string
  /** Images of one run. */
  readonly batch: number
}

/** 299x299 images as floats take a megabyte each, and the network several times that. */
const BATCH = 32

/**
 * `[images.count, numbers]`, images of any size, grey ones as three equal colours.
 *
 * @throws HandfulError if the options are wrong, the file can't be read or is no such network, or it fails on the images
 */
export async function inceptionFeatures(
  images: Images,
  options: InceptionOptions,
  { threads, device, signal, onProgress }: RunOptions = {},
): Promise<FeatureMatrix> {
  const spec = checkedSpec(options)
  const loaded = await load(spec)
  const { count, height, width, channels, pixels } = images
  const bytes = imageBytes(images)
  const prepare = await openSession(preparation(spec, { size: height, channels }), { threads, device })
  const session = await openSession(loaded.program, { threads, device }).catch(async (error: unknown) => {
    await prepare.close()
    throw failure(spec, (error as Error).message, error)
  })
  try {
    let features: FeatureMatrix | undefined
    for (let start = 0; start < count; start += loaded.batch) {
      signal?.throwIfAborted()
      const end = Math.min(start + loaded.batch, count)
      const shape = [end - start, height, width, channels]
      const image = { dtype: 'uint8' as const, shape, data: pixels.slice(start * bytes, end * bytes) }
      const { prepared } = await prepare.run({ image })
      const found = await session
        .run({ [loaded.input]: prepared })
        .catch((error: unknown) => Promise.reject(failure(spec, (error as Error).message, error)))
      const rows = rowsOf(found, loaded.output, end - start, spec)
      features ??= featureMatrix(count, rows.length / (end - start))
      features.data.set(rows, start * features.columns)
      onProgress?.(end, count)
    }
    return features ?? featureMatrix(0, 0)
  } finally {
    await session.close()
    await prepare.close()
  }
}

/**
 * Reads the file and looks whether it suits what was said of it, before any time is spent.
 * @throws HandfulError as inceptionFeatures does before it sees an image
 */
export async function checkInception(options: InceptionOptions): Promise<void> {
  await load(checkedSpec(options))
}

/** Of the file's contents and of what is said of it. */
export async function inceptionKey(options: InceptionOptions): Promise<string> {
  const { file, ...said } = checkedSpec(options)
  return contentKey({ ...said, file: await fileSha256(file) })
}

function checkedSpec(options: InceptionOptions): Spec {
  const parsed = inceptionSchema.safeParse(options)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]
  throw new HandfulError({
    what: 'network for FID',
    where: path.join('.') || 'options',
    got: message,
    hint: 'see its options',
  })
}

const failure = ({ file }: Spec, got: string, cause?: unknown): HandfulError =>
  new HandfulError({
    what: 'network for FID',
    where: printable(file),
    got: printable(got),
    expected: 'an ONNX network from an image to a row of numbers',
    hint: 'check the file and the layout, size and names given for it',
    cause,
  })

async function load(spec: Spec): Promise<Loaded> {
  const model = await readFile(spec.file).catch((error: unknown) => {
    throw systemError('reading the network for FID', spec.file, error)
  })
  const { graph } = decode(model, spec)
  const constants = new Set(graph.initializers.map(({ name }) => name))
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name))
  const outputs = graph.outputs
  const named = (
    kind: string,
    all: readonly OnnxValue[],
    name: string | undefined,
    first: boolean,
  ): OnnxValue => {
    const found =
      name === undefined && (first || all.length === 1) ? all[0] : all.find((each) => each.name === name)
    if (found) return found
    const names = all.map((each) => each.name).join(', ')
    throw failure(spec, `the ${kind}s ${names} and none chosen among them`)
  }
  const [entry, exit] = [
    named('input', inputs, spec.input, false),
    named('output', outputs, spec.output, true),
  ]
  const side = (extent: number | string | undefined): number => (typeof extent === 'number' ? extent : -1)
  const fixed = side(entry.shape?.[0])
  const expected =
    spec.layout === 'nchw' ? [fixed, 3, spec.size, spec.size] : [fixed, spec.size, spec.size, 3]
  const actual = entry.shape?.map(side) ?? expected
  const fits = actual.length === 4 && actual.every((extent, i) => extent === -1 || extent === expected[i])
  if (entry.dtype !== 'float32' || !fits) {
    throw failure(
      spec,
      `an input of ${entry.dtype} [${actual.join(', ')}] where [${expected.join(', ')}] was said`,
    )
  }
  if (fixed > 1) throw failure(spec, `a fixed batch of ${fixed} where any or one was expected`)
  return {
    program: {
      model,
      inputs: { [entry.name]: { dtype: 'float32', shape: actual } },
      outputs: { [exit.name]: { dtype: exit.dtype, shape: (exit.shape ?? []).map(side) } },
      state: {},
    },
    input: entry.name,
    output: exit.name,
    batch: fixed === 1 ? 1 : BATCH,
  }
}

function decode(model: Uint8Array, spec: Spec): ReturnType<typeof decodeModel> {
  try {
    return decodeModel(model)
  } catch (error) {
    throw failure(spec, (error as Error).message, error)
  }
}

/** `image` uint8 [n, h, w, c] -> `prepared`, as the network takes it. */
function preparation({ size, layout, range, mean, deviation }: Spec, image: ImageShape): Network {
  const pixels = imageInput(image)
  const resized = resizeBilinear(fromBatchFirst(cast(pixels, 'float32')), size)
  const colours = image.channels === 1 ? concat([resized, resized, resized], 3) : resized
  const [scale, offset] = { 'zero-to-one': [1 / 255, 0], 'minus-one-to-one': [1 / 127.5, -1], bytes: [1, 0] }[
    range
  ]
  const vector = (value: (i: number) => number): Arrays[string] => ({
    dtype: 'float32',
    shape: [3],
    data: Float32Array.from([0, 1, 2], value),
  })
  const parameters = {
    scale: vector((i) => scale / deviation[i]),
    offset: vector((i) => (offset - mean[i]) / deviation[i]),
  }
  const prepared = add(mul(colours, input('scale', [3])), input('offset', [3]))
  return {
    inputs: [pixels],
    outputs: { prepared: layout === 'nchw' ? prepared : toBatchFirst(prepared) },
    parameters,
  }
}

/** [n, numbers], or with extents of 1 after them. */
function rowsOf(found: Arrays, output: string, count: number, spec: Spec): Float32Array {
  const { shape, dtype, data } = found[output]
  if (
    dtype !== 'float32' ||
    shape[0] !== count ||
    shape.length < 2 ||
    shape.slice(2).some((extent) => extent !== 1)
  ) {
    throw failure(spec, `an output "${output}" of ${dtype} [${shape.join(', ')}]`)
  }
  return data as Float32Array
}
