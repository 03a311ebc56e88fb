/** Which folders are splits and which are classes, by what they hold. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, png } from './support.js'

const red = await png('#ff0000')
const blue = await png('#0000ff')

const open = (paths: readonly string[], more: { splits?: 'none'; labels?: 'optional' } = {}) =>
  openDataset({
    folder: folderOf(
      Object.fromEntries(paths.map((path, i) => [path, path.endsWith('.csv') ? '' : i % 2 ? red : blue])),
    ),
    size: 8,
    seed: 0,
    ...more,
  })

/** Class of each training image, by path. */
const classes = ({ train }: Dataset): Record<string, string> =>
  Object.fromEntries(train.paths.map((path, i) => [path, train.classNames[train.labels[i]] ?? '-']))

describe('a class', () => {
  it.each(['train', 'training', 'test', 'valid', 'val', 'validation', 'dev', 'Test'])(
    'may be called %s',
    async (name) => {
      const data = await open([`${name}/1.png`, 'bus/1.png', 'bus/2.png'])
      expect(classes(data)).toEqual({ [`${name}/1.png`]: name, 'bus/1.png': 'bus', 'bus/2.png': 'bus' })
      expect(data.test).toBeUndefined()
      expect(data.understood).toMatch(
        /^understood as 2 classes from folders \(.*bus 2.*\), 0 images without a label, no test/,
      )
    },
  )

  it('may be called so together with others', async () => {
    const data = await open(['train/1.png', 'bus/1.png', 'test/1.png', 'dev/1.png', 'unlabeled/1.png'])
    expect(data.train.classNames).toEqual(['bus', 'dev', 'test', 'train'])
    expect(data.understood).toBe(
      'understood as 4 classes from folders (bus 1, dev 1, test 1, train 1), 1 image without a label, no test split',
    )
  })

  it('may be called so where all classes have folders inside', async () => {
    const data = await open(['train/may/1.png', 'train/june/1.png', 'bus/may/1.png', 'bus/june/2.png'])
    expect(data.train.classNames).toEqual(['bus', 'train'])
    const tests = await open(['test/may/1.png', 'exam/may/1.png', 'quiz/june/1.png'])
    expect(tests.train.classNames).toEqual(['exam', 'quiz', 'test'])
  })

  it('is any folder with --splits none', async () => {
    const paths = ['unlabeled/1.png', 'labeled/1.png', 'test/1.png', 'other/1.png']
    expect((await open(paths, { splits: 'none' })).train.classNames).toEqual([
      'labeled',
      'other',
      'test',
      'unlabeled',
    ])
  })
})

describe('a split', () => {
  it('is a folder with the classes in it', async () => {
    const data = await open([
      'train/a/1.png',
      'train/b/1.png',
      'test/a/2.png',
      'test/b/2.png',
      'test/b/3.png',
    ])
    expect(classes(data)).toEqual({ 'train/a/1.png': 'a', 'train/b/1.png': 'b' })
    expect(data.understood).toBe(
      'understood as 2 classes from train/ (a 1, b 1), 0 images without a label, test split test/ with 3 images',
    )
  })

  it('without classes is to be predicted, which is said', async () => {
    for (const paths of [
      ['train/a/1.png', 'train/b/1.png', 'test/1.png', 'test/2.png'],
      ['a/1.png', 'b/1.png', 'test/1.png', 'test/2.png'],
    ]) {
      const data = await open(paths)
      expect(data.train.classNames).toEqual(['a', 'b'])
      expect(data.train.count).toBe(2)
      expect(data.test).toBeUndefined()
      expect(data.notes.join()).toMatch(
        /^test\/ holds 2 files and no class: it is left out and can be predicted afterwards \(handful predict <run> .*\/test; --splits none/,
      )
    }
  })

  it('is train/ beside test/ where there is nothing else', async () => {
    const data = await open(['train/1.png', 'train/2.png', 'test/1.png'], { labels: 'optional' })
    expect(data.train.paths).toEqual(['train/1.png', 'train/2.png'])
    expect((await failure(() => open(['train/1.png', 'test/1.png']))).message).toContain(
      '1 images and no label',
    )
  })

  it('is none where a table gives its images the label that its name is', async () => {
    const csv = 'file_name,label\ntrain/1.png,train\nbus/1.png,bus\ntest/1.png,test\n'
    const folder = folderOf({ 'train/1.png': red, 'bus/1.png': blue, 'test/1.png': red, 'labels.csv': csv })
    const data = await openDataset({ folder, size: 8, seed: 0 })
    expect(classes(data)).toEqual({ 'bus/1.png': 'bus', 'test/1.png': 'test', 'train/1.png': 'train' })
  })
})

describe('folders that look like splits', () => {
  it.each([
    ['training_set', 'test_set'],
    ['Train-Images', 'Test-Images'],
    ['labeled', 'test'],
  ])('are splits where they are called %s and %s', async (train, test) => {
    const data = await open([`${train}/a/1.png`, `${train}/b/1.png`, `${test}/a/2.png`, `${test}/b/2.png`])
    expect(classes(data)).toEqual({ [`${train}/a/1.png`]: 'a', [`${train}/b/1.png`]: 'b' })
    expect(data.test?.count).toBe(2)
  })

  it('labeled/ and unlabeled/ are, and a class may be called labeled', async () => {
    const data = await open(['labeled/a/1.png', 'labeled/b/1.png', 'unlabeled/1.png', 'unlabeled/2.png'])
    expect(classes(data)).toEqual({
      'labeled/a/1.png': 'a',
      'labeled/b/1.png': 'b',
      'unlabeled/1.png': '-',
      'unlabeled/2.png': '-',
    })
    expect((await open(['labeled/1.png', 'plain/1.png'])).train.classNames).toEqual(['labeled', 'plain'])
  })

  it('and are none are told', async () => {
    const data = await open([
      'seg_train/x/1.png',
      'seg_train/y/1.png',
      'seg_test/x/1.png',
      'seg_test/y/1.png',
    ])
    expect(data.train.classNames).toEqual(['seg_test', 'seg_train'])
    expect(data.notes).toContain(
      '"seg_train" and "seg_test" are taken for classes; splits are called train/ and test/',
    )
    const inside = await open(['cat/train/1.png', 'cat/test/1.png', 'dog/train/1.png', 'dog/test/1.png'])
    expect(inside.train.count).toBe(4)
    expect(inside.notes.join()).toContain(
      '"cat/train" and "cat/test" lie inside a class and are no splits: all images are learned from',
    )
  })
})

describe('splits that cannot be learned from are refused with the reason', () => {
  it.each([
    [
      ['val/a/1.png', 'val/b/1.png'],
      /got val\/ and nothing to learn from, expected train\/ or class folders/,
    ],
    [['dev/a/1.png', 'test/a/1.png', 'test/b/1.png'], /got test\/ and nothing to learn from/],
    [
      ['train/1.png', 'test/1.png'],
      /train\/ and test\/ are taken for splits: --splits none if they are classes/,
    ],
    [
      ['train/a/1.png', 'train/b/1.png', 'test/a/1.png', 'test/emu/1.png'],
      /no labelled training image of "emu", of which there are test images/,
    ],
    [['train/Cat/1.png', 'train/dog/1.png', 'test/cat/1.png'], /"Cat" of training differs in capitals alone/],
    [
      ['train/images/a/1.png', 'train/images/b/1.png', 'test/images/a/1.png'],
      /got one sub-folder, "train\/images", which has 2 sub-folders itself, .*move them up by one/,
    ],
  ])('%j', async (paths, message) => {
    expect((await failure(() => open(paths))).message).toMatch(message)
  })

  it('and an empty one is named', async () => {
    const folder = folderOf({ 'train/a/1.png': red, 'train/b/1.png': blue, 'test/': '' })
    expect((await openDataset({ folder, size: 8 })).notes).toContain('test/ holds no file')
  })
})

describe('archives of competitions', () => {
  it('hold train/train and test/test: the inner folder is the split, and train.csv its labels', async () => {
    const folder = folderOf({
      'train/train/1.png': red,
      'train/train/2.png': blue,
      'test/test/3.png': red,
      'train.csv': 'id,label\n1,cat\n2,dog\n',
      'sampleSubmission.csv': 'id,label\n3,0\n',
    })
    const data = await openDataset({ folder, size: 8, seed: 0 })
    expect(classes(data)).toEqual({ 'train/train/1.png': 'cat', 'train/train/2.png': 'dog' })
    expect(data.test).toBeUndefined()
    expect(data.notes.join()).toContain('test/ holds 1 files and no class: it is left out')
    const inFolders = await open([
      'train/train/a/1.png',
      'train/train/b/2.png',
      'test/test/a/3.png',
      'test/test/b/4.png',
    ])
    expect(classes(inFolders)).toEqual({ 'train/train/a/1.png': 'a', 'train/train/b/2.png': 'b' })
    expect(inFolders.test?.count).toBe(2)
  })
})

describe('a folder of tables and texts alone', () => {
  it('is no class, and its table may be the labels', async () => {
    const annotations = { 'annotations/README': 'see the paper', 'annotations/classes.txt': 'a\nb\n' }
    const folder = folderOf({ 'a/1.png': red, 'b/2.png': blue, ...annotations })
    const data = await openDataset({ folder, size: 8, seed: 0 })
    expect(data.train.classNames).toEqual(['a', 'b'])
    expect(data.notes).toEqual(['annotations/ holds tables and texts alone: it is no class'])
    const table = { 'labels/list.csv': 'file,label\n1.png,cat\n2.png,dog\n' }
    const listed = folderOf({ 'images/1.png': red, 'images/2.png': blue, ...table })
    expect(classes(await openDataset({ folder: listed, size: 8, seed: 0 }))).toEqual({
      'images/1.png': 'cat',
      'images/2.png': 'dog',
    })
  })

  it('whose list has several columns of classes is told', async () => {
    const folder = folderOf({
      'images/Abyssinian_1.png': red,
      'images/beagle_2.png': blue,
      'annotations/list.txt': '#Image CLASS-ID SPECIES BREED\nAbyssinian_1 1 1 3\nbeagle_2 2 2 1\n',
    })
    const error = await failure(() => openDataset({ folder, size: 8, seed: 0 }))
    expect(error.message).toMatch(
      /^labels .*: got one class only, "images", .*; annotations\/list\.txt is not taken for labels: .*"2", "3" and "4" that could each be the label/,
    )
    const chosen = await openDataset({ folder, size: 8, seed: 0, labelColumn: '2' })
    expect(classes(chosen)).toEqual({ 'images/Abyssinian_1.png': '1', 'images/beagle_2.png': '2' })
  })
})
