/**
 * Uniform numbers of a named stream inside the graph: Philox4x32-10 (see random.ts) as integer operators, so that a mask
 * is made where it is used, needs no input, and is the same for the same seed, name and step on every device and thread.
 */
import { PHILOX, Random } from '../random.js'
import { GraphError, sameShape, type Shape, shapeText, sizeOf } from './shape.js'
import { apply1, type Emitter, type Primitive, type Tensor } from './tensor.js'
import { asEmitted } from './ordinary-form.js'

/** Which random numbers: a seed and a name give a stream (see `Random`). */
export interface StreamName {
  readonly seed: number
  /** What the numbers are for, such as `dropout/block1`. */
  readonly name: string
}

interface UniformAttributes extends StreamName {
  readonly shape: Shape
}

const LOW = 0xffffffff

/** High and low 32 bits of the product with a constant; 32-bit numbers are carried in int64. */
function product(emitter: Emitter, x: string, factor: number): [high: string, low: string] {
  const whole = emitter.node('Mul', [x, emitter.ints([factor])])
  const unsigned = emitter.node('Cast', [whole], { to: UINT64 })
  const shift = emitter.node('Cast', [emitter.ints([32])], { to: UINT64 })
  const high = emitter.node('BitShift', [unsigned, shift], { direction: 'RIGHT' })
  return [
    emitter.node('Cast', [high], { to: INT64 }),
    emitter.node('BitwiseAnd', [whole, emitter.ints([LOW])]),
  ]
}

/** ONNX's numbers of element types that the graph itself does not have. */
const UINT64 = 13
const INT64 = 7
const FLOAT = 1

const uniformPrimitive: Primitive<UniformAttributes> = {
  name: 'randomUniform',
  shape: ([step], { shape }) => {
    if (!sameShape(step.shape, []) || step.dtype !== 'float32')
      throw new GraphError(
        `randomUniform (step): got ${step.dtype} ${shapeText(step.shape)}, expected a float32 scalar`,
      )
    return [{ shape, dtype: 'float32' }]
  },
  emit: (emitter, [step], { attributes: { seed, name, shape } }) => {
    const { key, nonce } = new Random(seed, name).cipher
    const size = sizeOf(shape)
    const blocks = Math.ceil(size / 4)
    const xor = (a: string, b: string): string => emitter.node('BitwiseXor', [a, b])
    const scalarOf = (value: number): string => emitter.node('Squeeze', [emitter.ints([value])])
    const at = emitter.node('Range', [scalarOf(0), scalarOf(blocks), scalarOf(1)])
    const from = emitter.node('Mul', [emitter.node('Cast', [step], { to: INT64 }), emitter.ints([blocks])])
    const counter = emitter.node('Add', [at, from])
    let c0 = emitter.node('BitwiseAnd', [counter, emitter.ints([LOW])])
    let c1 = emitter.node('Div', [counter, emitter.ints([2 ** 32])])
    let [c2, c3] = [emitter.ints([nonce]), emitter.ints([0])]
    let [k0, k1] = key
    for (let round = 0; round < PHILOX.rounds; round++) {
      const [high0, low0] = product(emitter, c0, PHILOX.multipliers[0])
      const [high1, low1] = product(emitter, c2, PHILOX.multipliers[1])
      const next0 = xor(xor(high1, c1), emitter.ints([k0]))
      const next2 = xor(xor(high0, c3), emitter.ints([k1]))
      ;[c0, c1, c2, c3] = [next0, low1, next2, low0]
      k0 = (k0 + PHILOX.weyl[0]) >>> 0
      k1 = (k1 + PHILOX.weyl[1]) >>> 0
    }
    // The last words may still be of one element, where the counter's upper half alone decides them.
    const columns = [c0, c1, c2, c3].map((word) =>
      emitter.node('Unsqueeze', [emitter.node('Expand', [word, emitter.ints([blocks])]), emitter.ints([1])]),
    )
    const words = emitter.node('Reshape', [emitter.node('Concat', columns, { axis: 1 }), emitter.ints([-1])])
    const wanted = emitter.node('Slice', [words, emitter.ints([0]), emitter.ints([size]), emitter.ints([0])])
    // 24 bits are what a float32 holds: the result stays below 1.
    const upper = emitter.node('Div', [wanted, emitter.ints([256])])
    const scaled = emitter.node('Mul', [
      emitter.node('Cast', [upper], { to: FLOAT }),
      emitter.float(2 ** -24),
    ])
    return [emitter.node('Reshape', [scaled, emitter.ints(shape)])]
  },
  ordinary: asEmitted,
  gradient: () => [null],
  reference: ([step], { attributes: { seed, name, shape } }) => {
    const size = sizeOf(shape)
    const position = Math.trunc(step.data[0]) * Math.ceil(size / 4) * 4
    const random = Random.from({ seed, name, position })
    return [Float64Array.from({ length: size }, () => Math.floor(random.uint32() / 256) / 2 ** 24)]
  },
}

/**
 * Uniform numbers in [0, 1), multiples of 2^-24, of the stream `new Random(seed, name)`: those of step s begin at its
 * position s times the number of elements (rounded up to four). No gradient.
 *
 * @param step float32 scalar, a whole number from 0 up to 2^24
 */
export const randomUniform = (step: Tensor, shape: Shape, { seed, name }: StreamName): Tensor =>
  apply1(uniformPrimitive, [step], { seed, name, shape })

export const primitives: Readonly<Record<string, Primitive<never>>> = { randomUniform: uniformPrimitive }
