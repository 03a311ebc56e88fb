import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countLabels } from '../../src/data/image-set.js'
import { dataFolders } from '../../src/data/locate.js'
import { openDataset } from '../../src/data/open.js'
import { datasets } from '../../src/data/registry.js'
import { failure } from './support.js'

describe('openDataset', () => {
  it('wants a folder or a data set, not both', async () => {
    const neither = await failure(() => openDataset({ seed: 0 }))
    expect(neither).toMatchObject({ exitCode: 2, got: 'neither a folder nor a data set' })
    const both = await failure(() => openDataset({ seed: 0, folder: 'a', dataset: 'mnist' }))
    expect(both).toMatchObject({ exitCode: 2, got: 'both a folder and a data set' })
  })

  it('knows its data sets and what was meant', async () => {
    expect(Object.keys(datasets)).toEqual(['strokes', 'mnist', 'cifar10', 'cifar100'])
    const error = await failure(() => openDataset({ seed: 0, dataset: 'CIFAR-10' }))
    expect(error.exitCode).toBe(2)
    expect(error.message).toContain(
      'got "CIFAR-10", expected one of strokes, mnist, cifar10, cifar100; did you mean cifar10?',
    )
  })

  it('never resizes a known data set behind the back', async () => {
    const error = await failure(() => openDataset({ seed: 0, dataset: 'mnist', size: 32 }))
    expect(error.message).toBe('size (--size): got 32, expected 28, the size of MNIST; leave it out')
  })

  it.each([
    [{ seed: -1, dataset: 'mnist' }, 'seed'],
    [{ seed: 0, folder: 'a', size: 3 }, 'size'],
    [{ seed: 0, folder: 'a', size: 32.5 }, 'size'],
  ])('refuses %j', async (spec, option) => {
    expect(await failure(() => openDataset(spec))).toMatchObject({ exitCode: 2, where: option })
  })

  it('draws the strokes: the same for the same seed, with a test split', async () => {
    const spec = { dataset: 'strokes', seed: 3, count: 40, testCount: 20 }
    const stages: string[] = []
    const { train, test } = await openDataset({ ...spec, onProgress: (_, __, stage) => stages.push(stage) })
    const { size, channels, classCount } = datasets.strokes
    expect(train).toMatchObject({ count: 40, height: size, width: size, channels })
    expect([...countLabels(train.labels, classCount)]).toEqual(new Array(10).fill(4))
    expect(test?.count).toBe(20)
    expect(stages).toContain('generating')
    const again = await openDataset(spec)
    expect(Buffer.compare(again.train.pixels.subarray(), train.pixels.subarray())).toBe(0)
  })

  it('stops before it starts when told to', async () => {
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(openDataset({ dataset: 'strokes', seed: 0 }, { signal })).rejects.toThrow('stopped')
  })
})

describe('dataFolders', () => {
  it('follows XDG, and lets the user overrule it', () => {
    expect(dataFolders(undefined, {}).cacheDir).toBe(join(homedir(), '.cache/handful'))
    expect(dataFolders(undefined, { XDG_CACHE_HOME: '/x' }).cacheDir).toBe(resolve('/x/handful'))
    expect(dataFolders(undefined, { XDG_CACHE_HOME: 'relative' }).cacheDir).toBe(
      join(homedir(), '.cache/handful'),
    )
    expect(dataFolders(undefined, { XDG_CACHE_HOME: '/x', HANDFUL_CACHE: '/y' }).cacheDir).toBe(resolve('/y'))
    expect(dataFolders('/a', { HANDFUL_DATA: '/b' })).toMatchObject({
      dataDir: resolve('/a'),
      sharedDir: resolve('/b'),
    })
    expect(dataFolders(undefined, { HANDFUL_DATA: '' }).sharedDir).toBeUndefined()
  })
})
