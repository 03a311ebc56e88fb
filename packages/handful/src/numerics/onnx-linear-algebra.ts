/**
 * Matrix products and exact nearest neighbours through ONNX Runtime: a block of queries against all references by `Gemm`,
 * then `TopK`, so that memory stays bounded and the thread is given back between blocks. References are an input, not an
 * initialiser: measured on 60,000 x 128 (k = 16, 2 cores), 13 s against 17-25 s, and no model of their size to build.
 */
import {
  DeviceError,
  type NamedArray,
  type OnnxNode,
  openLocalSession,
  type Program,
  programOf,
  type Session,
} from 'onnx-autodiff'
import { featureMatrix, matrixArray, rowRange } from './matrix.js'
import { neighbourCount, productShape, type LinearAlgebra } from './linear-algebra.js'
import { HandfulError } from '../errors.js'

export interface OnnxLinearAlgebraOptions {
  /** Threads inside one operator. Default all that this process may use (ONNX Runtime itself would count cores alone). */
  readonly threads?: number
  /** An execution provider of onnxruntime-node. Default `cpu`. */
  readonly device?: string
  /** Limit on the similarities of one block of queries, in bytes. Default 128 MiB: 512 queries at 60,000 references. */
  readonly blockBytes?: number
}

export interface OnnxLinearAlgebra extends LinearAlgebra {
  /** Frees the sessions. */
  close(): Promise<void>
}

const OPSET = 21
const IR_VERSION = 10
/** Between 256 and 1024 the time is flat; more only takes memory. */
const MAX_BLOCK_ROWS = 1024
/** Up to so many references one thread searches: see `sessionFor`. */
const FEW_REFERENCES = 4096

/** Sessions are made at first use and kept until `close`. */
export function onnxLinearAlgebra(options: OnnxLinearAlgebraOptions = {}): OnnxLinearAlgebra {
  const { blockBytes = 128 * 2 ** 20 } = options
  const sessions = new Map<string, Promise<Session>>()
  const sessionFor = (name: string, alone: boolean, program: () => Program) => {
    // The runtime shares a product's columns between threads where it has more of them than rows, and in how long pieces it
    // then adds up depends on how many each thread has: one thread alone gives the same last bits on every machine.
    const threads = alone ? 1 : options.threads
    const key = `${name} ${threads}`
    const present = sessions.get(key)
    if (present) return present
    const created = createSession(program(), { ...options, threads })
    sessions.set(key, created)
    return created
  }

  return {
    async matmul(a, b, { transposeA = false, transposeB = false } = {}) {
      const { rows, inner, columns } = productShape(a, b, { transposeA, transposeB })
      const product = featureMatrix(rows, columns)
      if (rows === 0 || columns === 0 || inner === 0) return product
      const run = await sessionFor(`matmul ${transposeA} ${transposeB}`, columns > rows, () =>
        graphProgram([gemm(transposeA, transposeB)], []),
      )
      const { product: output } = await run.run({ a: matrixArray(a), b: matrixArray(b) })
      return featureMatrix(rows, columns, output.data as Float32Array)
    },

    async nearest(queries, references, k, { excludeSelf = false, onProgress } = {}) {
      const count = neighbourCount(queries, references, k, excludeSelf)
      const indices = new Int32Array(queries.rows * Math.max(0, count))
      const similarities = new Float32Array(indices.length)
      if (indices.length === 0) return { rows: queries.rows, k: Math.max(0, count), indices, similarities }
      const asked = count + (excludeSelf ? 1 : 0)
      const few = references.rows <= FEW_REFERENCES
      const run = await sessionFor('nearest', few, () => graphProgram([gemm(false, true), TOP_K], ['k']))
      const r = matrixArray(references)
      const size = Math.max(1, Math.min(MAX_BLOCK_ROWS, Math.floor(blockBytes / 4 / references.rows)))
      for (let start = 0; start < queries.rows; start += size) {
        const end = Math.min(queries.rows, start + size)
        const kArray: NamedArray = { dtype: 'int64', shape: [1], data: BigInt64Array.of(BigInt(asked)) }
        const block = await run.run({ a: matrixArray(rowRange(queries, start, end)), b: r, k: kArray })
        const found = {
          indices: block.indices.data as BigInt64Array,
          similarities: block.values.data as Float32Array,
          asked,
        }
        for (let row = start; row < end; row++) {
          keepNeighbours(
            found,
            row - start,
            excludeSelf ? row : -1,
            row * count,
            count,
            indices,
            similarities,
          )
        }
        onProgress?.(end, queries.rows)
        await new Promise((resolve) => setImmediate(resolve))
      }
      return { rows: queries.rows, k: count, indices, similarities }
    },

    async close() {
      for (const open of sessions.values()) await (await open).close()
      sessions.clear()
    },
  }
}

/** Copies one row's neighbours, leaving itself out; among more than k equal rows it may be missing, then the last goes. */
function keepNeighbours(
  found: { indices: BigInt64Array; similarities: Float32Array; asked: number },
  row: number,
  self: number,
  target: number,
  count: number,
  indices: Int32Array,
  similarities: Float32Array,
): void {
  let kept = 0
  for (let slot = row * found.asked; kept < count; slot++) {
    const index = Number(found.indices[slot])
    if (index === self) continue
    indices[target + kept] = index
    similarities[target + kept++] = found.similarities[slot]
  }
}

function gemm(transposeA: boolean, transposeB: boolean): OnnxNode {
  return {
    op: 'Gemm',
    domain: '',
    name: 'product',
    inputs: ['a', 'b'],
    outputs: ['product'],
    attributes: {
      transA: { kind: 'int', value: Number(transposeA) },
      transB: { kind: 'int', value: Number(transposeB) },
    },
  }
}

const TOP_K: OnnxNode = {
  op: 'TopK',
  domain: '',
  name: 'nearest',
  inputs: ['product', 'k'],
  outputs: ['values', 'indices'],
  attributes: {},
}

/** `a` and `b` of any size, and the number of neighbours `k` where it is asked for. */
function graphProgram(nodes: readonly OnnxNode[], counts: readonly string[]): Program {
  const outputs = nodes[nodes.length - 1].outputs.map((name) => ({
    name,
    dtype: name === 'indices' ? ('int64' as const) : ('float32' as const),
  }))
  return programOf({
    graph: {
      name: 'linear algebra',
      nodes,
      initializers: [],
      inputs: [
        { name: 'a', dtype: 'float32', shape: ['a rows', 'a columns'] },
        { name: 'b', dtype: 'float32', shape: ['b rows', 'b columns'] },
        ...counts.map((name) => ({ name, dtype: 'int64' as const, shape: [1] })),
      ],
      outputs,
    },
    opsets: { '': OPSET },
    irVersion: IR_VERSION,
    producer: 'handful',
    metadata: {},
  })
}

/** In this thread: another one would be sent the references, all rows of them, with every block of queries. */
async function createSession(
  program: Program,
  { threads, device = 'cpu' }: OnnxLinearAlgebraOptions,
): Promise<Session> {
  return openLocalSession(program, { threads, device }).catch((error: unknown) => {
    if (!(error instanceof DeviceError)) throw error
    throw new HandfulError({
      what: 'device',
      where: 'linear algebra of the heads',
      got: device,
      expected: error.present.join(', '),
      hint: 'use cpu, which is always there',
    })
  })
}
