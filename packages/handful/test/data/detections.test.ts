/** Objects that other tools mark in images: where none has objects of several classes, theirs is its label. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, png } from './support.js'
import { zip } from './zip-writer.js'

const [red, blue, green] = await Promise.all(['#ff0000', '#0000ff', '#00ff00'].map((colour) => png(colour)))

const open = (files: Readonly<Record<string, string | Uint8Array>>, more: { splits?: 'none' } = {}) =>
  openDataset({ folder: folderOf(files), size: 8, seed: 0, ...more })

const classes = ({ train }: Dataset): Record<string, string> =>
  Object.fromEntries(train.paths.map((path, i) => [path, train.classNames[train.labels[i]] ?? '-']))

const box = (number: number, count = 1): string => `${number} 0.5 0.5 0.25 0.125\n`.repeat(count)
const yaml = 'path: ../data\ntrain: images/train\nnc: 2\nnames: [cat, dog]\n'

describe('YOLO', () => {
  it('with images/ and labels/: the class of all objects of an image is its label', async () => {
    const data = await open({
      'images/1.png': red,
      'images/2.png': blue,
      'images/3.png': green,
      'images/4.png': green,
      'labels/1.txt': box(0, 2),
      'labels/2.txt': '1 0.1 0.1 0.2 0.1 0.2 0.2 1e-1 0.2\n',
      'labels/3.txt': '',
      'data.yaml': yaml,
    })
    expect(classes(data)).toEqual({
      'images/1.png': 'cat',
      'images/2.png': 'dog',
      'images/3.png': '-',
      'images/4.png': '-',
    })
    expect(data.skipped).toEqual([])
    expect(data.notes).toContain(
      'objects as YOLO marks them: 2 of 3 images have objects, each of one class, which is taken for its label',
    )
    expect(data.understood).toBe(
      'understood as 2 classes from objects of YOLO (cat 1, dog 1), 2 images without a label, no test split',
    )
  })

  it.each([
    ['images/train', 'labels/train', 'images/test', 'labels/test'],
    ['train/images', 'train/labels', 'test/images', 'test/labels'],
  ])(
    'with the splits of %s: test scores, validation is left out',
    async (images, texts, testImages, testTexts) => {
      const data = await open({
        [`${images}/1.png`]: red,
        [`${images}/2.png`]: blue,
        [`${testImages}/3.png`]: green,
        [`${testImages.replace('test', 'valid')}/4.png`]: green,
        [`${texts}/1.txt`]: box(0),
        [`${texts}/2.txt`]: box(1),
        [`${testTexts}/3.txt`]: box(1),
        [`${testTexts.replace('test', 'valid')}/4.txt`]: box(1),
        'data.yaml': 'names:\n  0: cat\n  1: dog\n',
      })
      expect(classes(data)).toEqual({ [`${images}/1.png`]: 'cat', [`${images}/2.png`]: 'dog' })
      expect(data.test?.score([1]).correct).toBe(1)
      expect(data.notes.join()).toMatch(/valid\/" left out: ".*test\/" is the split for scoring/)
    },
  )

  it('beside the images, with names in a list, or with none', async () => {
    const files = { 'a.png': red, 'b.png': blue, 'a.txt': box(7), 'b.txt': box(10) }
    expect(classes(await open(files))).toEqual({ 'a.png': '7', 'b.png': '10' })
    const names = Array.from({ length: 11 }, (_, i) => `class ${i}`).join('\n')
    for (const name of ['classes.txt', 'obj.names'])
      expect(classes(await open({ ...files, [name]: names }))).toEqual({
        'a.png': 'class 7',
        'b.png': 'class 10',
      })
  })

  it('with objects of several classes in an image is not taken, and the line says why', async () => {
    const files = {
      'images/1.png': red,
      'images/2.png': blue,
      'labels/1.txt': box(0) + box(1),
      'labels/2.txt': box(1),
      'data.yaml': yaml,
    }
    const why =
      'objects as YOLO marks them are not taken for labels: 1 of 2 images have objects of several classes, such as "images/1.png" with "cat" and "dog"; cut the objects out, or give each image one class in labels.csv'
    expect((await failure(() => open(files))).message).toContain(
      `got 2 images and no label, expected labels for a few images of each class; ${why}`,
    )
    const data = await openDataset({ folder: folderOf(files), labels: 'optional', size: 8 })
    expect(data.train.paths).toEqual(['images/1.png', 'images/2.png'])
    expect(data.notes).toContain(why)
  })

  it('gives way to class folders, to a table, and is none where texts say other things', async () => {
    const inFolders = await open({
      'cat/1.png': red,
      'dog/2.png': blue,
      'cat/1.txt': box(3),
      'dog/2.txt': box(3),
    })
    expect(classes(inFolders)).toEqual({ 'cat/1.png': 'cat', 'dog/2.png': 'dog' })
    const images = { 'a.png': red, 'b.png': blue, 'labels.csv': 'file_name,label\na.png,x\nb.png,y\n' }
    expect(classes(await open({ ...images, 'a.txt': box(1), 'b.txt': box(2) }))).toEqual({
      'a.png': 'x',
      'b.png': 'y',
    })
    const captions = { 'a.png': red, 'b.png': blue, 'a.txt': 'a photo of a cat\n', 'b.txt': '2 dogs' }
    expect((await failure(() => open(captions))).message).toMatch(
      /got 2 images and no label, expected labels/,
    )
  })
})

const voc = (file: string, ...names: readonly string[]): string =>
  `<?xml version="1.0"?>\n<annotation verified="yes"><folder>x</folder><filename>${file}</filename>` +
  names
    .map(
      (name) =>
        `<object><name>${name}</name><part><name>head</name></part><bndbox><xmin>1</xmin></bndbox></object>`,
    )
    .join('\n') +
  '</annotation>\n'

describe('Pascal VOC', () => {
  const files = {
    'Annotations/1.xml': voc('1.png', 'cat', 'cat'),
    'Annotations/2.xml': voc('2.png', 'd &amp; g'),
    'Annotations/3.xml': voc('3.png'),
    'JPEGImages/1.png': red,
    'JPEGImages/2.png': blue,
    'JPEGImages/3.png': green,
  }
  const expected = { 'JPEGImages/1.png': 'cat', 'JPEGImages/2.png': 'd & g', 'JPEGImages/3.png': '-' }

  it('is read from a folder, and from an archive', async () => {
    expect(classes(await open(files))).toEqual(expected)
    const archive = zip(
      Object.entries(files).map(([name, content]) => ({ name: `VOC2012/${name}`, content })),
    )
    const folder = folderOf({ 'voc.zip': archive })
    expect(classes(await openDataset({ folder: `${folder}/voc.zip`, size: 8, seed: 0 }))).toEqual(expected)
  })

  it('beside the images, in splits', async () => {
    const data = await open({
      'train/1.png': red,
      'train/1.xml': voc('1.png', 'cat'),
      'train/2.png': blue,
      'train/2.xml': voc('2.png', 'dog'),
      'valid/3.png': green,
      'valid/3.xml': voc('3.png', 'dog'),
    })
    expect(classes(data)).toEqual({ 'train/1.png': 'cat', 'train/2.png': 'dog' })
    expect(data.test?.score([1]).correct).toBe(1)
    expect(data.notes).toContain('"valid/" held out for scoring')
  })
})

describe('the VGG Image Annotator', () => {
  const images = { 'a.png': red, 'b.png': blue, 'c.png': green }
  const header =
    'filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes'
  const quoted = (value: unknown): string => `"${JSON.stringify(value).replaceAll('"', '""')}"`
  const row = (file: string, own: unknown, region: unknown): string =>
    `${file},77,${quoted(own)},1,0,${quoted({ name: 'rect', x: 1 })},${quoted(region)}`

  it.each([
    [
      'of whole images',
      [row('a.png', { class: 'cat' }, {}), row('b.png', { class: 'dog' }, {}), row('c.png', {}, {})],
    ],
    [
      'of regions that agree',
      [
        row('a.png', {}, { class: 'cat' }),
        row('a.png', {}, { class: 'cat' }),
        row('b.png', {}, { class: 'dog' }),
        row('c.png', {}, {}),
      ],
    ],
    [
      'of check boxes',
      [row('a.png', { kind: { cat: true } }, {}), row('b.png', { kind: { cat: false, dog: true } }, {})],
    ],
  ])('as CSV, %s', async (_, rows) => {
    for (const first of [header, `#${header}`])
      for (const name of ['labels.csv', 'via_export_csv.csv']) {
        const data = await open({ ...images, [name]: [first, ...rows].join('\n') })
        expect(classes(data)).toEqual({ 'a.png': 'cat', 'b.png': 'dog', 'c.png': '-' })
      }
  })

  it('as JSON with regions', async () => {
    const via = Object.fromEntries(
      Object.entries({ 'a.png': 'cat', 'b.png': 'dog' }).map(([filename, type]) => [
        `${filename}77`,
        {
          filename,
          size: 77,
          file_attributes: {},
          regions: [{ shape_attributes: {}, region_attributes: { type } }],
        },
      ]),
    )
    const data = await open({ ...images, 'labels.json': JSON.stringify({ _via_img_metadata: via }) })
    expect(classes(data)).toEqual({ 'a.png': 'cat', 'b.png': 'dog', 'c.png': '-' })
  })

  it('with regions that do not agree is refused', async () => {
    const rows = [
      row('a.png', {}, { class: 'cat' }),
      row('a.png', {}, { class: 'dog' }),
      row('b.png', {}, { class: 'dog' }),
    ]
    const error = await failure(() => open({ ...images, 'labels.csv': [header, ...rows].join('\n') }))
    expect(error.message).toMatch(/^labels \(labels\.csv row 2\): got no usable "class"/)
  })
})

describe('an export of Roboflow', () => {
  it.each([
    [
      '_annotations.csv',
      'filename,width,height,class,xmin,ymin,xmax,ymax\n1.png,8,8,cat,0,0,1,1\n1.png,8,8,cat,2,2,4,4\n2.png,8,8,dog,0,0,1,1\n',
      '3.png,8,8,dog,0,0,1,1\n',
    ],
    ['_classes.csv', 'filename, cat, dog\n1.png, 1, 0\n2.png, 0, 1\n', '3.png, 0, 1\n'],
  ])('has %s in each split', async (name, train, last) => {
    const [header] = train.split('\n')
    const data = await open({
      'train/1.png': red,
      'train/2.png': blue,
      [`train/${name}`]: train,
      'test/3.png': green,
      [`test/${name}`]: `${header}\n${last}`,
    })
    expect(classes(data)).toEqual({ 'train/1.png': 'cat', 'train/2.png': 'dog' })
    expect(data.test?.score([1]).correct).toBe(1)
  })
})

describe('WebDataset', () => {
  const images = { '000.png': red, '001.png': blue, '002.png': green }
  it.each([
    ['a class', { '000.cls': '3', '001.cls': '10\n' }, ['3', '10']],
    ['an object', { '000.json': '{"label":"cat","width":8}', '001.json': '{"label":"dog"}' }, ['cat', 'dog']],
  ])('has %s in a file beside each image', async (_, files, [first, second]) => {
    const archive = zip(Object.entries({ ...images, ...files }).map(([name, content]) => ({ name, content })))
    for (const folder of [folderOf({ ...images, ...files }), `${folderOf({ 'a.zip': archive })}/a.zip`]) {
      const data = await openDataset({ folder, size: 8, seed: 0 })
      expect(classes(data)).toEqual({ '000.png': first, '001.png': second, '002.png': '-' })
      expect(data.skipped).toEqual([])
    }
  })
})

describe('JSON beside each image', () => {
  it('of LabelMe: the class of its shapes', async () => {
    const shapes = (...labels: string[]): string =>
      JSON.stringify({
        version: '5',
        flags: {},
        shapes: labels.map((label) => ({ label, points: [[0, 0]] })),
      })
    const data = await open({
      'a.png': red,
      'b.png': blue,
      'c.png': green,
      'a.json': shapes('cat', 'cat'),
      'b.json': shapes('dog'),
      'c.json': shapes(),
    })
    expect(classes(data)).toEqual({ 'a.png': 'cat', 'b.png': 'dog', 'c.png': '-' })
  })

  it('that says something else is left alone, however many there are', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `${i}`)
    const files = Object.fromEntries(
      names.flatMap((name) => [
        [`${name}.png`, red],
        [`${name}.json`, '{"caption":"a photo"}'],
      ]),
    )
    const data = await openDataset({ folder: folderOf(files), labels: 'optional', size: 8 })
    expect(data.train.count).toBe(40)
    expect(data.notes.join()).not.toContain('is not taken for labels')
    expect(data.skipped.length).toBe(40)
  })
})
