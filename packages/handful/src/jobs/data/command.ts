/** `handful data`: which data sets are known, fetching and checking their files, and what is in a set or a folder. */
import type { OpenActivity } from '../../data/known-set.js'
import type { DataFolders } from '../../data/locate.js'
import type { FileCheck, OfficialSet, SetCheck } from '../../data/official.js'
import { formatCount } from '../../draw/format.js'
import { HandfulError, quoted, usageError } from '../../errors.js'
import { ownCommand, shellWord } from '../../errors/shell.js'
import { closest } from '../../errors/suggest.js'
import { DATASETS, RESIZE_MODES } from '../../names.js'
import { type CommandGroup, jobCommand, type Shown } from '../command-entry.js'
import { type Session, text, typedOnly, whole } from '../option.js'
import {
  collectionOptions,
  dataDirOption,
  jsonOption,
  quietOption,
  readingOptions,
  resizeOption,
} from '../option-groups.js'
import type { DatasetListing } from './run.js'
import { statisticsLines } from './statistics-lines.js'

/** As progress names them; reading a known set takes a moment. */
const STAGES: Partial<Record<OpenActivity, { readonly stage: string; readonly unit: string }>> = {
  downloading: { stage: 'download', unit: 'files' },
  generating: { stage: 'draw the images', unit: 'images' },
  decoding: { stage: 'look at the images', unit: 'images' },
}

const KNOWN = 'a known data set, as "handful data list" shows them'

const listOptions = { ...typedOnly({ dataDir: dataDirOption }), json: jsonOption }
const options = { ...listOptions, quiet: quietOption }

const list = jobCommand({
  name: 'data list',
  summary: 'the known data sets',
  description: 'Lists the known data sets: what they are, their licence, and where their files are.',
  usage: '[options]',
  options: listOptions,
  examples: [],
  prepare: ({ dataDir }, session) => foldersOf(session, dataDir),
  run: async (folders) => (await import('./run.js')).listDatasets(folders),
  show: (listings, _, session) => ({
    json: listings,
    lines: listings.flatMap((listing) => listingLines(listing, session)),
  }),
})

function listingLines(listing: DatasetListing, { environment }: Session): string[] {
  const { name, title, description, licence, source, presence, folder, downloadBytes, bytesOnDisk } = listing
  const fetch = `${ownCommand(environment)} data fetch ${name}`
  const place = {
    complete: `in ${folder ?? ''} (${megabytes(bytesOnDisk ?? 0)})`,
    incomplete: `incomplete in ${folder ?? ''}; ${fetch}`,
    absent: `not here; ${fetch} (${megabytes(downloadBytes)})`,
    generated: 'needs no files',
  }[presence]
  const indent = ' '.repeat(10)
  return [
    `${name.padEnd(8)}  ${title}: ${description}`,
    `${indent}${source}; ${licence}`,
    `${indent}${place}`,
  ]
}

const fetch = jobCommand({
  name: 'data fetch',
  summary: 'download a known data set',
  description:
    'Downloads the official files of a data set, checks them, and puts them into the data folder. What is\n' +
    'there and right stays; an interrupted download goes on where it was.',
  usage: '<set> [options]',
  arguments: { name: ['<set>', KNOWN] },
  options: {
    from: text('<path>', 'the official archive, or a folder with the files, that is on this machine already'),
    mirror: text('<url>', 'a folder on the web that holds the official files, asked first'),
    ...options,
  },
  examples: [],
  stopping: 'the part that has come is kept',
  async prepare({ name, dataDir, from, mirror }, session) {
    const [set, folders] = await Promise.all([officialSet(name), foldersOf(session, dataDir)])
    return { name, set, folders, dataDir, from, mirror: mirror === undefined ? undefined : mirrorUrl(mirror) }
  },
  async run({ set, folders, from, mirror }, { signal, progress }) {
    const { fetchFolder, fetchOfficial } = await import('../../data/official.js')
    return fetchOfficial(set, {
      folder: fetchFolder(folders),
      from,
      mirror,
      signal,
      onProgress: (received, total, file) =>
        progress.report({ stage: `download ${file}`, done: received / 1e6, total: total / 1e6, unit: 'MB' }),
    })
  },
  show(result, { name, set, dataDir }, { environment }) {
    const checked = showCheck(name, set, result)
    if (checked.failure !== undefined) return checked
    const words = dataDir === undefined ? '' : ` --data-dir ${shellWord(dataDir)}`
    return {
      ...checked,
      messages: [
        result.fetched ? 'Fetched and checked.' : 'Nothing to do: it is there and right.',
        `Next:  ${ownCommand(environment)} fit --dataset ${name}${words}`,
      ],
    }
  },
})

function mirrorUrl(typed: string): string {
  const url = URL.canParse(typed) ? new URL(typed) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:')
    return url.href.endsWith('/') ? url.href : `${url.href}/`
  throw usageError({ what: '--mirror', got: quoted(typed), expected: 'a folder as http or https URL' })
}

const verify = jobCommand({
  name: 'data verify',
  summary: 'check the files of a known data set',
  description: 'Compares every file of a data set with its official size and checksum.',
  usage: '<set> [options]',
  arguments: { name: ['<set>', KNOWN] },
  options,
  examples: [],
  stopping: 'nothing is changed',
  async prepare({ name, dataDir }, session) {
    const [set, folders] = await Promise.all([officialSet(name), foldersOf(session, dataDir)])
    return { name, set, folders }
  },
  async run({ set, folders }, { signal, progress }) {
    const { dataRoots, verifyOfficial } = await import('../../data/official.js')
    return verifyOfficial(set, dataRoots(folders), {
      signal,
      onProgress: (done, total) =>
        progress.report({ stage: 'compare checksums', done, total, unit: 'files' }),
    })
  },
  show: (check, { name, set }) => showCheck(name, set, check),
})

/** What is right and what is not, with a failure if anything is not. */
function showCheck(name: string, { title }: OfficialSet, check: SetCheck): Shown {
  const { folder, files } = check
  const bad = files.filter(({ state }) => state !== 'right')
  const lines = [folder, ...files.map((file) => `  ${checkLine(file)}`)]
  const json = { name, ...check }
  if (bad.length === 0) return { json, lines }
  const failure = new HandfulError({
    what: `${title} files`,
    where: folder,
    got: `${bad.length} of ${files.length} missing or wrong, such as ${bad[0].name}, which ${bad[0].reason ?? ''}`,
    expected: 'the official ones',
    hint: `handful data fetch ${name} fetches them again`,
  })
  return { json, lines, failure }
}

function checkLine({ name, state, reason }: FileCheck): string {
  return state === 'right' ? `right    ${name}` : `${state.padEnd(7)}  ${name} ${reason ?? ''}`
}

const stats = jobCommand({
  name: 'data stats',
  summary: 'what is in a data set or in your own images',
  description:
    'Counts images, classes and sizes, takes mean and deviation of the pixels, and finds images that are\n' +
    'there more than once and files that cannot be read. Labels of a test split are not looked at.',
  usage: '<set or images> [options]',
  arguments: {
    what: ['<set or images>', 'a known data set; else a folder of images, an archive or a Parquet file'],
  },
  options: {
    size: whole('<pixels>', 'side of the square that your own images become (32)', 4, 1024),
    fit: resizeOption(`how they become one: ${RESIZE_MODES.join(', ')}`),
    ...collectionOptions,
    ...readingOptions(),
    ...options,
  },
  examples: [],
  stopping: 'nothing is changed',
  prepare: (given, { environment }) => ({ ...given, environment }),
  async run(request, { signal, progress }) {
    const { dataStatistics } = await import('./run.js')
    const onProgress = (done: number, total: number, activity: OpenActivity): void => {
      const stage = STAGES[activity]
      if (stage !== undefined) progress.report({ ...stage, done, total })
    }
    return dataStatistics({ ...request, signal, onProgress })
  },
  show: (statistics) => ({
    json: statistics,
    lines: statisticsLines(statistics),
    messages: statistics.notes,
    skipped: statistics.skipped,
  }),
})

export const data: CommandGroup = {
  name: 'data',
  summary: 'list, fetch, check and describe data sets',
  description:
    'Fetches and checks the files of known data sets, and says what is in them or in your own images.',
  usage: '<command> [options]',
  examples: [
    { command: 'handful data list', does: 'the known data sets, and where they are' },
    { command: 'handful data fetch cifar10', does: 'download CIFAR-10 and check it' },
    {
      command: 'handful data fetch cifar10 --from cifar-10-binary.tar.gz',
      does: 'from the archive, without a network',
    },
    { command: 'handful data verify mnist', does: 'compare every file with its checksum' },
    { command: 'handful data stats mnist', does: 'images, classes, mean and deviation, copies' },
    { command: 'handful data stats photos.tar', does: 'the same of your own images' },
  ],
  commands: [list, fetch, verify, stats],
}

/** @throws HandfulError (wrong use) for names that are no set, or one that has no files */
async function officialSet(name: string): Promise<OfficialSet> {
  const { datasetEntry } = await import('../../data/registry.js')
  const withFiles = DATASETS.filter((known) => datasetEntry(known).official !== undefined)
  const known = DATASETS.some((candidate) => candidate === name)
  const official = known ? datasetEntry(name).official : undefined
  if (official !== undefined) return official
  const near = closest(name, withFiles)
  throw usageError({
    what: 'data set',
    got: known ? `${name}, which is generated and has no files` : quoted(name),
    expected: withFiles.join(', '),
    hint: near === undefined ? 'see handful data list' : `did you mean ${near}?`,
  })
}

async function foldersOf({ environment }: Session, dataDir: string | undefined): Promise<DataFolders> {
  const { dataFolders } = await import('../../data/locate.js')
  return dataFolders(dataDir, environment)
}

const megabytes = (bytes: number): string => `${formatCount(Math.round(bytes / 1e5) / 10)} MB`
