/** What users give wrongly and are told of: plain arrays, labels out of range, images in the other order. */
import {
  adamW,
  batchFirstInput,
  cast,
  compile,
  constant,
  conv2d,
  convolution,
  cosineDecay,
  crossEntropy,
  fromBatchFirst,
  gradients,
  input,
  linear,
  matmul,
  maxPool,
  meanSquaredError,
  mul,
  type NamedArray,
  openLocalSession,
  openSession,
  Parameters,
  reshape,
  sgd,
  sub,
  type Update,
} from 'onnx-autodiff'
import { expect, expectTypeOf, test } from 'vitest'
import { floats, numbers } from '../optim/steps.js'

/** What JavaScript lets through: not the type that a run takes. */
const untyped = (value: unknown): NamedArray => value as NamedArray

for (const [kind, open] of [
  ['its own thread', openSession],
  ['this thread', openLocalSession],
] as const) {
  test(`plain arrays are refused by name in ${kind}, as inputs and as state`, async () => {
    const [x, w] = [input('x', [2]), input('w', [2])]
    const step = { inputs: [x], state: [{ variable: w, next: sub(w, x) }], outputs: { y: mul(x, w) } }
    const session = await open(step, { threads: 1, state: { w: floats([1, 2]) } })
    const wanted =
      "expected Float32Array data with its dtype and shape: { dtype: 'float32', shape: [2], data }"
    await expect(session.run({ x: untyped([1, 2]) })).rejects.toThrow(
      `"x" of inputs (session.run): got a plain array, ${wanted}`,
    )
    await expect(session.run({ x: untyped({ dtype: 'float32', shape: [2], data: [1, 2] }) })).rejects.toThrow(
      `"x" of inputs (session.run): got a plain array as data, ${wanted}`,
    )
    await expect(session.writeState({ w: untyped([1, 2]) })).rejects.toThrow(
      `"w" of state (session.writeState): got a plain array, ${wanted}`,
    )
    expect(numbers((await session.run({ x: floats([3, 4]) })).y)).toEqual([3, 8])
    await session.close()
    await expect(open(step, { threads: 1, state: { w: untyped([1, 2]) } })).rejects.toThrow(
      `"w" of state (session): got a plain array, ${wanted}`,
    )
  })
}

test('a label that is no class makes the run fail and leaves the state', async () => {
  const [logits, labels, w] = [input('logits', [2, 3]), input('labels', [2], 'int32'), input('w', [])]
  const loss = mul(crossEntropy(logits, labels), w)
  const session = await openLocalSession(
    { inputs: [logits, labels], state: [{ variable: w, next: loss }], outputs: { loss } },
    { threads: 1, state: { w: floats([1], []) } },
  )
  const given = (values: number[]) => ({
    logits: floats([0, 0, 0, 0, 0, 0], [2, 3]),
    labels: { dtype: 'int32', shape: [2], data: Int32Array.from(values) } as const,
  })
  await expect(session.run(given([0, 3]))).rejects.toThrow(/indices element out of data bounds.*idx=3/)
  await expect(session.run(given([-1, 0]))).rejects.toThrow(/indices element out of data bounds/)
  expect((await session.run(given([2, 0]))).loss.data[0]).toBeCloseTo(Math.log(3), 6)
  await session.close()
})

test('images declared with the batch first are refused by what computes on images, even after arithmetic', () => {
  const pixels = batchFirstInput('pixels', [4, 4, 4, 4], 'uint8')
  const scaled = mul(cast(pixels, 'float32'), 1 / 255)
  const told =
    /"pixels" \[4, 4, 4, 4\] with the batch first, expected \[height, width, batch, channels\]; put fromBatchFirst/
  const filter = constant(new Float64Array(36 * 4), [3, 3, 4, 4])
  expect(() => conv2d(scaled, filter)).toThrow(told)
  expect(() => maxPool(scaled, 2)).toThrow(told)
  expect(maxPool(fromBatchFirst(scaled), 2).shape).toEqual([2, 2, 4, 4])
  expect(() => conv2d(input('x', [8, 3, 16, 16]), constant([1, 1, 1], [1, 1, 3, 1]))).toThrow(
    /images that are stored batch first go through fromBatchFirst/,
  )
})

test('the types know the names of outputs', async () => {
  const x = input('x', [1])
  const program = compile({ inputs: [x], outputs: { double: mul(x, 2) } })
  expectTypeOf(program.outputs).toHaveProperty('double')
  expectTypeOf<keyof typeof program.outputs>().toEqualTypeOf<'double'>()
  const session = await openLocalSession(program, { threads: 1 })
  const results = await session.run({ x: floats([4]) })
  expectTypeOf<keyof typeof results>().toEqualTypeOf<'double'>()
  expect(numbers(results.double)).toEqual([8])
  await session.close()
})

test('linear and convolution call their sizes alike, and the channels of before give the same layer', () => {
  const shapes = (p: Parameters): (readonly number[])[] => p.all().map(({ shape }) => shape)
  const [now, before] = [new Parameters(), new Parameters()]
  convolution(now, { inputs: 3, outputs: 8, kernel: 3 })
  convolution(before, { inChannels: 3, outChannels: 8, kernel: 3 })
  expect(shapes(now)).toEqual([[3, 3, 3, 8], [8]])
  expect(shapes(now)).toEqual(shapes(before))
  const p = new Parameters()
  linear(p, { inputs: 3, outputs: 8 })
  expect(shapes(p)).toEqual([[3, 8], [8]])
})

test('a schedule given to an optimiser is the schedule of its own steps', async () => {
  for (const make of [sgd, adamW]) {
    const trajectory = async (own: boolean): Promise<number[]> => {
      const [w, x, count] = [input('w', [1, 1]), input('x', [1, 1]), input('count', [])]
      const loss = meanSquaredError(matmul(x, w), reshape(x, [1, 1]))
      const pairs = { parameters: [w], gradients: gradients(loss, [w]) }
      const schedule = cosineDecay(0.2, 5)
      const next = sub(count, -1)
      const counting: Update[] = own ? [] : [{ variable: count, next }]
      const { updates, initialState } = make(pairs, { rate: own ? schedule : schedule(next) })
      const session = await openLocalSession(
        { inputs: [x], state: [...counting, ...updates], outputs: { loss } },
        {
          threads: 1,
          state: { ...initialState, w: floats([3], [1, 1]), ...(own ? {} : { count: floats([0], []) }) },
        },
      )
      const losses: number[] = []
      for (let i = 0; i < 6; i++)
        losses.push(...numbers((await session.run({ x: floats([1], [1, 1]) })).loss))
      await session.close()
      return losses
    }
    const found = await trajectory(true)
    expect(found).toEqual(await trajectory(false))
    // The rate at the last step is the schedule's floor of 0.
    expect(found[5]).toBeCloseTo(found[4], 6)
    expect(found[4]).toBeLessThan(found[0])
  }
})
