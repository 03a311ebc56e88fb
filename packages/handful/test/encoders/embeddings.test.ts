/** Tables of features made elsewhere: the right row for each image, whatever form, and what is wrong told in one line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Originals } from '../../src/data/originals.js'
import { newEmbeddings, openEmbeddings } from '../../src/encoders/embeddings.js'
import { HandfulError } from '../../src/errors.js'
import { npyHeader } from '../../src/files/npy.js'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'handful-embeddings-'))))
afterAll(() => rm(folder, { recursive: true }))

const NAMES = ['cat/1.jpg', 'cat/2.jpg', 'dog/1.jpg']
const images = new Originals({ names: NAMES, read: () => noBlocks() })
async function* noBlocks(): AsyncGenerator<never> {}

async function rowsOf(name: string, content: string | Uint8Array, of = images) {
  const file = path.join(folder, name)
  await writeFile(file, content)
  const { rows, description } = await openEmbeddings(file, [of])
  const { columns, data } = rows[0]
  return {
    rows: Array.from({ length: rows[0].rows }, (_, i) => [...data.slice(i * columns, (i + 1) * columns)]),
    description,
  }
}

const EXPECTED = [
  [1, 2],
  [3, 4],
  [5, 6],
]

const npy = (rows: readonly (readonly number[])[]): Uint8Array =>
  Buffer.concat([
    npyHeader(rows.length, rows[0].length),
    new Uint8Array(Float32Array.from(rows.flat()).buffer),
  ])

describe('the row of each image', () => {
  test.each([
    ['plain', 'file_name,a,b\ncat/2.jpg,3,4\ndog/1.jpg,5,6\ncat/1.jpg,1,2\n'],
    ['of longer paths', 'path,a,b\n/data/cat/1.jpg,1,2\n/data/cat/2.jpg,3,4\n/data/dog/1.jpg,5,6\n'],
    ['without endings', 'id,a,b\ncat/1,1,2\ncat/2,3,4\ndog/1,5,6\n'],
    [
      'with other columns',
      ',filename,label,note,a,b\n0,cat/1.jpg,7,x,1,2\n1,cat/2.jpg,7,y,3,4\n2,dog/1.jpg,8,z,5,6\n',
    ],
    ['by tabs', 'image\ta\tb\ncat/1.jpg\t1\t2\ncat/2.jpg\t3\t4\ndog/1.jpg\t5\t6\n'],
    ['as lists', 'file_name,vector\ncat/1.jpg,"[1, 2]"\ncat/2.jpg,[3 4]\ndog/1.jpg,"[5.0, 6e0]"\n'],
    ['with backslashes', 'file_name,a,b\ncat\\1.jpg,1,2\n.\\cat\\2.jpg,3,4\ndog\\1.jpg,5,6\n'],
  ])('of a CSV file, %s', async (name, text) => {
    expect((await rowsOf(`${name}.csv`, text)).rows).toEqual(EXPECTED)
  })

  test('by base names where these are one image each', async () => {
    const other = new Originals({ names: ['cat/1.jpg', 'dog/2.jpg'] })
    expect((await rowsOf('base.csv', 'file,a\n2.jpg,2\n1.jpg,1\n', other)).rows).toEqual([[1], [2]])
    await expect(rowsOf('several.csv', 'file,a\n1.jpg,2\n2.jpg,1\n')).rejects.toThrow(
      /several rows or images that "cat\/1.jpg" may mean/,
    )
  })

  test('of a Parquet file: a column of vectors, or many of numbers', async () => {
    const file_name = { name: 'file_name', data: [...NAMES], type: 'STRING' as const }
    const column = (name: string, at: number) => ({
      name,
      data: EXPECTED.map((row) => row[at]),
      type: 'DOUBLE' as const,
    })
    const numbers = parquetWriteBuffer({ columnData: [file_name, column('a', 0), column('b', 1)] })
    const found = await rowsOf('numbers.parquet', new Uint8Array(numbers))
    expect(found.rows).toEqual(EXPECTED)
    expect(found.description.columnNames).toEqual(['a', 'b'])
    const vectors = parquetWriteBuffer({
      schema: [
        { name: 'root', num_children: 2 },
        { name: 'file_name', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
        { name: 'embedding', converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
      ],
      columnData: [
        { name: 'file_name', data: [...NAMES] },
        { name: 'embedding', data: EXPECTED.map((row) => [...row]) },
      ],
    })
    expect((await rowsOf('vectors.parquet', new Uint8Array(vectors))).rows).toEqual(EXPECTED)
  })

  test('of an npy file: named beside it, else in the order of the paths, which is said', async () => {
    const plain = await rowsOf('alone.npy', npy(EXPECTED))
    expect(plain.rows).toEqual(EXPECTED)
    expect(plain.description.notes.join()).toContain("in the order of the images' paths")
    await writeFile(
      path.join(folder, 'named.npy.csv'),
      'row,file_name\n0,dog/1.jpg\n1,cat/1.jpg\n2,cat/2.jpg\n',
    )
    expect((await rowsOf('named.npy', npy([EXPECTED[2], EXPECTED[0], EXPECTED[1]]))).rows).toEqual(EXPECTED)
    await writeFile(path.join(folder, 'text.txt'), 'dog/1.jpg\ncat/1.jpg\ncat/2.jpg\n')
    expect((await rowsOf('text.npy', npy([EXPECTED[2], EXPECTED[0], EXPECTED[1]]))).rows).toEqual(EXPECTED)
  })

  test('and rows of other images are passed over, which is said', async () => {
    const { rows, description } = await rowsOf(
      'more.csv',
      'file_name,a\nx.jpg,9\ncat/1.jpg,1\ncat/2.jpg,2\ndog/1.jpg,3\n',
    )
    expect(rows).toEqual([[1], [2], [3]])
    expect(description.notes.join()).toContain('1 of 4 rows')
  })
})

describe('what is wrong is told', () => {
  const start = 'file_name,a,b\ncat/1.jpg,1,2\ncat/2.jpg,3,4\n'
  test.each([
    ['an image without a row', start, /no row for 1 of 3 images, such as "dog\/1.jpg"/],
    ['an image twice', `${start}cat/1.jpg,5,6\n`, /"cat\/1.jpg" in rows 1 and 3/],
    ['no number', `${start}dog/1.jpg,5,six\n`, /"six" for "dog\/1.jpg" in column "b"/],
    ['not finite', `${start}dog/1.jpg,5,nan\n`, /NaN for "dog\/1.jpg", number 2, expected finite numbers/],
    ['an empty cell', `${start}dog/1.jpg,5,\n`, /NaN for "dog\/1.jpg"/],
    ['a short row', `${start}dog/1.jpg,5\n`, /got 2 fields, expected 3/],
    [
      'a list of another width',
      'f,v\ncat/1.jpg,[1 2]\ncat/2.jpg,[1 2 3]\n',
      /3 numbers for "cat\/2.jpg", expected 2/,
    ],
    [
      'a list that was shortened',
      'f,v\ncat/1.jpg,[1 2 ... 3]\n',
      /"\.\.\." for "cat\/1.jpg", expected all numbers/,
    ],
    ['no names', 'a,b\n1,2\n3,4\n', /no column that names the image/],
    ['nothing', 'file_name,a\n', /no row/],
  ])('%s', async (name, text, message) => {
    const reading = rowsOf(`${name}.csv`, text)
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toBeInstanceOf(HandfulError)
  })

  test('an npy file of another number of rows, of objects, or cut short', async () => {
    await expect(rowsOf('two.npy', npy(EXPECTED.slice(0, 2)))).rejects.toThrow(
      /2 rows without names, expected 3, one for each image/,
    )
    await expect(rowsOf('short.npy', npy(EXPECTED).subarray(0, 140))).rejects.toThrow('cut short')
    const objects = Buffer.from(npy(EXPECTED)).toString('latin1').replace('<f4', '|O ')
    await expect(rowsOf('objects.npy', Buffer.from(objects, 'latin1'))).rejects.toThrow('expected a matrix')
    await expect(openEmbeddings(path.join(folder, 'none.npy'), [images])).rejects.toThrow('nothing there')
  })

  test('new images with other columns than the classifier was fitted to', async () => {
    const { description } = await rowsOf('fitted.csv', `${start}dog/1.jpg,5,6\n`)
    const file = path.join(folder, 'new.csv')
    const one = new Originals({ names: ['new/x.jpg'] })
    await writeFile(file, 'file_name,a,b\nx.jpg,7,8\n')
    expect([...(await newEmbeddings(file, one, description)).data]).toEqual([7, 8])
    await writeFile(file, 'file_name,b,a\nx.jpg,7,8\n')
    await expect(newEmbeddings(file, one, description)).rejects.toThrow('a column "b"')
    await writeFile(file, 'file_name,a,b,c\nx.jpg,7,8,9\n')
    await expect(newEmbeddings(file, one, description)).rejects.toThrow('3 numbers an image, expected 2')
  })
})
