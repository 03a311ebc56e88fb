/** `handful fit`: the main job, from images and a few labels to predictions, a model and a report. */
import { Command } from 'commander'
import type { FitOptions } from '../experiments/fit-options.js'
import type { RunReport } from '../report/types.js'
import type { RunFolder } from '../training/run-folder.js'
import { usageError } from '../errors.js'
import type { CommandContext } from './context.js'
import { Interrupted } from './interrupt.js'
import { flagOf, oneOf, positiveNumber, usageErrorOf, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import { shellWord } from './shell.js'

// Spelled out here, not taken from the schema, so that help does not load it; a test holds the two together.
export const DATASET_NAMES = ['strokes', 'mnist', 'cifar10', 'cifar100'] as const
export const RESIZE_MODE_NAMES = ['cover', 'pad', 'stretch'] as const
export const HEAD_NAMES = ['propagation', 'linear'] as const

const RUNS_FOLDER = 'runs'

/** Options that say where and how a run is done, not what it computes; all others are written to its config.yaml. */
interface Surroundings {
  readonly out?: string
  readonly resume?: string | true
  readonly json?: boolean
  readonly quiet?: boolean
  readonly printConfig?: boolean
}

type Typed = Surroundings & Partial<Record<string, unknown>>

const examples: readonly Example[] = [
  { command: 'handful fit --dataset strokes', does: 'generated handwriting, 4 labels per class' },
  { command: 'handful fit --dataset mnist --labels-per-class 1', does: 'MNIST, one label per digit' },
  { command: 'handful fit photos --size 64 --minutes 20', does: 'your own images at 64x64, longer training' },
  { command: 'handful fit --resume runs/photos', does: 'go on with a run that was stopped' },
]

export function fitCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('fit')
    .summary('learn a classifier from images of which a few are labelled')
    .description(
      'Trains a generative model on all images, takes features from it, fits a classifier to the few\n' +
        'labelled ones, and predicts the rest. Writes a run folder with predictions.csv, the model and\n' +
        'report.html.',
    )
    .usage('[folder] [options]')
    .argument(
      '[folder]',
      'your images: one sub-folder per class for the labelled ones and "unlabeled" for the rest, or any ' +
        'folders with a labels.csv (file_name,label)',
    )
    .option(
      '--dataset <name>',
      `a known data set: ${DATASET_NAMES.join(', ')}`,
      oneOf('--dataset', DATASET_NAMES),
    )
    .option(
      '--labels-per-class <n>',
      'labelled images of each class; 4 for known data sets, all labels for a folder',
      wholeNumber('--labels-per-class', 1, 10_000),
    )
    .option('--draws <n>', 'times that the labelled images are drawn (5)', wholeNumber('--draws', 1, 100))
    .option('--minutes <n>', 'time for training (3)', positiveNumber('--minutes', '10'))
    .option('--steps <n>', 'train for so many steps instead', wholeNumber('--steps', 1, 100_000_000))
    .option(
      '--head <name>',
      `whose predictions are written: ${HEAD_NAMES.join(', ')}`,
      oneOf('--head', HEAD_NAMES),
    )
    .option('--size <pixels>', 'side of the square that images become', wholeNumber('--size', 8, 256))
    .option(
      '--fit <how>',
      'how an image becomes a square: cover (cut to its middle), pad (white bars), stretch',
      oneOf('--fit', RESIZE_MODE_NAMES),
    )
    .option('--out <folder>', 'the run folder (runs/<date>-<name>); never overwritten')
    .option('--resume [run]', 'go on with a run that was stopped')
    .option('--data-dir <folder>', 'where data sets lie or are downloaded to (HANDFUL_DATA)')
    .option('--seed <n>', 'of all random numbers (0)', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER))
    .option('--threads <n>', `of the engine (${context.cores} here)`, wholeNumber('--threads', 1, 1024))
    .option('--device <name>', 'where the engine runs (cpu)')
    .option('--json', 'print the result as JSON on stdout')
    .option('--quiet', 'no progress')
    .option('--print-config', 'print all options as they are resolved, and do nothing')
    .action((folder: string | undefined, typed: Typed) => fit(context, folder, typed))
  return [command, examples]
}

async function fit(context: CommandContext, folder: string | undefined, typed: Typed): Promise<void> {
  const { terminal } = context
  const { out, resume, json, quiet, printConfig, ...given } = typed
  const asked = { ...given, ...(folder === undefined ? {} : { folder }) }
  if (resume === undefined && folder === undefined && given.dataset === undefined) {
    throw usageError({
      what: 'images',
      got: 'neither a folder nor --dataset',
      expected: 'one of them',
      hint: 'to try it: handful fit --dataset strokes',
    })
  }
  const resumed = resume === undefined ? undefined : resumedFolder(resume, out)
  const options = await resolve(context, asked, resumed)
  if (printConfig === true) {
    const { stringify } = await import('yaml')
    terminal.data(stringify(options).trimEnd())
    return
  }
  const runFit = await context.jobs.fit()
  const run = await openRun(context, options, out, resumed)
  const again = `handful fit --resume ${shellWord(run.folder)}`
  try {
    if (quiet !== true) terminal.message(`Run folder: ${run.folder}`)
    const report = await runJob(
      context,
      { quiet: quiet === true, stopping: 'a checkpoint is saved first' },
      (job) => runFit(options, { ...job, run }),
    )
    const [{ saveReport }, { suggestNext }] = await Promise.all([
      import('../report/save.js'),
      import('../report/next.js'),
    ])
    const next = report.next.length > 0 ? report.next : suggestNext(report, shellWord(run.folder))
    await saveReport(run, { ...report, next })
    await showResult(context, run, report, json === true)
  } catch (error) {
    const nothing = await run.discardIfEmpty()
    if (!nothing) terminal.message(`What was done is kept. Go on with:  ${again}`)
    else if (error instanceof Interrupted) terminal.message('Stopped before there was anything to keep.')
    throw error
  } finally {
    await run.close()
  }
}

function resumedFolder(resume: string | true, out: string | undefined): string {
  if (resume === true && out === undefined) {
    const hint = 'handful fit --resume runs/<the run>'
    throw usageError({
      what: '--resume',
      got: 'no run',
      expected: 'the folder of the run to go on with',
      hint,
    })
  }
  if (resume !== true && out !== undefined && resume !== out) {
    const expected = 'one folder'
    throw usageError({
      what: '--resume',
      got: `${resume} and --out ${out}`,
      expected,
      hint: 'leave --out away',
    })
  }
  return resume === true ? String(out) : resume
}

/** All options with defaults filled in. A run that is resumed brings its own; others may be repeated, not changed. */
async function resolve(
  context: CommandContext,
  asked: Readonly<Record<string, unknown>>,
  resumed: string | undefined,
): Promise<FitOptions> {
  const { fitOptionsSchema } = await import('../experiments/fit-options.js')
  const defaults = {
    threads: context.cores,
    ...(context.environment.HANDFUL_DATA ? { dataDir: context.environment.HANDFUL_DATA } : {}),
  }
  const saved = resumed === undefined ? undefined : await savedOptions(resumed)
  for (const [name, value] of Object.entries(saved === undefined ? {} : asked)) {
    if (value === saved?.[name]) continue
    throw usageError({
      what: name === 'folder' ? 'folder' : flagOf(name),
      got: String(value),
      expected: `${saved?.[name] === undefined ? 'none' : String(saved[name])}, as the run in ${resumed} has it`,
      hint: 'leave it out to go on with the run, or start a new one with another --out',
    })
  }
  const parsed = fitOptionsSchema.safeParse(saved ?? { ...defaults, ...asked })
  if (!parsed.success) throw usageErrorOf(parsed.error, 'handful fit --help')
  return parsed.data
}

async function savedOptions(folder: string): Promise<Readonly<Record<string, unknown>>> {
  const { readRunConfig } = await import('../training/run-folder.js')
  return readRunConfig(folder)
}

async function openRun(
  context: CommandContext,
  options: FitOptions,
  out: string | undefined,
  resumed: string | undefined,
): Promise<RunFolder> {
  const [{ RunFolder }, { describeEnvironment }] = await Promise.all([
    import('../training/run-folder.js'),
    import('./environment.js'),
  ])
  const { threads, device, seed } = options
  const environment = await describeEnvironment({ context, threads, device, seed })
  if (resumed !== undefined) return RunFolder.resume(resumed, environment)
  const { basename, resolve: absolute } = await import('node:path')
  return RunFolder.create({
    folder: out,
    parent: RUNS_FOLDER,
    name: options.dataset ?? basename(absolute(options.folder ?? '.')),
    date: context.date(),
    config: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    environment,
  })
}

async function showResult(
  context: CommandContext,
  run: RunFolder,
  report: RunReport,
  json: boolean,
): Promise<void> {
  const { terminal } = context
  const { summarise } = await import('../report/summary.js')
  const summary = summarise(report)
  if (json) {
    terminal.data(JSON.stringify({ run: run.folder, ...summary.data }))
  } else {
    for (const line of summary.lines) terminal.data(line)
  }
  terminal.message(`Report:       ${run.path('report.html')}`)
  terminal.message(`Predictions:  ${run.path('predictions.csv')}`)
  terminal.message(`Next:         handful predict ${shellWord(run.folder)} <images>`)
}
