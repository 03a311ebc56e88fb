/**
 * A classifier as one ONNX file: bytes of images in, probabilities and features out. The run's own encoder, an encoder made
 * elsewhere beside it, normalisation and head are joined as graphs, written with standard operators alone (an encoder made
 * elsewhere brings its own).
 */
import {
  BATCH_MARKER,
  decodeModel,
  encodeModel,
  exp,
  exportModel,
  type ForeignModel,
  input,
  type JoinedPart,
  joinModels,
  joinNodes,
  type NamedArray,
  nodesForOpset,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  Random,
  readForeignModel,
  type Tensor,
} from 'onnx-autodiff'
import { HandfulError } from '../errors.js'
import type { EncoderDescription } from '../encoders/outside-encoder.js'
import { type Classifier } from '../runs/classifier.js'
import { featureNetwork } from '../runs/classifier-features.js'
import type { Brought } from '../runs/brought.js'
import { readKeptEncoder } from '../runs/outside-features.js'
import { headLogarithms, normalisedRows, sideBySide } from './head-graph.js'
import { FEATURES, IMAGE, PROBABILITIES } from './model-format.js'

/** Square images that the file takes, uint8 `[batch, size, size, channels]`. */
export interface ModelInput {
  readonly name: string
  /** In pixels. */
  readonly size: number
  readonly channels: 1 | 3
}

/** The parts of a classifier's file, before it is told of itself. */
export interface WholeModel {
  readonly inputs: readonly ModelInput[]
  /** 1 where it takes one image at a time, null for any number. */
  readonly batch: 1 | null
  /** Numbers of the output `features`. */
  readonly columns: number
  /** Whether what the encoder draws for an image is fixed inside. */
  readonly hasFixedNoise: boolean
  /** The ONNX file with these texts in its metadata. */
  encode(metadata: Readonly<Record<string, string>>): Uint8Array
}

/** An encoder made elsewhere, read. */
interface ForeignEncoder {
  readonly model: ForeignModel
  readonly description: EncoderDescription
  readonly file: string
}

const OUTSIDE = 'outside/'
const ENCODER = 'encoder/'
const HEAD = 'head/'
/** The second input's name, where an encoder made elsewhere takes images of another size. */
const SECOND_IMAGE = 'image-2'

/**
 * @param run the folder that the classifier was read from
 * @throws HandfulError for features that no file can compute, and for an encoder that is too old to be joined
 */
export async function wholeModel(
  run: string,
  classifier: Classifier,
  brought?: Brought,
): Promise<WholeModel> {
  refuseTables(run, classifier)
  const { size, channels, outputs, outside } = classifier
  const foreign = outside?.encoder && (await foreignEncoder(run, outside.encoder))
  const own = await ownEncoder(run, classifier, brought)
  const ownInput = own && { name: IMAGE, size, channels }
  const foreignInput = foreign && inputOf(foreign.description, ownInput)
  const inputs = [ownInput, foreignInput].filter((each) => each !== undefined)
  const parts = [
    ...(own === undefined ? [] : outputs.map((name) => partOf(own, name))),
    ...(foreign === undefined
      ? []
      : [
          {
            name: `${OUTSIDE}${foreign.description.features}`,
            columns: foreign.description.columns,
          },
        ]),
  ]
  const head = headModel(classifier, parts)
  const joined = [...(own === undefined ? [] : [own]), head]
  const batch = foreign?.description.single ? 1 : null
  const columns =
    classifier.normalisation?.projection.columns ?? parts.reduce((sum, part) => sum + part.columns, 0)
  return {
    inputs: distinct(inputs),
    batch,
    columns,
    hasFixedNoise: (own?.constants ?? []).length > 0,
    encode(metadata) {
      const values = valuesOf(distinct(inputs), classifier, columns, batch ?? 'batch')
      if (foreign === undefined) return encodeModel(joinModels(joined, values, metadata))
      return aroundForeign(foreign, joined, { ...values, metadata, image: foreignInput?.name ?? IMAGE })
    },
  }
}

function refuseTables(run: string, { outside }: Classifier): void {
  const [source] = outside?.sources ?? []
  if (source !== undefined)
    throw new HandfulError({
      what: 'export',
      where: run,
      got: `a run with features of the method ${source.id}, which is a plugin's code`,
      expected: 'features that an ONNX file can compute',
      hint: 'fit without it; a network of your own can be given as --encoder file.onnx',
      exitCode: 2,
    })
  if (outside?.embeddings === undefined) return
  throw new HandfulError({
    what: 'export',
    where: run,
    got: `a run with features from the table ${outside.embeddings.title}`,
    expected: 'features that are computed from the image',
    hint: 'fit without --embeddings; an encoder that made such a table can be given as --encoder file.onnx',
    exitCode: 2,
  })
}

async function foreignEncoder(
  run: string,
  kept: NonNullable<NonNullable<Classifier['outside']>['encoder']>,
): Promise<ForeignEncoder> {
  const { model, description } = await readKeptEncoder(run, kept)
  return { model: (await readForeignModel(model)).renamed(OUTSIDE), description, file: kept.file }
}

/** The run's own network; what it draws beside the image is what `predict` draws for a single one. */
async function ownEncoder(
  run: string,
  classifier: Classifier,
  brought?: Brought,
): Promise<JoinedPart | undefined> {
  const { encoder, outputs, drawn } = classifier
  if (encoder === undefined) return undefined
  const model = 'model' in encoder ? decodeModel(encoder.model) : exportModel(encoder)
  const network = drawn && (await featureNetwork(run, classifier, brought))
  const noise = network?.drawInputs?.((name) => new Random(drawn?.seed ?? 0, `features/${name}`), [0]) ?? {}
  return {
    model,
    prefix: ENCODER,
    names: { image: IMAGE, ...Object.fromEntries(outputs.map((name) => [name, `${ENCODER}${name}`])) },
    constants: Object.entries(noise).map(([name, array]): OnnxTensor => ({ name, ...array })),
  }
}

function partOf({ model }: JoinedPart, name: string): { readonly name: string; readonly columns: number } {
  const shape = model.graph.outputs.find((output) => output.name === name)?.shape ?? []
  const [, columns] = shape
  if (typeof columns === 'number') return { name: `${ENCODER}${name}`, columns }
  throw new Error(`internal: export: got an encoder's output ${name} of [${shape.join()}], expected rows`)
}

const inputOf = (
  { size, channels }: EncoderDescription,
  own: ModelInput | undefined,
): ModelInput | undefined => {
  const isSame = own !== undefined && own.size === size && own.channels === channels
  return { name: own === undefined || isSame ? IMAGE : SECOND_IMAGE, size, channels }
}

const distinct = (inputs: readonly ModelInput[]): ModelInput[] =>
  inputs.filter(({ name }, i) => inputs.findIndex((each) => each.name === name) === i)

/** Normalisation and head over the parts' values. */
function headModel(
  { normalisation, head }: Classifier,
  parts: readonly { readonly name: string; readonly columns: number }[],
): JoinedPart {
  const parameters: Record<string, NamedArray> = {}
  const declare = (name: string, array: NamedArray): Tensor => {
    // The head's own names may be those of outputs.
    const own = `fitted/${name}`
    parameters[own] = array
    return input(own, array.shape)
  }
  const inputs = parts.map(({ columns }, i) => input(`part ${i}`, [BATCH_MARKER, columns]))
  const features = sideBySide(inputs)
  const rows = normalisation === undefined ? features : normalisedRows(features, normalisation, declare)
  const model = exportModel({
    inputs,
    outputs: {
      [FEATURES]: rows,
      [PROBABILITIES]: exp(headLogarithms(head, rows, declare)),
    },
    parameters,
  })
  return {
    model,
    prefix: HEAD,
    names: {
      ...Object.fromEntries(parts.map(({ name }, i) => [`part ${i}`, name])),
      [FEATURES]: FEATURES,
      [PROBABILITIES]: PROBABILITIES,
    },
  }
}

function valuesOf(
  inputs: readonly ModelInput[],
  { classNames }: Classifier,
  columns: number,
  batch: 1 | 'batch',
): { readonly inputs: OnnxValue[]; readonly outputs: OnnxValue[] } {
  return {
    inputs: inputs.map(({ name, size, channels }) => ({
      name,
      dtype: 'uint8',
      shape: [batch, size, size, channels],
    })),
    outputs: [
      { name: PROBABILITIES, dtype: 'float32', shape: [batch, classNames.length] },
      { name: FEATURES, dtype: 'float32', shape: [batch, columns] },
    ],
  }
}

interface Around {
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly metadata: OnnxModel['metadata']
  /** Which input the encoder takes. */
  readonly image: string
}

/** Our nodes before and after those of an encoder made elsewhere, in its version of the operators. */
function aroundForeign(
  { model, description, file }: ForeignEncoder,
  parts: readonly JoinedPart[],
  { inputs, outputs, metadata, image }: Around,
): Uint8Array {
  const handed: OnnxNode = {
    op: 'Identity',
    domain: '',
    name: `${OUTSIDE}image`,
    inputs: [image],
    outputs: [`${OUTSIDE}${description.image}`],
    attributes: {},
  }
  const { nodes, initializers } = joinNodes(
    parts,
    outputs.map(({ name }) => name),
  )
  const written = writtenFor(file, nodes, initializers, model.opset)
  // Nodes of the head read the encoder's value; all others come before it.
  const isHead = ({ outputs: [name] }: OnnxNode): boolean =>
    name.startsWith(HEAD) || outputs.some((output) => output.name === name)
  return model.surround({
    inputs,
    before: [...written.filter((node) => !isHead(node)), handed],
    after: written.filter(isHead),
    initializers,
    outputs,
    metadata,
  })
}

function writtenFor(
  file: string,
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxTensor[],
  opset: number,
): OnnxNode[] {
  try {
    return nodesForOpset(nodes, initializers, opset)
  } catch (error) {
    throw new HandfulError({
      what: 'export',
      where: file,
      got: `an encoder of opset ${opset}`,
      expected: 'opset 11 or newer, beside which the classifier can be written',
      hint: 'export the encoder again with a newer opset, and fit with that',
      cause: error,
    })
  }
}
