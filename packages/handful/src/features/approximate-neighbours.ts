/**
 * Nearest neighbours of very many rows, nearly all of them: by a hierarchical navigable small world graph (Malkov and
 * Yashunin, arXiv 1603.09320) of the library usearch, over rows of a byte a number. What it proposes is compared by the rows
 * themselves, and how much of the truth it finds is measured on some of them.
 */
import { Random } from 'onnx-autodiff'
import type { LinearAlgebra, Neighbours } from '../numerics/linear-algebra.js'
import { rowProduct, selectRows, type UnitRows } from '../numerics/matrix.js'
import { pause } from '../numerics/pause.js'

export interface ApproximateNeighbours extends Neighbours {
  /** Share of the ten nearest that were found, measured on some rows. */
  readonly recall: number
}

/** Up to here neighbours are searched exactly, which takes a time that grows with the square of the rows. */
export const EXACT_ROWS = 150_000

/** Edges of a node, candidates kept while nodes are added, and while neighbours are searched. */
const CONNECTIVITY = 16
const ADDING = 96
const SEARCHING = 96
/** Candidates compared for each neighbour wanted. */
const CANDIDATES = 3
const ROWS_TOGETHER = 2048
/** Rows that recall is measured on, and the neighbours of each. */
const MEASURED_ROWS = 256
const MEASURED = 10

type Library = typeof import('usearch')

/** undefined where it has no build for this machine. */
async function library(): Promise<Library | undefined> {
  try {
    return await import('usearch')
  } catch {
    return undefined
  }
}

export interface ApproximateOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * The `k` nearest other rows of each, nearest first. The same rows give the same neighbours.
 *
 * @returns undefined where the library does not run on this machine
 */
export async function approximateNeighbours(
  features: UnitRows,
  k: number,
  linearAlgebra: LinearAlgebra,
  { signal, onProgress }: ApproximateOptions = {},
): Promise<ApproximateNeighbours | undefined> {
  const found = await library()
  if (found === undefined) return undefined
  const { BatchMatches, Index, MetricKind, ScalarKind } = found
  const { rows, columns, data } = features
  const index = new Index({
    dimensions: columns,
    metric: MetricKind.Cos,
    quantization: ScalarKind.I8,
    connectivity: CONNECTIVITY,
    expansion_add: ADDING,
    expansion_search: SEARCHING,
    multi: false,
  })
  const rest = pause()
  const each = async (work: (start: number, end: number) => void, before: number): Promise<void> => {
    for (let start = 0; start < rows; start += ROWS_TOGETHER) {
      signal?.throwIfAborted()
      const end = Math.min(rows, start + ROWS_TOGETHER)
      work(start, end)
      onProgress?.(Math.floor((before + end) / 2), rows)
      await rest()
    }
  }
  const keys = BigUint64Array.from({ length: rows }, (_, i) => BigInt(i))
  // One thread: in which order rows are added decides what is found.
  await each((start, end) => {
    index.add(keys.subarray(start, end), data.subarray(start * columns, end * columns), 1)
  }, 0)
  const wanted = Math.min(rows, CANDIDATES * (k + 1))
  const indices = new Int32Array(rows * k)
  const similarities = new Float32Array(rows * k)
  await each((start, end) => {
    const batch = index.search(data.subarray(start * columns, end * columns), wanted, 1)
    for (let row = start; row < end; row++) {
      // A batch of one row is its matches.
      const matches = batch instanceof BatchMatches ? batch.get(row - start) : batch
      const proposed = Array.from(matches.keys, Number)
      keepNearest(features, row, proposed, { k, indices, similarities })
    }
  }, rows)
  const neighbours: Neighbours = { rows, k, indices, similarities }
  return { ...neighbours, recall: await measuredRecall(features, neighbours, linearAlgebra) }
}

/** The nearest of what was proposed by the rows themselves; itself left out. */
function keepNearest(
  { columns, data }: UnitRows,
  row: number,
  proposed: readonly number[],
  { k, indices, similarities }: Pick<Neighbours, 'k' | 'indices' | 'similarities'>,
): void {
  const compared = proposed
    .filter((other) => other !== row)
    .map((other) => ({ other, similarity: rowProduct(data, row, data, other, columns) }))
    .sort((a, b) => b.similarity - a.similarity || a.other - b.other)
  for (let j = 0; j < k; j++) {
    // Fewer than wanted are found of rows that many others equal: the farthest again changes nothing in its favour.
    const { other, similarity } = compared[Math.min(j, compared.length - 1)] ?? { other: row, similarity: 0 }
    indices[row * k + j] = other
    similarities[row * k + j] = similarity
  }
}

/** Against exact neighbours of rows drawn at random; as near as the last of these counts as found. */
async function measuredRecall(
  features: UnitRows,
  { rows, k, similarities }: Neighbours,
  linearAlgebra: LinearAlgebra,
): Promise<number> {
  const drawn = new Random(0, 'rows that recall is measured on')
    .permutation(rows)
    .slice(0, Math.min(rows, MEASURED_ROWS))
  const most = Math.min(MEASURED, k)
  // The nearest of all is the row itself.
  const exact = await linearAlgebra.nearest(selectRows(features, drawn), features, most + 1)
  let right = 0
  drawn.forEach((row, i) => {
    const last = exact.similarities[i * exact.k + exact.k - 1] - 1e-6
    for (let j = 0; j < most; j++) right += Number(similarities[row * k + j] >= last)
  })
  return right / (drawn.length * most)
}
