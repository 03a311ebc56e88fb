/** Weights from elsewhere by their names, to go on from: for `train`'s `initial`, or a session's state. */
import type { Arrays, NamedArray } from '../arrays.js'
import { sizeOf, shapeText } from '../graph/shape.js'
import { inputName } from '../graph/tensor.js'
import type { Parameters } from '../nn/parameters.js'

/** How names and layouts of a file become the model's. */
export interface LoadOptions {
  /** The name that the file has for a parameter; the same unless said otherwise. */
  readonly nameOf?: (parameter: string) => string
  /**
   * The file has PyTorch's layout: weights of linear layers [out, in] and filters [out, in, height, width] are turned into
   * the engine's. A function says so of each parameter: an embedding's table is the same in both.
   */
  readonly torch?: boolean | ((parameter: string) => boolean)
  /** Parameters that the file lacks are left out instead of refused. */
  readonly partial?: boolean
}

/** What was found for a model in a file. */
export interface LoadedWeights {
  /** By the model's names, in its shapes. */
  readonly initial: Arrays
  /** The model's names that the file does not have. */
  readonly missing: readonly string[]
  /** The file's names that nothing asked for. */
  readonly unused: readonly string[]
}

/**
 * The values of a model's parameters and buffers among arrays, such as `decodeSafetensors(bytes).arrays`.
 *
 *   const { initial } = loadWeights(p, decodeSafetensors(await readFile('model.safetensors')).arrays, { torch: true })
 *
 * @param p the registry of a model that has been built
 * @throws RangeError naming what is missing, or an array of another shape or type
 */
export function loadWeights(p: Parameters, arrays: Arrays, options: LoadOptions = {}): LoadedWeights {
  const { nameOf = (name: string) => name, torch = false, partial = false } = options
  const initial: Record<string, NamedArray> = {}
  const missing: string[] = []
  const used = new Set<string>()
  for (const tensor of p.all()) {
    const name = inputName(tensor)
    const source = nameOf(name)
    if (!Object.hasOwn(arrays, source)) {
      missing.push(name)
      continue
    }
    used.add(source)
    const inTorch = typeof torch === 'function' ? torch(name) : torch
    const array = inTorch ? fromTorch(arrays[source]) : arrays[source]
    const [got, wanted] = [array, tensor].map(({ dtype, shape }) => `${dtype} ${shapeText(shape)}`)
    if (got !== wanted)
      throw new RangeError(
        `"${source}" (loadWeights): got ${got}, expected ${wanted}${inTorch ? '' : "; say `torch` if it is in PyTorch's layout"}`,
      )
    initial[name] = array
  }
  if (missing.length > 0 && !partial)
    throw new RangeError(
      `weights (loadWeights): got ${Object.keys(arrays).join(', ') || 'none'}, expected ${missing.map(nameOf).join(', ')} too; ` +
        'say `partial` to leave them as they begin, or `nameOf` for other names',
    )
  return { initial, missing, unused: Object.keys(arrays).filter((name) => !used.has(name)) }
}

/** [out, in] -> [in, out], and [out, in, height, width] -> [height, width, in, out]; all else as it is. */
function fromTorch(array: NamedArray): NamedArray {
  const { dtype, shape, data } = array
  if (dtype !== 'float32' || !(data instanceof Float32Array) || (shape.length !== 2 && shape.length !== 4))
    return array
  const [out, inputs] = shape
  const pixels = sizeOf(shape.slice(2))
  const turned = new Float32Array(data.length)
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inputs; i++)
      for (let k = 0; k < pixels; k++)
        turned[(k * inputs + i) * out + o] = data[(o * inputs + i) * pixels + k]
  return { dtype, shape: [...shape.slice(2), inputs, out], data: turned }
}
