/**
 * Products of a sparse matrix with many dense columns, in WebAssembly with vector instructions (sparse-kernels.wat): four to
 * six times as fast as loops over typed arrays, in browsers too. Dense blocks lie in the module's own memory, in float32.
 */
import { HandfulError } from '../errors.js'
import { SPARSE_KERNELS } from './sparse-kernels-module.js'
import type { SparseMatrix } from './sparse.js'
import { growTo, instantiate, type WasmMemory } from './web-assembly.js'

/** Columns that are worked on together; a block's width is a multiple of it. */
export const LANES = 16

/** Rows that callers work on at a time: what one step leaves in the processor's cache the next one finds there. */
const ROWS = 1024

/** A range of rows, the last one excluded. */
export interface Rows {
  readonly first: number
  readonly end: number
}

/** One sparse matrix and dense blocks beside it, each known by its place in `blocks`. */
export interface SparseKernels {
  readonly size: number
  /** Columns of each block. */
  readonly width: number
  /** `[size, width]` each, row after row. They hold whatever was there before. */
  readonly blocks: readonly Float32Array[]
  /** `out = factor S x + own x + older past` in some rows; `past` may be `out`, `x` may not. */
  product(
    out: number,
    x: number,
    by: { readonly factor: number; readonly own: number; readonly past?: number; readonly older?: number },
    rows: Rows,
  ): void
  /** Adds the inner products of the columns of two blocks, `LANES` wide, to `sums`. */
  dot(a: number, b: number, sums: Float64Array, rows: Rows): void
  /** `out = a + coefficient b`, one coefficient a column, of blocks `LANES` wide; `out` may be either. */
  combine(out: number, a: number, coefficients: ArrayLike<number>, b: number, rows: Rows): void
}

/** Ranges of rows that together are all. */
export function* rowRanges(size: number): Generator<Rows> {
  for (let first = 0; first < size; first += ROWS) yield { first, end: Math.min(size, first + ROWS) }
}

/**
 * Lets `use` work on a matrix and so many blocks of at least so many columns. The blocks are gone once it is done.
 *
 * @throws HandfulError where the blocks do not fit the 4 GiB that WebAssembly can address
 */
export async function withSparseKernels<T>(
  matrix: SparseMatrix,
  needed: { readonly blocks: number; readonly columns: number },
  use: (kernels: SparseKernels) => Promise<T>,
): Promise<T> {
  const instance = idle.pop() ?? instantiate<Exports>(SPARSE_KERNELS)
  try {
    return await use(place(instance, matrix, needed))
  } finally {
    if (idle.length === 0) idle.push(instance)
  }
}

/** The one that was used last: a memory is dear to make, and a study makes thousands of solutions. */
const idle: Instance[] = []

interface Exports {
  product(...arguments_: number[]): void
  dot(at: number, end: number, a: number, b: number, sums: number): void
  combine(at: number, end: number, a: number, b: number, coefficients: number, out: number): void
}

interface Instance {
  readonly memory: WasmMemory
  readonly exports: Exports
}

/** Bytes of one row of `LANES` columns, and what all addresses are multiples of. */
const LANE_BYTES = 4 * LANES

function place(
  { memory, exports }: Instance,
  { size, offsets, columns, values }: SparseMatrix,
  needed: { readonly blocks: number; readonly columns: number },
): SparseKernels {
  const width = LANES * Math.ceil(needed.columns / LANES)
  const stride = 4 * width
  let end = 0
  const take = (bytes: number): number => {
    const start = end
    end += LANE_BYTES * Math.ceil(bytes / LANE_BYTES)
    return start
  }
  const sumsAt = take(LANE_BYTES)
  const offsetsAt = take(4 * (size + 1))
  const columnsAt = take(4 * columns.length)
  const valuesAt = take(4 * columns.length)
  const blocksAt = Array.from({ length: needed.blocks }, () => take(size * stride))
  makeRoom(memory, end)
  const sums = new Float32Array(memory.buffer, sumsAt, LANES)
  new Int32Array(memory.buffer, offsetsAt, size + 1).set(offsets)
  new Int32Array(memory.buffer, columnsAt, columns.length).set(columns)
  new Float32Array(memory.buffer, valuesAt, columns.length).set(values)
  return {
    size,
    width,
    blocks: blocksAt.map((start) => new Float32Array(memory.buffer, start, size * width)),
    product(out, x, { factor, own, past = x, older = 0 }, { first, end }) {
      const graph = [offsetsAt, columnsAt, valuesAt]
      const dense = [blocksAt[x], blocksAt[past], blocksAt[out]]
      exports.product(first, end, stride, ...graph, ...dense, factor, own, older)
    },
    dot(a, b, into, { first, end }) {
      exports.dot(first * stride, end * stride, blocksAt[a], blocksAt[b], sumsAt)
      for (let c = 0; c < LANES; c++) into[c] += sums[c]
    },
    combine(out, a, coefficients, b, { first, end }) {
      sums.set(coefficients)
      exports.combine(first * stride, end * stride, blocksAt[a], blocksAt[b], sumsAt, blocksAt[out])
    },
  }
}

function makeRoom(memory: WasmMemory, bytes: number): void {
  try {
    growTo(memory, bytes)
  } catch {
    throw new HandfulError({
      what: 'neighbour graph',
      where: 'products with dense columns',
      got: `${Math.ceil(bytes / 2 ** 20)} MiB to hold them`,
      expected: 'what there is of memory, and 4096 MiB at most',
      hint: 'take fewer images, or smooth to fewer dimensions',
    })
  }
}
