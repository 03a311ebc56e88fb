/** Several steps' inputs as one run of a program that takes many steps, and its outputs back as one set per step. */
import type { Arrays, NamedArray } from 'onnx-autodiff'

/** Stacks along a new first axis. */
export function stackSteps(steps: readonly Arrays[]): Arrays {
  return Object.fromEntries(
    Object.entries(steps[0]).map(([name, first]) => {
      const length = first.data.length
      const data = new (first.data.constructor as new (length: number) => NamedArray['data'])(
        length * steps.length,
      )
      steps.forEach((step, i) => data.set(step[name].data as never, i * length))
      return [name, { dtype: first.dtype, shape: [steps.length, ...first.shape], data }]
    }),
  )
}

/** The outputs of each step. */
export function unstackSteps(outputs: Arrays, count: number): Arrays[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, { dtype, shape, data }]) => {
        const length = data.length / count
        return [name, { dtype, shape: shape.slice(1), data: data.slice(i * length, (i + 1) * length) }]
      }),
    ),
  )
}
