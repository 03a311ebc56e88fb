/** Both kinds of session, by the same tests: results, state, refusals. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLocalSession, openSession } from '../../src/runtime/node.js'
import type { Session } from '../../src/runtime/types.js'
import { floats, linearDescent, node, program, square } from './programs.js'

const x = () => floats([1, 0, 0, 2], [2, 2])
const t = () => floats([1, 1], [2, 1])
const start = () => ({ w: floats([0, 0], [2, 1]), v: floats([0, 0], [2, 1]) })

async function using(session: Promise<Session>, use: (session: Session) => Promise<void>): Promise<void> {
  const opened = await session
  try {
    await use(opened)
  } finally {
    await opened.close()
  }
}

for (const [kind, open] of [
  ['a session in its own thread', openSession],
  ['a session in this thread', openLocalSession],
] as const) {
  test(`${kind} trains: loss and state of two steps are those of the closed form`, async () => {
    await using(open(linearDescent(2, 2), { state: start() }), async (session) => {
      // Gradient 1: x'(x w - t) * 2 / 2 = [-1, -2], so w = [0.1, 0.2]; loss (1 + 1) / 2.
      expect((await session.run({ x: x(), t: t() })).loss).toEqual(floats([1], []))
      const first = await session.readState()
      expect(first.w).toEqual(floats([0.1, 0.2], [2, 1]))
      expect(first.v).toEqual(floats([-1, -2], [2, 1]))
      // Errors [-0.9, -0.6]: loss (0.81 + 0.36) / 2; v = 0.9 v + [-0.9, -1.2] = [-1.8, -3]; w = [0.28, 0.5].
      expect((await session.run({ x: x(), t: t() })).loss.data[0]).toBeCloseTo(0.585, 6)
      const { w, v } = await session.readState()
      expect(v.data[1]).toBeCloseTo(-3, 6)
      expect(w.data[0]).toBeCloseTo(0.28, 6)
      expect(w.data[1]).toBeCloseTo(0.5, 6)
    })
  })

  test(`${kind} gives what was read before: the state read is a copy, and writing it goes back`, async () => {
    await using(open(linearDescent(2, 2), { state: start() }), async (session) => {
      await session.run({ x: x(), t: t() })
      const kept = await session.readState()
      await session.run({ x: x(), t: t() })
      expect(kept.w).toEqual(floats([0.1, 0.2], [2, 1]))
      await session.writeState(kept)
      kept.w.data.fill(0 as never)
      expect((await session.readState()).w).toEqual(floats([0.1, 0.2], [2, 1]))
    })
  })

  test(`${kind} takes runs that are asked for before the last has ended, in order`, async () => {
    await using(open(linearDescent(2, 2), { state: start() }), async (session) => {
      const loss = async () => (await session.run({ x: x(), t: t() })).loss.data[0]
      const oneByOne = [await loss(), await loss(), await loss(), await loss()]
      await session.writeState(start())
      expect(await Promise.all([loss(), loss(), loss(), loss()])).toEqual(oneByOne)
      expect(new Set(oneByOne).size).toBe(4)
    })
  })

  test(`${kind} takes any size where the program says so, also a part of a larger array and none at all`, async () => {
    await using(open(square), async (session) => {
      expect((await session.run({ x: floats([3]) })).y).toEqual(floats([9]))
      const store = Float32Array.of(9, 1, 2, 3, 9)
      const part = { dtype: 'float32', shape: [3], data: store.subarray(1, 4) } as const
      expect((await session.run({ x: part })).y).toEqual(floats([1, 4, 9]))
      expect(store).toEqual(Float32Array.of(9, 1, 2, 3, 9))
      const shared = new Float32Array(new SharedArrayBuffer(4)).fill(4)
      expect((await session.run({ x: { dtype: 'float32', shape: [1], data: shared } })).y).toEqual(
        floats([16]),
      )
      expect((await session.run({ x: floats([]) })).y).toEqual(floats([]))
    })
  })

  test(`${kind} passes every element type, NaN and infinity through`, async () => {
    const shape = [3]
    const arrays = {
      f: { dtype: 'float32', shape, data: Float32Array.of(NaN, -Infinity, -0) },
      i: { dtype: 'int32', shape, data: Int32Array.of(-1, 2 ** 31 - 1, 0) },
      l: { dtype: 'int64', shape, data: BigInt64Array.of(-1n, 2n ** 63n - 1n, 0n) },
      u: { dtype: 'uint8', shape, data: Uint8Array.of(0, 128, 255) },
      b: { dtype: 'bool', shape, data: Uint8Array.of(0, 1, 1) },
    } as const
    const names = Object.keys(arrays) as (keyof typeof arrays)[]
    const outputs = Object.fromEntries(
      names.map((name) => [`${name}_out`, { dtype: arrays[name].dtype, shape }]),
    )
    const nodes = names.map((name) => node('Identity', [name], `${name}_out`))
    await using(open(program({ inputs: arrays, outputs, state: {} }, nodes)), async (session) => {
      const copies = Object.fromEntries(
        names.map((name) => [name, { ...arrays[name], data: arrays[name].data.slice() }]),
      )
      const results = await session.run(copies)
      for (const name of names) expect(results[`${name}_out`]).toEqual({ ...arrays[name] })
    })
  })

  test(`${kind} takes bytes from Node's shared pool of buffers and leaves the pool alone`, async () => {
    const bytes = { dtype: 'uint8', shape: [3] } as const
    const invert = program({ inputs: { x: bytes }, outputs: { y: bytes }, state: {} }, [
      node('BitwiseNot', ['x'], 'y'),
    ])
    await using(open(invert), async (session) => {
      const [data, neighbour] = [Buffer.from('abc'), Buffer.from('neighbour')]
      expect((await session.run({ x: { ...bytes, data } })).y.data).toEqual(Uint8Array.of(158, 157, 156))
      expect(data.toString() + neighbour.toString()).toBe('abcneighbour')
    })
  })

  test(`${kind} gives an output that is also the next state as the caller's own`, async () => {
    const spec = { dtype: 'float32', shape: [1] } as const
    const counter = program(
      { inputs: { step: spec }, outputs: { next: spec }, state: { count: { ...spec, next: 'next' } } },
      [node('Add', ['count', 'step'], 'next')],
    )
    await using(open(counter, { state: { count: floats([0]) } }), async (session) => {
      const { next } = await session.run({ step: floats([1]) })
      next.data.fill(100 as never)
      expect((await session.run({ step: floats([1]) })).next).toEqual(floats([2]))
    })
  })

  test(`${kind} refuses wrong inputs in one line and leaves the state and the inputs as they were`, async () => {
    await using(open(linearDescent(2, 2), { state: start() }), async (session) => {
      await session.run({ x: x(), t: t() })
      const given = { x: x(), t: floats([1, 1, 1], [3, 1]) }
      await expect(session.run(given)).rejects.toThrow(
        '"t" of inputs (session.run): got float32 [3, 1], expected float32 [2, 1]',
      )
      expect(given.x.data.length).toBe(4)
      await expect(session.run({ x: x() })).rejects.toThrow('got x, expected x, t; "t" is missing')
      await expect(session.run({ x: x(), t: t(), u: t() })).rejects.toThrow('"u" is not among them')
      const short = { dtype: 'float32', shape: [2, 2], data: new Float32Array(3) } as const
      await expect(session.run({ x: short, t: t() })).rejects.toThrow(
        'got 3 elements, expected 4 for shape [2, 2]',
      )
      const wrong = { dtype: 'float32', shape: [2, 2], data: new Int32Array(4) } as const
      await expect(session.run({ x: wrong, t: t() })).rejects.toThrow('got Int32Array, expected Float32Array')
      await expect(session.writeState({ w: floats([0, 0], [2, 1]) })).rejects.toThrow(
        'state (session.writeState): got w, expected w, v; "v" is missing',
      )
      expect((await session.readState()).w).toEqual(floats([0.1, 0.2], [2, 1]))
    })
  })

  test(`${kind} whose run fails says which node, keeps its state and goes on`, async () => {
    const spec = { dtype: 'float32', shape: [2] } as const
    const picker = program(
      {
        inputs: { index: { dtype: 'int64', shape: [1] } },
        outputs: { picked: { dtype: 'float32', shape: [1] } },
        state: { table: { ...spec, next: 'table_next' } },
      },
      [node('Gather', ['table', 'index'], 'picked'), node('Add', ['table', 'table'], 'table_next')],
    )
    const index = (value: bigint) =>
      ({ index: { dtype: 'int64', shape: [1], data: BigInt64Array.of(value) } }) as const
    await using(open(picker, { state: { table: floats([1, 2]) } }), async (session) => {
      await session.run(index(0n))
      const failure = await session.run(index(7n)).catch((error: Error) => error.message)
      expect(failure).toMatch(
        /^run \(session\): onnxruntime failed: .*Gather node.*picked.*; the state is as it was$/,
      )
      expect((await session.readState()).table).toEqual(floats([2, 4]))
      expect((await session.run(index(1n))).picked).toEqual(floats([4]))
    })
  })

  test(`${kind} without a state says so, and takes one later`, async () => {
    await using(open(linearDescent(2, 2)), async (session) => {
      await expect(session.run({ x: x(), t: t() })).rejects.toThrow(
        'state (session.run): got none, expected w, v; open with a state or call writeState',
      )
      await session.writeState(start())
      expect((await session.run({ x: x(), t: t() })).loss).toEqual(floats([1], []))
    })
  })

  test(`${kind} refuses bad options and models`, async () => {
    await expect(open(square, { threads: 0 })).rejects.toThrow(
      'threads (session): got 0, expected a whole number',
    )
    await expect(open(square, { device: 'abacus' })).rejects.toThrow(
      /^device \(session\): got "abacus", expected one of cpu.*; onnxruntime-node on \w+ does not know it$/,
    )
    await expect(open({ ...square, model: square.model.subarray(0, 30) })).rejects.toThrow(
      /^model \(session\): onnxruntime refused it: .*$/,
    )
    await expect(open(linearDescent(2, 2), { state: {} })).rejects.toThrow(
      'state (session): got nothing, expected w, v',
    )
    await expect(open({ ...square, outputs: { z: { dtype: 'float32', shape: [] } } })).rejects.toThrow(
      'internal: outputs z of the program (session) are not in its graph',
    )
  })

  test(`${kind} that is closed refuses calls, and closing twice is fine`, async () => {
    const session = await open(square)
    const last = session.run({ x: floats([2]) })
    await Promise.all([session.close(), session.close()])
    expect((await last).y).toEqual(floats([4]))
    await expect(session.run({ x: floats([2]) })).rejects.toThrow('run (session): the session is closed')
    await session.close()
  })

  test(`${kind} writes a profile of its nodes when asked to`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'profile-'))
    await using(open(square, { profile: join(folder, 'square') }), async (session) => {
      await session.run({ x: floats([2]) })
    })
    const [file] = await readdir(folder)
    expect(file).toMatch(/^square_.*\.json$/)
    expect(await readFile(join(folder, file), 'utf8')).toContain('y_kernel_time')
    await rm(folder, { recursive: true })
  })
}
