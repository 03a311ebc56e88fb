/**
 * What is to be computed, before it is compiled for anything: a step (a training step, or any graph of fixed shapes), or
 * a trained network with its weights. Models give these; a session compiles them for the device that it runs on.
 */
import { type NamedArray, specText } from '../arrays.js'
import { GraphError } from './shape.js'
import { input, inputName, type Tensor } from './tensor.js'
import { substitute } from './walk.js'

/** A tensor that a step reads, and what it holds after the step. */
export interface Update {
  /** An input tensor; its name is the state's name. */
  readonly variable: Tensor
  readonly next: Tensor
}

/** One step: maps (inputs, state) to (outputs, next state). Written as the graph has it, all shapes fixed. */
export interface Step {
  readonly inputs?: readonly Tensor[]
  readonly state?: readonly Update[]
  readonly outputs: Readonly<Record<string, Tensor>>
}

/**
 * A network with its weights, for any number of images: built with BATCH_MARKER of them, written in the ordinary form. A
 * float32 tensor [height, width, batch, channels] among inputs and outputs becomes [batch, channels, height, width]; all
 * others stay as they are.
 */
export interface Network {
  readonly inputs: readonly Tensor[]
  readonly outputs: Readonly<Record<string, Tensor>>
  /** Values of the input tensors that have these names. */
  readonly parameters: Readonly<Record<string, NamedArray>>
  /** Texts that the ONNX model carries along. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** What `compile` takes: a step of fixed shapes, or a network for any number of images. */
export type Computation = Step | Network

/** The names of what a computation or program puts out, as far as its type tells them. */
export type OutputName<C> = C extends { readonly outputs: Readonly<Record<infer Name, unknown>> }
  ? Name & string
  : string

export const isNetwork = (computation: Computation): computation is Network => 'parameters' in computation

/**
 * A network with something else in place of an input, such as its images mirrored. The numbers may be float32 where the
 * input's are integers that the network casts.
 *
 * @throws GraphError if it has no input of that name
 */
export function withInput(network: Network, name: string, replace: (given: Tensor) => Tensor): Network {
  const given = network.inputs.find((tensor) => inputName(tensor) === name)
  if (given === undefined) {
    const names = network.inputs.map((tensor) => inputName(tensor)).join(', ')
    throw new GraphError(`network (input): got "${name}", expected one of ${names}`)
  }
  const other = replace(given)
  const results = substitute(Object.values(network.outputs), (tensor) =>
    tensor === given ? other : undefined,
  )
  const outputs = Object.fromEntries(Object.keys(network.outputs).map((each, i) => [each, results[i]]))
  return { ...network, outputs }
}

/**
 * Several networks as one, so that images pass through all of them in one run: inputs of one name become one input, and
 * the outputs are those of all. Parameters keep apart: those of the i-th network are called `i/name`.
 *
 * @throws GraphError if two have an output of one name, or one name stands for inputs of two types
 */
export function mergeNetworks(networks: readonly Network[]): Network {
  if (networks.length === 1) return networks[0]
  const inputs = new Map<string, Tensor>()
  const outputs: Record<string, Tensor> = {}
  const parameters: Record<string, NamedArray> = {}
  for (const [i, network] of networks.entries()) {
    const replaced = new Map<Tensor, Tensor>()
    for (const tensor of network.inputs) {
      const name = inputName(tensor)
      const first = inputs.get(name) ?? tensor
      if (specText(first) !== specText(tensor))
        throw new GraphError(
          `networks (merge): got input "${name}" as ${specText(first)} and as ${specText(tensor)}, expected one type`,
        )
      inputs.set(name, first)
      replaced.set(tensor, first)
    }
    const names = Object.keys(network.outputs)
    const twice = names.find((name) => Object.hasOwn(outputs, name))
    if (twice !== undefined)
      throw new GraphError(`networks (merge): got two outputs "${twice}", expected names of their own`)
    const renamed = (tensor: Tensor): Tensor | undefined =>
      Object.hasOwn(network.parameters, inputName(tensor))
        ? input(`${i}/${inputName(tensor)}`, tensor.shape, tensor.dtype)
        : undefined
    const results = substitute(
      Object.values(network.outputs),
      (tensor) => replaced.get(tensor) ?? renamed(tensor),
    )
    names.forEach((name, k) => (outputs[name] = results[k]))
    for (const [name, array] of Object.entries(network.parameters)) parameters[`${i}/${name}`] = array
  }
  const metadata = Object.assign({}, ...networks.map((each) => each.metadata ?? {})) as Network['metadata']
  return { inputs: [...inputs.values()], outputs, parameters, metadata }
}
