import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { checkBatchSize, imageAt, selectImages } from '../../src/data/image-set.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, noise, plain, png, put } from './support.js'

const red = await png('#ff0000')
const blue = await png('#0000ff')
const grey = await png('#808080')

const open = (
  folder: string,
  more: { labels?: 'required' | 'optional'; channels?: 1 | 3; seed?: number } = {},
) => openDataset({ folder, size: 8, seed: 0, ...more })

/** Each training image's path with its label, `-` for none. */
function labelled({ train }: Dataset): Record<string, string> {
  return Object.fromEntries(train.paths.map((path, i) => [path, train.classNames[train.labels[i]] ?? '-']))
}

describe('class folders', () => {
  it('give the labels, deeper folders belong to them, unlabeled/ and loose images have none', async () => {
    const data = await open(
      folderOf({
        'cat/a.png': red,
        'cat/2021/june/a.png': red,
        'dog/a.png': blue,
        'unlabeled/cat/x.png': red,
        'loose.png': blue,
      }),
    )
    expect(labelled(data)).toEqual({
      'cat/a.png': 'cat',
      'cat/2021/june/a.png': 'cat',
      'dog/a.png': 'dog',
      'unlabeled/cat/x.png': '-',
      'loose.png': '-',
    })
    expect(data.train).toMatchObject({
      count: 5,
      height: 8,
      width: 8,
      channels: 3,
      classNames: ['cat', 'dog'],
    })
    expect(data.test).toBeUndefined()
    const dog = data.train.paths.indexOf('dog/a.png')
    expect([...imageAt(data.train, dog).subarray(0, 3)]).toEqual([0, 0, 255])
  })

  it('may spell unlabelled as they like', async () => {
    const data = await open(folderOf({ 'a/1.png': red, 'b/1.png': blue, 'Unlabelled/1.png': blue }))
    expect(labelled(data)['Unlabelled/1.png']).toBe('-')
  })

  it('are ordered by number where they are numbers', async () => {
    const data = await open(folderOf({ '10/1.png': red, '9/1.png': blue, '0/1.png': blue }))
    expect(data.train.classNames).toEqual(['0', '9', '10'])
  })

  it('of grey images give one channel, and one colour image gives three', async () => {
    const folder = folderOf({ 'a/1.png': grey, 'b/1.png': await plain('#808080').jpeg().toBuffer() })
    const data = await open(folder)
    expect(data.train.channels).toBe(1)
    expect([...data.train.pixels.subarray(0, 2)]).toEqual([128, 128])
    expect((await open(folder, { channels: 3 })).train.channels).toBe(3)
    put(folder, 'b/2.png', red)
    expect((await open(folder)).train.channels).toBe(3)
  })
})

describe('splits', () => {
  const files = {
    'train/cat/1.png': red,
    'train/dog/1.png': blue,
    'train/unlabeled/1.png': blue,
    'test/cat/7.png': red,
    'test/dog/7.png': blue,
    'test/dog/8.png': blue,
    'unlabeled/2.png': red,
  }

  it('hold test/ back for scoring and read the rest for training', async () => {
    const data = await open(folderOf(files))
    expect(labelled(data)).toEqual({
      'train/cat/1.png': 'cat',
      'train/dog/1.png': 'dog',
      'train/unlabeled/1.png': '-',
      'unlabeled/2.png': '-',
    })
    const { test } = data
    expect(test?.count).toBe(3)
    const redness = Array.from({ length: 3 }, (_, i) => test?.images.pixels.subarray()[i * 8 * 8 * 3] === 255)
    expect(test?.score(redness.map((isRed) => (isRed ? 0 : 1))).accuracy).toBe(1)
  })

  it('put the test images in an order that says nothing about classes', async () => {
    const many: Record<string, Buffer> = { 'a/1.png': red, 'b/1.png': blue }
    for (let i = 0; i < 20; i++) many[`test/${i < 10 ? 'a' : 'b'}/${i}.png`] = i < 10 ? red : blue
    const folder = folderOf(many)
    const colours = ({ test }: Dataset) => {
      return Array.from({ length: 20 }, (_, i) =>
        test?.images.pixels.subarray()[i * 192] === 255 ? 'a' : 'b',
      ).join('')
    }
    const first = colours(await open(folder, { seed: 1 }))
    expect(first).not.toBe('a'.repeat(10) + 'b'.repeat(10))
    expect(colours(await open(folder, { seed: 1 }))).toBe(first)
    expect(colours(await open(folder, { seed: 2 }))).not.toBe(first)
  })

  it('take test/ beside class folders, and validation/ in its place', async () => {
    const beside = await open(folderOf({ 'a/1.png': red, 'b/1.png': blue, 'test/a/1.png': red }))
    expect([beside.train.count, beside.test?.count]).toEqual([2, 1])
    const held = await open(
      folderOf({ 'train/a/1.png': red, 'train/b/1.png': blue, 'validation/a/1.png': red }),
    )
    expect([held.train.count, held.test?.count]).toEqual([2, 1])
    expect(held.notes[0]).toBe('validation/ is held out for scoring')
    const both = await open(folderOf({ ...files, 'val/cat/1.png': red, 'other/1.png': red }))
    expect([both.train.count, both.test?.count]).toEqual([4, 3])
    expect(both.notes.slice(0, 2)).toEqual([
      'val/ is left out: test/ is the split for scoring',
      'other/ is left out: it stands beside train/, not in it',
    ])
  })

  it('say when test images are copies of training images', async () => {
    const copied = folderOf({ 'a/1.png': red, 'b/1.png': blue, 'test/a/1.png': grey, 'test/b/1.png': blue })
    expect((await open(copied)).notes).toEqual([
      '1 of 2 test images are also among the training images, pixel for pixel',
    ])
  })

  it('refuse a class that training lacks', async () => {
    const stranger = await failure(() => open(folderOf({ ...files, 'test/emu/1.png': red })))
    expect(stranger.message).toContain('no labelled training image of "emu"')
  })
})

describe('labels files', () => {
  const images = { 'a.png': red, 'b.png': blue, 'c.png': red, 'inner/a.png': blue }
  const withLabels = (name: string, text: string) => folderOf({ ...images, [name]: text })

  it('label a few images by their relative path', async () => {
    const csv = '\uFEFFfile_name,label\r\na.png,cat\r\n./inner/a.png,"dog, small"\r\nb.png,\r\n'
    const expected = { 'a.png': 'cat', 'inner/a.png': 'dog, small', 'b.png': '-', 'c.png': '-' }
    for (const name of ['labels.csv', 'metadata.csv']) {
      const data = await open(withLabels(name, csv))
      expect(labelled(data)).toEqual(expected)
      expect(data.skipped).toEqual([])
    }
    const jsonl =
      '{"file_name": "a.png", "label": "cat"}\n{"file_name": "inner\\\\a.png", "label": 7}\n{"file_name": "b.png"}\n'
    const data = await open(withLabels('metadata.jsonl', jsonl))
    expect(labelled(data)).toEqual({ 'a.png': 'cat', 'inner/a.png': '7', 'b.png': '-', 'c.png': '-' })
  })

  it('win over class folders, and a note says so', async () => {
    const csv = 'file_name,label\nx/1.png,one\ny/1.png,two\n'
    const data = await open(folderOf({ 'x/1.png': red, 'x/2.png': red, 'y/1.png': blue, 'labels.csv': csv }))
    expect(labelled(data)).toEqual({ 'x/1.png': 'one', 'x/2.png': '-', 'y/1.png': 'two' })
    expect(data.notes).toEqual(['labels come from labels.csv; sub-folders are not taken for classes'])
  })

  it('may stand in each split, or at the top for the training images with class folders in test/', async () => {
    const each = await open(
      folderOf({
        'train/1.png': red,
        'train/2.png': blue,
        'train/metadata.csv': 'file_name,label\n1.png,red\n2.png,blue\n',
        'test/9.png': blue,
        'test/metadata.csv': 'file_name,label\n9.png,blue\n',
      }),
    )
    expect(each.train.classNames).toEqual(['blue', 'red'])
    expect(each.test?.score([0]).accuracy).toBe(1)
    const csv = 'file_name,label\ntrain/1.png,red\ntrain/2.png,blue\n'
    const top = await open(
      folderOf({ 'train/1.png': red, 'train/2.png': blue, 'test/red/1.png': red, 'labels.csv': csv }),
    )
    expect(labelled(top)).toEqual({ 'train/1.png': 'red', 'train/2.png': 'blue' })
    expect(top.test?.score([1]).accuracy).toBe(1)
  })

  it('match names whichever way their accents are stored', async () => {
    const csv = `file_name,label\n${'café.png'.normalize('NFC')},a\nb.png,b\n`
    const folder = folderOf({ [`${'café.png'.normalize('NFD')}`]: red, 'b.png': blue, 'labels.csv': csv })
    expect(Object.values(labelled(await open(folder))).sort()).toEqual(['a', 'b'])
  })

  it.each([
    [
      'file_name,label\na.png,x\nnope.png,y\nno/no.png,y\n',
      /unknown file \(labels.csv row 3\): got "nope.png" and 1 more such rows/,
    ],
    ['file_name,label\nx/c.png,x\n', /got "x\/c.png".*did you mean "c.png"\?/],
    [
      'file_name,label\n../a.png,x\n',
      /file_name \(labels.csv row 2\): got "..\/a.png", expected a path relative/,
    ],
    ['file_name,label\n/etc/nothing.png,x\n', /row 2\): got "\/etc\/nothing.png"/],
    ['file_name,label\n,x\n', /file_name \(labels.csv row 2\): got nothing/],
    [
      'size,weight\n7,x\n',
      /columns \(labels.csv row 1\): got size,weight, expected file_name,label.*--file-column/,
    ],
    ['file_name,label,label\na.png,x,y\n', /got "label" twice/],
    [
      'file_name,label\na.png,x\n./a.png,y\n',
      /conflicting rows \(labels.csv rows 2 and 3\).*labels "x" and "y"/,
    ],
    ['file_name,label\na.png\n', /fields \(labels.csv row 2\): got 1, expected 2/],
    ['', /labels file \(labels.csv\): got nothing/],
    ['file_name,label\n', /got 4 images and no label/],
    ['file_name,label\na.png,\n', /got 4 images and no label/],
    ['file_name,label\na.png,x\nb.png,x\n', /got one class only, "x", expected at least two/],
  ])('are refused in one line: %j', async (csv, message) => {
    expect((await failure(() => open(withLabels('labels.csv', csv)))).message).toMatch(message)
  })

  it.each([
    [
      '{"file_name": "a.png", "label": "x"}\nnot json\n',
      /labels \(metadata.jsonl row 2\): got a line that is not JSON/,
    ],
    ['{"file_name": "a.png", "label": ["x", "y"]}\n', /row 1\): got no usable "label"/],
    ['{"label": "x"}\n', /columns \(metadata.jsonl row 1\): got label, expected file_name,label/],
    ['{"file_name": "a.png", "label": "x"}\n{"label": "x"}\n', /row 2\): got no usable "file_name"/],
    ['[1]\n', /got no object/],
  ])('are refused as JSON lines too: %j', async (jsonl, message) => {
    expect((await failure(() => open(withLabels('metadata.jsonl', jsonl)))).message).toMatch(message)
  })

  it('must not come in twos', async () => {
    const folder = withLabels('labels.csv', 'file_name,label\n')
    put(folder, 'metadata.csv', 'file_name,label\n')
    expect((await failure(() => open(folder))).message).toContain(
      'got labels.csv and metadata.csv, expected one of them',
    )
  })

  it('naming only a bad image for a class leave that class without a label', async () => {
    const folder = withLabels('labels.csv', 'file_name,label\na.png,x\nb.png,y\nbad.png,z\n')
    put(folder, 'bad.png', 'words')
    const error = await failure(() => open(folder))
    expect(error.message).toContain('no labelled training image of "z"')
  })
})

describe('bad folders', () => {
  it('skip and list bad images, never stop for them', async () => {
    const cut = (await noise(32).png().toBuffer()).subarray(0, 1000)
    const data = await open(
      folderOf({ 'a/1.png': red, 'a/2.png': cut, 'b/1.png': blue, 'b/notes.txt': 'words' }),
    )
    expect(data.train.paths).toEqual(['a/1.png', 'b/1.png'])
    expect([...data.train.labels]).toEqual([0, 1])
    expect(data.skipped).toEqual([
      { path: 'a/2.png', reason: 'a damaged or truncated PNG file' },
      { path: 'b/notes.txt', reason: 'not an image' },
    ])
  })

  it.each([
    ['an empty folder', {}, /^images \(.*\): got an empty folder/],
    ['no image', { 'a.txt': 'x' }, /got no usable image among 1 files, such as a.txt: not an image/],
    [
      'official files of a known set',
      { 'data_batch_1.bin': 'x', 'data_batch_2.bin': 'x' },
      /official files of CIFAR-10: take cifar10 with --data-dir/,
    ],
    ['an empty class folder', { 'a/1.png': red, 'b/1.png': red, 'c/': '' }, /no usable image in "c"/],
    ['a class of bad images', { 'a/1.png': red, 'b/1.png': red, 'c/1.png': 'x' }, /no usable image in "c"/],
    ['one class only', { 'a/1.png': red, 'b.png': blue }, /got one class only, "a"/],
    [
      'the folder above',
      { 'pets/a/1.png': red, 'pets/b/1.png': blue },
      /got one sub-folder, "pets".*did you mean .*pets\?/,
    ],
    ['no label at all', { 'a.png': red }, /got 1 images and no label.*one sub-folder per class/],
    [
      'only a test split',
      { 'test/a/1.png': red, 'test/b/1.png': red },
      /got test\/ and nothing to learn from/,
    ],
  ])('are refused in one line: %s', async (_, files, message) => {
    expect((await failure(() => open(folderOf(files)))).message).toMatch(message)
  })

  it('pass without labels where none are needed', async () => {
    const data = await open(folderOf({ '2021/a.png': red }), { labels: 'optional' })
    expect(data.train.count).toBe(1)
  })

  it('with fewer images than a batch are told from others', async () => {
    const { train } = await open(folderOf({ 'a/1.png': red, 'b/1.png': blue }))
    expect(() => checkBatchSize(train, 2)).not.toThrow()
    const error = await failure(() => checkBatchSize(train, 64))
    expect(error.message).toMatch(
      /got 2, expected at least 64, one batch; add images or set the batch size to at most 2/,
    )
  })

  it('are left as they were', async () => {
    const folder = folderOf({ 'a/1.png': red, 'b/1.png': blue, 'b/bad.png': 'x' })
    const before = contents(folder)
    await open(folder)
    expect(contents(folder)).toEqual(before)
  })
})

function contents(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.name} ${readFileSync(join(entry.parentPath, entry.name)).toString('hex')}`)
    .sort()
}

describe('selectImages', () => {
  it('copies images, labels and paths in the order asked for', async () => {
    const { train } = await open(folderOf({ 'a/1.png': red, 'b/1.png': blue, 'c/1.png': grey }))
    const chosen = selectImages(train, [2, 0])
    expect(chosen.paths).toEqual(['c/1.png', 'a/1.png'])
    expect([...chosen.labels]).toEqual([2, 0])
    expect([...imageAt(chosen, 0)]).toEqual([...imageAt(train, 2)])
    expect(() => selectImages(train, [3])).toThrow('got index 3, expected 0 to 2')
  })
})
