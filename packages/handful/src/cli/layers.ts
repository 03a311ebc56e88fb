/** `handful layers`: the layers that features can be taken from. */
import { Command } from 'commander'
import type { LayerRow } from '../jobs/features.js'
import { usageError } from '../errors.js'
import { POOLINGS } from '../names.js'
import type { CommandContext } from './context.js'
import { wholeNumber } from './options.js'
import type { Example } from './program.js'
import { addDatasetOption, addModelOptions, TRAINED_RUN } from './shared-options.js'

interface Typed {
  readonly model?: string
  readonly preset?: string
  readonly set?: Readonly<Record<string, unknown>>
  readonly dataset?: string
  readonly size?: number
  readonly grey?: boolean
  readonly json?: boolean
}

const examples: readonly Example[] = [
  { command: 'handful layers runs/photos', does: "of a run's model" },
  { command: 'handful layers --model diffusion --preset paper --dataset cifar10', does: 'before training' },
  { command: 'handful layers --model vae --size 64', does: 'for colour images of 64x64' },
]

export function layersCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('layers')
    .summary('list the layers that features can be taken from')
    .description(
      'Lists the layers of a model with their shapes (height x width x channels) and how many numbers a\n' +
        'feature has after each pooling. Those marked * are taken where none are named.',
    )
    .usage('[run] [options]')
    .argument('[run]', `${TRAINED_RUN}; else --model`)
  addDatasetOption(addModelOptions(command), 'for images of a known data set')
    .option('--size <pixels>', 'for images of this side', wholeNumber('--size', 8, 256))
    .option('--grey', 'with one channel, not three')
    .option('--json', 'print the list as JSON')
    .action((run: string | undefined, typed: Typed) => layers(context, run, typed))
  return [command, examples]
}

async function layers(context: CommandContext, run: string | undefined, typed: Typed): Promise<void> {
  const { terminal } = context
  const rows = run === undefined ? await ofPreset(typed) : await ofRun(run, typed)
  if (typed.json === true) terminal.data(JSON.stringify(rows))
  else for (const line of table(rows)) terminal.data(line)
}

async function ofRun(run: string, { json: _, ...given }: Typed): Promise<LayerRow[]> {
  const [flag] = Object.keys(given)
  if (flag !== undefined) {
    throw usageError({
      what: 'layers',
      got: `both a run and --${flag}`,
      expected: 'one of them',
      hint: `leave --${flag} out`,
    })
  }
  const [{ describedModel }, { listLayers }] = await Promise.all([
    import('../runs/trained-model.js'),
    import('../jobs/features.js'),
  ])
  return listLayers((await describedModel(run)).model)
}

async function ofPreset({ dataset, size, grey, json: _, ...choice }: Typed): Promise<LayerRow[]> {
  if ((dataset === undefined) === (size === undefined) || (dataset !== undefined && grey === true)) {
    throw usageError({
      what: 'images',
      got:
        dataset === undefined ? 'neither a run, --dataset nor --size' : 'both --dataset and a size or --grey',
      expected: 'a run, or the kind of images',
      hint: 'for example handful layers --model vae --dataset mnist',
    })
  }
  const [{ z }, { knownShape, modelFields, resolveModel }, { listLayers }] = await Promise.all([
    import('zod'),
    import('../training/model-options.js'),
    import('../jobs/features.js'),
  ])
  const image = knownShape({ dataset }) ?? { size: size ?? 0, channels: grey === true ? 1 : 3 }
  return listLayers(resolveModel(z.object(modelFields).parse(choice), image))
}

function table(rows: readonly LayerRow[]): string[] {
  const cells = [
    ['', 'layer', 'shape', ...POOLINGS],
    ...rows.map(({ name, shape, numbers, chosen }) => [
      chosen ? '*' : '',
      name,
      shape.join(' x '),
      ...POOLINGS.map((pooling) => String(numbers[pooling])),
    ]),
  ]
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  return cells.map((row) =>
    row
      .map((cell, column) => (column < 3 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  )
}
