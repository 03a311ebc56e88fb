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
      'understood as 4 classes from folders (bus 1, dev 1, test 1, train 1), 1 images without a label, no test split',
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
