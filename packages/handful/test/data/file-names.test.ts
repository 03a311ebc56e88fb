/** Names as file systems have them: accents stored either way, bytes that are no text, signs that tables have a use for. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../src/data/dataset.js'
import { imageAt } from '../../src/data/image-set.js'
import { openDataset } from '../../src/data/open.js'
import { openImages } from '../../src/data/open-images.js'
import { writePredictions } from '../../src/data/predictions.js'
import { failure, folderOf, png, put, temporaryFolder } from './support.js'

const red = await png('#ff0000')
const blue = await png('#0000ff')
const composed = 'caf\u00e9'
const decomposed = 'cafe\u0301'

const open = (folder: string) => openDataset({ folder, size: 8, seed: 0 })

const labels = ({ train }: Dataset): Record<string, string> =>
  Object.fromEntries(train.paths.map((path, i) => [path, train.classNames[train.labels[i]] ?? '-']))

describe('accents stored either way', () => {
  it('make one class of two folders', async () => {
    const data = await open(
      folderOf({ [`${composed}/1.png`]: red, [`${decomposed}/2.png`]: red, 'tea/1.png': blue }),
    )
    expect(data.train.classNames).toEqual([composed, 'tea'])
    expect(labels(data)).toEqual({
      [`${composed}/1.png`]: composed,
      [`${decomposed}/2.png`]: composed,
      'tea/1.png': 'tea',
    })
  })

  it('are one class in a table', async () => {
    const csv = `file_name,label\na.png,${composed}\nb.png,${decomposed}\nc.png,tea\n`
    const data = await open(folderOf({ 'a.png': red, 'b.png': red, 'c.png': blue, 'labels.csv': csv }))
    expect(data.train.classNames).toEqual([composed, 'tea'])
  })

  it('match names of files, and name one file twice', async () => {
    const files = { [`${decomposed}.png`]: red, 'b.png': blue }
    const data = await open(
      folderOf({ ...files, 'labels.csv': `file_name,label\n${composed}.png,x\nb.png,y\n` }),
    )
    expect(labels(data)).toEqual({ [`${decomposed}.png`]: 'x', 'b.png': 'y' })
    const twice = `file_name,label\n${composed}.png,x\n${decomposed}.png,y\nb.png,y\n`
    expect((await failure(() => open(folderOf({ ...files, 'labels.csv': twice })))).message).toMatch(
      /conflicting rows \(labels.csv rows 2 and 3\)/,
    )
  })

  it('are two files where there are two', async () => {
    const files = { [`${decomposed}.png`]: red, [`${composed}.png`]: blue }
    const csv = `file_name,label\n${composed}.png,x\n${decomposed}.png,y\n`
    expect(labels(await open(folderOf({ ...files, 'labels.csv': csv })))).toEqual({
      [`${decomposed}.png`]: 'y',
      [`${composed}.png`]: 'x',
    })
  })

  it('of a test split belong to the class of training', async () => {
    const data = await open(
      folderOf({
        [`train/${composed}/1.png`]: red,
        'train/tea/1.png': blue,
        [`test/${decomposed}/1.png`]: red,
      }),
    )
    expect(data.test?.score([0]).accuracy).toBe(1)
  })
})

describe.runIf(process.platform === 'linux')('names that are no UTF-8', () => {
  const bytes = (root: string, ...parts: readonly string[]): Buffer =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.from(parts.join('/'), 'latin1')])
  const folder = (): string => {
    const root = temporaryFolder()
    mkdirSync(bytes(root, 'caf\xe9'))
    writeFileSync(bytes(root, 'caf\xe9', '1.png'), red)
    mkdirSync(join(root, 'tea'))
    writeFileSync(bytes(root, 'tea', 'th\xe9.png'), blue)
    return root
  }

  it('are read as Latin-1, class and all, and a line says so', async () => {
    const data = await open(folder())
    expect(labels(data)).toEqual({ [`${composed}/1.png`]: composed, 'tea/th\u00e9.png': 'tea' })
    expect([...imageAt(data.train, 1).subarray(0, 3)]).toEqual([0, 0, 255])
    expect(data.skipped).toEqual([])
    expect(data.notes).toEqual([
      `2 file names are not UTF-8 and are read as Latin-1, such as ${composed}/1.png`,
    ])
  })

  it('are named so in a table', async () => {
    const root = folder()
    put(root, 'labels.csv', `file_name,label\n${composed}/1.png,x\ntea/th\u00e9.png,y\n`)
    expect(labels(await open(root))).toEqual({ [`${composed}/1.png`]: 'x', 'tea/th\u00e9.png': 'y' })
  })

  it('stand beside the same name in UTF-8', async () => {
    const root = folder()
    put(root, `${composed}/2.png`, red)
    writeFileSync(bytes(root, 'tea', 'th\xc3\xa9.png'), red)
    const data = await open(root)
    expect(labels(data)).toEqual({
      'caf%E9/1.png': 'caf%E9',
      [`${composed}/2.png`]: composed,
      'tea/th%E9.png': 'tea',
      'tea/th\u00e9.png': 'tea',
    })
  })

  it('are read so in a tar archive, where none hides another', async () => {
    const root = folder()
    writeFileSync(bytes(root, 'caf\xe9', 'th\xe8.png'), blue)
    writeFileSync(bytes(root, 'caf\xe9', 'th\xe9.png'), red)
    const archive = join(temporaryFolder(), 'photos.tar')
    execFileSync('tar', ['cf', archive, '-C', root, '.'])
    const data = await open(archive)
    expect(labels(data)).toEqual({
      [`${composed}/1.png`]: composed,
      [`${composed}/th\u00e8.png`]: composed,
      [`${composed}/th\u00e9.png`]: composed,
      'tea/th\u00e9.png': 'tea',
    })
    expect(data.skipped).toEqual([])
  })

  it('can be predicted', async () => {
    const root = folder()
    const { images, skipped } = await openImages([root], { size: 8, fit: 'cover', channels: 3 })
    expect(images.paths).toEqual([`${root}/${composed}/1.png`, `${root}/tea/th\u00e9.png`])
    expect(skipped).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('predictions', () => {
  const names = [
    ...['plain.png', 'a,b.png', 'say "hi".png', '"', 'two\nlines.png', 'two\r\nmore.png', '\rback.png'],
    ...[' leading.png', 'trailing.png ', '\ttab.png', '=1+1.png', '+plus.png', '-minus.png', '@at.png'],
    ...[
      'back\\slash.png',
      'c:\\x.png',
      '\u001b[31mred.png',
      '\u0007bell',
      'emoji \u{1f600}.png',
      '\ufeffbom.png',
    ],
    ...[
      `${composed}.png`,
      `${decomposed}.png`,
      'a;b.png',
      "it's.png",
      '%41.png',
      '0001',
      '1',
      '#x',
      'nul.',
      '\u2028',
    ],
  ]

  it('come back whole as labels.csv for every name that a file system has', async () => {
    const root = folderOf(
      Object.fromEntries(names.map((name, i) => [`${i % 2 ? 'x, "y"' : '=z'}/${name}`, i % 2 ? red : blue])),
    )
    const first = await open(root)
    const before = labels(first)
    expect(Object.keys(before)).toHaveLength(names.length)
    const { train } = first
    const table = join(root, 'labels.csv')
    const probability = Float32Array.from(train.labels, () => 1)
    await writePredictions(table, [
      {
        images: train,
        classNames: train.classNames,
        labels: train.labels,
        predicted: train.labels,
        probability,
        split: 'train',
        source: 'test',
      },
    ])
    const second = await open(root)
    expect(labels(second)).toEqual(before)
    expect(second.train.classNames).toEqual(['=z', 'x, "y"'])
  })
})
