import { describe, expect, it } from 'vitest'
import { join } from 'node:path'
import { dataStatistics } from '../../src/jobs/data/run.js'
import { folderOf, plain, png } from './support.js'

const statistics = (what: string, dataDir?: string) =>
  dataStatistics({ what, dataDir, size: 8, environment: {} })

describe('statistics', () => {
  it('of a folder: classes, sizes, channels, mean and deviation, copies, unreadable files', async () => {
    const red = await png('#ff0000', 10, 20)
    const grey = await plain('#333333', 16).png().toBuffer()
    const folder = folderOf({
      'cat/1.png': red,
      'cat/2.png': red,
      'dog/1.png': red,
      'dog/2.png': await png('#ff0001', 10, 20),
      'dog/bad.png': 'no image',
      'unlabeled/1.png': grey,
      'test/cat/1.png': grey,
      'test/dog/1.png': await png('#00ff00'),
    })
    const found = await statistics(folder)
    expect(found).toMatchObject({
      images: { train: 5, test: 2 },
      labelled: 4,
      classes: [
        { name: 'cat', images: 2 },
        { name: 'dog', images: 2 },
      ],
      sizes: [
        { width: 10, height: 20, images: 4 },
        { width: 16, height: 16, images: 2 },
        { width: 8, height: 8, images: 1 },
      ],
      channels: 3,
      greyImages: 2,
      side: 8,
      skipped: [{ path: 'dog/bad.png', reason: 'not an image' }],
      duplicates: {
        copies: 3,
        groups: 2,
        acrossSplits: 1,
        withSeveralLabels: 1,
        examples: [
          ['cat/1.png', 'cat/2.png', 'dog/1.png'],
          ['unlabeled/1.png', 'test/cat/1.png'],
        ],
      },
    })
    // Four images of red 255 and one of grey 51, that is 0.2: mean (4 + 0.2) / 5, variance 0.16 * 0.64.
    expect(found.mean[0]).toBeCloseTo(0.84, 12)
    expect(found.deviation[0]).toBeCloseTo(0.32, 12)
    expect(found.mean[1]).toBeCloseTo(0.04, 12)
    expect(found.deviation[1]).toBeCloseTo(0.08, 12)
  })

  it('of a Parquet table, and of grey images by one channel', async () => {
    const shards = await statistics(join(import.meta.dirname, '../fixtures/parquet'))
    expect(shards).toMatchObject({ name: 'parquet', images: { train: 7, test: 2 }, labelled: 5, channels: 3 })
    expect(shards.duplicates).toMatchObject({ copies: 6, groups: 3, acrossSplits: 2 })
    const grey = await statistics(folderOf({ '1.png': await png('#333'), '2.png': await png('#999') }))
    expect([grey.channels, grey.labelled, grey.greyImages]).toEqual([1, 0, 2])
    expect(grey.mean).toHaveLength(1)
    expect(grey.mean[0]).toBeCloseTo(0.4, 12)
    expect(grey.deviation[0]).toBeCloseTo(0.2, 12)
  })

  it('of a known set, by name or by the folder of its official files; labels of the test split are not shown', async () => {
    const record = (label: number, value: number): Buffer =>
      Buffer.concat([Uint8Array.of(label), Buffer.alloc(3072, value)])
    const files: Record<string, Uint8Array | string> = {
      'batches.meta.txt': Array.from({ length: 10 }, (_, i) => `class ${i}\n`).join(''),
      'test_batch.bin': record(9, 1),
    }
    for (let batch = 1; batch <= 5; batch++) files[`data_batch_${batch}.bin`] = record(batch, batch)
    const folder = folderOf(files)
    const named = await statistics('cifar10', folder)
    expect(named).toMatchObject({ name: 'cifar10', images: { train: 5, test: 1 }, side: 32, greyImages: 6 })
    expect(named.classes.map(({ name }) => name)).toEqual([1, 2, 3, 4, 5].map((i) => `class ${i}`))
    expect(named.mean[0]).toBeCloseTo(3 / 255, 12)
    expect(named.duplicates).toMatchObject({
      copies: 1,
      acrossSplits: 1,
      examples: [['train/00000', 'test/00000']],
    })
    expect(await statistics(folder)).toEqual(named)
  })
})
