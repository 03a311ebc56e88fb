/** What a case of the primitives' test is. */
import { input, type Shape, type Tensor } from 'onnx-autodiff'

export interface Case {
  readonly what: string
  readonly inputs: readonly CaseInput[]
  readonly build: (inputs: readonly Tensor[]) => Tensor | readonly Tensor[]
  /** No gradient is asked for: it has no rule, or its outputs are not float32. */
  readonly withoutGradient?: boolean
}

export interface CaseInput {
  readonly shape: Shape
  readonly dtype?: 'int32'
  /** `positive` keeps away from zero on one side. */
  readonly values?: 'positive' | readonly number[]
}

export const text = (shape: Shape): string => `[${shape.join(', ')}]`

/** A case with one float32 input. */
export const one = (
  what: string,
  shape: Shape,
  build: (x: Tensor) => Tensor,
  withoutGradient?: boolean,
): Case => ({
  what,
  inputs: [{ shape }],
  build: ([x]) => build(x),
  withoutGradient,
})

/** Makes the inputs of a case under names that begin with a prefix. */
export const caseInputs = (each: Case, prefix: string): Tensor[] =>
  each.inputs.map(({ shape, dtype }, i) => input(`${prefix} ${i}`, shape, dtype))
