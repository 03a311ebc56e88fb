/** Every complaint about shapes and types names the operator and what it was given, and compilation says what is amiss. */
import {
  add,
  argmin,
  cast,
  clip,
  compile,
  concat,
  constant,
  conv2d,
  convTranspose2d,
  evaluate,
  expand,
  gather,
  greater,
  input,
  log,
  matmul,
  max,
  maximum,
  mean,
  mul,
  neg,
  pad,
  reshape,
  slice,
  spatialMap,
  sub,
  sum,
  tanh,
  topK,
  transpose,
  where,
} from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { identity } from '../../src/spatial/matrix.js'

const a = input('a', [2, 3])
const b = input('b', [4, 2])
const v = input('v', [3])
const whole = input('whole', [3], 'int32')
const flags = greater(v, 0)
const picture = input('picture', [4, 4, 1, 2])
const filter = input('filter', [3, 3, 2, 4])

test.each<[string, () => unknown]>([
  [
    'add (shape): got [2, 3] and [4, 2], expected extents that are equal or 1, aligned at the last axis',
    () => add(a, b),
  ],
  ['maximum (shape): got [2, 3] and [4, 2]', () => maximum(a, b)],
  ['where (shape): got [3] and [4, 2]', () => where(flags, b, 0)],
  [
    'matmul (shape): got [2, 3] and [4, 2], expected inner extents that agree; here 3 and 4',
    () => matmul(a, b),
  ],
  [
    'matmul (shape): got [4, 3] and [4, 2], expected inner extents that agree, the first transposed, the second transposed; here 4 and 2',
    () => matmul(input('c', [4, 3]), b, { transposeA: true, transposeB: true }),
  ],
  [
    'matmul (shape): got [2, 3] and [3], expected at least two axes on both sides; reshape a vector',
    () => matmul(a, v),
  ],
  [
    'matmul (shape): got [2] and [4], expected extents that are equal or 1',
    () => matmul(input('c', [2, 1, 3]), input('d', [4, 3, 1])),
  ],
  [
    'reshape (shape): got [2, 3] and [4, 2], expected as many elements on both sides',
    () => reshape(a, [4, 2]),
  ],
  ['reshape (shape): got [2, 3] and [4, -1], expected a shape with one -1', () => reshape(a, [4, -1])],
  ['reshape (shape): got [2, 3] and [-1, -1], expected a shape with one -1', () => reshape(a, [-1, -1])],
  ['reshape (shape): got [-2, -3], expected whole numbers of at least 0', () => reshape(a, [-2, -3])],
  ['expand (shape): got [2, 3] and [2, 4]', () => expand(a, [2, 4])],
  [
    'expand (shape): got [2, 3] and [3], expected a second shape that the first broadcasts to',
    () => expand(a, [3]),
  ],
  ['transpose (order for [2, 3]): got [0, 0], expected each axis once', () => transpose(a, [0, 0])],
  [
    'slice (range on axis 1 of [2, 3]): got 2 to 4, expected a range inside the axis',
    () => slice(a, 1, 2, 4),
  ],
  ['pad (amounts for [2, 3]): got -1 and 0, expected integers of at least 0', () => pad(a, 0, -1, 0)],
  [
    'concat (shape): got [2, 3] and [4, 2], expected equal extents on all axes but axis 1',
    () => concat([a, b], 1),
  ],
  [
    'concat (shape): got [2, 3] and [3], expected equal extents on all axes but axis 1',
    () => concat([a, v], 1),
  ],
  ['concat (dtype): got float32 and int32, expected equal ones', () => concat([v, whole], 0)],
  ['concat (inputs): got none, expected at least one tensor', () => concat([], 0)],
  ['sum (axis): got 2, expected an integer from -2 to 1 for a tensor of rank 2', () => sum(a, 2)],
  ['sum (axis): got 0.5, expected an integer from -2 to 1', () => sum(a, 0.5)],
  ['max (shape): got [0, 3], expected at least one element', () => max(input('c', [0, 3]), 0)],
  ['mean (shape): got [0, 3], expected at least one element', () => mean(input('c', [0, 3]), 0)],
  ['topK (k on axis 1 of [2, 3]): got 4, expected an integer from 1 to 3', () => topK(a, 4)],
  ['gather (indices): got float32, expected int32', () => gather(a, v)],
  ['where (condition): got float32, expected bool', () => where(v, v, v)],
  ['constant (dtype): got bool, expected float32 or int32', () => constant([1], [1], 'bool')],
  ['where (dtype): got int32 and float32, expected equal ones', () => where(flags, whole, v)],
  ['sub (dtype): got float32 and int32, expected equal ones', () => sub(v, whole)],
  [
    'matmul (dtype): got float32 and int32, expected float32 on both sides',
    () => matmul(a, reshape(whole, [3, 1])),
  ],
  ['tanh (dtype): got int32, expected float32; cast it first', () => tanh(whole)],
  ['log (dtype): got bool, expected float32; cast it first', () => log(flags)],
  ['sum (dtype): got int32, expected float32; cast it first', () => sum(whole)],
  ['argmin (dtype): got int32, expected float32; cast it first', () => argmin(whole)],
  ['clip (bounds): got 2 to 1, expected low <= high', () => clip(v, 2, 1)],
  ['constant (shape): got 2 elements for [3], expected 3', () => constant([1, 2], [3])],
  ['input "c" (shape): got [-1, 2], expected whole numbers of at least 0', () => input('c', [-1, 2])],
  [
    'spatialMap (shape): got [4, 4, 1, 2], expected a tensor [3, 4, ...] for maps of these sizes',
    () => spatialMap(picture, identity(3), identity(4)),
  ],
  [
    'conv2d (shape): got [4, 4, 1, 2] and [3, 3, 3, 4], expected an image [height, width, batch, in] and a filter [h, w, in / 1, out]',
    () => conv2d(picture, input('c', [3, 3, 3, 4])),
  ],
  [
    'conv2d (shape): got [4, 4, 1, 2] and [3, 3, 2, 4], expected an image [height, width, batch, in] and a filter [h, w, in / 2, out]',
    () => conv2d(picture, filter, { groups: 2 }),
  ],
  [
    'conv2d (height): got a kernel that reaches over 5, expected at most 4 (4 and padding 0+0)',
    () => conv2d(picture, filter, { dilation: 2 }),
  ],
  ['conv2d (stride): got 0,0, expected integers of at least 1', () => conv2d(picture, filter, { stride: 0 })],
  [
    'conv2d (dilation): got 1,1.5, expected integers of at least 1',
    () => conv2d(picture, filter, { dilation: [1, 1.5] }),
  ],
  [
    'conv2d (padding): got 0.5,0.5,0.5,0.5, expected integers',
    () => conv2d(picture, filter, { padding: 0.5 }),
  ],
  ['conv2d (groups): got 0, expected an integer of at least 1', () => conv2d(picture, filter, { groups: 0 })],
  [
    'conv2d (algorithm): got toString, expected one of direct, tile2, tile3, tile4, tile6',
    () => conv2d(picture, filter, { algorithm: 'toString' as 'direct' }),
  ],
  [
    'convTranspose2d (shape): got [4, 4, 1, 2] and [3, 3, 2, 4], expected an image',
    () => convTranspose2d(picture, filter),
  ],
  [
    'convTranspose2d (outputPadding): got 2,2, expected integers from 0 to below the stride 2x2',
    () => convTranspose2d(picture, input('c', [3, 3, 4, 2]), { stride: 2, outputPadding: 2 }),
  ],
  [
    'convTranspose2d (outputPadding): got 0.5,0.5',
    () => convTranspose2d(picture, input('c', [3, 3, 4, 2]), { stride: 2, outputPadding: 0.5 }),
  ],
  [
    'convTranspose2d (shape): got [1, 1] and [3, 3], expected an output of at least 1x1; padding 2,2,2,2 leaves -1x-1',
    () => convTranspose2d(input('c', [1, 1, 1, 2]), input('d', [3, 3, 4, 2]), { padding: 2 }),
  ],
])('%s', (message, build) => {
  expect(build).toThrow(message)
})

test('evaluate asks for the values it lacks', () => {
  expect(() => evaluate([add(a, v)], { a: [1, 2, 3, 4, 5, 6] })).toThrow(
    'evaluate (input "v"): got nothing, expected 3 for shape [3]',
  )
  expect(() => evaluate([neg(v)], { v: [1, 2] })).toThrow(
    'evaluate (input "v"): got 2 elements, expected 3 for shape [3]',
  )
})

test.each<[string, () => unknown]>([
  [
    'compile (input "v"): got a tensor that is computed from something undeclared, expected it among the inputs or state',
    () => compile({ inputs: [a], outputs: { y: add(a, v) } }),
  ],
  [
    'compile (inputs): got the result of neg, expected an input',
    () => compile({ inputs: [neg(v)], outputs: { y: neg(v) } }),
  ],
  [
    'compile (inputs): got the name "v" twice, expected each once',
    () => compile({ inputs: [v, input('v', [3])], outputs: { y: neg(v) } }),
  ],
  [
    'compile (outputs): got the name "v" of an input or state, expected another',
    () => compile({ inputs: [v], outputs: { v: neg(v) } }),
  ],
  [
    'compile (state "v"): got float32[2, 3] for the next step, expected float32[3]',
    () => compile({ state: [{ variable: v, next: a }], outputs: {} }),
  ],
  [
    'compile (state "v"): got int32[3] for the next step, expected float32[3]',
    () => compile({ state: [{ variable: v, next: cast(v, 'int32') }], outputs: {} }),
  ],
  [
    'compile (outputs): got the name "v/next" of an input or state, expected another',
    () => compile({ state: [{ variable: v, next: mul(v, 2) }], outputs: { 'v/next': neg(v) } }),
  ],
])('%s', (message, build) => {
  expect(build).toThrow(message)
})
