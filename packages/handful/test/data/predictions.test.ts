import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCsv } from '../../src/files/csv.js'
import type { ImageSet } from '../../src/data/image-set.js'
import { openDataset } from '../../src/data/open.js'
import { writePredictions } from '../../src/data/predictions.js'
import { TestSet } from '../../src/data/test-set.js'
import { folderOf, png, temporaryFolder } from './support.js'

const classNames = ['cat', 'dog, "small"']

function images(paths: readonly string[]): ImageSet {
  const count = paths.length
  const labels = new Int32Array(count).fill(-1)
  return {
    name: 'a',
    count,
    height: 1,
    width: 1,
    channels: 1,
    pixels: new Uint8Array(count),
    paths,
    labels,
    classNames,
  }
}

describe('writePredictions', () => {
  it('writes one row for each image, quoted where it has to be', async () => {
    const path = join(temporaryFolder(), 'new/predictions.csv')
    const paths = ['cat/1.png', 'a,b/"x"\ny.png']
    const common = { classNames, split: 'train', source: 'vae + propagation' }
    await writePredictions(path, [
      { ...common, images: images(paths), labels: [0, -1], predicted: [0, 1], probability: [0.98765, 0.5] },
    ])
    expect(readFileSync(path, 'utf8')).toBe(
      'file_name,label,predicted,probability,split,source\r\n' +
        'cat/1.png,cat,cat,0.9877,train,vae + propagation\r\n' +
        '"a,b/""x""\ny.png",,"dog, ""small""",0.5000,train,vae + propagation\r\n',
    )
  })

  it('has one column more where it is known how unlike the classes images are', async () => {
    const path = join(temporaryFolder(), 'predictions.csv')
    const common = { classNames, split: 'train', source: 'auto', predicted: [0], probability: [1] }
    await writePredictions(path, [
      { ...common, images: images(['a.png']), unlike: [0.25] },
      { ...common, images: images(['b.png']) },
    ])
    const rows = parseCsv(readFileSync(path, 'utf8'), 'predictions.csv').map((row) => row.fields)
    expect(rows.map((row) => row.at(-1))).toEqual(['unlike', '0.2500', ''])
  })

  it('gives test images their own file names, sorted, and never a label', async () => {
    const path = join(temporaryFolder(), 'predictions.csv')
    const test = new TestSet({
      name: 'test',
      height: 1,
      width: 1,
      channels: 1,
      pixels: new Uint8Array(2),
      labels: [1, 0],
      classNames,
      fileNames: ['test/dog/2.png', 'test/cat/1.png'],
    })
    const common = { classNames, split: 'test', source: 'linear' }
    await writePredictions(path, [{ ...common, images: test, predicted: [1, 0], probability: [0.25, 0.75] }])
    const rows = parseCsv(readFileSync(path, 'utf8'), 'predictions.csv').map((row) => row.fields)
    expect(rows.slice(1)).toEqual([
      ['test/cat/1.png', '', 'cat', '0.7500', 'test', 'linear'],
      ['test/dog/2.png', '', 'dog, "small"', '0.2500', 'test', 'linear'],
    ])
  })

  it('can be filled in and read back as labels.csv', async () => {
    const folder = folderOf({ 'b,1.png': await png('#ff0000'), 'a.png': await png('#0000ff') })
    const { train } = await openDataset({ folder, seed: 0, labels: 'optional' })
    const common = { classNames: ['x', 'y'], split: 'train', source: 'linear' }
    const given = { labels: [1, 0], predicted: [0, 0], probability: [1, 1] }
    await writePredictions(join(folder, 'labels.csv'), [{ ...common, ...given, images: train }])
    const again = await openDataset({ folder, seed: 0 })
    expect(again.train.paths).toEqual(['a.png', 'b,1.png'])
    expect(Array.from(again.train.labels, (label) => again.train.classNames[label])).toEqual(['y', 'x'])
  })

  it('refuses columns of another length, and keeps the old table', async () => {
    const path = join(temporaryFolder(), 'predictions.csv')
    const common = { classNames, split: 'train', source: 'linear' }
    const good = { ...common, images: images(['a']), predicted: [0], probability: [1] }
    await writePredictions(path, [good])
    const old = readFileSync(path, 'utf8')
    await expect(writePredictions(path, [good, { ...good, predicted: [] }])).rejects.toThrow(
      'internal: writePredictions (train): got 0 predicted, expected 1',
    )
    expect(readFileSync(path, 'utf8')).toBe(old)
  })
})
