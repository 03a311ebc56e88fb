/**
 * What onnxruntime's operators cost on a tensor the size of a layer's activations, [1024, 64, 64] float32 (17 MB): the
 * table to look into before a primitive is emitted one way or another. Times are those of the kernels alone, from
 * onnxruntime's own profile, medians over the runs after the first few.
 *
 *     npm run build && node bench/operators/operators.mjs [--threads 2] [--runs 15] [--only Transpose]
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeModel } from '../../packages/onnx-autodiff/dist/onnx/writer.js'
import { openLocalSession } from '../../packages/onnx-autodiff/dist/runtime/node.js'

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: String(availableParallelism()) },
    runs: { type: 'string', default: '15' },
    only: { type: 'string', default: '' },
  },
})
const WARM_UP_RUNS = 4
const RUNS = Number(options.runs)

const [A, B, C] = [1024, 64, 64]
const FULL = [A, B, C]
const TALL = [A * B, C]
const x = (shape = FULL) => ({ shape })
const fixed = (shape, value = 0.5) => ({ shape, constant: new Float32Array(size(shape)).fill(value) })
const ints = (...values) => ({
  shape: [values.length],
  dtype: 'int64',
  constant: BigInt64Array.from(values.map(BigInt)),
})
const rows = (count) => ints(...Array.from({ length: count }, (_, i) => (i * 7) % count))
const MS = 'com.microsoft'

/** [label, operator, inputs, attributes, domain, number of outputs] */
const CASES = {
  'One operand': [
    ...[
      'Relu',
      'LeakyRelu',
      'HardSigmoid',
      'HardSwish',
      'Neg',
      'Abs',
      'Sqrt',
      'Reciprocal',
      'Floor',
      'Round',
    ],
    ...['Exp', 'Log', 'Sigmoid', 'Tanh', 'Erf', 'Gelu', 'Swish', 'Mish', 'Elu', 'Softplus', 'Sign', 'Sin'],
  ].map((op) => [op, op, [x()]]),
  'Fused by com.microsoft': [
    ['QuickGelu', 'QuickGelu', [x()], { alpha: 1 }, MS],
    ['FastGelu', 'FastGelu', [x()], {}, MS],
    ['BiasGelu', 'BiasGelu', [x(), fixed([C])], {}, MS],
  ],
  'Two or three operands': [
    ['Add same shape', 'Add', [x(), x()]],
    ['Mul same shape', 'Mul', [x(), x()]],
    ['Div same shape', 'Div', [x(), x()]],
    ['Max same shape', 'Max', [x(), x()]],
    ['Sum of three', 'Sum', [x(), x(), x()]],
    ['Mul scalar', 'Mul', [x(), fixed([])]],
    ['Mul [64] (channels)', 'Mul', [x(), fixed([C])]],
    ['Mul [64, 1] (middle axis)', 'Mul', [x(), fixed([B, 1])]],
    ['Mul [1024, 1, 1] (first axis)', 'Mul', [x(), fixed([A, 1, 1])]],
    ['Mul [64, 64] (last two axes)', 'Mul', [x(), fixed([B, C])]],
    ['Mul [1024, 1, 64] (first and last)', 'Mul', [x(), fixed([A, 1, C])]],
    ['Clip to [-1, 1]', 'Clip', [x(), fixed([], -1), fixed([], 1)]],
    ['Pow 2', 'Pow', [x(), fixed([], 2)]],
    ['Pow 3', 'Pow', [x(), fixed([], 3)]],
    ['Greater scalar', 'Greater', [x(), fixed([], 0)]],
    ['Where bool, x, scalar', 'Where', [{ shape: FULL, dtype: 'bool' }, x(), fixed([], 0)]],
    ['Cast uint8 to float32', 'Cast', [{ shape: FULL, dtype: 'uint8' }], { to: 1 }],
    ['Cast bool to float32', 'Cast', [{ shape: FULL, dtype: 'bool' }], { to: 1 }],
  ],
  Reductions: [
    ['ReduceSum axis 0', 'ReduceSum', [x(), ints(0)], { keepdims: 0 }],
    ['ReduceSum axis 1', 'ReduceSum', [x(), ints(1)], { keepdims: 0 }],
    ['ReduceSum axis 2', 'ReduceSum', [x(), ints(2)], { keepdims: 0 }],
    ['ReduceSum axes 0, 1', 'ReduceSum', [x(), ints(0, 1)], { keepdims: 0 }],
    ['ReduceSum axes 1, 2', 'ReduceSum', [x(), ints(1, 2)], { keepdims: 0 }],
    ['ReduceSum axes 0, 2', 'ReduceSum', [x(), ints(0, 2)], { keepdims: 0 }],
    ['ReduceSum all', 'ReduceSum', [x()], { keepdims: 0 }],
    ['ReduceMean axis 0', 'ReduceMean', [x(), ints(0)], { keepdims: 0 }],
    ['ReduceMax axis 0', 'ReduceMax', [x(), ints(0)], { keepdims: 0 }],
    ['ReduceMax axis 2', 'ReduceMax', [x(), ints(2)], { keepdims: 0 }],
    ['ReduceSumSquare all', 'ReduceSumSquare', [x()], { keepdims: 0 }],
    ['ReduceSumSquare axis 2', 'ReduceSumSquare', [x(), ints(2)], { keepdims: 0 }],
    ['ArgMax axis 2', 'ArgMax', [x()], { axis: 2 }],
    ['ones [1, 1024] x [1024, 4096] (axis 0)', 'MatMul', [fixed([1, A]), x([A, B * C])]],
    ['ones [1, 64] x [1024, 64, 64] (axis 1)', 'MatMul', [fixed([1, B]), x()]],
    ['ones [1, 65536] x [65536, 64] (axes 0, 1)', 'MatMul', [fixed([1, A * B]), x(TALL)]],
    ['[65536, 64] x ones [64, 1] (axis 2)', 'MatMul', [x(TALL), fixed([C, 1])]],
    ['[1024, 4096] x ones [4096, 1] (axes 1, 2)', 'MatMul', [x([A, B * C]), fixed([B * C, 1])]],
    ['CumSum axis 0', 'CumSum', [x(), { ...ints(0), shape: [] }]],
    ['TopK 1 axis 2', 'TopK', [x(), ints(1)], {}, '', 2],
  ],
  Movement: [
    ['Transpose 1, 0, 2', 'Transpose', [x()], { perm: [1, 0, 2] }],
    ['Transpose 0, 2, 1', 'Transpose', [x()], { perm: [0, 2, 1] }],
    ['Transpose 2, 0, 1', 'Transpose', [x()], { perm: [2, 0, 1] }],
    ['Transpose 1, 2, 0', 'Transpose', [x()], { perm: [1, 2, 0] }],
    ['Transpose 2, 1, 0', 'Transpose', [x()], { perm: [2, 1, 0] }],
    ['Concat of halves, axis 0', 'Concat', [x([A / 2, B, C]), x([A / 2, B, C])], { axis: 0 }],
    ['Concat of halves, axis 1', 'Concat', [x([A, B / 2, C]), x([A, B / 2, C])], { axis: 1 }],
    ['Concat of halves, axis 2', 'Concat', [x([A, B, C / 2]), x([A, B, C / 2])], { axis: 2 }],
    ['Slice half, axis 0', 'Slice', [x(), ints(0), ints(A / 2), ints(0)]],
    ['Slice half, axis 1', 'Slice', [x(), ints(0), ints(B / 2), ints(1)]],
    ['Slice half, axis 2', 'Slice', [x(), ints(0), ints(C / 2), ints(2)]],
    ['Slice reversed, axis 1', 'Slice', [x(), ints(-1), ints(-B - 1), ints(1), ints(-1)]],
    ['Split in two, axis 2', 'Split', [x()], { axis: 2, num_outputs: 2 }, '', 2],
    ['Gather rows, axis 0', 'Gather', [x(), rows(A)], { axis: 0 }],
    ['Gather, axis 1', 'Gather', [x(), rows(B)], { axis: 1 }],
    ['Gather, axis 2', 'Gather', [x(), rows(C)], { axis: 2 }],
    ['Pad axis 1 by 1', 'Pad', [x(), ints(0, 1, 0, 0, 1, 0)]],
    ['Expand [64] to all', 'Expand', [x([C]), ints(...FULL)]],
    ['Expand [1024, 1, 1] to all', 'Expand', [x([A, 1, 1]), ints(...FULL)]],
    ['Tile axis 2 by 2', 'Tile', [x(), ints(1, 1, 2)]],
    ['Reshape to [65536, 64]', 'Reshape', [x(), ints(...TALL)]],
  ],
  'Norms and softmax': [
    ['LayerNormalization last axis', 'LayerNormalization', [x(), fixed([C]), fixed([C])], { axis: -1 }],
    ['RMSNormalization last axis', 'RMSNormalization', [x(), fixed([C])], { axis: -1 }],
    ['GroupNormalization 8 groups', 'GroupNormalization', [x(), fixed([B]), fixed([B])], { num_groups: 8 }],
    ['InstanceNormalization', 'InstanceNormalization', [x(), fixed([B]), fixed([B])]],
    [
      'BatchNormalization (inference)',
      'BatchNormalization',
      [x(), fixed([B]), fixed([B]), fixed([B]), fixed([B])],
    ],
    ['LpNormalization last axis', 'LpNormalization', [x()], { axis: -1 }],
    ['Softmax last axis', 'Softmax', [x()], { axis: -1 }],
    ['Softmax axis 1', 'Softmax', [x()], { axis: 1 }],
    ['LogSoftmax last axis', 'LogSoftmax', [x()], { axis: -1 }],
  ],
  'Products (0.54 GFLOP each, but for the last four)': [
    ['MatMul [65536, 64] x [64, 64]', 'MatMul', [x(TALL), x([C, C])]],
    ['MatMul [65536, 64] x constant', 'MatMul', [x(TALL), fixed([C, C])]],
    ['Gemm [65536, 64] x [64, 64]', 'Gemm', [x(TALL), x([C, C])]],
    ['Gemm with bias', 'Gemm', [x(TALL), x([C, C]), fixed([C])]],
    ['Gemm transB', 'Gemm', [x(TALL), x([C, C])], { transB: 1 }],
    ["Gemm transA [65536, 64]' x [65536, 64]", 'Gemm', [x(TALL), x(TALL)], { transA: 1 }],
    ['MatMul batched [1024, 64, 64] twice', 'MatMul', [x(), x()]],
    ['MatMul [64, 64] x [1024, 64, 64]', 'MatMul', [x([B, B]), x()]],
    ['FusedMatMul batched', 'FusedMatMul', [x(), x()], {}, MS],
    ['FusedMatMul batched transA', 'FusedMatMul', [x(), x()], { transA: 1 }, MS],
    ['FusedMatMul batched transB', 'FusedMatMul', [x(), x()], { transB: 1 }, MS],
    ['FusedMatMul transB [65536, 64]', 'FusedMatMul', [x(TALL), x([C, C])], { transB: 1 }, MS],
    ["FusedMatMul transA [65536, 64]'", 'FusedMatMul', [x(TALL), x(TALL)], { transA: 1 }, MS],
    [
      "FusedMatMul 32 x transA [2048, 64]'",
      'FusedMatMul',
      [x([32, 2048, C]), x([32, 2048, C])],
      { transA: 1 },
      MS,
    ],
    ['FusedMatMul transBatchA', 'FusedMatMul', [x(), x([B, C, B])], { transBatchA: 1 }, MS],
    ['map over height: [32, 32] x [32, 131072]', 'MatMul', [x([32, 32]), x([32, (A * B * C) / 32])]],
    ['map over height: [48, 32] x [32, 131072]', 'MatMul', [x([48, 32]), x([32, (A * B * C) / 32])]],
    ['map over width: [48, 32] x 32 [32, 4096]', 'MatMul', [x([48, 32]), x([32, 32, 4096])]],
    ['square: [1024, 1024] x [1024, 1024]', 'MatMul', [x([1024, 1024]), x([1024, 1024])]],
  ],
}

function size(shape) {
  return shape.reduce((product, dim) => product * dim, 1)
}

function attribute(value) {
  if (Array.isArray(value)) return { kind: 'ints', value }
  return { kind: 'int', value }
}

/** Milliseconds of each measured run, and bytes of the operands that are no constants. */
async function measure([label, op, inputs, attributes = {}, domain = '', outputCount = 1], folder) {
  const named = inputs.map((input, i) => ({ dtype: 'float32', ...input, name: `x${i}` }))
  const fed = named.filter(({ constant }) => constant === undefined)
  const kinds = Object.entries(attributes).map(([name, value]) => [
    name,
    name === 'alpha' ? { kind: 'float', value } : attribute(value),
  ])
  const outputs = Array.from({ length: outputCount }, (_, i) => `y${i}`)
  const node = {
    op,
    domain,
    name: 'measured',
    inputs: named.map(({ name }) => name),
    outputs,
    attributes: {},
  }
  const initializers = named
    .filter(({ constant }) => constant !== undefined)
    .map(({ name, dtype, shape, constant }) => ({ name, dtype, shape, data: constant }))
  // A graph's outputs are copied every run, which would drown the fast operators: only their size leaves the graph.
  const tails = outputs.map((name) => ({
    op: 'Size',
    domain: '',
    name: `tail ${name}`,
    inputs: [name],
    outputs: [`${name}_size`],
    attributes: {},
  }))
  const result = { dtype: 'int64', shape: [] }
  const model = encodeModel({
    graph: {
      name: label,
      nodes: [{ ...node, attributes: Object.fromEntries(kinds) }, ...tails],
      initializers,
      inputs: fed.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
      outputs: outputs.map((name) => ({ name: `${name}_size`, ...result })),
    },
    opsets: { '': 24, [MS]: 1 },
    irVersion: 11,
    producer: '',
    metadata: {},
  })
  const program = {
    model,
    inputs: Object.fromEntries(fed.map(({ name, dtype, shape }) => [name, { dtype, shape }])),
    outputs: Object.fromEntries(outputs.map((name) => [`${name}_size`, result])),
    state: {},
  }
  const profile = join(folder, 'profile')
  const session = await openLocalSession(program, {
    threads: Number(options.threads),
    optimization: 'none',
    profile,
  })
  const arrays = Object.fromEntries(
    fed.map(({ name, dtype, shape }, i) => {
      const length = size(shape)
      const data = dtype === 'float32' ? new Float32Array(length) : new Uint8Array(length)
      for (let j = 0; j < length; j++)
        data[j] = dtype === 'float32' ? Math.sin(j * (i + 1)) + (op === 'Log' ? 2 : 0) : j & 1
      return [name, { dtype, shape, data }]
    }),
  )
  try {
    for (let run = 0; run < WARM_UP_RUNS + RUNS; run++) await session.run(arrays)
  } finally {
    await session.close()
  }
  const file = readdirSync(folder).find((name) => name.startsWith('profile'))
  const runs = []
  // A run of the profile ends with its last tail; an operator that is a function is several nodes.
  let sum = 0
  let tailsSeen = 0
  for (const event of JSON.parse(readFileSync(join(folder, file), 'utf8'))) {
    if (event.cat !== 'Node' || !event.name.endsWith('_kernel_time')) continue
    if (!event.name.startsWith('tail')) sum += event.dur / 1000
    else if (++tailsSeen % outputCount === 0) {
      runs.push(sum)
      sum = 0
    }
  }
  rmSync(join(folder, file))
  return runs.slice(WARM_UP_RUNS)
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

console.log(`${cpus()[0].model}, ${options.threads} threads, Node ${process.version}, ${RUNS} runs each\n`)
for (const [group, cases] of Object.entries(CASES)) {
  const wanted = cases.filter(([label]) => label.includes(options.only))
  if (wanted.length === 0) continue
  console.log(`| ${group} | median ms | least ms |\n|---|---|---|`)
  for (const each of wanted) {
    const folder = mkdtempSync(join(tmpdir(), 'operators-'))
    try {
      const runs = await measure(each, folder)
      console.log(`| ${each[0]} | ${median(runs).toFixed(2)} | ${Math.min(...runs).toFixed(2)} |`)
    } catch (error) {
      console.log(`| ${each[0]} | not available: ${error.message.replace(/\s*\n[^]*/, '').slice(0, 150)} | |`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  console.log()
}
