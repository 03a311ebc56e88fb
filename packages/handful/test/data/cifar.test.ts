import { describe, expect, it } from 'vitest'
import { imageAt } from '../../src/data/image-set.js'
import { openDataset } from '../../src/data/open.js'
import { failure, folderOf, put } from './support.js'

const names10 = 'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n'

/** A record whose red, green and blue planes count up from 0, 100 and 200 (modulo 256). */
function record(...labels: number[]): Buffer {
  const planes = [0, 100, 200].map((start) => Uint8Array.from({ length: 1024 }, (_, i) => start + i))
  return Buffer.concat([Uint8Array.from(labels), ...planes])
}

function cifar10(): string {
  const files: Record<string, string | Uint8Array> = {
    'batches.meta.txt': names10,
    'test_batch.bin': record(9),
  }
  for (let batch = 1; batch <= 5; batch++) files[`data_batch_${batch}.bin`] = record(batch)
  return folderOf(
    Object.fromEntries(Object.entries(files).map(([name, file]) => [`cifar-10-batches-bin/${name}`, file])),
  )
}

const open = (dataset: string, dataDir: string) =>
  openDataset({ dataset, dataDir, seed: 0 }, { environment: {} })

describe('openDataset cifar10 and cifar100', () => {
  it('reads the records of all batches in order, colours side by side', async () => {
    const { train, test } = await open('cifar10', cifar10())
    expect(train).toMatchObject({ count: 5, height: 32, width: 32, channels: 3 })
    expect([...train.labels]).toEqual([1, 2, 3, 4, 5])
    expect(train.classNames[3]).toBe('cat')
    expect([...imageAt(train, 4).subarray(0, 6)]).toEqual([0, 100, 200, 1, 101, 201])
    expect([...imageAt(train, 4).subarray(-3)]).toEqual([255, 99, 199])
    expect(test?.score([9]).correct).toBe(1)
  })

  it('counts images while it reads, not files', async () => {
    const told: unknown[] = []
    const onProgress = (...counted: unknown[]): unknown => told.push(counted.slice(0, 3))
    await openDataset({ dataset: 'cifar10', dataDir: cifar10(), seed: 0 }, { environment: {}, onProgress })
    expect(told).toEqual([[6, 6, 'reading']])
  })

  it('takes the fine label of CIFAR-100', async () => {
    const fine = Array.from({ length: 100 }, (_, i) => `class ${i}`).join('\n')
    const files = { 'fine_label_names.txt': fine, 'train.bin': record(3, 42), 'test.bin': record(19, 99) }
    const { train, test } = await open('cifar100', folderOf(files))
    expect([...train.labels]).toEqual([42])
    expect(test?.score([99]).correct).toBe(1)
  })

  it('refuses half a record, an impossible label, missing files, other class names', async () => {
    const folder = cifar10()
    const inner = 'cifar-10-batches-bin/'
    put(folder, `${inner}data_batch_2.bin`, record(1).subarray(0, 3000))
    expect((await failure(() => open('cifar10', folder))).message).toMatch(
      /data_batch_2\.bin\): got 3000 bytes.*3073/,
    )
    put(folder, `${inner}data_batch_2.bin`, Buffer.concat([record(1), record(10)]))
    expect((await failure(() => open('cifar10', folder))).message).toContain(
      'record 1): got 10, expected 0 to 9',
    )
    put(folder, `${inner}batches.meta.txt`, 'a\nb\n')
    expect((await failure(() => open('cifar10', folder))).message).toContain(
      'got 2 different lines, expected 10',
    )
    const half = folderOf({ 'train.bin': record(1, 1) })
    expect((await failure(() => open('cifar100', half))).message).toMatch(
      /got 1 of 3, expected also .*test\.bin/,
    )
    expect((await failure(() => open('cifar10', half))).message).toContain(
      'unpack https://www.cs.toronto.edu',
    )
  })
})
