/** `handful study`: the whole comparison of generative features with few labels, from images to a report. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { HandfulError, quoted, usageError } from '../errors.js'
import { ownCommand, shellWord } from '../errors/shell.js'
import { closest } from '../errors/suggest.js'
import type { StudyOptions } from '../study/study-options.js'
import type { StudyContext, StudyOutline } from '../study/run.js'
import { formatDuration } from '../draw/format.js'
import { average } from '../numerics/statistics.js'
import type { Study } from '../study/result.js'
import { BASELINES, DATASETS, MODELS, RESIZE_MODES, SECTIONS, SUPERVISED_MODELS } from '../names.js'
import type { CommandContext } from './context.js'
import { Interrupted } from './interrupt.js'
import { assignments, nameList, oneOf, positiveNumber, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import { addDataDirOption, addMachineOptions, addSeedOption } from './shared-options.js'

const STUDIES_FOLDER = 'studies'

const METHODS = [...MODELS, ...SUPERVISED_MODELS, ...BASELINES]

interface Typed {
  readonly config?: string
  readonly out?: string
  readonly resume?: string
  readonly dryRun?: boolean
  readonly printConfig?: boolean
  readonly png?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
  readonly labels?: readonly string[]
  readonly run?: Readonly<Record<string, unknown>>
  readonly set?: Readonly<Record<string, unknown>>
  readonly without?: readonly string[]
  /** Those that are named like the options of the study. */
  readonly [name: string]: unknown
}

/** Flags that say where and how, not what. */
const SURROUNDINGS = ['config', 'out', 'resume', 'dryRun', 'printConfig', 'png', 'json', 'quiet'] as const
/** Flags that are worked into other options. */
const WORKED_IN = ['labels', 'run', 'set', 'without'] as const

const examples: readonly Example[] = [
  { command: 'handful study mnist --budget 30m', does: 'what fits half an hour' },
  { command: 'handful study cifar10 --dry-run', does: 'what it would do, and how long that takes' },
  { command: 'handful study photos/ --methods vae,pixels,vae+patches', does: 'your own labelled images' },
  { command: 'handful study --resume studies/mnist', does: 'go on with a study that was stopped' },
  { command: 'handful study mnist --print-config > study.yaml', does: 'every option, to be changed' },
  { command: 'handful study --config study.yaml', does: 'as the file says' },
]

export function studyCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('study')
    .summary('compare methods over label counts, heads and draws, and write a report')
    .description(
      'Compares features of generative models, plain baselines and a supervised network over numbers of\n' +
        'labels, classifiers and draws of the labelled images, on test images that nothing has seen. Writes a\n' +
        'folder with report.html, study.json and all that was trained. The same command again goes on where\n' +
        'it stopped; changed options redo what depends on them.',
    )
    .usage('[dataset | folder] [options]')
    .argument('[images]', `${DATASETS.join(', ')}, or a folder of labelled images`)
    .option('--methods <a,b>', `of ${METHODS.join(', ')}, or several joined by +`, nameList('--methods'))
    .option('--labels <n,n>', 'labels per class: numbers, and all', nameList('--labels'))
    .option(
      '--heads <a,b>',
      'classifiers on the features, as "handful fit --head" has them (mlp,compact-mlp,smoothed-mlp,propagation,linear)',
      nameList('--heads'),
    )
    .option('--draws <n>', 'of the labelled images (20)', wholeNumber('--draws', 1, 100))
    .option(
      '--minutes-per-model <n>',
      'time for training each (10)',
      positiveNumber('--minutes-per-model', '5'),
    )
    .option(
      '--run <model=folder>',
      'a trained model instead of training one; again for more',
      assignments('--run'),
    )
    .option(
      '--set <option=value>',
      'any option of --print-config, such as models.vae.set.latent=32; again for more',
      assignments('--set'),
    )
    .option('--without <a,b>', `leaves parts out: ${SECTIONS.join(', ')}`, nameList('--without'))
    .option('--budget <time>', 'time for all of it, such as 30m or 2h: what does not fit is left out')
    .option('--dry-run', 'list what is done and what would be done, with times, and do nothing')
    .option('--config <file>', 'options from a YAML file; others given here go before it')
    .option('--print-config', 'print all options as they are resolved, and do nothing')
    .option('--out <folder>', `the study's folder (${STUDIES_FOLDER}/<name>)`)
    .option('--resume <folder>', 'go on with the study in this folder, with its own options')
    .option('--size <pixels>', 'side of the square that images become', wholeNumber('--size', 8, 256))
    .option('--fit <how>', 'how an image becomes a square: cover, pad, stretch', oneOf('--fit', RESIZE_MODES))
    .option(
      '--count <n>',
      'training images of a generated set (strokes)',
      wholeNumber('--count', 20, 1_000_000),
    )
    .option('--test-count <n>', 'its test images', wholeNumber('--test-count', 10, 1_000_000))
    .option('--png', 'figures as PNG too')
  addSeedOption(addDataDirOption(command), 'of all random numbers (0)')
  addMachineOptions(command, context).action((images: string | undefined, typed: Typed) =>
    study(context, images, typed),
  )
  return [command, examples]
}

async function study(context: CommandContext, images: string | undefined, typed: Typed): Promise<void> {
  const { terminal } = context
  const { options, folder } = await resolveStudy(context, images, typed)
  if (typed.printConfig === true) {
    const { optionsAsYaml } = await import('../study/study-folder.js')
    terminal.data(optionsAsYaml(options).trimEnd())
    return
  }
  const [{ describeEnvironment }, job] = await Promise.all([import('./environment.js'), context.jobs.study()])
  const { threads, device, seed } = options
  const environment = await describeEnvironment({ context, threads, device, seed })
  const place = { folder, command: context.commandLine, environment, date: context.date }
  const quiet = typed.quiet === true
  const inJob = <T>(work: (where: StudyContext) => Promise<T>): Promise<T> =>
    runJob(context, { quiet, stopping: 'what is done is kept' }, (jobContext) =>
      work({ ...jobContext, ...place }),
    )
  if (typed.dryRun === true) {
    const outline = await inJob((where) => job.outlineStudy(options, where))
    if (typed.json === true) terminal.data(JSON.stringify({ folder, ...outline }))
    else for (const line of outlineLines(outline)) terminal.data(line)
    return
  }
  if (!quiet) terminal.message(`Study folder: ${folder}`)
  try {
    const result = await inJob((where) => job.runStudy(options, where))
    const files = await job.writeStudyReport(result, folder, { png: typed.png })
    showStudy(context, folder, result, files, typed.json === true)
  } catch (error) {
    await reportSoFar(context, folder, typed, job)
    if (error instanceof Interrupted) {
      const again = `${ownCommand(context.environment)} study --resume ${shellWord(folder)}`
      terminal.message(`What was done is kept. Go on with:  ${again}`)
    }
    throw error
  }
}

/** A study that was stopped gets its report from what is done. */
async function reportSoFar(
  { terminal }: CommandContext,
  folder: string,
  { png }: Typed,
  { loadStudySoFar, writeStudyReport }: Awaited<ReturnType<CommandContext['jobs']['study']>>,
): Promise<void> {
  try {
    const done = await loadStudySoFar(folder)
    if (done === undefined || done.cells.length === 0) return
    const [page] = await writeStudyReport(done, folder, { png })
    terminal.message(`Report so far: ${page}`)
  } catch {
    // What stopped the study is what the user has to hear about.
    return
  }
}

interface Resolved {
  readonly options: StudyOptions
  readonly folder: string
}

async function resolveStudy(
  { cores, environment }: CommandContext,
  images: string | undefined,
  typed: Typed,
): Promise<Resolved> {
  const [{ parseStudyOptions }, { readConfig, readStudyOptions }] = await Promise.all([
    import('../study/study-options.js'),
    import('../study/study-folder.js'),
  ])
  const { config, resume, out } = typed
  if (resume !== undefined && out !== undefined && path.resolve(resume) !== path.resolve(out)) {
    throw usageError({ what: '--resume', got: `${resume} and --out ${out}`, expected: 'one folder' })
  }
  const saved: Tree = resume === undefined ? {} : { ...(await readStudyOptions(resume)) }
  const file = config === undefined ? {} : await readConfig(config)
  if (file === undefined || !isTree(file)) {
    const got = file === undefined ? 'nothing there' : 'no list of options'
    const expected = 'a YAML file as --print-config prints it'
    throw usageError({ what: '--config', where: config, got, expected })
  }
  const dataDir = environment.HANDFUL_DATA
  const tree: Tree = structuredClone({
    threads: cores,
    ...(dataDir === undefined || dataDir === '' ? {} : { dataDir }),
    ...saved,
    ...file,
    ...given(typed),
  })
  if (images !== undefined) Object.assign(tree, sourceOf(images))
  if (tree.dataset === undefined && tree.folder === undefined) {
    throw usageError({
      what: 'images',
      got: 'neither a data set nor a folder',
      expected: 'one of them',
      hint: 'to try it: handful study strokes --budget 5m',
    })
  }
  workIn(tree, typed)
  const options = parseStudyOptions(tree, config ?? 'handful study')
  const { resolveMethods } = await import('../study/methods.js')
  resolveMethods(options)
  const name = options.dataset ?? path.basename(path.resolve(options.folder ?? '.'))
  return { options, folder: resume ?? out ?? path.join(STUDIES_FOLDER, name) }
}

interface Tree {
  [name: string]: unknown
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function given(typed: Typed): Tree {
  const other: readonly string[] = [...SURROUNDINGS, ...WORKED_IN]
  return Object.fromEntries(Object.entries(typed).filter(([name]) => !other.includes(name)))
}

/** A known data set by its name, else a folder: `./mnist` is always one. */
function sourceOf(images: string): { dataset?: string; folder?: string } {
  if (DATASETS.some((name) => name === images)) return { dataset: images, folder: undefined }
  const near = /[/\\.]/.test(images) || existsSync(images) ? undefined : closest(images, DATASETS)
  if (near === undefined) return { folder: images, dataset: undefined }
  throw usageError({
    what: 'images',
    got: quoted(images),
    expected: `${DATASETS.join(', ')}, or a folder that is there`,
    hint: `did you mean ${near}?`,
  })
}

/** `--labels`, `--run`, `--without` and `--set` in their places in the tree of options. */
function workIn(tree: Tree, { labels, run = {}, set = {}, without = [] }: Typed): void {
  if (labels !== undefined) tree.labels = labels.map(labelCount)
  for (const [model, folder] of Object.entries(run)) assign(tree, ['models', model, 'run'], String(folder))
  for (const section of without) {
    oneOf('--without', SECTIONS)(section)
    assign(tree, ['sections', section], false)
  }
  for (const [name, value] of Object.entries(set)) assign(tree, pathOf(name), value)
}

function labelCount(text: string): number | 'all' {
  if (text === 'all') return text
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value >= 1) return value
  throw usageError({ what: '--labels', got: quoted(text), expected: 'whole numbers above 0, or all' })
}

/** What follows `models.<name>.set.` is one name of the model's own, dots and all. */
function pathOf(name: string): string[] {
  const own = /^(models)\.([^.]+)\.(set)\.(.+)$/.exec(name)
  return own === null ? name.split('.') : own.slice(1)
}

function assign(tree: Tree, parts: readonly string[], value: unknown): void {
  const last = parts[parts.length - 1]
  let at = tree
  for (const part of parts.slice(0, -1)) {
    // Own fields only: names come from outside, and `__proto__` is one of them.
    const inner = Object.hasOwn(at, part) ? at[part] : undefined
    const next = isTree(inner) ? inner : {}
    define(at, part, next)
    at = next
  }
  define(at, last, value)
}

function define(tree: Tree, name: string, value: unknown): void {
  Object.defineProperty(tree, name, { value, enumerable: true, writable: true, configurable: true })
}

function outlineLines({ stages, dropped, notes, secondsLeft }: StudyOutline): string[] {
  const toDo = stages.filter(({ done }) => !done)
  return [
    ...stages.map(
      ({ name, done, seconds }) =>
        `${done ? 'done ' : 'to do'}  ${formatDuration(seconds).padStart(12)}  ${name}`,
    ),
    ...dropped.map(({ what, message }) => `left out           ${what}: ${message}`),
    ...notes.map((note) => `note: ${note}`),
    `${stages.length - toDo.length} of ${stages.length} stages done, about ${formatDuration(secondsLeft)} to do`,
  ]
}

function showStudy(
  { terminal }: CommandContext,
  folder: string,
  result: Study,
  files: readonly string[],
  json: boolean,
): void {
  const rows = summarise(result)
  const { missing, complete } = result
  if (json) terminal.data(JSON.stringify({ folder, complete, cells: rows, missing, files }))
  else for (const line of bestLines(result, rows)) terminal.data(line)
  const failed = missing.filter(({ reason }) => reason === 'failed')
  for (const { what, message } of failed.slice(0, 5)) terminal.message(`No result for ${what}: ${message}`)
  if (failed.length > 5)
    terminal.message(`and ${failed.length - 5} more without a result; the report lists them.`)
  const skipped = missing.length - failed.length
  if (skipped > 0) terminal.message(`${skipped} cells or parts did not fit the time; the report lists them.`)
  if (files.length > 0) terminal.message(`Report:  ${files[0]}`)
  if (result.cells.length === 0) {
    const hint = 'see the messages above'
    throw new HandfulError({ what: 'study', where: folder, got: 'no result at all', hint })
  }
}

interface CellSummary {
  readonly method: string
  readonly head: string
  readonly labelsPerClass: number | 'all'
  readonly mean: number
  readonly draws: number
}

const summarise = ({ cells }: Study): CellSummary[] =>
  cells.map(({ method, head, labelsPerClass, accuracies }) => ({
    ...{ method, head, labelsPerClass, draws: accuracies.length },
    mean: average(accuracies),
  }))

const labelsInWords = (count: number | 'all'): string =>
  count === 'all' ? 'all labels' : `${count} ${count === 1 ? 'label' : 'labels'} per class`

/** The best of each label count, with raw pixels beside it. */
function bestLines({ labelCounts, title }: Study, rows: readonly CellSummary[]): string[] {
  const best = (some: readonly CellSummary[]): CellSummary | undefined =>
    some.reduce<CellSummary | undefined>((top, row) => (top && top.mean >= row.mean ? top : row), undefined)
  const words = ({ mean, method, head }: CellSummary): string =>
    `${(100 * mean).toFixed(1)} % ${method}, ${head}`
  return [
    title,
    ...labelCounts.flatMap((count) => {
      const own = rows.filter(({ labelsPerClass }) => labelsPerClass === count)
      const [first, pixels] = [best(own), best(own.filter(({ method }) => method === 'pixels'))]
      if (first === undefined) return []
      const beside = pixels === undefined || pixels === first ? '' : `   (raw pixels ${words(pixels)})`
      return [`${labelsInWords(count).padStart(20)}: ${words(first)}${beside}`]
    }),
  ]
}
