/**
 * Spherical k-means with signs, or gain-shape vector quantisation (Coates and Ng, "Learning feature representations with
 * k-means", Neural Networks: Tricks of the Trade, 2012): each row is approximated by a multiple, positive or negative, of
 * one atom of length 1.
 *
 *   s_i = d_k' x_i at the k of the greatest |d_k' x_i|;  d_k <- d_k + sum of s_i x_i over its rows, scaled to length 1
 */
import type { Random } from 'onnx-autodiff'
import type { LinearAlgebra } from './linear-algebra.js'
import { featureMatrix, type FeatureMatrix, rowRange, scaledToUnitRows } from './matrix.js'
import { pause } from './pause.js'

export interface SphericalKMeansOptions {
  readonly atoms: number
  readonly rounds: number
  readonly random: Random
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** Rows of a block, so that the responses to a thousand atoms take 32 MB. */
const BLOCK_ROWS = 8192

/** `[atoms, columns]` atoms of length 1. One that no row chooses starts again at a random row. */
export async function sphericalKMeans(
  rows: FeatureMatrix,
  { atoms, rounds, random, linearAlgebra, signal, onProgress }: SphericalKMeansOptions,
): Promise<FeatureMatrix> {
  const { columns } = rows
  const rest = pause()
  let dictionary = featureMatrix(atoms, columns, random.fillNormal(new Float32Array(atoms * columns)))
  scaledToUnitRows(dictionary)
  for (let round = 0; round < rounds; round++) {
    signal?.throwIfAborted()
    const next = featureMatrix(atoms, columns, dictionary.data.slice())
    const chosen = new Int32Array(atoms)
    for (let start = 0; start < rows.rows; start += BLOCK_ROWS) {
      const block = rowRange(rows, start, Math.min(start + BLOCK_ROWS, rows.rows))
      const responses = await linearAlgebra.matmul(block, dictionary, { transposeB: true })
      for (let i = 0; i < block.rows; i++) {
        const k = strongest(responses, i)
        chosen[k]++
        const response = responses.data[i * atoms + k]
        for (let j = 0; j < columns; j++) next.data[k * columns + j] += response * block.data[i * columns + j]
      }
      await rest()
    }
    for (let k = 0; k < atoms; k++) {
      if (chosen[k] > 0) continue
      const row = random.integer(rows.rows)
      next.data.set(rows.data.subarray(row * columns, (row + 1) * columns), k * columns)
    }
    scaledToUnitRows(next)
    dictionary = next
    onProgress?.(round + 1, rounds)
  }
  return dictionary
}

function strongest({ columns, data }: FeatureMatrix, row: number): number {
  let best = row * columns
  for (let at = best + 1; at < (row + 1) * columns; at++)
    if (Math.abs(data[at]) > Math.abs(data[best])) best = at
  return best - row * columns
}
