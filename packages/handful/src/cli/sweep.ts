/** `handful sweep`: which layer and noise level of a diffusion model to take features from. */
import { Command } from 'commander'
import type { ChoosingBy, SweepResult } from '../jobs/sweep.js'
import { usageError } from '../errors.js'
import { formatPercent } from '../draw/format.js'
import { average } from '../numerics/statistics.js'
import type { CommandContext } from './context.js'
import { type Pooling, POOLINGS } from '../names.js'
import { nameList, numberList, oneOf, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import {
  addDataDirOption,
  addMachineOptions,
  addSeedOption,
  engineOf,
  type MachineOptions,
  TRAINED_RUN,
} from './shared-options.js'

export const CHOOSING_NAMES = [
  'cross-validation',
  'label-free',
  'together',
] as const satisfies readonly ChoosingBy[]

interface Typed extends MachineOptions {
  readonly labelsPerClass?: number
  readonly draws?: number
  readonly layers?: readonly string[]
  readonly noiseLevels?: readonly number[]
  readonly pooling?: Pooling
  readonly head?: string
  readonly compareAt?: readonly number[]
  readonly testImages?: number
  readonly unlabelledImages?: number
  readonly choose?: true | ChoosingBy
  readonly out?: string
  readonly seed?: number
  readonly dataDir?: string
}

const DEFAULT_LABELS = 16
const DEFAULT_DRAWS = 5

const examples: readonly Example[] = [
  { command: 'handful sweep runs/diffusion', does: '16 labels per class, 5 draws of them' },
  {
    command: 'handful sweep runs/diffusion --labels-per-class 4 --choose',
    does: 'and what it chooses, as flags',
  },
  {
    command: 'handful sweep runs/diffusion --layers middle.3,up0.0 --noise-levels 10,100,350',
    does: 'some of them',
  },
  {
    command: 'handful sweep runs/diffusion --compare-at 2,4,8,16',
    does: 'before and after, over label counts',
  },
]

export function sweepCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('sweep')
    .summary("compare a diffusion model's noise levels and layers")
    .description(
      "Takes features of a diffusion model's layers at several noise levels and chooses among them in two\n" +
        'ways: by the labelled images alone, each predicted from the others, and without labels, by whether\n' +
        'images keep their neighbours when they are distorted. Accuracies on test images stand beside them\n' +
        'and choose nothing. Writes sweep.json, sweep.csv and noise-levels.svg.',
    )
    .usage('<run> [options]')
    .argument('<run>', `${TRAINED_RUN}, of a diffusion model`)
    .option(
      '--labels-per-class <n>',
      `labelled images of each class (${DEFAULT_LABELS})`,
      wholeNumber('--labels-per-class', 1, 100_000),
    )
    .option('--draws <n>', `draws of them (${DEFAULT_DRAWS})`, wholeNumber('--draws', 1, 100))
    .option('--layers <a,b>', '"handful layers <run>" lists them (as suits the model)', nameList('--layers'))
    .option(
      '--noise-levels <a,b>',
      '0 (clean) to 1000 (noise) (1,10,50,100,200,350,500,700,900)',
      numberList('--noise-levels', 0, 1000),
    )
    .option(
      '--pooling <how>',
      `of the layers: ${POOLINGS.join(', ')} (as suits the model)`,
      oneOf('--pooling', POOLINGS),
    )
    .option('--head <name>', 'the classifier whose accuracies are shown (linear)')
    .option(
      '--compare-at <a,b>',
      'labels per class at which noise level 50 is compared with the chosen ones',
      numberList('--compare-at', 1, 100_000),
    )
    .option(
      '--test-images <n>',
      'test images that accuracies are counted on, drawn at random, at most (2000)',
      wholeNumber('--test-images', 1, 10_000_000),
    )
    .option(
      '--unlabelled-images <n>',
      'unlabelled images that features are normalised by (2000)',
      wholeNumber('--unlabelled-images', 20, 10_000_000),
    )
    .option(
      '--choose [how]',
      `print what is chosen as flags of handful features: ${CHOOSING_NAMES.join(', ')}`,
    )
    .option('--out <folder>', '(<run>/sweep)')
  addMachineOptions(addDataDirOption(addSeedOption(command, 'of draws and noise (0)')), context).action(
    (run: string, typed: Typed) => sweep(context, run, typed),
  )
  return [command, examples]
}

async function sweep(context: CommandContext, run: string, typed: Typed): Promise<void> {
  const { terminal } = context
  const { json, quiet, choose, head, ...given } = typed
  const by =
    choose === undefined
      ? undefined
      : choose === true
        ? 'cross-validation'
        : oneOf('--choose', CHOOSING_NAMES)(choose)
  const [{ join }, { HEAD_NAMES }] = await Promise.all([import('node:path'), import('../heads/registry.js')])
  const numbers = given.compareAt?.find((value) => !Number.isInteger(value))
  if (numbers !== undefined) {
    throw usageError({ what: '--compare-at', got: String(numbers), expected: 'whole numbers of labels' })
  }
  const options = {
    ...given,
    run,
    head: head === undefined ? undefined : oneOf('--head', HEAD_NAMES)(head),
    labelsPerClass: typed.labelsPerClass ?? DEFAULT_LABELS,
    draws: typed.draws ?? DEFAULT_DRAWS,
    seed: typed.seed ?? 0,
    out: typed.out ?? join(run, 'sweep'),
    dataDir: typed.dataDir ?? context.environment.HANDFUL_DATA,
    ...engineOf(typed, context),
  }
  const runSweep = await context.jobs.sweep()
  const result = await runJob(context, { quiet: quiet === true, stopping: 'nothing is written' }, (job) =>
    runSweep(options, job),
  )
  const figure = await writeFigure(result, options.out)
  const files = [...result.files, ...figure]
  if (json === true) terminal.data(JSON.stringify({ ...result, files }))
  else if (by !== undefined) terminal.data(flags(result, by))
  else for (const line of tableOf(result)) terminal.data(line)
  terminal.message(`Written to ${files.join(', ')}`)
}

async function writeFigure(result: SweepResult, folder: string): Promise<string[]> {
  const [{ join }, { sweepFigure }, { fileName, standaloneSvg }, { writeFileAtomic }] = await Promise.all([
    import('node:path'),
    import('../study/sections/sweep/sweep-figure.js'),
    import('../draw/figure-frame.js'),
    import('../files/atomic.js'),
  ])
  const { sweep: found, dataset, classCount, testImages } = result
  const { method, head } = found
  const figure = sweepFigure(found, { dataset, method, head, testImages, classCount })
  if (figure === undefined) return []
  const file = join(folder, `${fileName(figure.name)}.svg`)
  await writeFileAtomic(file, standaloneSvg(figure))
  return [file]
}

function flags({ flags: known, sweep: { labelsPerClass } }: SweepResult, by: ChoosingBy): string {
  const found = known[by]
  if (found !== undefined) return found
  throw usageError({
    what: '--choose',
    got: by,
    expected: 'two labels of each class, to predict one from the other',
    hint: `there is ${labelsPerClass}: try --choose label-free`,
  })
}

const MARKS = { 'cross-validation': '*', 'label-free': 'o' } as const

/** A row for each setting: accuracy with its interval, and both criteria; what is chosen is marked. */
function tableOf({ sweep: found, testImages }: SweepResult): string[] {
  const { points, chosen, together, labelsPerClass, head, notes = [], beforeAfter, fixedBadly } = found
  const spread = (values: readonly number[]): string =>
    values.length === 0
      ? ''
      : `${formatPercent(Math.min(...values))} to ${formatPercent(Math.max(...values))}`
  const marks = (layer: string, noiseLevel: number): string =>
    chosen
      .filter((each) => each.layer === layer && each.noiseLevel === noiseLevel)
      .map((each) => MARKS[each.by])
      .join('')
  const cells = (
    mark: string,
    layer: string,
    level: string,
    {
      accuracies,
      crossValidated,
      labelFree,
    }: Pick<(typeof points)[number], 'accuracies' | 'crossValidated' | 'labelFree'>,
  ): string[] => [
    mark,
    layer,
    level,
    ...(testImages > 0 ? [formatPercent(average(accuracies)), spread(accuracies)] : []),
    crossValidated.length === 0 ? '' : average(crossValidated).toFixed(3),
    labelFree === undefined ? '' : labelFree.toFixed(3),
  ]
  const rows = [
    ['', 'layers', 'noise', ...(testImages > 0 ? ['accuracy', 'over draws'] : []), 'left out', 'label-free'],
    ...points.map((point) =>
      cells(marks(point.layer, point.noiseLevel), point.layer, String(point.noiseLevel), point),
    ),
    ...(together ? [cells('', together.layers.join('+'), together.noiseLevels.join('+'), together)] : []),
  ]
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const laid = rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  )
  const compared = beforeAfter.flatMap(({ labelsPerClass: count, before, after }) =>
    before.length === 0
      ? []
      : [
          `  ${count} labels per class: ${formatPercent(average(before))} before, ${formatPercent(average(after))} after`,
        ],
  )
  return [
    `${labelsPerClass} labels per class, ${head} classifier`,
    ...laid,
    '* chosen by the labelled images (left out: mean log-likelihood of each label from the others)',
    'o chosen without labels (share of neighbours that stay when an image is distorted)',
    ...(compared.length > 0
      ? [`Noise level ${fixedBadly?.noiseLevel} against the chosen settings:`, ...compared]
      : []),
    ...notes.map((note) => `${note[0].toUpperCase()}${note.slice(1)}`),
  ]
}
