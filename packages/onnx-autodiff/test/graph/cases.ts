/**
 * The cases of the primitives' test: for every primitive of the table, uses of it in several shapes, degenerate ones
 * included. Inputs are spread out (no two elements of a case closer than a central difference reaches, none at zero),
 * so that no case stands on the corner of a maximum or an absolute value; corners have tests of their own.
 */
import {
  abs,
  add,
  argmin,
  cast,
  clip,
  concat,
  constant,
  div,
  equal,
  erf,
  exp,
  expand,
  gather,
  greater,
  less,
  log,
  max,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  pad,
  pow,
  randomUniform,
  reciprocal,
  relu,
  reshape,
  sigmoid,
  slice,
  sqrt,
  step,
  stopGradient,
  sub,
  sum,
  tanh,
  topK,
  transpose,
  where,
  type Shape,
  type Tensor,
} from 'onnx-autodiff'
import { type Case, type CaseInput, one, text } from './case.js'
import { maps, products } from './cases-products.js'

const positive = (shape: Shape): CaseInput => ({ shape, values: 'positive' })
const integers = (shape: Shape, values: readonly number[]): CaseInput => ({ shape, dtype: 'int32', values })

const SHAPES: readonly Shape[] = [[], [1], [7], [2, 3], [1, 1, 1], [3, 1, 4], [2, 1, 3, 1, 2], [0, 3]]

const unary = (op: (x: Tensor) => Tensor, values?: 'positive'): Case[] =>
  SHAPES.map((shape) => ({ what: text(shape), inputs: [{ shape, values }], build: ([x]) => op(x) }))

/** Equal shapes, broadcasting from the left, from the right, from both at once, with new axes, from and to rank 0. */
const PAIRS: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [[3], []],
  [[], [2, 2]],
  [[4], [4]],
  [[2, 3], [3]],
  [[3], [2, 3]],
  [
    [2, 1],
    [1, 3],
  ],
  [
    [2, 3],
    [1, 1],
  ],
  [[1], [1, 1, 1]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [2, 1, 2, 1, 3],
    [2, 1, 2, 1],
  ],
  [[0, 2], [2]],
  [
    [1, 2],
    [0, 1],
  ],
]

const binary = (
  op: (a: Tensor, b: Tensor) => Tensor,
  values?: 'positive',
  withoutGradient?: boolean,
): Case[] =>
  PAIRS.map(([a, b]) => ({
    what: `${text(a)} with ${text(b)}`,
    inputs: [
      { shape: a, values },
      { shape: b, values },
    ],
    build: ([x, y]) => op(x, y),
    withoutGradient,
  }))

const reduction = (
  op: (x: Tensor, axes?: number | readonly number[], keepAxes?: boolean) => Tensor,
): Case[] => {
  const forms: [Shape, (number | number[])?, boolean?][] = [
    [[5]],
    [[1]],
    [[1], 0],
    [[2, 3]],
    [[2, 3], 0],
    [[2, 3], 1],
    [[2, 3], -1, true],
    [[2, 3], -2],
    [[2, 3], [0, 1], true],
    [[4, 3, 2], 0],
    [
      [4, 3, 2],
      [0, 1],
    ],
    [[4, 3, 2], [0, 1], true],
    [
      [4, 3, 2],
      [0, 2],
    ],
    [[4, 3, 2], [-1, 0], true],
    [[4, 3, 2], 1],
    [
      [4, 3, 2],
      [2, 1],
    ],
    [
      [4, 3, 2],
      [1, -2],
    ],
    [[6, 1], 0],
    [[1, 6], 0],
    [[1, 6], 0, true],
    [[3, 1, 4], 1],
    [
      [2, 1, 3, 1, 2],
      [0, 2, 4],
    ],
    [[2, 1, 3, 1, 2], [0, 1, 2], true],
    [
      [2, 1, 3, 1, 2],
      [1, 3],
    ],
    [[2, 1, 3, 1, 2]],
  ]
  return forms.map(([shape, axes, keepAxes]) => ({
    what: `${text(shape)} over ${axes === undefined ? 'all' : String(axes)}${keepAxes ? ', kept' : ''}`,
    inputs: [{ shape }],
    // Some other primitive around it, where there is nothing to reduce.
    build: ([x]) => op(x, axes, keepAxes),
  }))
}

export const cases: Readonly<Record<string, readonly Case[]>> = {
  neg: unary(neg),
  exp: unary(exp),
  log: unary(log, 'positive'),
  sqrt: unary(sqrt, 'positive'),
  reciprocal: unary(reciprocal),
  abs: unary(abs),
  sigmoid: unary(sigmoid),
  tanh: unary(tanh),
  erf: unary(erf),
  relu: unary(relu),
  step: unary(step),
  clip: [
    ...unary((x) => clip(x, -0.7, 0.9)),
    one('open below', [5], (x) => clip(x, null, 0.5)),
    one('open above', [5], (x) => clip(x, 0.5, null)),
    one('open on both sides', [5], (x) => clip(x, null, null)),
  ],
  add: binary(add),
  sub: binary(sub),
  mul: [...binary(mul), one('with itself', [4], (x) => mul(x, x))],
  div: [
    ...binary(div),
    one('by a number', [4], (x) => div(x, 3)),
    one('by a power of two', [2, 2], (x) => div(x, -0.25)),
    one('of a number', [4], (x) => div(3, x)),
  ],
  pow: [
    ...binary(pow, 'positive'),
    ...[2, 3, 1, -1, -2].map((exponent) => one(`to the ${exponent}`, [5], (x) => pow(x, exponent))),
    { what: 'square root', inputs: [positive([5])], build: ([x]) => pow(x, 0.5) },
    one('to whole numbers, one for each', [3], (x) => pow(x, constant([2, 3, 4], [3]))),
  ],
  maximum: [...binary(maximum), one('with a number', [6], (x) => maximum(x, 0.1))],
  minimum: [...binary(minimum), one('with a number', [6], (x) => minimum(0.1, x))],
  greater: binary(greater, undefined, true),
  less: binary(less, undefined, true),
  equal: [
    ...binary(equal, undefined, true),
    {
      what: 'of integers',
      inputs: [integers([2, 2], [1, 2, 3, 2]), integers([2], [1, 2])],
      build: ([a, b]) => equal(a, b),
      withoutGradient: true,
    },
  ],
  cast: [
    one('to int32 and back', [2, 3], (x) => cast(cast(mul(x, 3), 'int32'), 'float32'), true),
    one('of a comparison', [2, 3], (x) => cast(greater(x, 0), 'float32')),
    {
      what: 'of integers',
      inputs: [integers([3], [-2, 0, 5])],
      build: ([x]) => cast(x, 'float32'),
      withoutGradient: true,
    },
  ],
  where: PAIRS.flatMap(([a, b]): Case[] => [
    {
      what: `${text(b)} ? ${text(a)} : ${text(b)}`,
      inputs: [{ shape: b }, { shape: a }, { shape: b }],
      build: ([c, x, y]) => where(greater(c, 0), x, y),
    },
    {
      what: `${text(a)} ? ${text(b)} : 2`,
      inputs: [{ shape: a }, { shape: b }],
      build: ([c, x]) => where(greater(c, 0), x, 2),
    },
  ]),
  stopGradient: SHAPES.map((shape) => one(text(shape), shape, (x) => stopGradient(x), true)),

  reshape: [
    one('to rank 0', [1, 1], (x) => reshape(x, [])),
    one('from rank 0', [], (x) => reshape(x, [1, 1, 1])),
    one('with an open extent', [2, 6], (x) => reshape(x, [3, -1])),
    one('to rank 5', [12], (x) => reshape(x, [2, 1, 3, 1, 2])),
    one('of nothing', [0, 3], (x) => reshape(x, [3, 0])),
  ],
  transpose: [
    one('rank 0', [], (x) => transpose(x)),
    one('rank 1', [3], (x) => transpose(x)),
    one('of a matrix', [2, 3], (x) => transpose(x)),
    one('nothing moves', [2, 3], (x) => transpose(x, [0, 1])),
    one('only an extent of 1 moves', [2, 1, 3], (x) => transpose(x, [1, 0, 2])),
    one('cyclic', [2, 3, 4], (x) => transpose(x, [2, 0, 1])),
    one('cyclic the other way', [2, 3, 4], (x) => transpose(x, [1, 2, 0])),
    one('rank 5', [2, 1, 3, 2, 2], (x) => transpose(x, [3, 1, 0, 4, 2])),
    one('of nothing', [0, 3], (x) => transpose(x)),
  ],
  expand: [
    one('from rank 0', [], (x) => expand(x, [2, 3])),
    one('a new axis', [3], (x) => expand(x, [2, 3])),
    one('inside', [2, 1, 3], (x) => expand(x, [2, 4, 3])),
    one('several', [1, 2, 1, 1], (x) => expand(x, [2, 3, 2, 1, 2])),
    one('to extents of 1', [2], (x) => expand(x, [1, 1, 2])),
    one('to nothing', [1, 3], (x) => expand(x, [0, 3])),
  ],
  slice: [
    one('inside', [5], (x) => slice(x, 0, 1, 4)),
    one('all', [2, 3], (x) => slice(x, 1, 0, 3)),
    one('the last element, negative axis', [2, 3, 2], (x) => slice(x, -2, 2, 3)),
    one('rank 5', [2, 1, 3, 1, 2], (x) => slice(x, 2, 0, 2)),
  ],
  pad: [
    one('both ends', [3], (x) => pad(x, 0, 1, 2)),
    one('no end', [2, 3], (x) => pad(x, 1, 0, 0)),
    one('one end, negative axis', [2, 3, 2], (x) => pad(x, -2, 0, 1)),
    one('rank 5', [2, 1, 2, 1, 2], (x) => pad(x, 1, 2, 1)),
  ],
  concat: [
    one('a single tensor', [3], (x) => concat([x], 0)),
    one('with itself', [2, 2], (x) => concat([x, x], 1)),
    {
      what: 'three',
      inputs: [{ shape: [2, 1] }, { shape: [2, 3] }, { shape: [2, 2] }],
      build: (all) => concat(all, -1),
    },
    {
      what: 'with an empty one',
      inputs: [{ shape: [2, 2] }, { shape: [0, 2] }],
      build: (all) => concat(all, 0),
      withoutGradient: true,
    },
    {
      what: 'rank 5',
      inputs: [{ shape: [2, 1, 1, 2, 1] }, { shape: [2, 2, 1, 2, 1] }],
      build: (all) => concat(all, 1),
    },
  ],

  matmul: products,

  sum: [
    ...reduction(sum),
    one('nothing, along the empty axis', [0, 3], (x) => sum(x, 0)),
    one('nothing, along the other axis', [0, 3], (x) => sum(x, 1)),
    one('nothing, over all', [0, 3], (x) => sum(x)),
  ],
  mean: reduction(mean),
  max: reduction(max),

  gather: [
    {
      what: 'rows, one twice',
      inputs: [{ shape: [4, 2] }, integers([3], [2, 0, 2])],
      build: ([x, i]) => gather(x, i),
    },
    {
      what: 'one, by rank 0',
      inputs: [{ shape: [3, 2] }, integers([], [1])],
      build: ([x, i]) => gather(x, i, 1),
    },
    {
      what: 'by a matrix, inner axis',
      inputs: [{ shape: [2, 3, 2] }, integers([2, 2], [0, 2, 1, 1])],
      build: ([x, i]) => gather(x, i, 1),
    },
    {
      what: 'counted from the back, negative axis',
      inputs: [{ shape: [2, 4] }, integers([3], [-1, 1, -4])],
      build: ([x, i]) => gather(x, i, -1),
    },
    { what: 'from one', inputs: [{ shape: [1] }, integers([3], [0, 0, 0])], build: ([x, i]) => gather(x, i) },
    {
      what: 'constant places',
      inputs: [{ shape: [5] }],
      build: ([x]) => gather(x, constant([4, 0], [2], 'int32')),
    },
    {
      what: 'integers',
      inputs: [integers([3], [7, 8, 9]), integers([2], [2, 0])],
      build: ([x, i]) => gather(x, i),
      withoutGradient: true,
    },
  ],
  topK: (
    [
      [[5], 2, -1, true],
      [[5], 5, 0, false],
      [[1], 1, 0, true],
      [[2, 4, 3], 2, 1, true],
      [[2, 4, 3], 3, 1, false],
      [[3, 1, 2], 1, 1, true],
    ] as const
  ).map(([shape, k, axis, largest]) => ({
    what: `${k} ${largest ? 'largest' : 'smallest'} of ${text(shape)} along ${axis}`,
    inputs: [{ shape }],
    build: ([x]) => Object.values(topK(x, k, axis, largest)),
    withoutGradient: true,
  })),
  argmin: [
    ...(
      [
        [[5], -1],
        [[1], 0],
        [[2, 4, 3], 1],
        [[2, 4, 3], 0],
        [[2, 1, 3, 1, 2], -3],
      ] as const
    ).map(([shape, axis]) => one(`${text(shape)} along ${axis}`, shape, (x) => argmin(x, axis), true)),
    {
      what: 'the first of equal ones',
      inputs: [{ shape: [4], values: [3, 1, 1, 2] }],
      build: ([x]) => argmin(x),
      withoutGradient: true,
    },
  ],

  randomUniform: [[], [1], [7], [2, 3, 4], [64, 33]].flatMap((shape) =>
    [0, 3, 70000].map((at) => ({
      what: `${text(shape)} at step ${at}`,
      inputs: [{ shape: [], values: [at] }],
      build: ([x]: readonly Tensor[]) => randomUniform(x, shape, { seed: 2 ** 40 + 5, name: 'mask' }),
      withoutGradient: true,
    })),
  ),

  spatialMap: maps,
}
