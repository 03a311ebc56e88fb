/** A column of splits in a table of labels means what folders of these names mean. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, png } from './support.js'

const colours = ['#ff0000', '#0000ff', '#00ff00', '#ffff00', '#00ffff', '#ff00ff']
const images = Object.fromEntries(
  await Promise.all(colours.map(async (colour, i) => [`${'abcdef'[i]}.png`, await png(colour)] as const)),
)

const open = (csv: string, more: { splits?: 'none' } = {}, name = 'labels.csv') =>
  openDataset({ folder: folderOf({ ...images, [name]: csv }), size: 8, seed: 0, ...more })

const classes = ({ train }: Dataset): Record<string, string> =>
  Object.fromEntries(train.paths.map((path, i) => [path, train.classNames[train.labels[i]] ?? '-']))

const table = (splits: readonly string[], column = 'split'): string =>
  `file_name,label,${column}\n${splits.map((split, i) => `${'abcdef'[i]}.png,${'cd'[i % 2]},${split}\n`).join('')}`

describe('a column of splits', () => {
  it.each([
    ['split', 'train', 'test'],
    ['Set', 'Training', 'Testing'],
    ['subset', 'TRAIN', 'TEST'],
    ['Usage', 'Training', 'PrivateTest'],
  ])('called %s puts images of %s and %s where folders would', async (column, train, test) => {
    const data = await open(table([train, train, test, test], column))
    expect(classes(data)).toEqual({ 'a.png': 'c', 'b.png': 'd', 'e.png': '-', 'f.png': '-' })
    expect(data.test?.count).toBe(2)
    const right = data.test?.score(Array.from({ length: 2 }, (_, i) => i))
    const wrong = data.test?.score(Array.from({ length: 2 }, (_, i) => 1 - i))
    expect([right?.correct, wrong?.correct].sort()).toEqual([0, 2])
    expect(data.notes).toEqual([
      `labels.csv: files from column "file_name", labels from column "label", splits from column "${column}"`,
    ])
    expect(data.understood).toBe(
      `understood as 2 classes from labels.csv (c 1, d 1), 2 images without a label, test split column "${column}" of labels.csv with 2 images`,
    )
  })

  it('holds validation out where there is no test, and leaves it out beside one', async () => {
    const alone = await open(table(['train', 'train', 'val', 'val']))
    expect(alone.test?.count).toBe(2)
    expect(alone.notes).toContain(
      '2 images of validation in column "split" of labels.csv are held out for scoring',
    )
    const both = await open(table(['train', 'train', 'valid', 'valid', 'test']))
    expect(classes(both)).toEqual({ 'a.png': 'c', 'b.png': 'd', 'f.png': '-' })
    expect(both.test?.count).toBe(1)
    expect(both.notes).toContain(
      '2 images of validation in column "split" of labels.csv are left out: those of test are for scoring',
    )
  })

  it('trains on images with an empty field, and on unlabeled ones without their label', async () => {
    const data = await open(table(['train', 'train', '', 'unlabeled', 'test']))
    expect(classes(data)).toEqual({ 'a.png': 'c', 'b.png': 'd', 'c.png': 'c', 'd.png': '-', 'f.png': '-' })
  })

  it('without labels of its test images is to be predicted', async () => {
    const data = await open('file_name,label,split\na.png,c,train\nb.png,d,train\nc.png,,test\n')
    expect(data.test).toBeUndefined()
    expect(data.notes).toContain(
      '1 images of the test split have no label and are left out; handful predict classifies them',
    )
  })

  it.each([
    [table(['train', 'train', 'test', 'fold 2']), {}],
    [table(['test', 'test', 'test', 'test']), {}],
    [table(['train', 'train', 'test', 'test']), { splits: 'none' as const }],
  ])(
    'of other words, of test alone or with --splits none is told of and trained on: %j',
    async (csv, more) => {
      const data = await open(csv, more)
      expect(data.train.count).toBe(6)
      expect(data.test).toBeUndefined()
      expect(data.notes[0]).toMatch(
        /; "split" is not looked at: its test images are trained on unless they lie in test\/$/,
      )
    },
  )

  it('gives way to folders that are splits', async () => {
    const folder = folderOf({
      'train/a.png': images['a.png'],
      'train/b.png': images['b.png'],
      'test/c.png': images['c.png'],
      'labels.csv': 'file_name,label,split\ntrain/a.png,c,train\ntrain/b.png,d,test\ntest/c.png,c,test\n',
    })
    const data = await openDataset({ folder, size: 8, seed: 0 })
    expect(classes(data)).toEqual({ 'train/a.png': 'c', 'train/b.png': 'd' })
    expect(data.notes[0]).toContain('"split" is not looked at')
  })

  it('whose test classes training lacks is refused', async () => {
    const csv = 'file_name,label,split\na.png,c,train\nb.png,d,train\nc.png,emu,test\n'
    expect((await failure(() => open(csv))).message).toContain('no labelled training image of "emu"')
  })
})
