/** The one image input of an encoder made elsewhere: which it is, its layout, its size, its channels. */
import type { ForeignModel, ForeignValue } from 'onnx-autodiff'
import { quoted, type HandfulError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import type { EncoderLayout } from '../names.js'
import { encoderError, valueInWords } from './encoder-error.js'
import { ENCODER_SIDE, type EncoderOptions } from './encoder-options.js'

export interface ImageInput {
  readonly name: string
  readonly elementType: string
  readonly layout: EncoderLayout
  /** Side in pixels. */
  readonly size: number
  readonly channels: 1 | 3
  /** Whether it takes one image at a time and no more. */
  readonly single: boolean
  /** What could not be known and was taken, in sentences. */
  readonly notes: readonly string[]
}

/** Of most networks trained on ImageNet, where nothing says otherwise. */
const USUAL_SIDE = 224

const IMAGE_TYPES = ['float32', 'float16', 'float64', 'uint8', 'int32', 'int64']

/** @throws HandfulError where there is no such input, or more than one */
export function imageInput(file: string, model: ForeignModel, options: EncoderOptions): ImageInput {
  const input = chosenInput(file, model, options)
  const { name, elementType = '', shape = ['batch', '?', '?', '?'] } = input
  const wrong = (got: string, hint?: string): HandfulError =>
    encoderError(file, got, 'one image input, such as float32 [batch, 3, 224, 224]', hint)
  const text = elementType === 'string' || (/^int(32|64)$/.test(elementType) && shape.length < 4)
  if (text) throw wrong(`a text input, ${valueInWords(input)}`, 'export the part that takes images')
  if (!IMAGE_TYPES.includes(elementType)) throw wrong(`an input ${valueInWords(input)}`)
  if (shape.length !== 4)
    throw wrong(
      `an input of ${shape.length} dimensions, ${valueInWords(input)}`,
      shape.length === 3 ? 'export it with a batch axis' : undefined,
    )
  const [batch] = shape
  if (typeof batch === 'number' && batch > 1)
    throw wrong(
      `an input of exactly ${batch} images, ${valueInWords(input)}`,
      'export it with an open batch axis, or one image',
    )
  const notes: string[] = []
  const layout = options.encoderLayout ?? layoutOf(model, input, notes)
  const [height, width] = layout === 'nchw' ? [shape[2], shape[3]] : [shape[1], shape[2]]
  const channels = channelsOf(file, layout === 'nchw' ? shape[1] : shape[3], input)
  const size = sizeOf(file, model, { height, width }, options, notes)
  return { name, elementType, layout, size, channels, single: batch === 1, notes }
}

function chosenInput(file: string, { inputs }: ForeignModel, { encoderInput }: EncoderOptions): ForeignValue {
  const names = inputs.map(({ name }) => name)
  if (inputs.length === 0)
    throw encoderError(file, 'no input', 'one image input', 'is this a model that makes images?')
  if (encoderInput !== undefined && !names.includes(encoderInput)) {
    const near = closest(encoderInput, names)
    throw encoderError(
      file,
      `no input ${quoted(encoderInput)}`,
      `one of ${names.map(quoted).join(', ')}`,
      near === undefined ? undefined : `did you mean ${quoted(near)}?`,
    )
  }
  if (inputs.length > 1) {
    const images = inputs.filter(({ shape }) => shape?.length === 4)
    const words = inputs.map(valueInWords).join('; ')
    throw encoderError(
      file,
      images.length > 1
        ? `${images.length} image inputs: ${words}`
        : `${inputs.length} inputs that all have to be given: ${words}`,
      'one image input and no other',
      'export the part that takes an image',
    )
  }
  return inputs[0]
}

const isChannels = (extent: number | string): extent is 1 | 3 => extent === 1 || extent === 3

function layoutOf(model: ForeignModel, input: ForeignValue, notes: string[]): EncoderLayout {
  const { shape = ['batch', '?', '?', '?'], name } = input
  if (isChannels(shape[1])) return 'nchw'
  if (isChannels(shape[3])) return 'nhwc'
  // Channels that are neither grey nor colour are said so, wherever they stand.
  const numbers = [shape[1], shape[3]].filter((extent) => typeof extent === 'number')
  if (numbers.length === 2 || (numbers.length === 1 && typeof shape[2] === 'number'))
    return shape[1] === shape[2] ? 'nhwc' : 'nchw'
  for (const { op, inputs, ints } of model.nodes) {
    if (inputs[0] !== name) continue
    if (op === 'Transpose' && ints.perm?.[1] === 3) return 'nhwc'
    if (op === 'Conv') return 'nchw'
  }
  notes.push(
    'its layout cannot be known from the file: batch, channels, height, width is taken (--encoder-layout nhwc for the other)',
  )
  return 'nchw'
}

function channelsOf(file: string, extent: number | string, input: ForeignValue): 1 | 3 {
  if (typeof extent === 'string') return 3
  if (isChannels(extent)) return extent
  throw encoderError(
    file,
    `an input of ${extent} channels, ${valueInWords(input)}`,
    'images of 1 or 3 channels',
    '--encoder-layout nchw or nhwc says which axis they are on',
  )
}

function sizeOf(
  file: string,
  { metadata }: ForeignModel,
  { height, width }: { readonly height: number | string; readonly width: number | string },
  { encoderSize }: EncoderOptions,
  notes: string[],
): number {
  const fixed = typeof height === 'number' ? height : typeof width === 'number' ? width : undefined
  if (typeof height === 'number' && typeof width === 'number' && height !== width)
    throw encoderError(file, `images of ${width}x${height}`, 'square ones')
  if (fixed !== undefined && encoderSize !== undefined && encoderSize !== fixed)
    throw encoderError(file, `--encoder-size ${encoderSize}`, `${fixed}, which the model fixes`)
  const said = fixed ?? encoderSize ?? sizeInMetadata(metadata)
  if (said === undefined)
    notes.push(
      `its images may be of any size: ${USUAL_SIDE}x${USUAL_SIDE} is taken (--encoder-size for another)`,
    )
  const size = said ?? USUAL_SIDE
  if (size >= ENCODER_SIDE.least && size <= ENCODER_SIDE.most) return size
  throw encoderError(
    file,
    `images of ${size}x${size}`,
    `a side from ${ENCODER_SIDE.least} to ${ENCODER_SIDE.most} pixels`,
  )
}

/** `224x224` anywhere, or a number under a name that says size. */
function sizeInMetadata(metadata: Readonly<Record<string, string>>): number | undefined {
  for (const [key, text] of Object.entries(metadata)) {
    const [, wide, high] = /\b(\d{2,4}) ?[x×] ?(\d{2,4})\b/.exec(text) ?? []
    if (wide !== undefined && wide === high) return Number(wide)
    const named = /^(.*[._ ])?(imgsz|image_?size|input_?size|crop_?size|size)$/i.test(key)
    const [number] = (named && /\d{2,4}/.exec(text)) || []
    if (number !== undefined) return Number(number)
  }
  return undefined
}
