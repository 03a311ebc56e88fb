/**
 * MNIST (Y. LeCun, C. Cortes, C. Burges): 60,000 training and 10,000 test images of handwritten digits, 28 x 28 grey,
 * from the four official IDX files, gzipped or not. Files on the disk are taken first; else they are fetched from
 * public mirrors, checked, and kept in the cache.
 */

import { join } from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { writeFileAtomic } from './atomic.js'
import { download } from './download.js'
import { parseIdx, unpackGzip } from './idx.js'
import type { Dataset, ImageSet } from './image-set.js'
import { locateFiles, readBounded } from './locate.js'
import type { OpenRequest } from './registry.js'
import { TestSet, numberedPaths } from './test-set.js'

const MIRRORS = [
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
  'https://azureopendatastorage.blob.core.windows.net/mnist/',
]

const FILES = {
  trainImages: {
    name: 'train-images-idx3-ubyte',
    sha256: '71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64',
  },
  trainLabels: {
    name: 'train-labels-idx1-ubyte',
    sha256: 'fe03b8bd7915f70bf5aa08be480aa413fbd85afcaa58b35d230d335f284fd88e',
  },
  testImages: {
    name: 't10k-images-idx3-ubyte',
    sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
  },
  testLabels: {
    name: 't10k-labels-idx1-ubyte',
    sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
  },
} as const

const ORDER = [FILES.trainImages, FILES.trainLabels, FILES.testImages, FILES.testLabels]
const LIMIT_BYTES = 64 * 2 ** 20
const BY_HAND =
  'put the four official .gz files into a folder and pass --data-dir <folder> (or set HANDFUL_DATA)'

export const DIGITS: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']

/**
 * Opens MNIST.
 *
 * @throws HandfulError if files are missing, damaged, or of another form, or no mirror answers
 */
export async function openMnist(request: OpenRequest): Promise<Dataset> {
  const paths = (await locateMnist(request)) ?? (await fetchMnist(request))
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all(
    paths.map(async (path, index) => {
      const unpacked = await unpackGzip(await readBounded(path, LIMIT_BYTES, 'MNIST file'), printable(path))
      return parseIdx(unpacked, index % 2 === 0 ? 3 : 1, printable(path))
    }),
  )
  const [train, test] = [
    { name: 'mnist', images: trainImages, labels: trainLabels, at: paths[1] },
    { name: 'mnist test', images: testImages, labels: testLabels, at: paths[3] },
  ].map(({ name, images, labels, at }) => {
    checkDigits(labels.values, images.shape[0], at)
    return digits(name, images.shape, images.values, labels.values)
  })
  if (train.height !== test.height || train.width !== test.width) {
    throw new HandfulError({
      what: 'MNIST test images',
      where: printable(paths[2]),
      got: `${test.height}x${test.width} pixels`,
      expected: `${train.height}x${train.width}, as the training images`,
    })
  }
  request.onProgress?.(train.count + test.count, train.count + test.count, 'reading')
  return { name: 'mnist', train, test: new TestSet(test), skipped: [], notes: [] }
}

function digits(name: string, shape: readonly number[], pixels: Uint8Array, labels: Uint8Array): ImageSet {
  const [count, height, width] = shape
  return {
    name,
    count,
    height,
    width,
    channels: 1,
    pixels,
    paths: numberedPaths('train', count),
    labels: Int32Array.from(labels),
    classNames: DIGITS,
  }
}

function checkDigits(labels: Uint8Array, imageCount: number, path: string): void {
  const where = printable(path)
  if (labels.length !== imageCount || imageCount === 0) {
    throw new HandfulError({
      what: 'MNIST labels',
      where,
      got: `${labels.length} labels for ${imageCount} images`,
      expected: 'one label for each image',
    })
  }
  const wrong = labels.findIndex((label) => label > 9)
  if (wrong < 0) return
  throw new HandfulError({
    what: 'MNIST label',
    where: `${where} label ${wrong}`,
    got: `${labels[wrong]}`,
    expected: '0 to 9',
  })
}

async function locateMnist({ folders }: OpenRequest): Promise<string[] | undefined> {
  const names = ORDER.map(({ name }) => {
    const dotted = name.replace('-idx', '.idx')
    return [`${name}.gz`, name, `${dotted}.gz`, dotted]
  })
  const places = (folder: string) => [
    join(folder, 'mnist'),
    folder,
    join(folder, 'MNIST', 'raw'),
    join(folder, 'MNIST'),
  ]
  if (folders.dataDir !== undefined) {
    const found = await locateFiles(places(folders.dataDir), names, 'MNIST', BY_HAND)
    if (found !== undefined) return found
    throw new HandfulError({
      what: 'MNIST files',
      where: printable(folders.dataDir),
      got: 'none',
      expected: `${ORDER.map(({ name }) => `${name}.gz`).join(', ')}, there or in mnist/`,
      hint: 'leave --data-dir out to download them',
    })
  }
  const roots = folders.sharedDir === undefined ? [] : places(folders.sharedDir)
  return locateFiles(roots, names, 'MNIST', BY_HAND)
}

/** Missing files come one after another, from the mirror that answered last, so that progress and failures are plain. */
async function fetchMnist({ folders, onProgress, signal, fetch }: OpenRequest): Promise<string[]> {
  const folder = join(folders.cacheDir, 'mnist')
  let mirrors: readonly string[] = MIRRORS
  const paths: string[] = []
  for (const [index, { name, sha256 }] of ORDER.entries()) {
    const path = join(folder, `${name}.gz`)
    paths.push(path)
    const cached = await locateFiles([folder], [[`${name}.gz`]], 'MNIST', BY_HAND)
    if (cached === undefined) {
      const { content, mirror } = await download({
        what: 'MNIST',
        fileName: `${name}.gz`,
        mirrors,
        sha256,
        limitBytes: LIMIT_BYTES,
        hint: BY_HAND,
        signal,
        fetch,
      })
      await writeFileAtomic(path, content)
      mirrors = [mirror, ...MIRRORS.filter((other) => other !== mirror)]
    }
    onProgress?.(index + 1, ORDER.length, 'downloading')
  }
  return paths
}
