import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer, type ColumnSource, type ParquetWriteOptions } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { folderBlocks } from '../../src/data/image-blocks.js'
import { openDataset } from '../../src/data/open.js'
import { openImages } from '../../src/data/open-images.js'
import { failure, folderOf, png, put, temporaryFolder } from './support.js'

const fixtures = join(import.meta.dirname, '../fixtures')

const open = (folder: string) => openDataset({ folder, size: 8, seed: 3 }, { environment: {} })

type Options = Omit<ParquetWriteOptions, 'writer' | 'columnData'>

const parquet = (columnData: ColumnSource[], options: Options = {}): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ columnData, ...options }))

const file = (columnData: ColumnSource[], options: Options = {}): string =>
  join(folderOf({ 'photos.parquet': parquet(columnData, options) }), 'photos.parquet')

const binary = (data: (Uint8Array | null)[], name = 'image'): ColumnSource => ({
  name,
  data,
  type: 'BYTE_ARRAY',
})

const colours = () => Promise.all(['#c80000', '#00c800', '#0000c8'].map((colour) => png(colour)))

describe('Parquet files of images', () => {
  it('of Hugging Face, written by pyarrow: splits, class names, null labels, the paths of the images', async () => {
    const { name, train, test, notes } = await open(join(fixtures, 'parquet'))
    expect(name).toBe('parquet')
    expect(train.paths).toEqual(['a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.png', 'g.png'])
    const labels = [...train.labels].map((label) => train.classNames[label] ?? null)
    expect(labels).toEqual(['red', 'green', 'blue', null, 'green', null, 'blue'])
    expect([0, 1, 2, 3, 4, 5, 6].map((i) => [...train.pixels.subarray(192 * i, 192 * i + 3)])).toEqual([
      [200, 0, 0],
      [0, 200, 0],
      [0, 0, 200],
      [200, 0, 0],
      [0, 200, 0],
      [0, 0, 200],
      [0, 0, 200],
    ])
    expect(test?.count).toBe(2)
    const predicted = [0, 1].map((i) =>
      train.classNames.indexOf(test?.images.pixels.subarray()[192 * i + 1] === 200 ? 'green' : 'blue'),
    )
    expect(test?.score(predicted).accuracy).toBe(1)
    expect(notes).toEqual(['2 of 2 test images are also among the training images, pixel for pixel'])
  })

  it('with other columns is read by those that are named', async () => {
    const [red, green, blue] = await colours()
    const path = file([
      binary([red, green, blue], 'thumb'),
      binary([green, red, blue], 'whole'),
      { name: 'kind', data: ['x', 'y', 'x'], type: 'STRING' },
    ])
    const columns = { fileColumn: 'whole', labelColumn: 'kind' }
    const { train } = await openDataset({ folder: path, size: 8, seed: 0, ...columns })
    expect([...train.labels].map((label) => train.classNames[label])).toEqual(['x', 'y', 'x'])
    expect([...train.pixels.subarray(0, 3)]).toEqual([0, 200, 0])
    const error = await failure(() =>
      openDataset({ folder: path, size: 8, seed: 0, fileColumn: 'whole', labelColumn: 'kinds' }),
    )
    expect(error.message).toContain('got "kinds", expected one of thumb, whole, kind; did you mean kind?')
  })

  it('one shard alone is read as training images', async () => {
    const { train, test } = await open(join(fixtures, 'parquet/train-00000-of-00002.parquet'))
    expect([train.count, test]).toEqual([4, undefined])
  })

  it('compressed by gzip and zstd; other codecs are named', async () => {
    const one = async (codec: string): Promise<number> =>
      (await open(join(fixtures, `parquet-codecs/${codec}.parquet`))).train.count
    expect(await one('gzip')).toBe(2)
    expect(await one('zstd')).toBe(2)
    expect((await failure(() => one('lz4'))).message).toMatch(
      /^Parquet compression \(.*lz4\.parquet column label\): got LZ4\w*, expected UNCOMPRESSED, SNAPPY.*compression 'snappy'$/,
    )
  })

  it('with plain bytes and text labels, numbered by split and row', async () => {
    const [red, green, blue] = await colours()
    const label: ColumnSource = { name: 'label', data: ['r', ' g ', null, '', 'r'], type: 'STRING' }
    const path = file([binary([red, green, blue, red, red]), label], { rowGroupSize: 2 })
    const { train } = await open(path)
    expect(train.name).toBe('photos')
    expect(train.paths).toEqual(['train/00000', 'train/00001', 'train/00002', 'train/00003', 'train/00004'])
    expect(train.classNames).toEqual(['g', 'r'])
    expect([...train.labels]).toEqual([1, 0, -1, -1, 1])
  })

  it('with numbers as labels: their names where the file has some, else the number; -1 and NaN are none', async () => {
    const images = binary(await colours())
    const numbers: ColumnSource = { name: 'label', data: [10, 9, NaN], type: 'DOUBLE' }
    expect((await open(file([images, numbers]))).train.classNames).toEqual(['9', '10'])
    const features = {
      img: { _type: 'Image' },
      fine_label: { _type: 'ClassLabel', names: ['a', 'b'] },
      coarse_label: { _type: 'ClassLabel', names: ['c'] },
    }
    const kvMetadata = [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }]
    const columns = (labels: number[]): ColumnSource[] => [
      { ...images, name: 'img' },
      { name: 'coarse_label', data: [0, 0, 0], type: 'INT32' },
      { name: 'fine_label', data: labels, type: 'INT32' },
    ]
    const { train } = await open(file(columns([1, 0, -1]), { kvMetadata }))
    expect([train.classNames, [...train.labels]]).toEqual([
      ['a', 'b'],
      [1, 0, -1],
    ])
    expect((await failure(() => open(file(columns([1, 0, 2]), { kvMetadata })))).message).toMatch(
      /^Parquet column "fine_label" \(.*row 2\): got 2, expected 0 to 1, the classes that the file names: "a" and "b"$/,
    )
    const half: ColumnSource = { name: 'label', data: [1, 0.5, 2], type: 'DOUBLE' }
    expect((await failure(() => open(file([images, half])))).message).toMatch(
      /row 1\): got 0.5, expected a whole number/,
    )
  })

  it('skips what is no image, row by row', async () => {
    const [red, green] = await colours()
    const label: ColumnSource = { name: 'label', data: ['r', 'g', 'g', 'r'], type: 'STRING' }
    const { train, skipped } = await open(file([binary([red, null, green, Buffer.from('no image')]), label]))
    expect(train.paths).toEqual(['train/00000', 'train/00002'])
    expect(skipped).toEqual([
      { path: 'train/00001', reason: 'no image bytes in the table' },
      { path: 'train/00003', reason: 'not an image' },
    ])
  })

  it('in a folder: validation for scoring, others left out with a note, images have precedence', async () => {
    const [red, green] = await colours()
    const part = (names: string[]): Uint8Array =>
      parquet([binary([red, green]), { name: 'label', data: names, type: 'STRING' }])
    const folder = folderOf({
      'data/train-00000-of-00001.parquet': part(['r', 'g']),
      'data/validation-00000-of-00001.parquet': part(['g', 'r']),
      'data/extra-00000-of-00001.parquet': part(['x', 'y']),
      'README.md': '# A data set',
    })
    const { train, test, notes } = await open(folder)
    expect([train.count, train.classNames, test?.count]).toEqual([2, ['g', 'r'], 2])
    expect(notes.slice(0, 2)).toEqual([
      'the validation split is held out for scoring',
      'data/extra-00000-of-00001.parquet is left out: its name says no split, and others say train',
    ])
    put(folder, 'cat/1.png', red)
    put(folder, 'dog/1.png', green)
    const images = await openDataset({ folder, size: 8, seed: 3, labels: 'optional' }, { environment: {} })
    expect(images.train.paths).toEqual(['cat/1.png', 'dog/1.png'])
  })

  it('says what is wrong in one line: shards that are missing, other classes, columns, metadata', async () => {
    const images = binary(await colours())
    const folder = temporaryFolder()
    cpSync(join(fixtures, 'parquet'), folder, { recursive: true })
    rmSync(join(folder, 'train-00001-of-00002.parquet'))
    expect((await failure(() => open(folder))).message).toMatch(
      /^Parquet files \(.*\): got 1 of 2 files train-of-00002, expected all of them; fetch the rest/,
    )
    writeFileSync(
      join(folder, 'train-00001-of-00002.parquet'),
      parquet([images, { name: 'label', data: [0, 1, 2], type: 'INT32' }]),
    )
    expect((await failure(() => open(folder))).message).toMatch(
      /^class names \(.*\): got others, expected those of/,
    )
    const label: ColumnSource = { name: 'label', data: [0, 1, 2], type: 'INT32' }
    const failures: [ColumnSource[], Options, RegExp][] = [
      [[label], {}, /^Parquet columns \(.*\): got label, expected a column "image"/],
      [
        [{ name: 'image', data: ['a', 'b', 'c'], type: 'STRING' }, label],
        {},
        /got image, label, expected a column "image" of encoded/,
      ],
      [
        [
          { ...images, name: 'a' },
          { ...images, name: 'b' },
        ],
        {},
        /got several columns of bytes, "a" and "b".*rename the one/,
      ],
      [
        [images, label],
        { kvMetadata: [{ key: 'huggingface', value: '{' }] },
        /"huggingface" \(.*\): got no JSON/,
      ],
      [[images, label], { kvMetadata: [{ key: 'huggingface', value: '{}' }] }, /got no features/],
      [[images], {}, /no label, expected labels for a few images/],
      [[binary([])], {}, /^Parquet rows \(.*\): got none/],
    ]
    for (const [columns, options, message] of failures) {
      expect((await failure(() => open(file(columns, options)))).message).toMatch(message)
    }
  })

  it('is one line or a skipped image however its bytes are changed', async () => {
    const whole = readFileSync(join(fixtures, 'parquet/train-00000-of-00002.parquet'))
    const path = join(temporaryFolder(), 'a.parquet')
    const lengths = [4, 12, 100, 600, whole.length - 9, whole.length - 1]
    for (const length of lengths) {
      writeFileSync(path, whole.subarray(0, length))
      expect((await failure(() => open(path))).message).toMatch(
        /^Parquet file \(.*a\.parquet\): got a damaged or truncated file/,
      )
    }
    for (let i = 0; i < 40; i++) {
      const changed = Buffer.from(whole)
      const at = 4 + ((i * 7919) % (whole.length - 12))
      changed[at] ^= 1 << (i % 8)
      writeFileSync(path, changed)
      await open(path).catch((error: unknown) => failure(() => Promise.reject(error as Error)))
    }
  })

  it('can be read block by block and classified', async () => {
    const source = await folderBlocks({
      folder: join(fixtures, 'parquet'),
      size: 8,
      fit: 'cover',
      channels: 3,
    })
    const blocks: [string, number, readonly string[], readonly string[]][] = []
    for await (const { split, firstPlace, paths, labels } of source.blocks(3)) {
      blocks.push([split, firstPlace, paths, labels])
    }
    expect(blocks).toEqual([
      ['train', 0, ['a.png', 'b.png', 'c.png'], ['red', 'green', 'blue']],
      ['train', 3, ['d.png', 'e.png', 'f.png'], ['', 'green', '']],
      ['train', 6, ['g.png'], ['blue']],
      ['test', 0, ['h.png', 'i.png'], ['', '']],
    ])
    const path = join(fixtures, 'parquet/test-00000-of-00001.parquet')
    const { images } = await openImages([path], { size: 8, fit: 'cover', channels: 3 })
    expect(images.paths).toEqual([`${path}/h.png`, `${path}/i.png`])
  })
})
