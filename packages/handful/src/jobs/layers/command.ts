/** `handful layers`: the layers that features can be taken from. */
import { usageError } from '../../errors.js'
import { flagOf } from '../../errors/shell.js'
import { POOLINGS } from '../../names.js'
import type { LayerRow } from '../features/run.js'
import { jobCommand } from '../command-entry.js'
import { flag } from '../option.js'
import { datasetOption, modelOptions, pluginOption, sizeOption, TRAINED_RUN } from '../option-groups.js'
import { columnsOf } from '../table.js'

export const layers = jobCommand({
  name: 'layers',
  summary: 'list the layers that features can be taken from',
  description:
    'Lists the layers of a model with their shapes (height x width x channels) and how many numbers a\n' +
    'feature has after each pooling. Those marked * are taken where none are named.',
  usage: '[run] [options]',
  arguments: { run: ['[run]', `${TRAINED_RUN}; else --model`] },
  options: {
    ...modelOptions(),
    plugin: pluginOption,
    dataset: datasetOption('for images of a known data set'),
    size: sizeOption('for images of this side'),
    grey: flag('with one channel, not three'),
    json: flag('print the list as JSON'),
  },
  examples: [
    { command: 'handful layers runs/photos', does: "of a run's model" },
    { command: 'handful layers --model diffusion --preset paper --dataset cifar10', does: 'before training' },
    { command: 'handful layers --model vae --size 64', does: 'for colour images of 64x64' },
  ],
  prepare(given) {
    const { run, dataset, size, grey, ...choice } = given
    if (run === undefined) {
      if ((dataset === undefined) !== (size === undefined) && (dataset === undefined || grey === undefined))
        return given
      const none = dataset === undefined
      throw usageError({
        what: 'images',
        got: none ? 'neither a run, --dataset nor --size' : 'both --dataset and a size or --grey',
        expected: 'a run, or the kind of images',
        hint: 'for example handful layers --model vae --dataset mnist',
      })
    }
    const typed = Object.entries({ ...choice, dataset, size, grey }).find(([, value]) => value !== undefined)
    if (typed === undefined) return given
    const option = flagOf(typed[0])
    const hint = `leave ${option} out`
    throw usageError({ what: 'layers', got: `both a run and ${option}`, expected: 'one of them', hint })
  },
  async run({ run, dataset, size, grey, model, preset, set }, context) {
    const { listLayers } = await import('../features/run.js')
    if (run !== undefined) {
      const { describedModel } = await import('../../runs/trained-model.js')
      const described = await describedModel(run, context)
      return listLayers(described.model)
    }
    const { knownShape, modelChoiceSchema, resolveModel } = await import('../../training/model-options.js')
    const image = knownShape({ dataset }) ?? { size: size ?? 0, channels: grey ? 1 : 3 }
    const resolved = resolveModel(modelChoiceSchema.parse({ model, preset, set }), image, context.models)
    return listLayers(resolved)
  },
  show: (rows) => ({ json: rows, lines: table(rows) }),
})

const table = (rows: readonly LayerRow[]): string[] =>
  columnsOf(
    [
      ['', 'layer', 'shape', ...POOLINGS],
      ...rows.map(({ name, shape, numbers, chosen }) => [
        chosen ? '*' : '',
        name,
        shape.join(' x '),
        ...POOLINGS.map((pooling) => String(numbers[pooling])),
      ]),
    ],
    3,
  )
