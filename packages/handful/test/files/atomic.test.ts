import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeFileAtomic } from '../../src/files/atomic.js'
import { failure, temporaryFolder } from '../data/support.js'

describe('writeFileAtomic', () => {
  it('writes text, bytes and pieces, making the folders above', async () => {
    const folder = temporaryFolder()
    await writeFileAtomic(join(folder, 'a/b/text.txt'), 'text')
    await writeFileAtomic(join(folder, 'a/b/bytes'), Uint8Array.of(1, 2, 3))
    await writeFileAtomic(join(folder, 'a/b/pieces'), ['one ', 'two ', Uint8Array.of(51)])
    expect(readFileSync(join(folder, 'a/b/text.txt'), 'utf8')).toBe('text')
    expect([...readFileSync(join(folder, 'a/b/bytes'))]).toEqual([1, 2, 3])
    expect(readFileSync(join(folder, 'a/b/pieces'), 'utf8')).toBe('one two 3')
  })

  it('keeps the old file and leaves nothing behind when the content fails half-way', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'table.csv')
    writeFileSync(path, 'old')
    function* failing(): Generator<string> {
      yield 'new'
      throw Object.assign(new Error('write'), { code: 'ENOSPC' })
    }
    const error = await failure(() => writeFileAtomic(path, failing()))
    expect(error.message).toMatch(/^writing \(.*table\.csv\): got a full disk; free some space/)
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['table.csv'])
  })

  it.runIf(existsSync('/dev/full'))('says what a real full disk is', async () => {
    function* intoFullDevice(): Generator<string> {
      writeFileSync('/dev/full', 'x')
      yield ''
    }
    const error = await failure(() => writeFileAtomic(join(temporaryFolder(), 'a'), intoFullDevice()))
    expect(error.got).toBe('a full disk')
  })

  it('says when a file stands in place of a folder or a folder in place of the file', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    mkdirSync(join(folder, 'taken/inner'), { recursive: true })
    expect((await failure(() => writeFileAtomic(join(folder, 'file/a.csv'), ''))).got).toMatch(
      /already there|a file/,
    )
    expect((await failure(() => writeFileAtomic(join(folder, 'taken'), ''))).got).toMatch(
      /folder where|already there/,
    )
    expect(readdirSync(folder).sort()).toEqual(['file', 'taken'])
  })

  it.runIf(existsSync('/proc/self'))('says where no folder can be made, and comes back', async () => {
    const error = await failure(() => writeFileAtomic('/proc/handful/inner/a.csv', ''))
    expect(error.got).toBe('nothing there')
  })

  it('makes one folder for many files that are written at once', async () => {
    const folder = join(temporaryFolder(), 'new/inner')
    await Promise.all([1, 2, 3, 4].map((i) => writeFileAtomic(join(folder, `${i}`), 'x')))
    expect(readdirSync(folder).sort()).toEqual(['1', '2', '3', '4'])
  })
})
