/** Labels in forms that other programs write: JSON of many kinds, tables without a header, several tables, workbooks. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, png } from './support.js'

const red = await png('#ff0000')
const blue = await png('#0000ff')
const images = { 'a.png': red, 'b.png': blue, 'c.png': await png('#00ff00') }
const cats = { 'a.png': 'cat', 'b.png': 'dog' }

const open = (files: Readonly<Record<string, string | Uint8Array>>) =>
  openDataset({ folder: folderOf(files), size: 8, seed: 0 })

function labels({ train }: Dataset): Record<string, string> {
  return Object.fromEntries(
    train.paths.flatMap((path, i) =>
      train.labels[i] < 0 ? [] : [[path, train.classNames[train.labels[i]]]],
    ),
  )
}

describe('JSON', () => {
  const coco = (categoriesOfA: readonly number[]) => ({
    images: [
      { id: 7, file_name: 'a.png', width: 8 },
      { id: 8, file_name: 'b.png', width: 8 },
      { id: 9, file_name: 'c.png', width: 8 },
    ],
    annotations: [...categoriesOfA, 1]
      .map((category, i) => ({ id: i, image_id: i < categoriesOfA.length ? 7 : 8, category_id: category }))
      .map((each) => ({ ...each, bbox: [0, 0, 4, 4] })),
    categories: [
      { id: 3, name: 'cat' },
      { id: 1, name: 'dog' },
    ],
  })
  const via = {
    'a.png77': { filename: 'a.png', size: 77, regions: [], file_attributes: { class: 'cat' } },
    'b.png78': { filename: 'b.png', size: 78, regions: [], file_attributes: { class: 'dog' } },
  }

  it.each([
    ['of COCO', coco([3])],
    ['of COCO with several things of one class in an image', coco([3, 3])],
    ['of the VGG Image Annotator', via],
    ['of its projects', { _via_settings: {}, _via_img_metadata: via }],
    ['from names to objects', { 'a.png': { label: 'cat' }, 'b.png': { label: 'dog' } }],
    ['from names to lists', { 'a.png': ['cat'], 'b.png': ['dog'] }],
    ['from classes to names', { cat: ['a.png'], dog: ['b.png'] }],
    ['in columns', { file_name: ['a.png', 'b.png'], label: ['cat', 'dog'] }],
    ['as pandas writes it', { file_name: { 0: 'a.png', 1: 'b.png' }, label: { 0: 'cat', 1: 'dog' } }],
    [
      'of objects with a list of one',
      [
        { file_name: 'a.png', label: ['cat'] },
        { file_name: 'b.png', label: ['dog'] },
      ],
    ],
  ])('%s is read', async (_, value) => {
    for (const name of ['labels.json', 'instances_default.json'])
      expect(labels(await open({ ...images, [name]: JSON.stringify(value) }))).toEqual(cats)
  })

  it('with several classes for an image is refused', async () => {
    const message = async (value: unknown) =>
      (await failure(() => open({ ...images, 'labels.json': JSON.stringify(value) }))).message
    expect(await message(coco([3, 1]))).toMatch(/^labels \(labels\.json row 1\): got no usable "label"/)
    expect(await message({ 'a.png': ['cat', 'dog'], 'b.png': ['dog'] })).toMatch(
      /row 1\): got no usable "label"/,
    )
  })

  it('keeps names that mean something to programs', async () => {
    const json = '{"a.png":"__proto__","b.png":"constructor"}'
    expect(labels(await open({ ...images, 'labels.json': json }))).toEqual({
      'a.png': '__proto__',
      'b.png': 'constructor',
    })
  })
})

describe('a table', () => {
  it.each([
    ['a.png,cat,0.91\nb.png,dog,0.4\n', 'files in column 1, labels in column 2; not looked at: "3"'],
    ['0.91,cat,a.png\n0.4,dog,b.png\n', 'files in column 3, labels in column 2; not looked at: "1"'],
  ])('of three columns may begin with its first image: %j', async (csv, note) => {
    const data = await open({ ...images, 'labels.csv': csv })
    expect(labels(data)).toEqual(cats)
    expect(data.notes).toContain(`labels.csv: no row names the columns; ${note}`)
  })

  it('loses no first image without an extension, and no class called 0', async () => {
    const plainNames = await open({ ...images, 'labels.csv': 'a,cat\nb,dog\n' })
    expect(labels(plainNames)).toEqual(cats)
    const marked = await open({
      '0.png': red,
      '1.png': blue,
      'labels.csv': 'image,0,1\n0.png,1,0\n1.png,0,1\n',
    })
    expect(labels(marked)).toEqual({ '0.png': '0', '1.png': '1' })
  })

  it('may end its rows in delimiters, be UTF-16 without a mark, and hold how sure one was', async () => {
    const ended = 'file_name,label\na.png,cat,,\nb.png,dog,\n'
    expect(labels(await open({ ...images, 'labels.csv': ended }))).toEqual(cats)
    const text = 'file_name,label\na.png,cat\nb.png,dog\n'
    const little = Buffer.from(text, 'utf16le')
    expect(labels(await open({ ...images, 'labels.csv': little }))).toEqual(cats)
    expect(labels(await open({ ...images, 'labels.csv': Buffer.from(little).swap16() }))).toEqual(cats)
    const scored = await open({
      ...images,
      'labels.csv': 'image,score,breed\na.png,0.9,cat\nb.png,0.3,dog\n',
    })
    expect(labels(scored)).toEqual(cats)
  })

  it.each([
    ['file_name,label,note\na.png,cat\nb.png,dog,x\n', cats],
    ['file_name,label,note\na.png,cat\nb.png,dog,x\nc.png\n', cats],
    ['file_name;label\na.png;cat\nb.png;dog\nc.png\n', cats],
    ['id,image,class,age,note\n1,a.png,cat\n2,b.png,dog,3\n3,c.png\n', cats],
    ['image,cat,dog\na.png,1\nb.png,0,1\n', cats],
  ])('whose rows end before their empty fields is read: %j', async (csv, expected) => {
    const data = await open({ ...images, 'labels.csv': csv })
    expect(labels(data)).toEqual(expected)
    if (!csv.startsWith('image,'))
      expect(data.notes[0]).toMatch(/; \d rows? ends? early: what is left out is empty$/)
  })

  it.each([
    ['file_name,note,label\na.png,cat\nb.png,,dog\n', 2, 'got 2, expected 3, as in the header; put a comma'],
    ['label;file_name\ncat\ndog;b.png\n', 2, 'got 1, expected 2, as in the header; put a semicolon'],
    ['file_name,label\na.png,cat\nb.png,dog,x\n', 3, 'got 3, expected 2, as in the header; put a field that'],
  ])('whose rows end before the label or the file says what is missing: %j', async (csv, row, words) => {
    const short = await failure(() => open({ ...images, 'labels.csv': csv }))
    expect(short.message).toContain(`fields (labels.csv row ${row}): ${words}`)
  })

  it('tells of several labels in a field, and of -1', async () => {
    const joined = await open({ ...images, 'labels.csv': 'file_name,label\na.png,cat;dog\nb.png,dog\n' })
    expect(joined.notes).toEqual(['"cat;dog" is a class of its own: each image has one label'])
    const list = await failure(() =>
      open({ ...images, 'labels.csv': 'file_name,label\na.png,"[""cat"", ""dog""]"\nb.png,dog\n' }),
    )
    expect(list.message).toMatch(/^labels \(labels\.csv row 2\): got several choices in "label"/)
    const minus = await open({ ...images, 'labels.csv': 'file_name,label\na.png,0\nb.png,1\nc.png,-1\n' })
    expect(minus.notes).toEqual([
      '"-1" is a class as the others are: leave the field empty where an image has no label',
    ])
  })

  it('has no label where it says unlabeled, as a folder has none', async () => {
    const csv = 'file_name,label\na.png,cat\nb.png,dog\nc.png,Unlabeled\n'
    const data = await open({ ...images, 'labels.csv': csv })
    expect(labels(data)).toEqual(cats)
    expect(data.notes).toEqual(['labels.csv: one image has "Unlabeled" for a label, which is none'])
  })

  it('that handful wrote keeps classes that are called like none', async () => {
    const csv =
      'file_name,label,predicted,probability,split,source\n' +
      'a.png,NaN,NaN,0.9,train,x\nb.png,null,null,0.9,train,x\nc.png,?,?,0.9,train,x\n'
    const data = await open({ ...images, 'labels.csv': csv })
    expect(labels(data)).toEqual({ 'a.png': 'NaN', 'b.png': 'null', 'c.png': '?' })
  })
})

describe('several tables', () => {
  const competition = {
    'train/1.png': red,
    'train/2.png': blue,
    'test/3.png': red,
    'test.csv': 'id\n3\n',
    'sample_submission.csv': 'id,label\n3,cat\n',
  }

  it('of a competition: train.csv labels train/', async () => {
    const data = await open({ ...competition, 'train.csv': 'id,label\n1,cat\n2,dog\n' })
    expect(labels(data)).toEqual({ 'train/1.png': 'cat', 'train/2.png': 'dog' })
    expect(data.test).toBeUndefined()
    expect(data.notes.join('\n')).toContain('train.csv: its names are those of files in train/')
  })

  it('that name images give way to the one for training; without one the choice is asked for', async () => {
    const table = 'file_name,label\na.png,cat\nb.png,dog\n'
    const data = await open({ ...images, 'train.csv': table, 'sample.csv': 'file_name,label\nc.png,cat\n' })
    expect(labels(data)).toEqual(cats)
    expect(data.notes).toContain('labels come from train.csv; not looked at: "sample.csv"')
    const two = await failure(() => open({ ...images, 'x.csv': table, 'y.csv': table }))
    expect(two.message).toMatch(
      /got "x\.csv" and "y\.csv" that could each hold the labels, expected one; call it labels\.csv/,
    )
  })

  it('of any name are read where all images lie in one folder', async () => {
    const data = await open({
      'images/a.png': red,
      'images/b.png': blue,
      'list.csv': 'name,label\na.png,cat\nb.png,dog\n',
    })
    expect(labels(data)).toEqual({ 'images/a.png': 'cat', 'images/b.png': 'dog' })
  })
})

describe('what is no text', () => {
  it.each(['labels.xlsx', 'list.ods', 'labels.pkl', 'Labels.yaml', 'labels.csv.gz'])(
    'such as %s is named where there is no label, and beside classes',
    async (name) => {
      expect((await failure(() => open({ ...images, [name]: 'PK' }))).message).toMatch(
        new RegExp(
          `got 3 images and no label, .*; ${name} is not read: save it as labels.csv, with file_name,label$`,
        ),
      )
      const folders = await open({ 'cat/1.png': red, 'dog/1.png': blue, [name]: 'PK' })
      expect(folders.notes).toEqual([
        `${name} is not read: labels are read from text such as labels.csv, with file_name,label`,
      ])
    },
  )

  it('under the name of a text is said to be a workbook', async () => {
    const workbook = Buffer.from('PK\x03\x04\x14\0\x06\0\xff\xff', 'latin1')
    expect((await failure(() => open({ ...images, 'labels.csv': workbook }))).message).toBe(
      'labels file (labels.csv): got a workbook as Excel saves it, expected text; save it as "CSV UTF-8"',
    )
  })
})

describe('a list of paths and labels', () => {
  const folders = { 'x/my cat.png': red, 'x/b.png': blue, 'x/c.png': blue }

  it.each([
    ['labels.txt', 'a.png cat\nb.png dog\n'],
    ['train.txt', 'a.png\tcat\r\nb.png\tdog\r\n'],
    ['val.txt', '# file label\ncat a.png\ndog b.png\n'],
    ['list.txt', 'a,cat\nb,dog\n'],
    ['labels.txt', 'file_name label\na.png cat\nb.png dog\n'],
    ['train.lst', '7\tcat\ta.png\n3\tdog\tb.png\n'],
    ['train.lst', 'a.png cat\nb.png dog\n'],
  ])('is read as %s: %j', async (name, text) => {
    const data = await open({ ...images, [name]: text })
    expect(labels(data)).toEqual(cats)
    expect(data.skipped).toEqual([])
  })

  it("is read as MXNet's, whose labels are fractions, and with blanks in paths", async () => {
    const lst = '12\t1.000000\tx/b.png\n5\t0.000000\tx/my cat.png\n8\t1.000000\tx/c.png\n'
    const expected = { 'x/b.png': '1', 'x/c.png': '1', 'x/my cat.png': '0' }
    expect(labels(await open({ ...folders, 'data.lst': lst }))).toEqual(expected)
    expect(labels(await open({ ...folders, 'data.txt': 'x/b.png 1\nx/my cat.png 0\nx/c.png 1\n' }))).toEqual(
      expected,
    )
  })

  it('with several columns of classes is settled by --label-column', async () => {
    const list = '# image class species\na 1 2\nb 2 1\nc 3 1\n'
    const folder = folderOf({ ...images, 'list.txt': list })
    const data = await openDataset({ folder, size: 8, seed: 0, fileColumn: '1', labelColumn: '2' })
    expect(labels(data)).toEqual({ 'a.png': '1', 'b.png': '2', 'c.png': '3' })
  })

  it('is no table where it holds something else', async () => {
    const text = { 'labels.txt': 'cat\ndog\n', 'README.txt': 'These are photographs.\nOf cats.\n' }
    const classes = await open({ 'cat/1.png': red, 'dog/1.png': blue, ...text })
    expect(labels(classes)).toEqual({ 'cat/1.png': 'cat', 'dog/1.png': 'dog' })
    const error = await failure(() => open({ ...images, ...text }))
    expect(error.message).toMatch(
      /got 3 images and no label, .*; labels\.txt is not taken for labels: columns/,
    )
    const table = await open({ ...images, ...text, 'labels.csv': 'file_name,label\na.png,cat\nb.png,dog\n' })
    expect(labels(table)).toEqual(cats)
    expect(table.skipped.map(({ path }) => path)).toEqual(['README.txt', 'labels.txt'])
  })
})
