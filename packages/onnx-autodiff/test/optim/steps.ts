/** Runs a program step by step in tests. */
import { type Arrays, type NamedArray, openLocalSession, type Program } from 'onnx-autodiff'

/** Runs once for each set of inputs; gives the outputs and the state after every step. */
export async function steps(
  program: Program,
  state: Arrays,
  inputs: readonly Arrays[],
): Promise<{ outputs: Arrays; state: Arrays }[]> {
  const session = await openLocalSession(program, { threads: 1, state })
  const results: { outputs: Arrays; state: Arrays }[] = []
  try {
    for (const each of inputs)
      results.push({ outputs: await session.run(each), state: await session.readState() })
  } finally {
    await session.close()
  }
  return results
}

export const floats = (
  values: ArrayLike<number>,
  shape: readonly number[] = [values.length],
): NamedArray => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
})

export const numbers = ({ data }: NamedArray): number[] => Array.from(data as Float32Array)
