/** What it takes to add an execution backend: one object that says what it can do. These run on the CPU underneath. */
import {
  add,
  type Arrays,
  type Backend,
  compile,
  input,
  matmul,
  mul,
  openLocalSession,
  openSession,
  sum,
  sumOverSlices,
  topK,
  transpose,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { backends } from '../../src/runtime/backends/registry.js'

/** Has no loops, no contributed operators, and no TopK. */
const abacus: Backend = {
  name: 'abacus',
  executionProviders: ['cpu'],
  contributed: false,
  loops: false,
  absent: { Loop: 'take the whole batch', TopK: 'sort by hand' },
  results: 'cpu',
}

const [x, w] = [input('x', [2, 2]), input('w', [2, 2])]
const step = {
  inputs: [x],
  state: [{ variable: w, next: add(w, matmul(x, w, { transposeA: true })) }],
  outputs: { loss: sum(mul(w, x)) },
}
const array = (...data: number[]) => ({
  dtype: 'float32' as const,
  shape: [2, 2],
  data: Float32Array.from(data),
})

for (const [kind, open] of [
  ['in its own thread', openSession],
  ['in this thread', openLocalSession],
] as const) {
  test(`steps on a new backend equal those on the CPU, ${kind}`, async () => {
    const results: { losses: number[]; state: Arrays }[] = []
    for (const device of ['cpu', abacus]) {
      const session = await open(step, { device, threads: 1, state: { w: array(1, 0, 2, 1) } })
      const losses: number[] = []
      const draw = (at: number): Arrays => ({ x: array(at, 1, 0.5, -at) })
      for await (const run of session.advance({ from: 0, to: 5, draw })) {
        losses.push(...run.map(({ loss }) => Number(loss.data[0])))
        // Without loops, each run is one step.
        if (device === abacus) expect(run.length).toBe(1)
      }
      results.push({ losses, state: await session.readState() })
      await session.close()
    }
    expect(results[0].losses).toHaveLength(5)
    expect(results[1]).toEqual(results[0])
  })
}

test('a run takes no more steps than its time allows, and one at least', async () => {
  const lengths = async (runMilliseconds: number): Promise<number[]> => {
    const state = { w: array(1, 0, 2, 1) }
    const session = await openLocalSession(step, { threads: 1, state, runMilliseconds })
    const found: number[] = []
    const draw = (): Arrays => ({ x: array(0, 0, 0, 0) })
    for await (const run of session.advance({ from: 0, to: 100, draw })) found.push(run.length)
    await session.close()
    return found
  }
  expect(await lengths(0)).toEqual(Array<number>(100).fill(1))
  expect(Math.max(...(await lengths(1e6)))).toBe(64)
})

test('an operator that it does not have is refused by name, in a loop too, before anything runs', async () => {
  const chosen = { inputs: [x], outputs: { y: topK(x, 1).values } }
  await expect(openSession(chosen, { device: abacus })).rejects.toThrow(
    'compile (abacus): got the operator TopK, expected one that it has; sort by hand',
  )
  const looped = { inputs: [x], outputs: { y: sumOverSlices([x], ([row]) => [mul(row, 2)])[0] } }
  await expect(openLocalSession(looped, { device: abacus })).rejects.toThrow('take the whole batch')
  const inLoop = { inputs: [x], outputs: { y: sumOverSlices([x], ([row]) => [topK(row, 1).values])[0] } }
  expect(() => compile(inLoop, { ...abacus, absent: { TopK: 'sort by hand' } })).toThrow('operator TopK')
})

test('contributed operators are written where a backend takes them', () => {
  const text = (contributed: boolean): string =>
    Buffer.from(
      compile({ inputs: [x], outputs: { y: matmul(x, transpose(x), { transposeA: true }) } }, { contributed })
        .model,
    ).toString('latin1')
  expect(text(true)).toContain('FusedMatMul')
  expect(text(false)).not.toContain('FusedMatMul')
})

test('each backend of the registry has a name of its own and falls back to the CPU', () => {
  expect(new Set(backends.map(({ name }) => name)).size).toBe(backends.length)
  for (const { executionProviders } of backends) expect(executionProviders.at(-1)).toBe('cpu')
})
