import { Random } from 'onnx-autodiff'
import { describe, expect, it } from 'vitest'
import { compileKernels } from '../../scripts/compile-kernels.js'
import { LANES, rowRanges, withSparseKernels } from '../../src/numerics/sparse-kernels.js'
import { SPARSE_KERNELS } from '../../src/numerics/sparse-kernels-module.js'
import { type SparseMatrix, symmetrise } from '../../src/numerics/sparse.js'

const random = new Random(0, 'sparse kernels')

/** A symmetric matrix with rows of unlike lengths, some of them empty. */
function sparse(size: number): SparseMatrix {
  const neighbours = Int32Array.from({ length: size * 3 }, () => Math.floor(random.uniform() * size))
  const weights = Float64Array.from({ length: size * 3 }, () => Math.max(0, random.uniform() - 0.5))
  return symmetrise(size, 3, neighbours, weights)
}

const normal = (length: number): Float32Array => random.fillNormal(new Float32Array(length))

describe('sparse kernels', () => {
  it('are what their source compiles to', async () => {
    expect(await compileKernels('numerics/sparse-kernels')).toBe(SPARSE_KERNELS)
  })

  it.each([
    [1, 16],
    [40, 16],
    [3000, 5],
    [1500, 40],
  ])('product of %d rows and %d columns is that of plain loops', async (size, columns) => {
    const matrix = sparse(size)
    const by = { factor: 0.7, own: -1.3, older: 0.4 }
    await withSparseKernels(matrix, { blocks: 3, columns }, async ({ blocks, width, product }) => {
      expect(width % LANES).toBe(0)
      expect(width).toBeGreaterThanOrEqual(columns)
      for (const block of blocks) block.set(normal(block.length))
      const [x, past] = [blocks[0].slice(), blocks[1].slice()]
      const expected = x.map((value, at) => by.own * value + by.older * past[at])
      for (let i = 0; i < size; i++) {
        for (let at = matrix.offsets[i]; at < matrix.offsets[i + 1]; at++) {
          for (let c = 0; c < width; c++) {
            expected[i * width + c] += by.factor * matrix.values[at] * x[matrix.columns[at] * width + c]
          }
        }
      }
      for (const rows of rowRanges(size)) product(2, 0, { ...by, past: 1 }, rows)
      expect(largestDifference(blocks[2], expected)).toBeLessThan(1e-5)
      for (const rows of rowRanges(size)) product(1, 0, { ...by, past: 1 }, rows)
      expect(largestDifference(blocks[1], expected)).toBeLessThan(1e-5)
    })
  })

  it('leaves what was in a block out of it where there is no past', async () => {
    const size = 20
    await withSparseKernels(sparse(size), { blocks: 2, columns: 1 }, async ({ blocks, product }) => {
      blocks[0].fill(0)
      blocks[1].fill(NaN)
      product(1, 0, { factor: 1, own: 1 }, { first: 0, end: size })
      expect(blocks[1].every((value) => value === 0)).toBe(true)
    })
  })

  it('sums and combines columns apart', async () => {
    const size = 2500
    await withSparseKernels(sparse(size), { blocks: 3, columns: LANES }, async (kernels) => {
      const { blocks } = kernels
      for (const block of blocks) block.set(normal(block.length))
      const [a, b] = [blocks[0].slice(), blocks[1].slice()]
      const coefficients = normal(LANES)
      const sums = new Float64Array(LANES)
      for (const rows of rowRanges(size)) {
        kernels.combine(2, 0, coefficients, 1, rows)
        kernels.dot(0, 1, sums, rows)
      }
      const combined = a.map((value, at) => value + coefficients[at % LANES] * b[at])
      expect(largestDifference(blocks[2], combined)).toBeLessThan(1e-6)
      for (let c = 0; c < LANES; c++) {
        let expected = 0
        for (let at = c; at < a.length; at += LANES) expected += a[at] * b[at]
        expect(Math.abs(sums[c] - expected)).toBeLessThan(1e-3)
      }
    })
  })

  it('keep two that are at work at once apart', async () => {
    await withSparseKernels(sparse(10), { blocks: 1, columns: 1 }, async ({ blocks: [outer] }) => {
      outer.fill(1)
      await withSparseKernels(sparse(500), { blocks: 1, columns: 1 }, async ({ blocks: [inner] }) =>
        inner.fill(2),
      )
      expect(outer.every((value) => value === 1)).toBe(true)
    })
  })

  it('say what does not fit', async () => {
    const tooWide = withSparseKernels(sparse(8), { blocks: 1, columns: 2 ** 28 }, async () => 0)
    await expect(tooWide).rejects.toThrow(/neighbour graph \(products with dense columns\): got 8193 MiB/)
  })
})

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - b[at])), 0)
}
