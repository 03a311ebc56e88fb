/**
 * The data sets that are known by name, each with its facts and how it is opened. Adding one is one entry here.
 */

import { usageError, quoted } from '../errors.js'
import { CIFAR10, CIFAR100, openCifar } from './cifar.js'
import type { Dataset } from './image-set.js'
import type { DataFolders } from './locate.js'
import { openMnist } from './mnist.js'
import { openStrokes } from './strokes-dataset.js'

export interface OpenRequest {
  readonly folders: DataFolders
  /** Of generated sets. */
  readonly seed: number
  /** Images of generated sets; the data set's own numbers where left out. */
  readonly count?: number
  readonly testCount?: number
  readonly onProgress?: OpenProgress
  readonly signal?: AbortSignal
  readonly fetch?: typeof globalThis.fetch
}

/** Called now and then with what is done of the present activity, in files or images. */
export type OpenProgress = (done: number, total: number, activity: OpenActivity) => void
export type OpenActivity = 'downloading' | 'reading' | 'generating' | 'decoding'

export interface DatasetEntry {
  readonly title: string
  readonly description: string
  /** Side of the square images in pixels. */
  readonly size: number
  readonly channels: 1 | 3
  readonly classCount: number
  /** Whether it is made here rather than read. */
  readonly generated: boolean
  readonly open: (request: OpenRequest) => Promise<Dataset>
}

export const datasets = {
  strokes: {
    title: 'Strokes',
    description: 'generated handwriting-like digits, 28x28 grey, 10 classes, no download',
    size: 28,
    channels: 1,
    classCount: 10,
    generated: true,
    open: openStrokes,
  },
  mnist: {
    title: 'MNIST',
    description: 'handwritten digits, 28x28 grey, 10 classes, 60,000 + 10,000 images',
    size: 28,
    channels: 1,
    classCount: 10,
    generated: false,
    open: openMnist,
  },
  cifar10: {
    title: 'CIFAR-10',
    description: 'photographs of objects, 32x32 colour, 10 classes, 50,000 + 10,000 images',
    size: 32,
    channels: 3,
    classCount: 10,
    generated: false,
    open: (request) => openCifar(CIFAR10, request),
  },
  cifar100: {
    title: 'CIFAR-100',
    description: 'photographs of objects, 32x32 colour, 100 classes, 50,000 + 10,000 images',
    size: 32,
    channels: 3,
    classCount: 100,
    generated: false,
    open: (request) => openCifar(CIFAR100, request),
  },
} as const satisfies Record<string, DatasetEntry>

export type DatasetName = keyof typeof datasets

export const datasetNames = Object.keys(datasets) as readonly DatasetName[]

/** @throws HandfulError (usage) if there is no data set of that name */
export function datasetEntry(name: string): DatasetEntry {
  const known = datasetNames.find((candidate) => candidate === name)
  if (known !== undefined) return datasets[known]
  const alike = datasetNames.find((candidate) => simplified(candidate) === simplified(name))
  throw usageError({
    what: 'data set',
    where: '--dataset',
    got: quoted(name),
    expected: `one of ${datasetNames.join(', ')}`,
    hint: alike === undefined ? 'for images of your own give their folder' : `did you mean ${alike}?`,
  })
}

function simplified(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}
