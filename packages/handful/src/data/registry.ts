/** The data sets that are known by name: one file each, one line here. */

import { usageError, quoted } from '../errors.js'
import { DATASETS, type DatasetName } from '../names.js'
import { cifar10, cifar100 } from './cifar.js'
import type { DatasetEntry } from './known-set.js'
import { mnist } from './mnist.js'
import { strokes } from './strokes-dataset.js'

/** The known data sets by name. */
export const datasets: Readonly<Record<DatasetName, DatasetEntry>> = {
  strokes,
  mnist,
  cifar10,
  cifar100,
}

/** @throws HandfulError (usage) if there is no data set of that name */
export function datasetEntry(name: string): DatasetEntry {
  const known = DATASETS.find((candidate) => candidate === name)
  if (known !== undefined) return datasets[known]
  const alike = DATASETS.find((candidate) => simplified(candidate) === simplified(name))
  throw usageError({
    what: 'data set',
    where: '--dataset',
    got: quoted(name),
    expected: `one of ${DATASETS.join(', ')}`,
    hint: alike === undefined ? 'for images of your own give their folder' : `did you mean ${alike}?`,
  })
}

function simplified(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}
