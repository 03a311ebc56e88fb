/** Packed files: packed by bzip2 1.0.8, XZ Utils 5.8 and zstd 1.5 (by Python's bindings and the command), unpacked here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { isPacked, type Packing, PackingFault, unpackedStream } from '../../src/files/packing.js'

const folder = mkdtempSync(join(tmpdir(), 'handful-packing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let count = 0
async function unpack(packing: Packing, content: Uint8Array): Promise<Buffer> {
  const path = join(folder, `${++count}`)
  writeFileSync(path, content)
  const chunks: Uint8Array[] = []
  for await (const chunk of unpackedStream(path, packing)) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64')

/** `one ` and `two`, each packed by itself, one behind the other, as packers that work in parts leave them. */
const TWO: Readonly<Record<Packing, Buffer>> = {
  gzip: Buffer.concat([gzipSync('one '), gzipSync('two')]),
  bzip2: bytes(
    'QlpoOTFBWSZTWc+6oLQAAAGRAEAAAgGgACGaaDNNDLxdyRThQkM+6oLQQlpoOTFBWSZTWc3cjZoAAACBgAAAhIAgACGYGYRhdyRThQkM3cjZoA==',
  ),
  xz: bytes(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQADb25lIABajIOjMTXvfgABHARvLJzBH7bzfQEAAAAABFla/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQACdHdvAABd03kpdShSAwABGwMLL7kQH7bzfQEAAAAABFla',
  ),
  zstd: bytes('KLUv/QRYIQAAb25lICmSP9cotS/9BFgZAAB0d2+LRPTs'),
}
const PACKINGS = Object.keys(TWO) as Packing[]

/** `ab` 150,000 times and 1,000 times `x`, in blocks of 100 kB. */
const BLOCKS = bytes(
  'QlpoMTFBWSZTWfFLiycAYaMBADAAIAAwgCkZQlBaoSguYoKyTKayA328+ADDRgIAYABAAGEAUjVCUFlCUFzFBWSZTWfFLiycAYaMBADAAIAAwgCkZQlBaoSguYoKyTKayS2A59AAAHAMDYAAAgAEAABBAAGGaAKVGPFZ8rbNDhdyRThQkEuAKno=',
)

describe('a packed file', () => {
  it.each(PACKINGS)('of %s is known by its beginning and read to its last part', async (packing) => {
    expect(PACKINGS.filter((each) => isPacked(each, TWO[packing]))).toEqual([packing])
    expect((await unpack(packing, TWO[packing])).toString()).toBe('one two')
  })

  it('of bzip2 may have several blocks, and runs', async () => {
    const expected = Buffer.concat([Buffer.from('ab'.repeat(150_000)), Buffer.alloc(1000, 'x')])
    expect((await unpack('bzip2', BLOCKS)).equals(expected)).toBe(true)
    expect((await unpack('bzip2', Buffer.concat([BLOCKS, Buffer.alloc(600)]))).length).toBe(expected.length)
  })

  it.each(['bzip2', 'xz', 'zstd'] as const)('of %s that is cut or damaged is told', async (packing) => {
    const fault = (content: Uint8Array) => expect(unpack(packing, content)).rejects
    for (const cut of [TWO[packing].length - 3, 20])
      await fault(TWO[packing].subarray(0, cut)).toMatchObject({ kind: 'cut' })
    const damaged = Buffer.from(packing === 'bzip2' ? BLOCKS : TWO[packing])
    damaged.fill(0xaa, packing === 'zstd' ? 4 : 14, packing === 'zstd' ? 12 : 22)
    await fault(damaged).toBeInstanceOf(PackingFault)
    await fault(damaged).not.toMatchObject({ kind: 'cut' })
  })

  it('that would take too much memory, or has a checksum that is not read, is told', async () => {
    const sha256 = bytes(
      '/Td6WFoAAArh+wyhAgAhARYAAAB0L+WjAQACb25lAAB2ksOtNUC7gDwCCzruZs2IhxIyNOoMbnFDwK3XP/Qx7QABMwOhgeRNGJtLmgEAAAAAClla',
    )
    await expect(unpack('xz', sha256)).rejects.toMatchObject({ kind: 'unread' })
    const window = Buffer.concat([bytes('KLUv/QSgZAAAEAAA'), Buffer.alloc(20)])
    await expect(unpack('zstd', window)).rejects.toMatchObject({ kind: 'unread' })
  })

  it('may be left before its end, and several may be read at once', async () => {
    const path = join(folder, 'left')
    writeFileSync(path, TWO.xz)
    const [first, second] = [unpackedStream(path, 'xz'), unpackedStream(path, 'xz')].map((stream) =>
      stream[Symbol.asyncIterator](),
    )
    const part = async (from: AsyncIterator<unknown>): Promise<string> => {
      const { value } = (await from.next()) as IteratorResult<Uint8Array>
      return Buffer.from(value as Uint8Array).toString()
    }
    expect((await part(first)) + (await part(second))).toMatch(/^one .*one /)
    await first.return?.()
    await second.return?.()
  })
})
