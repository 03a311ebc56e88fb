/**
 * CIFAR-10 and CIFAR-100 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009) in their
 * official binary form: records of one label byte (CIFAR-100: coarse, then fine) and 3,072 bytes, three 32 x 32 planes
 * red, green, blue. The files are read from the disk.
 */

import { join } from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { decodeText } from '../files/csv.js'
import type { Dataset } from './dataset.js'
import type { DatasetEntry, OpenRequest } from './known-set.js'
import { locateFiles, readBounded } from './locate.js'
import { dataRoots, type OfficialSet } from './official.js'
import { fetchArchive } from './unpack-official.js'
import { TestSet, numberedPaths } from './test-set.js'

const SIDE = 32
const PLANE = SIDE * SIDE
const IMAGE_BYTES = 3 * PLANE
/** The largest official file, CIFAR-100's train.bin, has 153.7 MB. */
const LIMIT_BYTES = 256 * 2 ** 20

interface CifarForm {
  readonly name: string
  readonly title: string
  readonly folder: string
  readonly archive: CifarArchive
  readonly trainFiles: readonly string[]
  readonly testFile: string
  readonly namesFile: string
  readonly classCount: number
  /** Bytes of labels before the pixels; the last one counts. */
  readonly labelBytes: number
}

const MIRROR = 'https://www.cs.toronto.edu/~kriz/'
const part = (images: number, sha256: string) => ({ images, sha256 })

const CIFAR10: CifarForm = {
  name: 'cifar10',
  title: 'CIFAR-10',
  folder: 'cifar-10-batches-bin',
  archive: {
    mirror: MIRROR,
    fileName: 'cifar-10-binary.tar.gz',
    bytes: 170_052_171,
    sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    records: {
      data_batch_1: part(10_000, 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
      data_batch_2: part(10_000, 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
      data_batch_3: part(10_000, 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
      data_batch_4: part(10_000, '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
      data_batch_5: part(10_000, '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
      test_batch: part(10_000, '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b'),
    },
    texts: { 'batches.meta.txt': '2ce042b1e0b48db4bb214408e6414ba18b2731c24af244f2d6c112fddf31af00' },
  },
  trainFiles: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  testFile: 'test_batch.bin',
  namesFile: 'batches.meta.txt',
  classCount: 10,
  labelBytes: 1,
}

const CIFAR100: CifarForm = {
  name: 'cifar100',
  title: 'CIFAR-100',
  folder: 'cifar-100-binary',
  archive: {
    mirror: MIRROR,
    fileName: 'cifar-100-binary.tar.gz',
    bytes: 168_513_733,
    sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
    records: {
      train: part(50_000, 'f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29'),
      test: part(10_000, 'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a'),
    },
    texts: {
      'fine_label_names.txt': '4a53f81a8af29bb6aa646bfe2c455db1b061edfde82a39c0cfc313ef536c681b',
      'coarse_label_names.txt': '14e28b5b70e3d8a29704b0d9f8c5985cca5f3c3d08ea043dcc87a036df37a2b3',
    },
  },
  trainFiles: ['train.bin'],
  testFile: 'test.bin',
  namesFile: 'fine_label_names.txt',
  classCount: 100,
  labelBytes: 2,
}

interface CifarArchive {
  readonly mirror: string
  readonly fileName: string
  readonly bytes: number
  readonly sha256: string
  /** By the name of the file, `.bin` left out. */
  readonly records: Readonly<Record<string, { readonly images: number; readonly sha256: string }>>
  /** Class names, of CIFAR-100 those of both levels. */
  readonly texts: Readonly<Record<string, string>>
}

interface Records {
  readonly pixels: Uint8Array
  readonly labels: Int32Array
}

/**
 * Opens one of the two sets from `--data-dir` or `HANDFUL_DATA`, where the files may lie directly or in the folder of
 * the official archive. Images are `[count, 32, 32, 3]` in the official order.
 *
 * @throws HandfulError if files are missing, or not whole records with labels of the set
 */
async function openCifar(form: CifarForm, request: OpenRequest): Promise<Dataset> {
  const paths = await locateCifar(form, request)
  const [namesPath, ...recordPaths] = paths
  const classNames = await readClassNames(form, namesPath)
  const parts: Records[] = []
  for (const path of recordPaths) {
    request.signal?.throwIfAborted()
    parts.push(parseRecords(await readBounded(path, LIMIT_BYTES, form.title), form, path))
  }
  const images = parts.reduce((sum, { labels }) => sum + labels.length, 0)
  request.onProgress?.(images, images, 'reading')
  const test = parts.pop()
  if (test === undefined) throw new Error(`internal: openCifar (${form.name}): no test file`)
  const train = joinRecords(parts)
  const shape = { height: SIDE, width: SIDE, channels: 3, classNames } as const
  const count = train.labels.length
  return {
    name: form.name,
    train: { name: form.name, count, ...shape, ...train, paths: numberedPaths('train', count) },
    test: new TestSet({ name: `${form.name} test`, ...shape, ...test }),
    skipped: [],
    notes: [],
  }
}

const placesOf = ({ folder, name }: CifarForm, root: string): string[] => [
  join(root, folder),
  join(root, name, folder),
  join(root, name),
  root,
]

/** The files of the official archive. */
function officialCifar(form: CifarForm): OfficialSet {
  const { title, folder, archive, labelBytes } = form
  const set: OfficialSet = {
    title,
    files: [
      ...Object.entries(archive.texts).map(([name, sha256]) => ({
        names: [name],
        bytes: 0,
        sha256,
        isText: true,
      })),
      ...Object.entries(archive.records).map(([name, { images, sha256 }]) => ({
        names: [`${name}.bin`],
        bytes: images * (labelBytes + IMAGE_BYTES),
        sha256,
      })),
    ],
    places: (root) => placesOf(form, root),
    downloadBytes: archive.bytes,
    fetch: (request) => fetchArchive(set, { ...archive, folder }, request),
  }
  return set
}

async function locateCifar(form: CifarForm, { folders }: OpenRequest): Promise<string[]> {
  const roots = dataRoots(folders)
  const places = roots.flatMap((root) => placesOf(form, root))
  const names = [form.namesFile, ...form.trainFiles, form.testFile].map((name) => [name])
  const { mirror, fileName } = form.archive
  const hint =
    `handful data fetch ${form.name} downloads them; or unpack ${mirror}${fileName} into a folder and ` +
    'pass --data-dir <folder> (or set HANDFUL_DATA)'
  const found = await locateFiles(places, names, form.title, hint)
  if (found !== undefined) return found
  throw new HandfulError({
    what: `${form.title} files`,
    where: printable(roots[0]),
    got: 'none',
    expected: `${form.folder}/ with ${form.trainFiles[0]}, ${form.testFile} and so on`,
    hint,
  })
}

async function readClassNames(form: CifarForm, path: string): Promise<string[]> {
  const text = decodeText(await readBounded(path, 2 ** 16, 'class names'), printable(path))
  const names = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  if (names.length === form.classCount && new Set(names).size === names.length) return names
  throw new HandfulError({
    what: 'class names',
    where: printable(path),
    got: `${new Set(names).size} different lines`,
    expected: `${form.classCount}`,
    hint: 'unpack the official archive again',
  })
}

function parseRecords(bytes: Uint8Array, form: CifarForm, path: string): Records {
  const recordBytes = form.labelBytes + IMAGE_BYTES
  const count = Math.floor(bytes.length / recordBytes)
  if (count === 0 || count * recordBytes !== bytes.length) {
    throw new HandfulError({
      what: `${form.title} records`,
      where: printable(path),
      got: `${bytes.length} bytes`,
      expected: `a multiple of ${recordBytes}, the bytes of one record`,
      hint: 'the file is truncated or another one; unpack the official archive again',
    })
  }
  const pixels = new Uint8Array(count * IMAGE_BYTES)
  const labels = new Int32Array(count)
  for (let record = 0; record < count; record++) {
    const from = record * recordBytes + form.labelBytes
    labels[record] = bytes[from - 1]
    if (labels[record] >= form.classCount) {
      throw new HandfulError({
        what: `${form.title} label`,
        where: `${printable(path)} record ${record}`,
        got: `${labels[record]}`,
        expected: `0 to ${form.classCount - 1}`,
        hint: 'the file is damaged or another one; unpack the official archive again',
      })
    }
    const to = record * IMAGE_BYTES
    for (let i = 0; i < PLANE; i++) {
      pixels[to + 3 * i] = bytes[from + i]
      pixels[to + 3 * i + 1] = bytes[from + PLANE + i]
      pixels[to + 3 * i + 2] = bytes[from + 2 * PLANE + i]
    }
  }
  return { pixels, labels }
}

function joinRecords(parts: readonly Records[]): Records {
  const count = parts.reduce((sum, part) => sum + part.labels.length, 0)
  const pixels = new Uint8Array(count * IMAGE_BYTES)
  const labels = new Int32Array(count)
  let at = 0
  for (const part of parts) {
    pixels.set(part.pixels, at * IMAGE_BYTES)
    labels.set(part.labels, at)
    at += part.labels.length
  }
  return { pixels, labels }
}

const entryOf = (form: CifarForm): DatasetEntry => ({
  title: form.title,
  description: `photographs of objects, 32x32 colour, ${form.classCount} classes, 50,000 + 10,000 images`,
  size: SIDE,
  channels: 3,
  classCount: form.classCount,
  source: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  licence: 'for research, cite Krizhevsky 2009',
  official: officialCifar(form),
  generated: false,
  open: (request) => openCifar(form, request),
})

export const cifar10 = entryOf(CIFAR10)
export const cifar100 = entryOf(CIFAR100)
