/** Files of features as other programs read them, and what happens to them when rows or disks run out. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeSafetensors } from 'onnx-autodiff'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { featureMatrix, fromRows } from '../../src/numerics/matrix.js'
import { npyHeader } from '../../src/files/npy.js'
import { FeatureFile, type FeatureDisk, type FeatureFileSpec } from '../../src/features/store.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-store-'))
})

afterEach(() => rm(folder, { recursive: true }))

const index = (first: number, count: number): { split: string; fileName: string; label: string }[] =>
  Array.from({ length: count }, (_, i) => ({ split: 'train', fileName: `a, ${first + i}.png`, label: 'cat' }))

const twoLayers = (name: string, limit: number): FeatureFileSpec => ({
  path: path.join(folder, name),
  limit,
  tensors: [
    { name: 'a', columns: 2, outputs: ['a'] },
    { name: 'b', columns: 3, outputs: ['b'] },
  ],
  metadata: { model: 'vae' },
})

test("npy's header is that of the format, version 1.0", () => {
  const header = npyHeader(70_000, 256)
  // What numpy.lib.format writes for np.empty((70000, 256), '<f4').
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (70000, 256), }"
  expect(header).toHaveLength(128)
  expect([...header.subarray(0, 10)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0])
  expect(new TextDecoder().decode(header.subarray(10))).toBe(`${text.padEnd(117)}\n`)
  expect(npyHeader(5, 256, 128)).toHaveLength(128)
})

describe('safetensors', () => {
  test('holds a matrix per layer, and the rows are named', async () => {
    const file = await FeatureFile.create(twoLayers('f.safetensors', 3))
    await file.append({ a: fromRows([[1, 2]]), b: fromRows([[3, 4, 5]]) }, index(0, 1))
    const a = fromRows([[6, 7], [8, 9]]) // prettier-ignore
    const b = fromRows([[1, 2, 3], [4, 5, 6]]) // prettier-ignore
    await file.append({ a, b }, index(1, 2))
    await file.finish()
    const { arrays, metadata } = decodeSafetensors(await readFile(path.join(folder, 'f.safetensors')))
    expect(metadata).toEqual({ model: 'vae' })
    expect(arrays.a).toMatchObject({ shape: [3, 2], data: Float32Array.of(1, 2, 6, 7, 8, 9) })
    expect(arrays.b).toMatchObject({ shape: [3, 3], data: Float32Array.of(3, 4, 5, 1, 2, 3, 4, 5, 6) })
    const csv = await readFile(path.join(folder, 'f.safetensors.csv'), 'utf8')
    expect(csv.split('\r\n').slice(0, 2)).toEqual(['row,split,file_name,label', '0,train,"a, 0.png",cat'])
    expect((await readdir(folder)).sort()).toEqual(['f.safetensors', 'f.safetensors.csv'])
  })

  test('is whole when fewer rows come than might have', async () => {
    const file = await FeatureFile.create(twoLayers('f.safetensors', 100_000))
    await file.append({ a: fromRows([[1, 2]]), b: fromRows([[3, 4, 5]]) }, index(0, 1))
    await file.finish()
    const bytes = await readFile(path.join(folder, 'f.safetensors'))
    expect(decodeSafetensors(bytes).arrays.b).toMatchObject({ shape: [1, 3], data: Float32Array.of(3, 4, 5) })
    expect(bytes.length).toBeLessThan(500)
  })
})

test('npy holds the layers side by side', async () => {
  const tensors = [{ name: 'features', columns: 5, outputs: ['a', 'b'] }]
  const file = await FeatureFile.create({ ...twoLayers('f.npy', 4), tensors })
  const a = fromRows([[1, 2], [3, 4]]) // prettier-ignore
  const b = fromRows([[5, 6, 7], [8, 9, 10]]) // prettier-ignore
  await file.append({ a, b }, index(0, 2))
  await file.finish()
  const bytes = await readFile(path.join(folder, 'f.npy'))
  expect(bytes.toString('latin1', 10, 128)).toContain("'shape': (2, 5)")
  expect(new Float32Array(new Uint8Array(bytes.subarray(128)).buffer)).toEqual(
    Float32Array.of(1, 2, 5, 6, 7, 3, 4, 8, 9, 10),
  )
})

describe('when it cannot be written', () => {
  test.each([
    [
      'a folder that is a file',
      'blocked/f.npy',
      /writing features .*a file where a folder should be|already there/,
    ],
    [
      'a folder in its place',
      'taken.npy',
      /writing features .*a folder where a file should be|EISDIR|already there/,
    ],
  ])('%s is one line', async (_, name, message) => {
    await writeFile(path.join(folder, 'blocked'), '')
    await mkdir(path.join(folder, 'taken.npy', 'inner'), { recursive: true })
    const attempt = async (): Promise<void> => {
      const file = await FeatureFile.create({
        ...twoLayers(name, 1),
        tensors: [{ name: 'a', columns: 1, outputs: ['a'] }],
      })
      await file.append({ a: featureMatrix(1, 1) }, index(0, 1))
      await file.finish().catch(async (error: unknown) => {
        await file.discard()
        throw error
      })
    }
    await expect(attempt()).rejects.toThrow(message)
    expect((await readdir(folder)).sort()).toEqual(['blocked', 'taken.npy'])
  })

  test('more than the disk holds is refused before anything is computed', async () => {
    const huge = { ...twoLayers('f.safetensors', 2 ** 45) }
    await expect(FeatureFile.create(huge)).rejects.toThrow(
      /free disk space .*got .* GiB, expected more than .*--pooling/,
    )
    expect(await readdir(folder)).toEqual([])
  })

  test('a full disk leaves the earlier file as it was', async () => {
    const target = path.join(folder, 'f.safetensors')
    await writeFile(target, 'earlier')
    const full: FeatureDisk = {
      write: (bytes) =>
        bytes.length > 100
          ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
          : Promise.resolve(),
      read: () => Promise.resolve(),
      truncate: () => Promise.resolve(),
      finish: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }
    const file = await FeatureFile.create(twoLayers('f.safetensors', 100), () => Promise.resolve(full))
    const block = { a: featureMatrix(50, 2), b: featureMatrix(50, 3) }
    await expect(file.append(block, index(0, 50))).rejects.toThrow(
      /writing features .*f\.safetensors.*full disk/,
    )
    await file.discard()
    expect(await readFile(target, 'utf8')).toBe('earlier')
  })
})
