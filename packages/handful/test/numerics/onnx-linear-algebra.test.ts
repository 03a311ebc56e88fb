import { Random } from 'onnx-autodiff'
import { afterAll, describe, expect, it } from 'vitest'
import { featureMatrix, fromRows, scaledToUnitRows } from '../../src/numerics/matrix.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { onnxLinearAlgebra } from '../../src/numerics/onnx-linear-algebra.js'

const plain = plainLinearAlgebra()
const small = onnxLinearAlgebra({ threads: 1, blockBytes: 4 * 300 * 7 })
const normal = (rows: number, columns: number, seed: number) => {
  const matrix = featureMatrix(rows, columns)
  new Random(seed, 'normal').fillNormal(matrix.data)
  return matrix
}

afterAll(() => small.close())

describe.each([
  ['plain', plain],
  ['ONNX Runtime', small],
])('linear algebra, %s', (_, linearAlgebra) => {
  it('multiplies with either operand transposed', async () => {
    const a = fromRows([
      [1, 2, 3],
      [4, 5, 6],
    ])
    const b = fromRows([
      [1, 0],
      [0, 1],
      [1, 1],
    ])
    expect(Array.from((await linearAlgebra.matmul(a, b)).data)).toEqual([4, 5, 10, 11])
    expect(Array.from((await linearAlgebra.matmul(a, a, { transposeB: true })).data)).toEqual([
      14, 32, 32, 77,
    ])
    const square = await linearAlgebra.matmul(a, a, { transposeA: true })
    expect(Array.from(square.data)).toEqual([17, 22, 27, 22, 29, 36, 27, 36, 45])
    const both = await linearAlgebra.matmul(b, a, { transposeA: true, transposeB: true })
    expect(Array.from(both.data)).toEqual([4, 10, 5, 11])
    await expect(linearAlgebra.matmul(a, a)).rejects.toThrow('matmul (2x3): got 2x3')
  })

  it('finds the nearest by inner product, nearest first', async () => {
    const references = fromRows([
      [1, 0],
      [0, 1],
      [0.6, 0.8],
      [-1, 0],
    ])
    const { indices, similarities, k } = await linearAlgebra.nearest(fromRows([[1, 0]]), references, 3)
    expect(k).toBe(3)
    expect(Array.from(indices)).toEqual([0, 2, 1])
    expect(similarities[1]).toBeCloseTo(0.6, 6)
  })

  it('never names a row as its own neighbour, also among equal rows', async () => {
    const equal = fromRows([
      [1, 0],
      [1, 0],
      [1, 0],
      [1, 0],
    ])
    const { indices, k } = await linearAlgebra.nearest(equal, equal, 2, { excludeSelf: true })
    expect(k).toBe(2)
    for (let row = 0; row < 4; row++) {
      const own = Array.from(indices.subarray(2 * row, 2 * row + 2))
      expect(own).not.toContain(row)
      expect(new Set(own).size).toBe(2)
    }
  })

  it('gives what there is where fewer than k are there', async () => {
    const two = fromRows([
      [1, 0],
      [0, 1],
    ])
    expect(await linearAlgebra.nearest(two, two, 5, { excludeSelf: true })).toMatchObject({ k: 1, rows: 2 })
    const one = fromRows([[1, 0]])
    expect(await linearAlgebra.nearest(one, one, 5, { excludeSelf: true })).toMatchObject({ k: 0, rows: 1 })
    await expect(linearAlgebra.nearest(two, fromRows([[1]]), 1)).rejects.toThrow('nearest neighbours (k = 1)')
  })
})

it('both implementations agree on random rows, over several blocks, and report progress', async () => {
  const rows = normal(300, 20, 1)
  scaledToUnitRows(rows)
  const seen: number[] = []
  const ours = await small.nearest(rows, rows, 9, {
    excludeSelf: true,
    onProgress: (done) => seen.push(done),
  })
  const theirs = await plain.nearest(rows, rows, 9, { excludeSelf: true })
  expect(ours.indices).toEqual(theirs.indices)
  ours.similarities.forEach((value, i) => expect(value).toBeCloseTo(theirs.similarities[i], 5))
  expect(seen.length).toBe(Math.ceil(300 / 7))
  expect(seen.at(-1)).toBe(300)
})

it('an unknown device is named with those that are there', async () => {
  const nowhere = onnxLinearAlgebra({ device: 'abacus' })
  await expect(nowhere.matmul(fromRows([[1]]), fromRows([[1]]))).rejects.toThrow(
    /^device \(linear algebra of the heads\): got abacus.*expected cpu/,
  )
})

it('gives the same last bits whatever the number of threads', async () => {
  const [one, three] = [1, 3].map((threads) => onnxLinearAlgebra({ threads }))
  try {
    // Panels of an orthonormal basis, inner products, a projection; and few references of a search.
    for (const [rows, inner, columns] of [
      [32, 784, 64],
      [32, 784, 160],
      [64, 3072, 65],
      [700, 784, 160],
      [300, 1024, 300],
      [5, 2000, 90],
    ]) {
      const [a, b] = [normal(rows, inner, 1), normal(columns, inner, 2)]
      const [first, second] = [
        await one.matmul(a, b, { transposeB: true }),
        await three.matmul(a, b, { transposeB: true }),
      ]
      expect(second.data, `${rows}x${inner} by ${columns}`).toEqual(first.data)
      const unit = [scaledToUnitRows(a), scaledToUnitRows(b)] as const
      expect(await three.nearest(...unit, 5)).toEqual(await one.nearest(...unit, 5))
    }
  } finally {
    await one.close()
    await three.close()
  }
})
