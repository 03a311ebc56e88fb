/** Tables of labels as people have them: what is understood, and the line that says how. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, png } from './support.js'

const red = await png('#ff0000')
const blue = await png('#0000ff')
const images = { 'a.png': red, 'b.png': blue, 'c.png': red, 'd.png': blue }
const numbered = { '0000.jpg': red, '0001.jpg': blue, '0002.jpg': red, '0010.jpg': blue }

type Columns = { fileColumn?: string; labelColumn?: string }
const open = (files: Readonly<Record<string, string | Uint8Array>>, more: Columns = {}) =>
  openDataset({ folder: folderOf(files), size: 8, seed: 0, ...more })

function labels({ train }: Dataset): Record<string, string> {
  return Object.fromEntries(
    train.paths.flatMap((path, i) =>
      train.labels[i] < 0 ? [] : [[path, train.classNames[train.labels[i]]]],
    ),
  )
}

const cats = { 'a.png': 'cat', 'b.png': 'dog' }

describe('a table', () => {
  it.each([
    ['rows of empty cells', 'labels.csv', 'file_name,label\na.png,cat\n,\nb.png,dog\n,\n , \n'],
    ['blank lines at the end', 'labels.csv', 'file_name,label\na.png,cat\nb.png,dog\n\n   \n,,,\n'],
    ['a name in capitals', 'Labels.CSV', 'file_name,label\na.png,cat\nb.png,dog\n'],
    ['tabs', 'labels.tsv', 'file_name\tlabel\na.png\tcat\nb.png\tdog\n'],
    ['tabs in a .csv', 'labels.csv', 'file_name\tlabel\na.png\tcat\nb.png\tdog\n'],
    ['semicolons', 'labels.csv', 'file_name;label\na.png;cat\nb.png;dog\n'],
    ['a first line for Excel', 'labels.csv', '\uFEFFsep=;\r\nfile_name;label\r\na.png;cat\r\nb.png;dog\r\n'],
    ['a mark of its encoding', 'LABELS.TSV', '\uFEFFfile_name\tlabel\r\na.png\tcat\r\nb.png\tdog'],
    [
      'a JSON list',
      'labels.json',
      '[{"file_name":"a.png","label":"cat"},{"file_name":"b.png","label":"dog"}]',
    ],
    ['a JSON object', 'labels.json', '{"a.png":"cat","b.png":"dog"}'],
    ['remarks before it', 'labels.csv', '# by hand\n# 2026\nfile_name,label\na.png,cat\nb.png,dog\n'],
  ])('with %s is read without a word', async (_, name, text) => {
    const data = await open({ ...images, [name]: text })
    expect(labels(data)).toEqual(cats)
    expect(data.notes).toEqual([])
    expect(data.understood).toBe(
      `understood as 2 classes from ${name} (cat 1, dog 1), 2 images without a label, no test split`,
    )
  })

  it.each([
    ['image,label\na.png,cat\nb.png,dog\n', '"image", labels from column "label"'],
    ['filename,class\na.png,cat\nb.png,dog\n', '"filename", labels from column "class"'],
    ['id,breed\na.png,cat\nb.png,dog\n', '"id", labels from column "breed"'],
    ['File Name,Label\na.png,cat\nb.png,dog\n', '"File Name", labels from column "Label"'],
    ['path,target\na.png,cat\nb.png,dog\n', '"path", labels from column "target"'],
    [',image,label\n0,a.png,cat\n1,b.png,dog\n', '"image", labels from column "label"'],
    ['Unnamed: 0,image,breed\n0,a.png,cat\n1,b.png,dog\n', '"image", labels from column "breed"'],
    [
      'file_name,width,label\na.png,8,cat\nb.png,8,dog\n',
      '"file_name", labels from column "label"; not looked at: "width"',
    ],
    ['lable,x\ncat,a.png\ndog,b.png\n', '"x", labels from column "lable"'],
    [
      'id,width,height,split,breed\na.png,8,8,train,cat\nb.png,9,8,train,dog\n',
      '"id", labels from column "breed"; not looked at: "width" and "height"',
    ],
    [
      'image,target,class\na.png,0,cat\nb.png,1,dog\n',
      '"image", labels from column "class"; not looked at: "target"',
    ],
  ])(
    'with other columns is understood where one reading is left, and a line says which: %j',
    async (csv, note) => {
      const data = await open({ ...images, 'labels.csv': csv })
      expect(labels(data)).toEqual(cats)
      expect(data.notes).toEqual([`labels.csv: files from column ${note}`])
    },
  )

  it.each([
    'image,cat,dog\na.png,1,0\nb.png,0,1\nc.png,0,0\n',
    'image,age,cat,dog\na.png,7,1.0,0.0\nb.png,9,0.0,1.0\n',
  ])('that marks one of several columns has their names as classes: %j', async (csv) => {
    const data = await open({ ...images, 'labels.csv': csv })
    expect(labels(data)).toEqual(cats)
    expect(data.notes).toEqual([
      'labels.csv: files from column "image", labels from the columns "cat" and "dog", of which one is 1 in a row',
    ])
  })

  it('that marks several columns of a row is refused', async () => {
    const csv = 'image,cat,dog\na.png,1,1\nb.png,0,1\n'
    expect((await failure(() => open({ ...images, 'labels.csv': csv }))).message).toMatch(
      /"cat" and "dog" that could each be the label/,
    )
  })

  it.each([
    [
      'a.png,cat\nb.png,dog\nc.png,NaN\nd.png,nan',
      cats,
      '2 images have "NaN" and "nan" for a label, which is none',
    ],
    ['a.png,cat\nb.png,dog\nc.png,NA', cats, 'one image has "NA" for a label, which is none'],
    ['a.png,cat\nb.png,dog\nc.png,?', cats, 'one image has "?" for a label, which is none'],
    [
      'a.png,0.0\nb.png,1.0\nc.png,',
      { 'a.png': '0', 'b.png': '1' },
      'labels are whole numbers with a fraction: 0.0 is class 0',
    ],
    ['a.png,cat\nb.png,dog\na.png,cat', cats, '1 row says again what another says'],
  ])('with what programs write is understood, and a line says so: %j', async (rows, expected, note) => {
    const data = await open({ ...images, 'labels.csv': `file_name,label\n${rows}\n` })
    expect(labels(data)).toEqual(expected)
    expect(data.notes).toEqual([`labels.csv: ${note}`])
  })

  it.each(['1.5', '0', 'none', 'na'])('keeps a class called %s', async (name) => {
    const data = await open({ ...images, 'labels.csv': `file_name,label\na.png,${name}\nb.png,2.0\n` })
    expect(data.train.classNames).toEqual([name, '2.0'].sort())
  })

  it('tells of classes that differ in capitals alone', async () => {
    const data = await open({ ...images, 'labels.csv': 'file_name,label\na.png,Cat\nb.png,cat\nc.png,dog\n' })
    expect(data.notes).toContain('"Cat" and "cat" are 2 classes that differ in capitals alone')
    const folders = await open({ 'X/1.png': red, 'x/1.png': blue })
    expect(folders.notes).toContain('"X" and "x" are 2 classes that differ in capitals alone')
  })

  it('without a row of names is read by what stands in it', async () => {
    const data = await open({ ...images, 'labels.csv': 'a.png,cat\nb.png,dog\n' })
    expect(labels(data)).toEqual(cats)
    expect(data.notes).toEqual([
      'labels.csv: no row names the columns; files in column 1, labels in column 2',
    ])
  })

  it.each([
    [
      'image,first,second\na.png,x,y\nb.png,y,y\n',
      /"first" and "second" that could each be the label, expected one; say which by --label-column first/,
    ],
    [
      'image,class,category\na.png,x,y\nb.png,y,y\n',
      /got "class" and "category" that could each be the label/,
    ],
    [
      'imgae,label\nnope,x\n',
      /got imgae,label, expected file_name,label; .*is it "imgae"\? say which by --file-column/,
    ],
  ])('with several readings or none is refused in one line: %j', async (csv, message) => {
    expect((await failure(() => open({ ...images, 'labels.csv': csv }))).message).toMatch(message)
  })

  it('is settled by --file-column and --label-column', async () => {
    const csv = 'image,first,second\na.png,x,cat\nb.png,y,dog\n'
    const data = await open({ ...images, 'labels.csv': csv }, { fileColumn: 'image', labelColumn: 'Second' })
    expect(labels(data)).toEqual(cats)
    const wrong = await failure(() => open({ ...images, 'labels.csv': csv }, { labelColumn: 'secnd' }))
    expect(wrong.exitCode).toBe(2)
    expect(wrong.message).toMatch(
      /--label-column \(labels.csv\): got "secnd", expected one of image, first, second; did you mean second\?/,
    )
  })

  it('is never a text for people, whose words would pass for columns', async () => {
    for (const name of ['readme.txt', 'README first.txt', 'LICENSE.txt']) {
      const data = await openDataset({
        folder: folderOf({ ...images, [name]: 'not an image\nbut a text\n' }),
        labels: 'optional',
        size: 8,
        seed: 0,
      })
      expect(data.notes).toEqual([])
    }
  })

  it('of another name is taken where it is the only one and nothing else gives labels', async () => {
    const data = await open({ ...images, 'project-1.csv': 'image,choice\na.png,cat\nb.png,dog\n' })
    expect(labels(data)).toEqual(cats)
    const other = await openDataset({
      folder: folderOf({ ...images, 'sizes.csv': 'width,height\n1,2\n' }),
      labels: 'optional',
      size: 8,
      seed: 0,
    })
    expect(other.notes.join()).toMatch(/^sizes.csv is not taken for labels: /)
    expect(other.train.count).toBe(4)
  })
})

describe('a table beside class folders', () => {
  const folders = { 'x/1.png': red, 'y/1.png': blue }
  it.each([
    ['file_name,label\n', 'has no row'],
    ['file_name,label\nx/1.png,\n', 'has no label'],
    ['', 'is empty'],
  ])('that says nothing leaves the classes to them: %j', async (csv, words) => {
    const data = await open({ ...folders, 'labels.csv': csv })
    expect(labels(data)).toEqual({ 'x/1.png': 'x', 'y/1.png': 'y' })
    expect(data.notes).toEqual([`labels.csv ${words}: classes come from the folders`])
  })
})

describe('names of files', () => {
  it.each([
    ['0000,cat\n0001,dog', 'without their extension', { '0000.jpg': 'cat', '0001.jpg': 'dog' }],
    ['2,cat\n10,dog', 'without their zeros in front', { '0002.jpg': 'cat', '0010.jpg': 'dog' }],
    ['0002.JPG,cat\n0010.Jpg,dog', 'in other capitals', { '0002.jpg': 'cat', '0010.jpg': 'dog' }],
    ['0002.png,cat\n0010.TIF,dog', 'with another extension', { '0002.jpg': 'cat', '0010.jpg': 'dog' }],
    [
      'C:\\Users\\me\\0002.jpg,cat\n/home/me/x/0010.jpg,dog',
      'with folders in front',
      { '0002.jpg': 'cat', '0010.jpg': 'dog' },
    ],
  ])('are understood: %j', async (rows, form, expected) => {
    const data = await open({ ...numbered, 'labels.csv': `id,breed\n${rows}\n` })
    expect(labels(data)).toEqual(expected)
    expect(data.notes).toContain(`labels.csv: 2 names are written ${form}`)
  })

  it('may leave out the one folder that all are in', async () => {
    const files = { 'images/a.png': red, 'images/b.png': blue, 'images/c.png': blue }
    const data = await open({ ...files, 'labels.csv': 'id,breed\na,cat\nb,dog\n' })
    expect(labels(data)).toEqual({ 'images/a.png': 'cat', 'images/b.png': 'dog' })
    expect(data.notes).toContain('labels.csv: its names are those of files in images/')
  })

  it('may have the folder itself in front', async () => {
    const folder = folderOf({ 'photos/a.png': red, 'photos/b.png': blue })
    const csv = `file_name,label\nphotos/a.png,cat\n${folder}/photos/b.png,dog\n`
    const { writeFileSync } = await import('node:fs')
    writeFileSync(`${folder}/photos/labels.csv`, csv)
    expect(labels(await openDataset({ folder: `${folder}/photos`, size: 8, seed: 0 }))).toEqual(cats)
  })

  it('that two files could be are refused', async () => {
    const error = await failure(() =>
      open({ 'a.png': red, 'a.jpg': red, 'b.png': blue, 'labels.csv': 'file_name,label\na,cat\nb,dog\n' }),
    )
    expect(error.message).toBe(
      'file_name (labels.csv row 2): got "a", which could be "a.jpg" and "a.png", expected the path of one image',
    )
  })

  it('that no file has get the nearest', async () => {
    const error = await failure(() =>
      open({ 'house-1.png': red, 'tree-1.png': blue, 'labels.csv': 'file_name,label\nhuose-1.png,cat\n' }),
    )
    expect(error.message).toContain('did you mean "house-1.png"?')
  })

  it('twice in different spelling are a duplicate', async () => {
    const csv = 'file_name,label\na,cat\na.png,dog\n'
    expect((await failure(() => open({ ...images, 'labels.csv': csv }))).message).toBe(
      'conflicting rows (labels.csv rows 2 and 3): got "a.png" with the labels "cat" and "dog", expected each file once; remove one of the rows',
    )
  })
})

describe('an export of Label Studio', () => {
  const exported = { ...images, '0001.png': red }
  it('as CSV', async () => {
    const csv =
      'annotation_id,annotator,choice,created_at,id,image,lead_time,updated_at\n' +
      '1,1,cat,2024-01-01,1,/data/upload/3/8b2c3d4e-a.png,2.1,2024-01-01\n' +
      '2,1,dog,2024-01-01,2,/data/local-files/?d=photos%2Fb.png,2.1,2024-01-01\n' +
      '3,2,dog,2024-01-01,2,/data/local-files/?d=photos%2Fb.png,2.1,2024-01-01\n' +
      '4,1,"{""choices"":[""cat""]}",2024-01-01,4,s3://bucket/c.png,2.1,2024-01-01\n'
    const data = await open({ ...exported, 'labels.csv': csv })
    expect(labels(data)).toEqual({ ...cats, 'c.png': 'cat' })
    expect(data.notes[0]).toMatch(/^labels.csv: files from column "image", labels from column "choice"/)
    expect(data.notes).toContain('labels.csv: 4 names are written as addresses')
  })

  it('as JSON, whole and reduced', async () => {
    const task = (id: number, image: string, choices: readonly string[][]) => ({
      id,
      data: { image },
      annotations: choices.map((each) => ({
        was_cancelled: false,
        result: [{ from_name: 'choice', to_name: 'image', type: 'choices', value: { choices: each } }],
      })),
    })
    const whole = [
      task(1, '/data/upload/1/12345678-a.png', [['cat']]),
      task(2, '/data/upload/1/12345678-b.png', [['dog'], ['dog']]),
      task(3, '/data/upload/1/12345678-c.png', []),
    ]
    expect(labels(await open({ ...exported, 'labels.json': JSON.stringify(whole) }))).toEqual(cats)
    const reduced = [
      { image: '/data/upload/1/12345678-a.png', id: 1, choice: 'cat', annotator: 1 },
      { image: '/data/upload/1/12345678-b.png', id: 2, choice: 'dog', annotator: 1 },
    ]
    expect(labels(await open({ ...exported, 'labels.json': JSON.stringify(reduced) }))).toEqual(cats)
    const several = [task(1, '/data/upload/1/12345678-a.png', [['cat', 'dog']]), ...whole.slice(1)]
    const error = await failure(() => open({ ...exported, 'labels.json': JSON.stringify(several) }))
    expect(error.message).toMatch(/labels \(labels.json row 1\): got no usable "choice"/)
  })
})
