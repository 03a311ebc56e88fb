/** `handful map`: images laid out by the features of a trained model, as figures, a table and a file for embedding-atlas. */
import { Command } from 'commander'
import { shellWord } from '../errors/shell.js'
import { usageError } from '../errors.js'
import type { MapResult } from '../jobs/map.js'
import { formatCount, formatPercent } from '../draw/format.js'
import type { CommandContext } from './context.js'
import { type Pooling, POOLINGS } from '../names.js'
import { nameList, numberBetween, numberList, oneOf, wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import {
  addDataDirOption,
  addDatasetOption,
  addMachineOptions,
  addSeedOption,
  type DatasetOptions,
  engineOf,
  type MachineOptions,
  TRAINED_RUN,
} from './shared-options.js'
import { reportSkipped } from './skipped.js'

interface Typed extends DatasetOptions, MachineOptions {
  readonly count?: number
  readonly minDistance?: number
  readonly layers?: readonly string[]
  readonly pooling?: Pooling
  readonly noiseLevel?: readonly number[]
  readonly seed?: number
  readonly out?: string
}

const DEFAULT_COUNT = 10_000

const examples: readonly Example[] = [
  { command: 'handful map runs/mnist', does: 'the images it was trained on, into runs/mnist/map' },
  { command: 'handful map runs/photos new/ --out new-map', does: 'other images' },
  {
    command: 'handful map runs/photos --layers coarse --min-distance 0.3',
    does: 'other features, points further apart',
  },
]

export function mapCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('map')
    .summary("lay images out by a trained model's features")
    .description(
      'Lays images out in the plane by UMAP, near each other where their features are alike. Writes map.svg\n' +
        '(coloured by the labels that are known, or else by predictions), map-thumbnails.svg, map.csv and\n' +
        'map.parquet, which embedding-atlas opens: features, places, labels, predictions and pictures. Prints\n' +
        'how well the classes are apart in the features. Labels of a test split are left out.',
    )
    .usage('<run> [images...] [options]')
    .argument('<run>', TRAINED_RUN)
    .argument(
      '[images...]',
      'files or a folder; without, and without --dataset, those that the run was trained on',
    )
  addDataDirOption(addDatasetOption(command, 'images of a known data set'))
    .option(
      '--count <n>',
      `images on the map, drawn where there are more (${DEFAULT_COUNT})`,
      wholeNumber('--count', 4, 200_000),
    )
    .option(
      '--min-distance <d>',
      'how close points may lie: 0 for tight clumps, 0.5 for even spread (0.1)',
      numberBetween('--min-distance', 0, 1),
    )
    .option('--layers <a,b>', '"handful layers <run>" lists them (as suits the run)', nameList('--layers'))
    .option('--pooling <how>', 'of spatial layers, as for "handful features"', oneOf('--pooling', POOLINGS))
    .option(
      '--noise-level <t>',
      'of a diffusion model, 0 to 1000; several such as 50,200 stand side by side',
      numberList('--noise-level', 0, 1000),
    )
    .option('--out <folder>', 'where the files go (<run>/map)')
  addSeedOption(command, "of the draw, the layout and noise (the run's)")
  addMachineOptions(command, context).action((run: string, images: string[], typed: Typed) =>
    map(context, run, images, typed),
  )
  return [command, examples]
}

async function map(context: CommandContext, run: string, images: string[], typed: Typed): Promise<void> {
  const { terminal } = context
  const { json, quiet, noiseLevel, ...given } = typed
  if (images.length > 0 && typed.dataset !== undefined) {
    throw usageError({ what: 'images', got: 'both images and --dataset', expected: 'one of them' })
  }
  const { join } = await import('node:path')
  const out = typed.out ?? join(run, 'map')
  const runMap = await context.jobs.map()
  const options = {
    ...given,
    ...(noiseLevel?.length === 1 ? { noiseLevel: noiseLevel[0] } : { noiseLevels: noiseLevel }),
    ...{ run, images, out },
    count: typed.count ?? DEFAULT_COUNT,
    dataDir: typed.dataDir ?? context.environment.HANDFUL_DATA,
    ...engineOf(typed, context),
  }
  const result = await runJob(context, { quiet: quiet === true, stopping: 'nothing is written' }, (job) =>
    runMap(options, job),
  )
  const { saveMapFigures } = await import('../draw/save-map.js')
  const figures = await saveMapFigures(out, result.points, result.classes, titleOf(result))
  reportSkipped(terminal, result.skipped)
  const { points: _, ...rest } = result
  if (json === true) terminal.data(JSON.stringify({ ...rest, figures }))
  else for (const line of summaryOf(result)) terminal.data(line)
  terminal.message(`Figures: ${figures.points} and ${figures.thumbnails}; table: ${result.table}`)
  terminal.message(
    `To walk through it (pip install embedding-atlas): ${result.open.map(shellWord).join(' ')}`,
  )
}

const COLOURS = {
  labels: 'coloured by label',
  predictions: 'coloured by prediction, no label is known',
  nothing: 'no label is known',
} as const

const titleOf = ({ images, colours }: MapResult): string =>
  `Map of ${formatCount(images)} images, ${COLOURS[colours]}`

function summaryOf({ images, labelled, detail, colours, purity, silhouette }: MapResult): string[] {
  const known = labelled === images || labelled === 0 ? '' : ` (${formatCount(labelled)} labelled)`
  return [
    `${formatCount(images)} images${known}, ${COLOURS[colours]}; ${detail}`,
    ...(purity === undefined
      ? []
      : [
          `neighbours of the same class: ${formatPercent(purity.purity)} (${formatPercent(purity.byChance)} by chance)`,
        ]),
    ...(silhouette === undefined ? [] : [`silhouette of the classes: ${silhouette.toFixed(3)} (-1 to 1)`]),
  ]
}
