import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Images } from '../../../src/data/image-set.js'
import { atlasCommand, type AtlasContent, writeAtlas } from '../../../src/study/sections/atlas/atlas.js'
import { featureMatrix } from '../../../src/numerics/matrix.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'handful-atlas-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function imagesOf(count: number): Images {
  return {
    name: 'dots',
    count,
    height: 4,
    width: 4,
    channels: 1,
    pixels: Uint8Array.from({ length: 16 * count }, (_, i) => i % 251),
    paths: Array.from({ length: count }, (_, i) => `dots/${i}.jpg`),
  }
}

function content(count: number): AtlasContent {
  return {
    images: imagesOf(count),
    splits: Array.from({ length: count }, () => 'train'),
    features: featureMatrix(
      count,
      3,
      Float32Array.from({ length: 3 * count }, (_, i) => i / 8),
    ),
    coordinates: featureMatrix(
      count,
      2,
      Float32Array.from({ length: 2 * count }, (_, i) => -i / 4),
    ),
    neighbours: {
      rows: count,
      k: 2,
      indices: Int32Array.from({ length: 2 * count }, (_, i) => i % count),
      similarities: new Float32Array(2 * count).fill(0.75),
    },
    labels: Array.from({ length: count }, (_, i) => (i === 1 ? -1 : i % 2)),
    predictions: {
      predicted: Array.from({ length: count }, (_, i) => i % 2),
      probability: new Float32Array(count).fill(0.5),
    },
    classNames: ['cat', 'dog "two"'],
  }
}

interface Row {
  readonly [column: string]: unknown
  readonly image: { readonly bytes: Uint8Array; readonly path: string }
}

async function rowsOf(file: string): Promise<Row[]> {
  return (await parquetReadObjects({
    file: await asyncBufferFromFile(file),
    utf8: false,
  })) as unknown as Row[]
}

describe('writeAtlas', () => {
  it('gives back every column as it went in', async () => {
    const file = path.join(folder, 'map.parquet')
    await writeAtlas(file, content(3))
    const rows = await rowsOf(file)
    expect(rows).toHaveLength(3)
    const { image, ...rest } = rows[2]
    expect(rest).toEqual({
      file_name: 'dots/2.jpg',
      split: 'train',
      x: -1,
      y: -1.25,
      label: 'cat',
      predicted: 'cat',
      probability: 0.5,
      features: [0.75, 0.875, 1],
      neighbors: { ids: [1, 2], distances: [0.25, 0.25] },
    })
    expect(rows[1]).toMatchObject({ label: null, predicted: 'dog "two"' })
    expect(image.path).toBe('dots/2.png')
    const { data, info } = await sharp(image.bytes).raw().toBuffer({ resolveWithObject: true })
    expect([info.width, info.height]).toEqual([4, 4])
    expect(data[0]).toBe(32)
  })

  it('has the image in the Hugging Face form and features as a list of float32', async () => {
    const file = path.join(folder, 'map.parquet')
    await writeAtlas(file, content(2))
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(file))
    const named = (name: string) => schema.findIndex((element) => element.name === name)
    expect(schema[named('image')].num_children).toBe(2)
    expect(
      schema.slice(named('image') + 1, named('image') + 3).map(({ name, type }) => [name, type]),
    ).toEqual([
      ['bytes', 'BYTE_ARRAY'],
      ['path', 'BYTE_ARRAY'],
    ])
    expect(schema[named('features')].converted_type).toBe('LIST')
    expect(schema[named('features') + 2].type).toBe('FLOAT')
  })

  it('writes row groups of a thousand, and leaves out what there is not', async () => {
    const file = path.join(folder, 'map.parquet')
    const { images, features, coordinates, classNames } = content(2300)
    await writeAtlas(file, { images, features, coordinates, classNames, thumbnails: false })
    const { row_groups, schema } = await parquetMetadataAsync(await asyncBufferFromFile(file))
    expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([1000, 1000, 300])
    expect(schema.map(({ name }) => name)).not.toContain('label')
    expect((await rowsOf(file))[2299]).toEqual({
      file_name: 'dots/2299.jpg',
      x: -4598 / 4,
      y: -4599 / 4,
      features: [6897 / 8, 6898 / 8, 6899 / 8],
    })
  })

  it('refuses parts of unlike length before anything is written, and leaves the old file when stopped', async () => {
    const file = path.join(folder, 'map.parquet')
    await expect(writeAtlas(file, { ...content(3), labels: [0] })).rejects.toThrow(
      /^labels \(.*map\.parquet\): got 1, expected 3, one for each image$/,
    )
    expect(await readdir(folder)).toEqual([])
    await writeAtlas(file, content(3))
    const before = await readFile(file)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(writeAtlas(file, { ...content(5), signal })).rejects.toThrow('enough')
    expect(await readFile(file)).toEqual(before)
    expect(await readdir(folder)).toEqual(['map.parquet'])
  })
})

describe('atlasCommand', () => {
  it('names the columns that there are, for a shell', () => {
    expect(atlasCommand('my map.parquet')).toBe("embedding-atlas 'my map.parquet' --x x --y y --image image")
    expect(atlasCommand('map.parquet', { neighbours: content(2).neighbours, thumbnails: false })).toBe(
      'embedding-atlas map.parquet --x x --y y --neighbors neighbors',
    )
  })
})
