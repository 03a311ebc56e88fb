/** `handful data`: which data sets are known, fetching and checking their files, and what is in a set or a folder. */
import { Command } from 'commander'
import type { DatasetListing } from '../jobs/data-commands.js'
import type { ResizeMode } from '../names.js'
import type { DataFolders } from '../data/locate.js'
import type { FileCheck, OfficialSet, SetCheck } from '../data/official.js'
import type { OpenActivity } from '../data/known-set.js'
import { DATASETS, type DatasetName } from '../names.js'
import { HandfulError, quoted, usageError } from '../errors.js'
import { ownCommand, shellWord } from '../errors/shell.js'
import { closest } from '../errors/suggest.js'
import { formatCount } from '../draw/format.js'
import type { CommandContext } from './context.js'
import { statisticsLines } from './data-statistics.js'
import { oneOf, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import { RESIZE_MODES } from '../names.js'
import { addDataDirOption } from './shared-options.js'
import { reportSkipped } from './skipped.js'

interface Typed {
  readonly dataDir?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

interface FetchOptions extends Typed {
  readonly from?: string
  readonly mirror?: string
}

interface StatsOptions extends Typed {
  readonly size?: number
  readonly fit?: ResizeMode
}

const examples: readonly Example[] = [
  { command: 'handful data list', does: 'the known data sets, and where they are' },
  { command: 'handful data fetch cifar10', does: 'download CIFAR-10 and check it' },
  {
    command: 'handful data fetch cifar10 --from cifar-10-binary.tar.gz',
    does: 'from the archive, without a network',
  },
  { command: 'handful data verify mnist', does: 'compare every file with its checksum' },
  { command: 'handful data stats mnist', does: 'images, classes, mean and deviation, copies' },
  { command: 'handful data stats photos.tar', does: 'the same of your own images' },
]

/** As progress names them; reading a known set takes a moment. */
const STAGES: Partial<Record<OpenActivity, { readonly name: string; readonly unit: string }>> = {
  downloading: { name: 'download', unit: 'files' },
  generating: { name: 'draw the images', unit: 'images' },
  decoding: { name: 'look at the images', unit: 'images' },
}

const KNOWN = 'a known data set, as "handful data list" shows them'

export function dataCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('data')
    .summary('list, fetch, check and describe data sets')
    .description(
      'Fetches and checks the files of known data sets, and says what is in them or in your own images.',
    )
    .usage('<command> [options]')
    .helpCommand(false)
  const list = command
    .command('list')
    .summary('the known data sets')
    .description('Lists the known data sets: what they are, their licence, and where their files are.')
    .usage('[options]')
  const fetch = command
    .command('fetch')
    .summary('download a known data set')
    .description(
      'Downloads the official files of a data set, checks them, and puts them into the data folder. What is\n' +
        'there and right stays; an interrupted download goes on where it was.',
    )
    .usage('<set> [options]')
    .argument('<set>', KNOWN)
    .option(
      '--from <path>',
      'the official archive, or a folder with the files, that is on this machine already',
    )
    .option('--mirror <url>', 'a folder on the web that holds the official files, asked first')
  const verify = command
    .command('verify')
    .summary('check the files of a known data set')
    .description('Compares every file of a data set with its official size and checksum.')
    .usage('<set> [options]')
    .argument('<set>', KNOWN)
  const stats = command
    .command('stats')
    .summary('what is in a data set or in your own images')
    .description(
      'Counts images, classes and sizes, takes mean and deviation of the pixels, and finds images that are\n' +
        'there more than once and files that cannot be read. Labels of a test split are not looked at.',
    )
    .usage('<set or images> [options]')
    .argument('<set or images>', 'a known data set; else a folder of images, a tar archive or a Parquet file')
    .option(
      '--size <pixels>',
      'side of the square that your own images become (32)',
      wholeNumber('--size', 4, 1024),
    )
    .option('--fit <how>', `how they become one: ${RESIZE_MODES.join(', ')}`, oneOf('--fit', RESIZE_MODES))
  for (const inner of [list, fetch, verify, stats]) {
    addDataDirOption(inner).option('--json', 'print the result as JSON on stdout')
    if (inner !== list) inner.option('--quiet', 'no progress')
  }
  list.action((typed: Typed) => listSets(context, typed))
  fetch.action((set: string, typed: FetchOptions) => fetchSet(context, set, typed))
  verify.action((set: string, typed: Typed) => verifySet(context, set, typed))
  stats.action((what: string, typed: StatsOptions) => showStatistics(context, what, typed))
  return [command, examples]
}

async function listSets(context: CommandContext, typed: Typed): Promise<void> {
  const { listDatasets } = await import('../jobs/data-commands.js')
  const listings = await listDatasets(await foldersOf(context, typed))
  if (typed.json === true) context.terminal.data(JSON.stringify(listings))
  else
    for (const line of listings.flatMap((listing) => listingLines(context, listing)))
      context.terminal.data(line)
}

function listingLines(context: CommandContext, listing: DatasetListing): string[] {
  const { name, title, description, licence, source, presence, folder, downloadBytes, bytesOnDisk } = listing
  const fetch = `${ownCommand(context.environment)} data fetch ${name}`
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

async function fetchSet(context: CommandContext, name: string, typed: FetchOptions): Promise<void> {
  const { terminal } = context
  const { from, mirror } = typed
  const [{ fetchFolder, fetchOfficial }, known, folders] = await Promise.all([
    import('../data/official.js'),
    officialSet(name),
    foldersOf(context, typed),
  ])
  const folder = fetchFolder(folders)
  const result = await job(context, typed, 'the part that has come is kept', ({ signal, report }) =>
    fetchOfficial(known.set, {
      folder,
      from,
      mirror: mirror === undefined ? undefined : mirrorUrl(mirror),
      signal,
      onProgress: (received, total, file) => report(`download ${file}`, received / 1e6, total / 1e6, 'MB'),
    }),
  )
  showCheck(context, name, result, typed)
  if (result.files.some(({ state }) => state !== 'right')) throw checkFailure(known.set, result, name)
  terminal.message(result.fetched ? 'Fetched and checked.' : 'Nothing to do: it is there and right.')
  terminal.message(`Next:  ${ownCommand(context.environment)} fit --dataset ${name}${dataDirWords(typed)}`)
}

const dataDirWords = ({ dataDir }: Typed): string =>
  dataDir === undefined ? '' : ` --data-dir ${shellWord(dataDir)}`

function mirrorUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:')
    return url.href.endsWith('/') ? url.href : `${url.href}/`
  throw usageError({ what: '--mirror', got: quoted(text), expected: 'a folder as http or https URL' })
}

async function verifySet(context: CommandContext, name: string, typed: Typed): Promise<void> {
  const [{ dataRoots, verifyOfficial }, { set }, folders] = await Promise.all([
    import('../data/official.js'),
    officialSet(name),
    foldersOf(context, typed),
  ])
  const check = await job(context, typed, 'nothing is changed', ({ signal, report }) =>
    verifyOfficial(set, dataRoots(folders), {
      signal,
      onProgress: (done, total) => report('compare checksums', done, total, 'files'),
    }),
  )
  showCheck(context, name, check, typed)
  if (check.files.some(({ state }) => state !== 'right')) throw checkFailure(set, check, name)
}

function showCheck({ terminal }: CommandContext, name: string, check: SetCheck, typed: Typed): void {
  if (typed.json === true) {
    terminal.data(JSON.stringify({ name, ...check }))
    return
  }
  terminal.data(check.folder)
  for (const file of check.files) terminal.data(`  ${checkLine(file)}`)
}

function checkLine({ name, state, reason }: FileCheck): string {
  return state === 'right' ? `right    ${name}` : `${state.padEnd(7)}  ${name} ${reason ?? ''}`
}

function checkFailure({ title }: OfficialSet, { folder, files }: SetCheck, name: string): HandfulError {
  const bad = files.filter(({ state }) => state !== 'right')
  return new HandfulError({
    what: `${title} files`,
    where: folder,
    got: `${bad.length} of ${files.length} missing or wrong, such as ${bad[0].name}, which ${bad[0].reason ?? ''}`,
    expected: 'the official ones',
    hint: `handful data fetch ${name} fetches them again`,
  })
}

async function showStatistics(context: CommandContext, what: string, typed: StatsOptions): Promise<void> {
  const { terminal, environment } = context
  const { dataStatistics } = await import('../jobs/data-commands.js')
  const { dataDir, size, fit } = typed
  const statistics = await job(context, typed, 'nothing is changed', ({ signal, report }) =>
    dataStatistics({
      ...{ what, dataDir, size, fit, environment, signal },
      onProgress: (done, total, activity) => {
        const stage = STAGES[activity]
        if (stage !== undefined) report(stage.name, done, total, stage.unit)
      },
    }),
  )
  if (typed.json === true) terminal.data(JSON.stringify(statistics))
  else for (const line of statisticsLines(statistics)) terminal.data(line)
  for (const note of statistics.notes) terminal.message(note)
  reportSkipped(terminal, statistics.skipped)
}

/** @throws HandfulError (wrong use) for names that are no set, or one that has no files */
async function officialSet(name: string): Promise<{ set: OfficialSet }> {
  const { datasets } = await import('../data/registry.js')
  const withFiles = DATASETS.filter((known) => datasets[known].official !== undefined)
  const known: DatasetName | undefined = DATASETS.find((candidate) => candidate === name)
  const entry = known === undefined ? undefined : datasets[known]
  if (entry?.official !== undefined) return { set: entry.official }
  const near = closest(name, withFiles)
  throw usageError({
    what: 'data set',
    got: entry === undefined ? quoted(name) : `${name}, which is generated and has no files`,
    expected: withFiles.join(', '),
    hint: near === undefined ? 'see handful data list' : `did you mean ${near}?`,
  })
}

async function foldersOf({ environment }: CommandContext, { dataDir }: Typed): Promise<DataFolders> {
  const { dataFolders } = await import('../data/locate.js')
  return dataFolders(dataDir, environment)
}

interface Work {
  readonly signal: AbortSignal
  readonly report: (stage: string, done: number, total: number, unit: string) => void
}

function job<T>(
  context: CommandContext,
  { quiet = false }: Typed,
  stopping: string,
  work: (work: Work) => Promise<T>,
): Promise<T> {
  return runJob(context, { quiet, stopping }, ({ signal, progress }) =>
    work({ signal, report: (stage, done, total, unit) => progress.report({ stage, done, total, unit }) }),
  )
}

const megabytes = (bytes: number): string => `${formatCount(Math.round(bytes / 1e5) / 10)} MB`
