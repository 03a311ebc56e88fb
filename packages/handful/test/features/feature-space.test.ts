/** A feature space computes each thing once, keeps it, and is the same when it is read from files again. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Random } from 'onnx-autodiff'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FeatureSpace, normalisedSpace } from '../../src/features/feature-space.js'
import { loadReduced, loadSpace, saveSpace, spaceStored } from '../../src/features/space-files.js'
import { type LinearAlgebra, plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import {
  concatenateRows,
  featureMatrix,
  type FeatureMatrix,
  selectRows,
  unitRows,
} from '../../src/numerics/matrix.js'

/** Counts searches. */
function counted(): { linearAlgebra: LinearAlgebra; searches: number[] } {
  const plain = plainLinearAlgebra()
  const searches: number[] = []
  return {
    searches,
    linearAlgebra: {
      ...plain,
      nearest: (queries, references, k, options) => {
        searches.push(queries.rows)
        return plain.nearest(queries, references, k, options)
      },
    },
  }
}

function noise(rows: number, columns: number, name: string): FeatureMatrix {
  return featureMatrix(rows, columns, new Random(1, name).fillNormal(new Float32Array(rows * columns)))
}

const raw = { train: noise(60, 12, 'train'), test: noise(20, 12, 'test') }

let folder: string
beforeAll(async () => (folder = await mkdtemp(path.join(tmpdir(), 'handful-space-'))))
afterAll(() => rm(folder, { recursive: true }))

describe('a space', () => {
  test('searches each kind of neighbours once, when they are first asked for', async () => {
    const { linearAlgebra, searches } = counted()
    const space = await normalisedSpace(raw, { components: 6 }, { linearAlgebra })
    expect(searches).toEqual([])
    const test = space.test as NonNullable<typeof space.test>
    await Promise.all([space.graph(), space.smoothed(), space.graph(), space.smoothed()])
    expect(searches).toEqual([60])
    const [ten, five] = [await space.neighboursOf(test, 10), await space.neighboursOf(test, 5)]
    expect(searches).toEqual([60, 20])
    const plain = plainLinearAlgebra()
    expect(ten).toEqual(await plain.nearest(unitRows(test), space.references(), 10))
    expect(five).toEqual(await plain.nearest(unitRows(test), space.references(), 5))
    // Others, and more of them than are kept, are searched as ever.
    await space.neighboursOf(selectRows(test, [3]), 5)
    expect((await space.neighboursOf(test, 30)).k).toBe(30)
    expect(searches).toEqual([60, 20, 1, 20])
  })

  test('is normalised by the rows named, and normalises others likewise', async () => {
    const linearAlgebra = plainLinearAlgebra()
    const fittedTo = selectRows(raw.train, [...Array(30).keys()])
    const space = await normalisedSpace({ ...raw, fittedTo }, { components: 6 }, { linearAlgebra })
    const alone = await normalisedSpace({ train: fittedTo }, { components: 6 }, { linearAlgebra })
    expect(await space.normalisation()).toEqual(await alone.normalisation())
    expect(await space.normalise(raw.test)).toEqual(space.test)
  })

  test('of rows alone has no normalisation', () => {
    const space = new FeatureSpace({ train: unitRows(raw.train) }, { linearAlgebra: plainLinearAlgebra() })
    expect(() => space.normalisation()).toThrow('got rows alone, expected their normalisation')
    expect(() => space.testNeighbours()).toThrow('got no test rows')
  })
})

describe('a space in files', () => {
  test('is the same when it is read again, and nothing is searched anew', async () => {
    const context = { linearAlgebra: plainLinearAlgebra() }
    const space = await normalisedSpace(raw, { components: 6, rescaled: true }, context)
    const stored = await saveSpace(space, raw, { folder, name: 'features/some', smooth: true })
    expect(stored).toEqual({
      file: 'features/some.safetensors',
      graph: 'features/some.graph.safetensors',
      trainRows: 60,
      testRows: 20,
      columns: 6,
    })
    expect(await spaceStored(folder, stored)).toBe(true)
    const { linearAlgebra, searches } = counted()
    const again = await loadSpace(folder, stored, { linearAlgebra })
    expect([again.train, again.test]).toEqual([space.train, space.test])
    expect(await again.graph()).toEqual(await space.graph())
    expect(await again.testNeighbours()).toEqual(await space.testNeighbours())
    expect(await again.smoothed()).toEqual(await space.smoothed())
    expect(again.references()).toEqual(space.references())
    expect(searches).toEqual([])
    expect(await loadReduced(folder, stored)).toEqual(concatenateRows(raw.train, raw.test))
  })

  test('holds smoothed features only where they are asked for; what is missing is told', async () => {
    const space = await normalisedSpace(raw, { components: 6 }, { linearAlgebra: plainLinearAlgebra() })
    const stored = await saveSpace(space, raw, { folder, name: 'plain' })
    expect((await readFile(path.join(folder, stored.graph))).includes('smoothed')).toBe(false)
    await rm(path.join(folder, stored.graph))
    expect(await spaceStored(folder, stored)).toBe(false)
    await expect(loadReduced(folder, { ...stored, trainRows: 61 })).rejects.toThrow(
      'features (plain.safetensors): got no reduced of 81 rows',
    )
  })
})
