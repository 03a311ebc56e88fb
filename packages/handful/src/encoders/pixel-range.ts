/**
 * What numbers an encoder takes for dark and bright, and in which order its colours stand: told by an option, by the type
 * of its input, by what its first steps do with it, by the metadata of the file. Where none of these says it, ImageNet's
 * mean and deviation are taken, as most networks have them, and a sentence says so.
 */
import type { ForeignModel } from 'onnx-autodiff'
import { z } from 'zod'
import type { EncoderColours, EncoderRange } from '../names.js'
import type { EncoderOptions } from './encoder-options.js'
import type { ImageInput } from './image-input.js'

export interface PixelRange {
  /** What a byte is multiplied by and what is added then, one number each or one a channel (red, green, blue). */
  readonly scale: readonly number[]
  readonly offset: readonly number[]
  readonly colours: EncoderColours
  /** `0 to 1`, as a report says it. */
  readonly words: string
  readonly notes: readonly string[]
}

type Affine = Pick<PixelRange, 'scale' | 'offset'>

/** `(byte / 255 - mean) / deviation` */
const lessMean = (mean: readonly number[], deviation: readonly number[]): Affine => ({
  scale: deviation.map((each) => 1 / (255 * each)),
  offset: mean.map((each, i) => -each / deviation[i]),
})

/** Of torchvision and of OpenAI's CLIP. */
const RANGES: Readonly<Record<EncoderRange, Affine & { readonly words: string }>> = {
  '0,1': { scale: [1 / 255], offset: [0], words: '0 to 1' },
  '0,255': { scale: [1], offset: [0], words: '0 to 255' },
  '-1,1': { scale: [2 / 255], offset: [-1], words: '-1 to 1' },
  imagenet: {
    ...lessMean([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    words: "less ImageNet's mean, over its deviation",
  },
  clip: {
    ...lessMean([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    words: "less CLIP's mean, over its deviation",
  },
}

export function pixelRange(model: ForeignModel, input: ImageInput, options: EncoderOptions): PixelRange {
  const notes: string[] = []
  const colours = options.encoderColours ?? coloursInMetadata(model.metadata)
  const range = options.encoderRange ?? knownRange(model, input)
  const found = range === undefined ? normalisationInMetadata(model.metadata) : RANGES[range]
  if (found !== undefined) return fitted({ ...found, colours, notes }, input)
  const guess: EncoderRange = input.channels === 3 ? 'imagenet' : '0,1'
  notes.push(
    `what numbers it takes cannot be known from the file: ${RANGES[guess].words} is taken ` +
      '(--encoder-range 0,1 or 0,255 or -1,1 or imagenet or clip says it)',
  )
  return fitted({ ...RANGES[guess], colours, notes }, input)
}

/** Means over the colours where the images are grey. */
function fitted(range: PixelRange, { channels }: ImageInput): PixelRange {
  if (channels === 3) return range
  const mean = (numbers: readonly number[]): number[] => [
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length,
  ]
  return { ...range, scale: mean(range.scale), offset: mean(range.offset) }
}

function knownRange(model: ForeignModel, input: ImageInput): EncoderRange | undefined {
  if (!input.elementType.startsWith('float')) return '0,255'
  return rangeInMetadata(model.metadata) ?? rangeInGraph(model, input.name)
}

/** Of the standard's own keys (https://github.com/onnx/onnx/blob/main/docs/MetadataProps.md), and of free text. */
function rangeInMetadata(metadata: Readonly<Record<string, string>>): EncoderRange | undefined {
  const nominal = metadata['Image.NominalPixelRange']
  if (nominal === 'Normalized_0_1') return '0,1'
  if (nominal === 'Normalized_1_1') return '-1,1'
  if (nominal === 'NominalRange_0_255') return '0,255'
  const keyed = Object.entries(metadata).filter(([key]) => /range|input|image|preproc|norm|pixel/i.test(key))
  const text = keyed.map(([, value]) => value).join('; ')
  if (/-1(\.0)? ?(to|,|\.\.) ?\+?1(\.0)?\b/.test(text)) return '-1,1'
  if (/\b0(\.0)? ?(to|,|\.\.|-) ?255\b/.test(text)) return '0,255'
  if (/\b0(\.0)? ?(to|,|\.\.|-) ?1(\.0)?\b/.test(text)) return '0,1'
  return undefined
}

const numberList = z.array(z.number()).min(1).max(4)

/** Lists of numbers called mean and std, on the scale 0 to 1 or 0 to 255. */
function normalisationInMetadata(
  metadata: Readonly<Record<string, string>>,
): (Affine & { readonly words: string }) | undefined {
  const listOf = (name: RegExp): number[] | undefined => {
    const text = Object.entries(metadata).find(([key]) => name.test(key))?.[1]
    if (text === undefined) return undefined
    const found = text.match(/-?\d+(\.\d+)?(e-?\d+)?/gi)?.map(Number)
    return numberList.safeParse(found).data
  }
  const mean = listOf(/^(.*[._ ])?(image_?)?mean$/i)
  const deviation = listOf(/^(.*[._ ])?(image_?)?std$/i)
  if (mean === undefined || deviation?.length !== mean.length) return undefined
  if (deviation.some((each) => !(each > 0)) || mean.length === 2 || mean.length === 4) return undefined
  const words = `less the mean ${mean.join(', ')}, over the deviation ${deviation.join(', ')}`
  const onBytes = Math.max(...mean) > 1
  return {
    ...lessMean(
      mean.map((each) => (onBytes ? each / 255 : each)),
      deviation.map((each) => (onBytes ? each / 255 : each)),
    ),
    words,
  }
}

function coloursInMetadata(metadata: Readonly<Record<string, string>>): EncoderColours {
  const text = Object.entries(metadata)
    .filter(([key]) => /format|colou?r|input|image|channel/i.test(key))
    .map(([, value]) => value)
    .join('; ')
  return /\bbgr/i.test(text) && !/\brgb/i.test(text) ? 'bgr' : 'rgb'
}

/** Values that pass these are the same numbers. */
const PASSING = ['Identity', 'Transpose', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Resize', 'Pad', 'Clip']

/**
 * What the first steps do with a pixel x, `a x + b`: normalised inputs reach over two to five, whatever mean and deviation
 * are, so that the size of `a` tells the range of x.
 */
function rangeInGraph(model: ForeignModel, input: string): EncoderRange | undefined {
  let [a, b] = [1, 0]
  let value = input
  for (let steps = 0; steps < 32; steps++) {
    const users = model.nodes.filter(({ inputs }) => inputs.includes(value))
    if (users.length !== 1) break
    const [{ op, inputs, outputs, floats }] = users
    const others = inputs.filter((name) => name !== value).map((name) => meanOf(model.constant(name)))
    const [other] = others
    if (op === 'QuantizeLinear') return quantisedRange(other, others[1] ?? 0, { a, b })
    if (op === 'BatchNormalization') {
      const [gain, bias, mean, variance] = others
      if (gain === undefined || bias === undefined || mean === undefined || variance === undefined) break
      const factor = gain / Math.sqrt(variance + (floats.epsilon?.[0] ?? 1e-5))
      ;[a, b] = [a * factor, (b - mean) * factor + bias]
    } else if (['Mul', 'Div', 'Add', 'Sub'].includes(op)) {
      // A difference with the constant first is a negative; nobody normalises so.
      if (other === undefined || (inputs[0] !== value && (op === 'Div' || op === 'Sub'))) break
      if (op === 'Mul') [a, b] = [a * other, b * other]
      if (op === 'Div') [a, b] = [a / other, b / other]
      if (op === 'Add') b += other
      if (op === 'Sub') b -= other
    } else if (!PASSING.includes(op)) break
    value = outputs[0]
  }
  const size = Math.abs(a)
  if (a === 1 && b === 0) return undefined
  if (size >= 0.7 && size <= 10) return size === 1 && b < -20 ? '0,255' : '0,1'
  return 255 * size >= 0.7 && 255 * size <= 10 ? '0,255' : undefined
}

/** A first step that makes bytes says which numbers it stands ready for. */
function quantisedRange(
  step: number | undefined,
  zero: number,
  { a, b }: { readonly a: number; readonly b: number },
): EncoderRange | undefined {
  if (step === undefined || !(step > 0)) return undefined
  // Signed bytes have their zero 128 lower: the width alone tells.
  const width = (255 * step) / Math.abs(a)
  if (width > 200 && width < 320) return '0,255'
  if (width > 0.9 && width < 1.1) return '0,1'
  if (width > 1.8 && width < 2.2 && b === 0) return '-1,1'
  return width > 3.5 && width < 6 && Number.isFinite(zero) ? 'imagenet' : undefined
}

function meanOf(numbers: readonly number[] | undefined): number | undefined {
  if (numbers === undefined || numbers.length === 0 || numbers.length > 4) return undefined
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}
