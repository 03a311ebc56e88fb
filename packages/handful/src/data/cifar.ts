/**
 * CIFAR-10 and CIFAR-100 (A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009) in their
 * official binary form: records of one label byte (CIFAR-100: coarse, then fine) and 3,072 bytes, three 32 x 32 planes
 * red, green, blue. The files are read from the disk.
 */

import { join } from 'node:path'
import { HandfulError, printable } from '../errors.js'
import { decodeText } from './csv.js'
import type { Dataset } from './image-set.js'
import { locateFiles, readBounded } from './locate.js'
import type { OpenRequest } from './registry.js'
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
  readonly archive: string
  readonly trainFiles: readonly string[]
  readonly testFile: string
  readonly namesFile: string
  readonly classCount: number
  /** Bytes of labels before the pixels; the last one counts. */
  readonly labelBytes: number
}

export const CIFAR10: CifarForm = {
  name: 'cifar10',
  title: 'CIFAR-10',
  folder: 'cifar-10-batches-bin',
  archive: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  trainFiles: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  testFile: 'test_batch.bin',
  namesFile: 'batches.meta.txt',
  classCount: 10,
  labelBytes: 1,
}

export const CIFAR100: CifarForm = {
  name: 'cifar100',
  title: 'CIFAR-100',
  folder: 'cifar-100-binary',
  archive: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
  trainFiles: ['train.bin'],
  testFile: 'test.bin',
  namesFile: 'fine_label_names.txt',
  classCount: 100,
  labelBytes: 2,
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
export async function openCifar(form: CifarForm, request: OpenRequest): Promise<Dataset> {
  const paths = await locateCifar(form, request)
  const [namesPath, ...recordPaths] = paths
  const classNames = await readClassNames(form, namesPath)
  const parts: Records[] = []
  for (const [index, path] of recordPaths.entries()) {
    request.signal?.throwIfAborted()
    parts.push(parseRecords(await readBounded(path, LIMIT_BYTES, form.title), form, path))
    request.onProgress?.(index + 1, recordPaths.length, 'reading')
  }
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

async function locateCifar(form: CifarForm, { folders }: OpenRequest): Promise<string[]> {
  const roots = [folders.dataDir ?? folders.sharedDir, folders.cacheDir].filter((root) => root !== undefined)
  const places = (folders.dataDir === undefined ? roots : roots.slice(0, 1)).flatMap((root) => [
    join(root, form.folder),
    join(root, form.name, form.folder),
    join(root, form.name),
    root,
  ])
  const names = [form.namesFile, ...form.trainFiles, form.testFile].map((name) => [name])
  const hint = `unpack ${form.archive} into a folder and pass --data-dir <folder> (or set HANDFUL_DATA)`
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
