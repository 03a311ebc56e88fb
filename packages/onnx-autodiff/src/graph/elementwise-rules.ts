/** What elementwise primitives of one operand and of two have alike: their shapes, operators, broadcasting and gradients. */
import { beforeExpand, sumTo } from './broadcast.js'
import { elementwiseForm, unaryForm } from './ordinary-form.js'
import { broadcastShapes, GraphError, type Shape, sameShape, sizeOf, stridesOf } from './shape.js'
import {
  apply1,
  checkFloat,
  type EmittedAttributes,
  type Primitive,
  type PrimitiveNode,
  type Tensor,
  uniformValue,
  type Values,
} from './tensor.js'

/** Of primitives without attributes. */
export type None = Record<string, never>
export const none: None = {}

/** Reads an operand as if it were broadcast to a shape. */
export function broadcastReader({ data, shape }: Values, to: Shape): (index: number) => number {
  if (sameShape(shape, to)) return (index) => data[index]
  const strides = stridesOf(shape)
  const offset = to.length - shape.length
  const toStrides = stridesOf(to)
  return (index) => {
    let at = 0
    for (let axis = offset; axis < to.length; axis++) {
      if (shape[axis - offset] === 1) continue
      at += (Math.floor(index / toStrides[axis]) % to[axis]) * strides[axis - offset]
    }
    return data[at]
  }
}

interface UnaryRule<A> {
  readonly value: (x: number, attributes: A) => number
  /** dx given x, y and dy. */
  readonly gradient: (x: Tensor, y: Tensor, dy: Tensor, attributes: A) => Tensor
  readonly onnx: string
  readonly onnxAttributes?: (attributes: A) => EmittedAttributes
}

/** A primitive of one operand. */
export function unary<A>(name: string, rule: UnaryRule<A>): Primitive<A> {
  return {
    name,
    shape: ([x]) => {
      checkFloat(name, x)
      return [{ shape: x.shape, dtype: 'float32' }]
    },
    emit: (emitter, [x], node) => [emitter.node(rule.onnx, [x], rule.onnxAttributes?.(node.attributes))],
    ordinary: unaryForm,
    gradient: (node, [dy]) => [
      dy ? rule.gradient(node.inputs[0], node.outputs[0], dy, node.attributes) : null,
    ],
    reference: ([x], node) => [x.data.map((value) => rule.value(value, node.attributes))],
  }
}

interface BinaryRule {
  readonly value: (a: number, b: number) => number
  readonly gradient: (a: Tensor, b: Tensor, y: Tensor, dy: Tensor) => [Tensor | null, Tensor | null]
  readonly onnx: string
  readonly simplify?: Primitive<None>['simplify']
  readonly result?: 'float32' | 'bool'
  readonly parts?: Partial<Pick<Primitive<None>, 'ordinary' | 'reorders' | 'addsBias'>>
}

/** A primitive of two operands, broadcast as in NumPy. */
export function binary(name: string, rule: BinaryRule): Primitive<None> {
  const primitive: Primitive<None> = {
    name,
    shape: ([a, b]) => {
      if (a.dtype !== b.dtype)
        throw new GraphError(`${name} (dtype): got ${a.dtype} and ${b.dtype}, expected equal ones`)
      return [{ shape: broadcastShapes(name, a.shape, b.shape), dtype: rule.result ?? a.dtype }]
    },
    emit: (emitter, [a, b]) => [emitter.node(rule.onnx, [a, b])],
    ordinary: elementwiseForm(rule.onnx),
    gradient: ({ inputs: [a, b], outputs: [y] }, [dy]) => {
      if (!dy) return [null, null]
      const [da, db] = rule.gradient(a, b, y, dy)
      return [da && sumTo(da, a.shape), db && sumTo(db, b.shape)]
    },
    reference: ([a, b], { outputs: [y] }) => {
      const readA = broadcastReader(a, y.shape)
      const readB = broadcastReader(b, y.shape)
      return [
        Float64Array.from({ length: sizeOf(y.shape) }, (_, i) => Number(rule.value(readA(i), readB(i)))),
      ]
    },
    simplify: (node, uses) => rule.simplify?.(node, uses) ?? withoutExpand(primitive, node),
    ...rule.parts,
  }
  return primitive
}

/** An operand that the other one's shape widens anyway needs no expanding. */
function withoutExpand(
  primitive: Primitive<None>,
  { inputs, outputs: [y] }: PrimitiveNode<None>,
): Tensor | undefined {
  const narrow = inputs.map((operand) => beforeExpand(operand) ?? operand)
  for (const [i, other] of [inputs[1], inputs[0]].entries()) {
    if (narrow[i] !== inputs[i] && sameShape(other.shape, y.shape)) {
      return apply1(primitive, i === 0 ? [narrow[0], other] : [other, narrow[1]], none)
    }
  }
  return undefined
}

/** The operand that is left when the other is the neutral element and does not widen the shape. */
export function withoutNeutral(neutral: number, commutes: boolean): Primitive<None>['simplify'] {
  return ({ inputs: [a, b], outputs: [y] }) => {
    if (uniformValue(b) === neutral && sameShape(a.shape, y.shape)) return a
    if (commutes && uniformValue(a) === neutral && sameShape(b.shape, y.shape)) return b
    return undefined
  }
}
