/**
 * How many steps one run takes. onnxruntime copies the state out of the graph after every run, and calling it costs time
 * too, so a program that can take many steps in one run (see onnx/step-loop.ts) is given many.
 */
import type { Arrays, ArraySpec, NamedArray } from '../arrays.js'
import type { Program } from '../onnx/program.js'
import { checkArrays } from './checks.js'
import type { Runner, Session, Steps } from './types.js'

/** Steps as short as would fit more in are small: by then the cost of a call no longer shows. */
const MOST_STEPS = 64

/**
 * A session on what runs its programs, in this thread or another. A run takes as many steps as take about
 * `runMilliseconds`, so that progress stays live and a stop is heard.
 */
export function sessionOn(runner: Runner, programs: readonly Program[], runMilliseconds: number): Session {
  const stepsOfRun = (millisecondsPerStep: number): number =>
    Math.min(Math.max(Math.floor(runMilliseconds / millisecondsPerStep), 1), MOST_STEPS)
  const many = programs.length === 1 && programs[0].manySteps === true
  const each = many ? specsOfStep(programs[0].inputs) : undefined

  const take = async (steps: readonly Arrays[], due?: readonly number[]): Promise<Arrays[]> => {
    if (each === undefined) return [await runner.run(steps[0], due)]
    for (const inputs of steps) checkArrays(each, inputs, 'inputs (session.run)')
    return unstackSteps(await runner.run(stackSteps(steps), due), steps.length)
  }

  async function* advance({ from, to, draw, due }: Steps): AsyncGenerator<readonly Arrays[], void> {
    const drawn = async (step: number, count: number): Promise<Arrays[]> => {
      const list: Arrays[] = []
      for (let at = step; at < Math.min(step + count, to); at++) list.push(await draw(at))
      return list
    }
    let count = 1
    let next = await drawn(from, count)
    for (let step = from; next.length > 0;) {
      const began = performance.now()
      const running = take(next, due?.(step))
      step += next.length
      const made = next.length
      // The next inputs are drawn while these steps run in their own thread.
      const drawing = drawn(step, count)
      const [outputs, inputs] = await Promise.all([running, drawing])
      if (many) count = stepsOfRun((performance.now() - began) / made)
      next = inputs
      yield outputs
    }
  }

  return {
    run: async (inputs, due) => (await take([inputs], due))[0],
    advance,
    readState: () => runner.readState(),
    writeState: (state) => runner.writeState(state),
    close: () => runner.close(),
  }
}

const specsOfStep = (stacked: Program['inputs']): Record<string, ArraySpec> =>
  Object.fromEntries(
    Object.entries(stacked).map(([name, { dtype, shape }]) => [name, { dtype, shape: shape.slice(1) }]),
  )

/** Stacks along a new first axis; a single step keeps its buffers. */
export function stackSteps(steps: readonly Arrays[]): Arrays {
  return Object.fromEntries(
    Object.entries(steps[0]).map(([name, { dtype, shape, data: first }]): [string, NamedArray] => {
      const stacked = [steps.length, ...shape]
      if (steps.length === 1) return [name, { dtype, shape: stacked, data: first }]
      const data = new (first.constructor as new (length: number) => NamedArray['data'])(
        first.length * steps.length,
      )
      steps.forEach((step, i) => data.set(step[name].data as never, i * first.length))
      return [name, { dtype, shape: stacked, data }]
    }),
  )
}

/** The outputs of each step. */
export function unstackSteps(outputs: Arrays, count: number): Arrays[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, { dtype, shape, data }]) => {
        const length = data.length / count
        const own = count === 1 ? data : data.slice(i * length, (i + 1) * length)
        return [name, { dtype, shape: shape.slice(1), data: own }]
      }),
    ),
  )
}
