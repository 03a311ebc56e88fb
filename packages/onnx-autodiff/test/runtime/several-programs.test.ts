/** Sessions that hold several programs over one state. */
import { expect, test } from 'vitest'
import {
  add,
  compile,
  input,
  mul,
  type NamedArray,
  openLocalSession,
  openSession,
  reshape,
  sub,
} from 'onnx-autodiff'

const [a, b] = [input('a', [2]), input('b', [2])]
const [rate, shift] = [input('rate', [1]), input('shift', [1])]
/** a <- a rate; reports b, which it only reads. */
const scaling = compile({
  inputs: [rate],
  state: [
    { variable: a, next: mul(a, rate) },
    { variable: b, next: b },
  ],
  outputs: { seen: b },
})
/** b <- b + a shift: sees what the first program left in a. */
const adding = compile({
  inputs: [shift],
  state: [
    { variable: a, next: a },
    { variable: b, next: add(b, mul(a, shift)) },
  ],
  outputs: { difference: sub(a, b) },
})
const floats = (...data: number[]): NamedArray => ({
  dtype: 'float32',
  shape: [data.length],
  data: Float32Array.from(data),
})
const state = (): Record<string, NamedArray> => ({ a: floats(1, 2), b: floats(10, 20) })

for (const [kind, open] of [
  ['a session in its own thread', openSession],
  ['a session in this thread', openLocalSession],
] as const) {
  test(`${kind} runs programs in turn, each on the state that the last one left`, async () => {
    const session = await open([scaling, adding], { state: state(), threads: 1 })
    try {
      expect(await session.run({ rate: floats(3), shift: floats(2) })).toEqual({
        seen: floats(10, 20),
        difference: floats(-7, -14),
      })
      expect(await session.readState()).toEqual({ a: floats(3, 6), b: floats(16, 32) })
      expect(await session.run({ rate: floats(2) }, [0])).toEqual({ seen: floats(16, 32) })
      expect(await session.run({ rate: floats(2), shift: floats(1) }, [1, 0])).toEqual({
        difference: floats(-10, -20),
        seen: floats(22, 44),
      })
      expect(await session.readState()).toEqual({ a: floats(12, 24), b: floats(22, 44) })
    } finally {
      await session.close()
    }
  })

  test(`${kind} refuses inputs that the named programs do not take, and places that are none`, async () => {
    const session = await open([scaling, adding], { state: state(), threads: 1 })
    try {
      await expect(session.run({ rate: floats(3), shift: floats(2) }, [0])).rejects.toThrow(
        '"shift" is not among them',
      )
      await expect(session.run({ rate: floats(3) })).rejects.toThrow('"shift" is missing')
      await expect(session.run({}, [2])).rejects.toThrow(
        'programs (session.run): got 2, expected places from 0 to 1',
      )
      expect(await session.readState()).toEqual(state())
    } finally {
      await session.close()
    }
  })

  test(`${kind} moves no state on if a later program fails`, async () => {
    // Fails at run time: the number of elements is only known then.
    const x = input('x', [2])
    const fails = compile({
      inputs: [x],
      state: [{ variable: a, next: add(a, reshape(x, [2])) }],
      outputs: { y: x },
    })
    const session = await open([scaling, { ...fails, inputs: { x: { dtype: 'float32', shape: [-1] } } }], {
      state: state(),
      threads: 1,
    })
    try {
      await expect(session.run({ rate: floats(3), x: floats(1, 2, 3) })).rejects.toThrow(
        'the state is as it was',
      )
      expect(await session.readState()).toEqual(state())
    } finally {
      await session.close()
    }
  })
}

test('programs that do not fit together are refused', async () => {
  await expect(openLocalSession([])).rejects.toThrow('got none, expected at least one')
  await expect(openLocalSession([scaling, scaling])).rejects.toThrow('got two with an output "seen"')
  const wider = input('a', [3])
  const other = compile({ state: [{ variable: wider, next: wider }], outputs: {} })
  await expect(openLocalSession([scaling, other])).rejects.toThrow(
    'got "a" as float32 [2] and as float32 [3], expected one type',
  )
})
