/**
 * MNIST (Y. LeCun, C. Cortes, C. Burges): 60,000 training and 10,000 test images of handwritten digits, 28 x 28 grey,
 * from the four official IDX files, gzipped or not. Files on the disk are taken first; else they are fetched from
 * public mirrors, checked, and kept in the cache.
 */

import { basename, join } from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { writeFileAtomic } from '../files/atomic.js'
import { download } from '../files/download.js'
import { parseIdx, unpackGzip } from './idx.js'
import type { Dataset } from './dataset.js'
import type { ImageSet } from './image-set.js'
import { type DatasetEntry, DIGITS, type OpenRequest } from './known-set.js'
import { locateFiles, readBounded } from './locate.js'
import { wrongFile, type FetchRequest, type OfficialFile, type OfficialSet } from './official.js'
import { TestSet, numberedPaths } from './test-set.js'

const MIRRORS = [
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
  'https://azureopendatastorage.blob.core.windows.net/mnist/',
]

/** The SHA-256 of each gzipped file, as the mirrors have it, and of its content. */
const FILES = [
  {
    name: 'train-images-idx3-ubyte',
    gzipped: '71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64',
    sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    bytes: 47_040_016,
  },
  {
    name: 'train-labels-idx1-ubyte',
    gzipped: 'fe03b8bd7915f70bf5aa08be480aa413fbd85afcaa58b35d230d335f284fd88e',
    sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    bytes: 60_008,
  },
  {
    name: 't10k-images-idx3-ubyte',
    gzipped: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    bytes: 7_840_016,
  },
  {
    name: 't10k-labels-idx1-ubyte',
    gzipped: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    bytes: 10_008,
  },
] as const

const LIMIT_BYTES = 64 * 2 ** 20
const BY_HAND =
  'put the four official .gz files into a folder and pass --data-dir <folder> (or set HANDFUL_DATA)'

/** Its four files; they may be gzipped or not, and may have a dot where the official names have a dash. */
export const MNIST: OfficialSet = {
  title: 'MNIST',
  files: FILES.map(({ name, sha256, bytes }) => {
    const dotted = name.replace('-idx', '.idx')
    return { names: [`${name}.gz`, name, `${dotted}.gz`, dotted], sha256, bytes }
  }),
  places: (root) => [join(root, 'mnist'), root, join(root, 'MNIST', 'raw'), join(root, 'MNIST')],
  downloadBytes: 11_312_907,
  fetch: fetchMnist,
}

/**
 * Opens MNIST.
 *
 * @throws HandfulError if files are missing, damaged, or of another form, or no mirror answers
 */
export async function openMnist(request: OpenRequest): Promise<Dataset> {
  const paths = (await locateMnist(request)) ?? (await fetchCached(request))
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
  const names = MNIST.files.map((file) => file.names)
  const { places } = MNIST
  if (folders.dataDir !== undefined) {
    const found = await locateFiles(places(folders.dataDir), names, 'MNIST', BY_HAND)
    if (found !== undefined) return found
    throw new HandfulError({
      what: 'MNIST files',
      where: printable(folders.dataDir),
      got: 'none',
      expected: `${names.map(([name]) => name).join(', ')}, there or in mnist/`,
      hint: 'leave --data-dir out to download them',
    })
  }
  const roots = folders.sharedDir === undefined ? [] : places(folders.sharedDir)
  return locateFiles(roots, names, 'MNIST', BY_HAND)
}

/** Puts what is missing into the cache. */
async function fetchCached({ folders, onProgress, signal, fetch }: OpenRequest): Promise<string[]> {
  const folder = folders.cacheDir
  let done = 0
  await fetchMnist({ folder, signal, fetch }, () => onProgress?.(++done, FILES.length, 'downloading'))
  return FILES.map(({ name }) => join(folder, 'mnist', `${name}.gz`))
}

/** Missing files come one after another, from the mirror that answered last, so that progress and failures are plain. */
async function fetchMnist(request: FetchRequest, onFile?: () => void): Promise<void> {
  const { from, mirror, renew = [], onProgress, signal, fetch } = request
  const folder = join(request.folder, 'mnist')
  let mirrors: readonly string[] = mirror === undefined ? MIRRORS : [mirror, ...MIRRORS]
  for (const [index, { name, gzipped }] of FILES.entries()) {
    const fileName = `${name}.gz`
    const path = join(folder, fileName)
    const present = await locateFiles([folder], [[fileName]], 'MNIST', BY_HAND)
    if (present === undefined || renew.includes(fileName)) {
      if (from !== undefined) await copyOfficial(MNIST.files[index], from, folder)
      else {
        const delivering = await download({
          what: 'MNIST',
          fileName,
          path,
          mirrors,
          sha256: gzipped,
          limitBytes: LIMIT_BYTES,
          hint: BY_HAND,
          onProgress: (received, total) => onProgress?.(received, total, fileName),
          signal,
          fetch,
        })
        mirrors = [delivering, ...mirrors.filter((other) => other !== delivering)]
      }
    }
    onFile?.()
  }
}

async function copyOfficial(file: OfficialFile, from: string, folder: string): Promise<void> {
  const [path] = (await locateFiles(MNIST.places(from), [file.names], 'MNIST', BY_HAND)) ?? []
  const reason = path === undefined ? 'is not there' : await wrongFile(file, path)
  if (path === undefined || reason !== undefined) {
    throw new HandfulError({
      what: 'MNIST file',
      where: printable(from),
      got: `${file.names[0]}, which ${reason ?? ''}`,
      expected: 'a folder with the four official files',
    })
  }
  await writeFileAtomic(join(folder, basename(path)), await readBounded(path, LIMIT_BYTES, 'MNIST file'))
}

export const mnist: DatasetEntry = {
  title: 'MNIST',
  description: 'handwritten digits, 28x28 grey, 10 classes, 60,000 + 10,000 images',
  size: 28,
  channels: 1,
  classCount: 10,
  source: 'http://yann.lecun.com/exdb/mnist/',
  licence: 'CC BY-SA 3.0',
  official: MNIST,
  generated: false,
  open: openMnist,
}
