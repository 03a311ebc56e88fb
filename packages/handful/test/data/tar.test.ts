import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { pack, type Header } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { openCollection } from '../../src/data/open-collection.js'
import { openDataset } from '../../src/data/open.js'
import { openImages } from '../../src/data/open-images.js'
import { tarTree } from '../../src/data/tar.js'
import { failure, folderOf, noise, png, temporaryFolder } from './support.js'

type Entry = readonly [header: Partial<Header> & { name: string }, content?: string | Uint8Array]

/** An archive of these entries, in this order. */
async function tarOf(entries: readonly Entry[], name = 'photos.tar'): Promise<string> {
  const archive = pack()
  for (const [header, content] of entries) {
    archive.entry(header, content ?? '')
  }
  archive.finalize()
  const path = join(temporaryFolder(), name)
  await pipeline(archive, createWriteStream(path))
  if (/gz$/.test(name)) writeFileSync(path, gzipSync(readFileSync(path)))
  return path
}

const filesOf = (files: Readonly<Record<string, string | Uint8Array>>): Entry[] =>
  Object.entries(files).map(([name, content]) => [{ name }, content])

const open = (folder: string) => openDataset({ folder, size: 8, seed: 3 }, { environment: {} })

async function photos(): Promise<Record<string, Uint8Array | string>> {
  return {
    'dog/9.png': await png('#204060'),
    'cat/1.png': await png('#ff0000'),
    'unlabeled/deep/er/3.png': await png('#808000'),
    'cat/2.png': await png('#f00000'),
    'dog/broken.png': 'no image',
    'test/cat/5.png': await png('#ee0000'),
    'test/dog/6.png': await noise(8).png().toBuffer(),
  }
}

/** cat/1.png, cat/2.png and dog/3.png of 8x8, packed by bzip2 1.0.8, XZ Utils and zstd. */
const PACKED: Readonly<Record<string, string>> = {
  'tar.bz2':
    'QlpoOTFBWSZTWfWIlJwAAQL///zS1hLEIf+APulVgWyD3kBQJAAEBAEUEIIukAQwQAhMMAD4Vjv/VSAAAaAaAAAABkAA0HqAHGRpkxNBkyYTTIGQ0BoDTJoYATQGG1JEEaGQaDIND2qAyZDagPU0aAA8k9JpHe9IC+WD+GO9OSBrpnFUmKZmjJCCKLd7R5oogUNcqlNBrJmZCSj4uGsURKZiiQDFo1yzyGGgQLEvX4aE2rBST4lQOvAXb1jxT7hpoSyhkBIOAcV7i5rZmDnuTuceQkVCqnNUKhN0E/yTSEhgHDDHTbToTEjQajoPC0Z2ohI1nDwnPOLDyhAyYrm7mdT27XMJKMpSUlJ52gMZinP1bJZV/HHkhSyOw5C0nvpFZgBGhOLuSKcKEh6xEpOA',
  'tar.xz':
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/ANpdADGYSushqavJJZ+bbMxau9xev2yhEK0VMZ6IP0Mgiqqh9wqfZFkhaoA4L+G4n4dkkeK8McIoz3gR0HHxWmbQlpGn9SVTwe2VtfexCmFzcF3B9ekZA2OsxXGt2DlszjJFJIpKhaqwXhiwTbSOpjj/XJ6UxRjLMAjFzxPNOIJ/WVhIiFzTtv3Ch+JNCU4/u31aoxogi3PcC0I5SZCOhJDFaluyoJHyYYCD9yr5hZTxzOVPY0+EDMi70EgWUeEdOpRDU3UA5/aiLsHrtpRi5MiTQsTLy+oDz0+2lnNzAAAAZFzGLud7dWQAAfYBgFAAAOKfG7yxxGf7AgAAAAAEWVo=',
  'tar.zst':
    'KLUv/QRofQYAtAljYXQvMS5wbmcAMDY0NAAwMDExMwA3MzU1ACAwAHVzdGFyADAwAIlQTkcNChoKAAAADUlIRFIAAAAIAAAACAgCAAAAS20p3AAAABJJREFUeJxj/M+AHTDhEB+kEgDNQQEP6EHibwAAAABJRU5ErkJgggAyNsXJXgEK0gS/YWRvZy8zNTYzFGRg+M+ADTBhFR20EgDLQwEPViSMuhQgkJnWHfsLPehbQMXuPazizHz6fKmoCWT1IiEegGVMrHrmpCT4KRYWsw/ZgwLsJtcFa8p4YQ==',
}

describe('a tar archive of images', () => {
  it.each([
    ['photos.tar', ''],
    ['photos.tar.gz', ''],
    ['photos.tgz', './'],
    ['photos.tar', 'my photos/'],
  ])('%s with paths below "%s" is the data set of the unpacked folder, bit for bit', async (name, root) => {
    const files = await photos()
    const folder = await open(folderOf(files))
    const rooted = Object.fromEntries(Object.entries(files).map(([path, content]) => [root + path, content]))
    const archive = await open(await tarOf(filesOf(rooted), name))
    expect(archive.name).toBe('photos')
    expect(archive.train).toEqual({ ...folder.train, name: 'photos' })
    expect(archive.test?.images.pixels).toEqual(folder.test?.images.pixels)
    expect(archive.skipped).toEqual(folder.skipped)
    const first = folder.test?.score([0, 1])
    expect(archive.test?.score([0, 1])).toEqual(first)
  })

  it('takes labels files in it, and the paths of long names', async () => {
    const long = `${'folder/'.repeat(30)}image.png`
    const red = await png('#ff0000')
    const labels = `file_name,label\na.png,red\n${long},blue\n`
    const archive = await tarOf(
      filesOf({ 'a.png': red, [long]: await png('#0000ff'), 'b.png': red, 'labels.csv': labels }),
    )
    const { train } = await open(archive)
    expect(train.paths).toEqual(['a.png', 'b.png', long])
    expect([...train.labels].map((label) => train.classNames[label])).toEqual(['red', undefined, 'blue'])
    const unknown = await tarOf(filesOf({ 'a.png': red, 'labels.csv': 'file_name,label\nc.png,red\n' }))
    expect((await failure(() => open(unknown))).message).toMatch(
      /labels\.csv row 2\): got "c\.png".*photos\.tar/,
    )
  })

  it.each(Object.keys(PACKED))('may be packed as %s', async (ending) => {
    const content = Buffer.from(PACKED[ending], 'base64')
    const path = join(folderOf({ [`photos.${ending}`]: content }), `photos.${ending}`)
    const { name, train } = await open(path)
    expect(name).toBe('photos')
    expect(train.paths).toEqual(['cat/1.png', 'cat/2.png', 'dog/3.png'])
    expect([...train.labels].map((label) => train.classNames[label])).toEqual(['cat', 'cat', 'dog'])
    expect([0, 192, 384].map((at) => [...train.pixels.subarray(at, at + 3)])).toEqual([
      [255, 0, 0],
      [250, 0, 0],
      [0, 0, 255],
    ])
    const cut = join(folderOf({ 'cut.bin': content.subarray(0, content.length - 12) }), 'cut.bin')
    expect((await failure(() => open(cut))).message).toMatch(
      /^archive \(.*cut\.bin\): got a file that is cut short, expected a whole \.tar/,
    )
  })

  it('holds a file once that has several names, as hard links', async () => {
    const archive = await tarOf([
      [{ name: 'set/cat/1.png' }, await png('#ff0000')],
      [{ name: 'set/train.csv', type: 'link', linkname: 'set/labels.csv' }],
      [{ name: 'set/dog/2.png', type: 'link', linkname: './set/cat/1.png' }],
      [{ name: 'set/dog/3.png', type: 'link', linkname: 'set/dog/2.png' }],
      [{ name: 'set/dog/4.png' }, await png('#0000ff')],
    ])
    const { train, skipped } = await open(archive)
    expect(train.paths).toEqual(['cat/1.png', 'dog/2.png', 'dog/3.png', 'dog/4.png'])
    expect([...train.labels]).toEqual([0, 1, 1, 1])
    expect(train.paths.map((_, i) => [...train.pixels.subarray(192 * i, 192 * i + 3)])).toEqual([
      [255, 0, 0],
      [255, 0, 0],
      [255, 0, 0],
      [0, 0, 255],
    ])
    expect(skipped).toEqual([
      { path: 'set/train.csv', reason: 'a hard link to no file that is read from the archive' },
    ])
  })

  it('skips links, devices and paths that lead out of it, and says so', async () => {
    const red = await png('#ff0000')
    const archive = await tarOf([
      [{ name: 'cat/1.png' }, red],
      [{ name: '../../etc/passwd' }, red],
      [{ name: '/etc/shadow' }, red],
      [{ name: 'C:\\windows\\1.png' }, red],
      [{ name: 'cat/link.png', type: 'symlink', linkname: '/etc/passwd' }],
      [{ name: 'cat/hard.png', type: 'link', linkname: 'cat/0.png' }],
      [{ name: 'cat/device.png', type: 'character-device' }],
      [{ name: 'dog/2.png' }, await png('#00ff00')],
      [{ name: 'dog/2.png' }, await png('#0000ff')],
      [{ name: '._dog/2.png' }, 'left by an operating system'],
      [{ name: 'dog/.DS_Store' }, 'left by an operating system'],
    ])
    const { train, skipped } = await open(archive)
    expect(train.paths).toEqual(['cat/1.png', 'dog/2.png'])
    expect([...train.pixels.subarray(192, 195)]).toEqual([0, 0, 255])
    expect(skipped.map(({ path, reason }) => `${path}: ${reason}`)).toEqual([
      '../../etc/passwd: a path that leads out of the archive',
      '/etc/shadow: a path that leads out of the archive',
      'C:\\windows\\1.png: a path that leads out of the archive',
      'cat/link.png: a symbolic link, which is not followed in an archive',
      'cat/device.png: not a regular file',
      'dog/2.png: stored twice, the later one counts',
      'cat/hard.png: a hard link to no file that is read from the archive',
    ])
  })

  it('without the mark at its end is read, and it is said that entries may be missing', async () => {
    const archive = await tarOf(filesOf(await photos()))
    const whole = readFileSync(archive)
    expect((await open(archive)).notes.join()).not.toContain('no mark at its end')
    let end = whole.length
    while (whole[end - 1] === 0) end--
    writeFileSync(archive, whole.subarray(0, Math.ceil(end / 512) * 512))
    const { notes, train } = await open(archive)
    expect(notes).toContain('the archive has no mark at its end: it may have been cut short')
    expect(train.count).toBeGreaterThan(0)
  })

  it('is one line where it is cut short, damaged, empty, too large, or no archive', async () => {
    const files = filesOf(await photos())
    const whole = readFileSync(await tarOf(files))
    const write = (name: string, content: Uint8Array | string): string => {
      const path = join(temporaryFolder(), name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
      return path
    }
    const failures: [string | Uint8Array, string, RegExp][] = [
      [
        whole.subarray(0, 700),
        'a.tar',
        /^archive \(.*a\.tar\): got a file that is cut short, expected a whole \.tar/,
      ],
      [gzipSync(whole).subarray(0, 300), 'a.tgz', /got a file that is cut short/],
      [
        gzipSync('no archive'),
        'a.csv.gz',
        /got a gzipped file of another kind, expected a gzipped tar archive/,
      ],
      [Buffer.concat([whole.subarray(0, 512), Buffer.alloc(2048, 7)]), 'b.tar', /got a damaged file/],
      [
        readFileSync(await tarOf([[{ name: 'cat/', type: 'directory' }]])),
        'c.tar',
        /got no file in it, expected images/,
      ],
      ['7z\xbc\xaf', 'd.7z', /got a file of another kind, expected a folder.*; unpack it first/],
      ['', 'e.tar', /got a file of another kind/],
    ]
    for (const [content, name, message] of failures) {
      expect((await failure(() => open(write(name, content)))).message).toMatch(message)
    }
    const path = await tarOf(files)
    const limits = { entries: 3, bytes: 1e9 }
    expect((await failure(() => tarTree(path, { limits }))).message).toMatch(/more than 3 entries/)
    const bomb = await tarOf([[{ name: 'zeros' }, Buffer.alloc(5e6)]], 'bomb.tar.gz')
    const small = { entries: 10, bytes: 1e6 }
    expect((await failure(() => tarTree(bomb, { packing: 'gzip', limits: small }))).message).toMatch(
      /more than 1,000,000 bytes, expected fewer; split it/,
    )
    const onlyHostile = await tarOf([[{ name: '../a.png' }, await png('#000')]])
    expect((await failure(() => open(onlyHostile))).message).toMatch(
      /got no file in it, \.\.\/a\.png is a path/,
    )
  })

  it('hands out only what is asked for, and stops when told to', async () => {
    const archive = await tarOf(filesOf(await photos()))
    const { files, contents } = await openCollection(archive)
    const seen: string[] = []
    for await (const { index, path } of contents([2, 0])) {
      expect(path).toBe(files[index].path)
      seen.push(path)
    }
    expect(seen.sort()).toEqual(['cat/1.png', 'dog/9.png'])
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(openCollection(archive, signal)).rejects.toThrow('stopped')
  })

  it('can be classified like a folder', async () => {
    const archive = await tarOf(
      filesOf({ 'x/1.png': await png('#010203'), 'x/labels.csv': 'passed over', 'y.png': 'bad' }),
    )
    const { images, skipped } = await openImages([archive, archive], { size: 8, fit: 'cover', channels: 3 })
    expect(images.paths).toEqual([`${archive}/x/1.png`])
    expect([...images.pixels.subarray(0, 3)]).toEqual([1, 2, 3])
    expect(skipped).toEqual([{ path: `${archive}/y.png`, reason: 'not an image' }])
  })
})
