/**
 * Which value of an encoder made elsewhere is the feature, and how it becomes one row of numbers an image: vectors as they
 * are, maps and tokens as their mean, the class token of a transformer where there is one.
 */
import type { ForeignModel, ForeignNode, ForeignValue } from 'onnx-autodiff'
import { quoted } from '../errors.js'
import { closest } from '../errors/suggest.js'
import { encoderError, valueInWords } from './encoder-error.js'
import type { EncoderOptions } from './encoder-options.js'
import type { ImageInput } from './image-input.js'

export interface ChosenValue {
  readonly name: string
  readonly notes: readonly string[]
}

const FEATURES = /pool|embed|feature|proj|repr|latent/i
const SCORES = /logit|prob|softmax|score|class|pred/i
/** Classes of ImageNet with and without a background, of its whole tree as it is commonly cut, and of Places. */
const CLASS_COUNTS: ReadonlySet<number> = new Set([1000, 1001, 21841, 21843, 21842, 11821, 10450, 365])
const FLOATS = ['float32', 'float16', 'float64', 'bfloat16']

/** @throws HandfulError where no output can be a feature, or several may be */
export function chosenValue(file: string, model: ForeignModel, options: EncoderOptions): ChosenValue {
  const { encoderOutput } = options
  const names = model.outputs.map(({ name }) => name)
  if (encoderOutput !== undefined) {
    if (model.has(encoderOutput)) return { name: encoderOutput, notes: [] }
    const near = closest(encoderOutput, names)
    throw encoderError(
      file,
      `no value ${quoted(encoderOutput)} in the graph`,
      `an output (${names.map(quoted).join(', ')}) or a value inside`,
      near === undefined ? undefined : `did you mean ${quoted(near)}?`,
    )
  }
  const rows = model.outputs.filter(({ elementType = '' }) => FLOATS.includes(elementType))
  if (rows.length === 0) {
    const words = model.outputs.map(valueInWords).join('; ') || 'no output'
    throw encoderError(file, words, 'an output of numbers for each image', '--encoder-output names one')
  }
  const best = Math.max(...rows.map(rank))
  const likely = rows.filter((value) => rank(value) === best)
  if (likely.length > 1) {
    throw encoderError(
      file,
      `${likely.length} outputs that may be features: ${likely.map(valueInWords).join('; ')}`,
      'one of them named by --encoder-output',
      `for example --encoder-output ${likely[0].name}`,
    )
  }
  return featureBelow(model, likely[0], rows.length > 1)
}

/** The likelier a feature, the higher: by its name, and vectors before tokens and maps. */
const rank = ({ name, shape }: ForeignValue): number =>
  (FEATURES.test(name) ? 4 : 0) -
  (SCORES.test(name) && !FEATURES.test(name) ? 4 : 0) +
  (shape?.length === 2 ? 2 : shape?.length === 3 || shape?.length === 4 ? 1 : 0)

/** What stands before the last layer of a classifier: its scores say little beyond the classes that it was made for. */
function featureBelow(model: ForeignModel, output: ForeignValue, several: boolean): ChosenValue {
  const chosen = several ? [`its output ${quoted(output.name)} is taken`] : []
  const madeBy = new Map(model.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const isScores = SCORES.test(output.name) && !FEATURES.test(output.name)
  let [value, shares] = [output.name, false]
  for (;;) {
    const node = madeBy.get(value)
    if (node === undefined) return { name: output.name, notes: chosen }
    if (['Softmax', 'LogSoftmax', 'Sigmoid'].includes(node.op)) shares = true
    else if (!['Identity', 'Cast', 'Flatten', 'Squeeze', 'Reshape'].includes(node.op)) {
      const layer = linearLayer(model, node, madeBy)
      const certain = shares || isScores || (layer !== undefined && CLASS_COUNTS.has(layer.width))
      if (!certain) return { name: output.name, notes: chosen }
      if (layer === undefined)
        return {
          name: output.name,
          notes: [...chosen, `its output ${quoted(output.name)} looks like class scores, taken as they are`],
        }
      return {
        name: layer.input,
        notes: [
          `its output ${quoted(output.name)} is the scores of ${layer.width} classes: what goes into its last layer is ` +
            `taken (--encoder-output ${output.name} for the scores)`,
        ],
      }
    }
    value = node.inputs[0]
  }
}

/** Where a node is a linear layer of constant weights: what goes into it, and numbers that come out. */
function linearLayer(
  model: ForeignModel,
  node: ForeignNode,
  madeBy: ReadonlyMap<string, ForeignNode>,
): { readonly input: string; readonly width: number } | undefined {
  if (node.op === 'Add') {
    const product = node.inputs.map((name) => madeBy.get(name)).find((each) => each?.op === 'MatMul')
    return product && linearLayer(model, product, madeBy)
  }
  if (node.op !== 'Gemm' && node.op !== 'MatMul') return undefined
  const shape = model.constantShape(node.inputs[1])
  if (shape?.length !== 2) return undefined
  return { input: node.inputs[0], width: node.ints.transB?.[0] === 1 ? shape[0] : shape[1] }
}

/** How an output of some shape becomes rows. */
export interface RowForm {
  readonly kind: 'rows' | 'nchw map' | 'nhwc map' | 'mean of tokens' | 'first token'
  /** Numbers of a row. */
  readonly columns: number
  readonly notes: readonly string[]
}

/** More are no feature but an image. */
const LIMIT_COLUMNS = 65_536

/**
 * @param shape of the output for some images
 * @throws HandfulError for what is no row, map or list of tokens an image
 */
export function rowForm(
  file: string,
  name: string,
  shape: readonly number[],
  { layout }: ImageInput,
  { encoderPooling }: EncoderOptions,
): RowForm {
  const found = formOf(shape, layout, encoderPooling)
  const words = `the output ${quoted(name)} of [${shape.join(', ')}]`
  if (found === undefined)
    throw encoderError(
      file,
      words,
      'a row, a map or tokens for each image: [batch, numbers], [batch, numbers, height, width] or [batch, tokens, numbers]',
      '--encoder-output names another',
    )
  if (found.columns >= 1 && found.columns <= LIMIT_COLUMNS) return found
  const expected = `at most ${LIMIT_COLUMNS.toLocaleString('en-US')} numbers for each image`
  throw encoderError(file, words, expected, '--encoder-output names another')
}

function formOf(
  [, ...rest]: readonly number[],
  layout: ImageInput['layout'],
  pooling: EncoderOptions['encoderPooling'],
): RowForm | undefined {
  if (rest.length === 1) return { kind: 'rows', columns: rest[0], notes: [] }
  if (rest.filter((extent) => extent > 1).length <= 1 && rest.length <= 3 && rest.length > 0)
    return { kind: 'rows', columns: Math.max(...rest), notes: [] }
  if (rest.length === 3) {
    const [first, second, third] = rest
    // Maps of square images are square: the odd one out counts channels.
    const last = first === second && second !== third ? true : second === third ? false : layout === 'nhwc'
    const [columns, high, wide] = last ? [third, first, second] : [first, second, third]
    const notes = [`its output is a map of ${high}x${wide}, of which the mean is taken`]
    return { kind: last ? 'nhwc map' : 'nchw map', columns, notes }
  }
  if (rest.length !== 2) return undefined
  const [tokens, columns] = rest
  // One for each square of the image, and before these one for the whole.
  const hasClassToken = Number.isInteger(Math.sqrt(tokens - 1)) && tokens > 2
  const first = pooling === undefined ? hasClassToken : pooling === 'first'
  const notes = [
    first
      ? `its output is ${tokens} tokens, of which the first is taken (--encoder-pooling mean for their mean)`
      : `its output is ${tokens} tokens, of which the mean is taken (--encoder-pooling first for the first)`,
  ]
  return { kind: first ? 'first token' : 'mean of tokens', columns, notes }
}
