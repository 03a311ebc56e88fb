/** Arrays in files: there and back, and what is missing, cut or something else. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encodeSafetensors, SafetensorsError } from 'onnx-autodiff'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readArrays, writeArrays } from '../../src/files/array-file.js'
import { fileSha256 } from '../../src/files/file-hash.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-arrays-'))
})
afterAll(() => rm(folder, { recursive: true }))

const arrays = {
  rows: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, -4, 5, 0.5) },
  order: { dtype: 'int64', shape: [2], data: BigInt64Array.of(7n, -1n) },
  none: { dtype: 'uint8', shape: [0], data: new Uint8Array(0) },
} as const

describe('array files', () => {
  it('come back as they were, by the bytes of the format', async () => {
    const [own, encoded] = [path.join(folder, 'own'), path.join(folder, 'encoded')]
    await writeArrays(own, arrays, { of: 'a test' })
    await writeFile(encoded, encodeSafetensors(arrays, { of: 'a test' }))
    expect(await readArrays(own)).toEqual({ arrays, metadata: { of: 'a test' } })
    expect(await fileSha256(own)).toBe(await fileSha256(encoded))
  })

  it('that are cut anywhere are told', async () => {
    const file = path.join(folder, 'cut')
    const { length } = encodeSafetensors(arrays)
    for (const size of [0, 7, 20, length - 1]) {
      await writeArrays(file, arrays)
      await truncate(file, size)
      await expect(readArrays(file)).rejects.toThrow(SafetensorsError)
    }
  })

  it('that are not there have the code of the system', async () => {
    await expect(readArrays(path.join(folder, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(readArrays(folder)).rejects.toMatchObject({ code: 'EISDIR' })
  })
})

describe('fileSha256', () => {
  it('is that of the standard', async () => {
    const file = path.join(folder, 'abc')
    await writeFile(file, 'abc')
    // FIPS 180-4, example of SHA-256.
    expect(await fileSha256(file)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})
