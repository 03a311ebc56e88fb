/** An operator of ONNX: tensors and attributes in, tensors out. */
import type { OnnxAttribute } from 'onnx-autodiff/onnx'
import { ModelError, type Tensor, Unsupported } from './tensor.js'

/** Attributes of a node with their defaults. */
export class Attributes {
  readonly #values: Readonly<Record<string, OnnxAttribute>>

  constructor(values: Readonly<Record<string, OnnxAttribute>>) {
    this.#values = values
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name)
  }

  int(name: string, otherwise: number): number {
    const found = this.#get(name, 'int')
    return found?.kind === 'int' ? found.value : otherwise
  }

  float(name: string, otherwise: number): number {
    const found = this.#get(name, 'float')
    return found?.kind === 'float' ? Math.fround(found.value) : otherwise
  }

  string(name: string, otherwise: string): string {
    const found = this.#get(name, 'string')
    return found?.kind === 'string' ? found.value : otherwise
  }

  ints(name: string): readonly number[] | undefined {
    const found = this.#get(name, 'ints')
    return found?.kind === 'ints' ? found.value : undefined
  }

  #get(name: string, kind: OnnxAttribute['kind']): OnnxAttribute | undefined {
    if (!this.has(name)) return undefined
    const found = this.#values[name]
    if (found.kind === kind) return found
    throw new ModelError(`attribute ${name} of kind ${found.kind}, expected ${kind}`)
  }
}

export type Inputs = readonly (Tensor | undefined)[]

/** @throws Unsupported for attributes that the operator does not have here */
export type Operator = (inputs: Inputs, attributes: Attributes) => readonly Tensor[]

export type Operators = Readonly<Record<string, Operator>>

/** An input that has to be there. */
export function given(inputs: Inputs, place: number): Tensor {
  const found = inputs[place]
  if (found !== undefined) return found
  throw new ModelError(`no input ${place}`)
}

/** One that has to be numbers with fractions. */
export function floatInput(inputs: Inputs, place: number): Tensor & { readonly data: Float32Array } {
  const { data, ...rest } = given(inputs, place)
  if (data instanceof Float32Array) return { ...rest, data }
  throw new Unsupported(`${rest.dtype} where float32 is expected`)
}

/** Whole numbers of an input, such as a shape, or of an attribute in older versions. */
export function wholeNumbers(
  inputs: Inputs,
  place: number,
  attributes?: Attributes,
  name = '',
): number[] | undefined {
  const found = inputs[place]
  if (found !== undefined) return Array.from(found.data)
  const listed = attributes?.ints(name)
  return listed && [...listed]
}
