/** What `handful data` does, as plain functions: which sets there are, and the statistics of one or of the user's own. */

import { type DatasetName, DATASETS, type ResizeMode } from '../../names.js'
import type { OpenProgress } from '../../data/known-set.js'
import { collectionBlocks, datasetBlocks } from '../../data/image-blocks.js'
import type { DataFolders } from '../../data/locate.js'
import { bytesOnDisk, dataRoots, findOfficial } from '../../data/official.js'
import { openCollection } from '../../data/open-collection.js'
import { readingOf } from '../../data/reading.js'
import { DEFAULT_SIZE, openDataset } from '../../data/open.js'
import { datasets } from '../../data/registry.js'
import { choiceOf, type ImageChoice } from '../../runs/read-dataset.js'
import { collectStatistics, FileFacts, type DataStatistics } from '../../data/image-statistics.js'

export type Presence = 'complete' | 'incomplete' | 'absent' | 'generated'

/** A known data set as `handful data` lists it, with what of it is on the disk. */
export interface DatasetListing {
  readonly name: DatasetName
  readonly title: string
  readonly description: string
  readonly source: string
  readonly licence: string
  /** 0 where nothing is downloaded. */
  readonly downloadBytes: number
  readonly presence: Presence
  /** The folder that holds its files. */
  readonly folder?: string
  readonly bytesOnDisk?: number
}

/** The known data sets and where their files are. Nothing is read but the folders. */
export async function listDatasets(folders: DataFolders): Promise<DatasetListing[]> {
  const listings: DatasetListing[] = []
  for (const name of DATASETS) {
    const { title, description, source, licence, official } = datasets[name]
    const facts = { name, title, description, source, licence, downloadBytes: official?.downloadBytes ?? 0 }
    const found = official === undefined ? undefined : await findOfficial(official, dataRoots(folders))
    if (official === undefined || found === undefined) {
      listings.push({ ...facts, presence: official === undefined ? 'generated' : 'absent' })
      continue
    }
    listings.push({
      ...facts,
      presence: found.paths.includes(undefined) ? 'incomplete' : 'complete',
      folder: found.folder,
      bytesOnDisk: await bytesOnDisk(found.paths),
    })
  }
  return listings
}

/** Which images `dataStatistics` looks at. */
export interface StatisticsRequest extends ImageChoice {
  /** The name of a known set; else a folder, an archive or a table of images. */
  readonly what: string
  readonly dataDir?: string
  /** Side of the squares that the user's own images become. */
  readonly size?: number
  readonly fit?: ResizeMode
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal
  readonly onProgress?: OpenProgress
}

/**
 * @returns the statistics of a known set, or of the user's own images
 * @throws HandfulError as openDataset and openCollection
 */
export async function dataStatistics(request: StatisticsRequest): Promise<DataStatistics> {
  const { what, dataDir, size = DEFAULT_SIZE, fit = 'cover', signal, onProgress } = request
  const chosen = choiceOf(request)
  const progress = (done: number, total: number): void => onProgress?.(done, total, 'decoding')
  const known = DATASETS.find((name) => name === what) ?? (await setInside(what))
  if (known !== undefined) {
    const folder = known === what ? dataDir : what
    const dataset = await openDataset({ dataset: known, dataDir: folder, seed: 0, ...chosen }, request)
    return collectStatistics(datasetBlocks(dataset), undefined, { signal, onProgress: progress })
  }
  const reading = readingOf(chosen)
  const collection = await openCollection(what, signal, chosen)
  const facts = new FileFacts(collection.files.map(({ path }) => path))
  const source = collectionBlocks(collection, {
    size,
    fit,
    channels: 3,
    reading,
    sampleSeed: 0,
    signal,
    inspect: facts.watch,
  })
  return collectStatistics(source, facts, { signal, onProgress: progress })
}

/** The known set whose official files a folder holds. */
async function setInside(folder: string): Promise<DatasetName | undefined> {
  for (const name of DATASETS) {
    const { official } = datasets[name]
    const found = official === undefined ? undefined : await findOfficial(official, [folder])
    if (found !== undefined && !found.paths.includes(undefined)) return name
  }
  return undefined
}
