/** `handful sweep`: which layer and noise level of a diffusion model to take features from. */
import path from 'node:path'
import { formatPercent } from '../../draw/format.js'
import { usageError } from '../../errors.js'
import { HEADS, POOLINGS } from '../../names.js'
import { average } from '../../numerics/statistics.js'
import type { StudySweep } from '../../study/sections/sweep/schema.js'
import { jobCommand } from '../command-entry.js'
import { numbers, oneOf, oneOfOrOwn, type Option, text, whole, withDefault } from '../option.js'
import {
  dataDirOption,
  layersOption,
  machineOptions,
  poolingOption,
  seedOption,
  TRAINED_RUN,
} from '../option-groups.js'
import { columnsOf } from '../table.js'
import type { ChoosingBy, SweepResult } from './run.js'

const CHOOSING = ['cross-validation', 'label-free', 'together'] as const satisfies readonly ChoosingBy[]

/** `--choose` alone takes the first. */
const chooseOption: Option<ChoosingBy | true | undefined> = oneOf(
  '[how]',
  `print what is chosen as flags of handful features: ${CHOOSING.join(', ')}`,
  CHOOSING,
)

export const sweep = jobCommand({
  name: 'sweep',
  summary: "compare a diffusion model's noise levels and layers",
  description:
    "Takes features of a diffusion model's layers at several noise levels and chooses among them in two\n" +
    'ways: by the labelled images alone, each predicted from the others, and without labels, by whether\n' +
    'images keep their neighbours when they are distorted. Accuracies on test images stand beside them\n' +
    'and choose nothing. Writes sweep.json, sweep.csv and noise-levels.svg.',
  usage: '<run> [options]',
  arguments: { run: ['<run>', `${TRAINED_RUN}, of a diffusion model`] },
  options: {
    labelsPerClass: withDefault(whole('<n>', 'labelled images of each class', 1, 100_000), 16),
    draws: withDefault(whole('<n>', 'draws of them', 1, 100), 5),
    layers: layersOption('model'),
    noiseLevels: numbers('<a,b>', '0 (clean) to 1000 (noise) (1,10,50,100,200,350,500,700,900)', 0, 1000),
    pooling: poolingOption(`of the layers: ${POOLINGS.join(', ')} (as suits the model)`),
    head: oneOfOrOwn('<name>', 'the classifier whose accuracies are shown (linear)', HEADS, 'heads'),
    compareAt: numbers(
      '<a,b>',
      'labels per class at which noise level 50 is compared with the chosen ones',
      1,
      100_000,
    ),
    testImages: whole(
      '<n>',
      'test images that accuracies are counted on, drawn at random, at most (2000)',
      1,
      10_000_000,
    ),
    unlabelledImages: whole(
      '<n>',
      'unlabelled images that features are normalised by (2000)',
      20,
      10_000_000,
    ),
    choose: chooseOption,
    out: text('<folder>', '(<run>/sweep)'),
    seed: seedOption('of draws and noise'),
    dataDir: dataDirOption,
    ...machineOptions,
  },
  examples: [
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
  ],
  prepare({ choose, ...given }) {
    const broken = given.compareAt?.find((value) => !Number.isInteger(value))
    if (broken !== undefined) {
      throw usageError({ what: '--compare-at', got: String(broken), expected: 'whole numbers of labels' })
    }
    const by = choose === true ? CHOOSING[0] : choose
    return { by, options: { ...given, out: given.out ?? path.join(given.run, 'sweep') } }
  },
  async run({ options }, context) {
    const { runSweep } = await import('./run.js')
    const result = await runSweep(options, context)
    return { ...result, files: [...result.files, ...(await writeFigure(result, options.out))] }
  },
  show: (result, { by }) => ({
    json: result,
    lines: by === undefined ? tableOf(result) : [flags(result, by)],
    messages: [`Written to ${result.files.join(', ')}`],
  }),
})

async function writeFigure(result: SweepResult, folder: string): Promise<string[]> {
  const [{ sweepFigure }, { fileName, standaloneSvg }, { writeFileAtomic }] = await Promise.all([
    import('../../study/sections/sweep/sweep-figure.js'),
    import('../../draw/figure-frame.js'),
    import('../../files/atomic.js'),
  ])
  const { sweep: found, dataset, classCount, testImages } = result
  const { method, head } = found
  const figure = sweepFigure(found, { dataset, method, head, testImages, classCount })
  if (figure === undefined) return []
  const file = path.join(folder, `${fileName(figure.name)}.svg`)
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

type Counted = Pick<StudySweep['points'][number], 'accuracies' | 'crossValidated' | 'labelFree'>

/** A row for each setting: accuracy with its interval, and both criteria; what is chosen is marked. */
function tableOf({ sweep: found, testImages }: SweepResult): string[] {
  const { points, chosen, together, labelsPerClass, head, notes = [], beforeAfter, fixedBadly } = found
  const tested = testImages > 0
  const marks = (layer: string, noiseLevel: number): string =>
    chosen
      .filter((each) => each.layer === layer && each.noiseLevel === noiseLevel)
      .map((each) => MARKS[each.by])
      .join('')
  const cells = (mark: string, layer: string, level: string, counted: Counted): string[] => {
    const { accuracies, crossValidated, labelFree } = counted
    return [
      mark,
      layer,
      level,
      ...(tested ? [formatPercent(average(accuracies)), spread(accuracies)] : []),
      crossValidated.length === 0 ? '' : average(crossValidated).toFixed(3),
      labelFree === undefined ? '' : labelFree.toFixed(3),
    ]
  }
  const rows = [
    ['', 'layers', 'noise', ...(tested ? ['accuracy', 'over draws'] : []), 'left out', 'label-free'],
    ...points.map((point) =>
      cells(marks(point.layer, point.noiseLevel), point.layer, String(point.noiseLevel), point),
    ),
  ]
  if (together) rows.push(cells('', together.layers.join('+'), together.noiseLevels.join('+'), together))
  const compared = beforeAfter
    .filter(({ before }) => before.length > 0)
    .map(({ labelsPerClass: count, before, after }) => {
      const [from, to] = [before, after].map((values) => formatPercent(average(values)))
      return `  ${count} labels per class: ${from} before, ${to} after`
    })
  if (compared.length > 0)
    compared.unshift(`Noise level ${fixedBadly?.noiseLevel} against the chosen settings:`)
  return [
    `${labelsPerClass} labels per class, ${head} classifier`,
    ...columnsOf(rows, 2),
    '* chosen by the labelled images (left out: mean log-likelihood of each label from the others)',
    'o chosen without labels (share of neighbours that stay when an image is distorted)',
    ...compared,
    ...notes.map((note) => `${note[0].toUpperCase()}${note.slice(1)}`),
  ]
}

const spread = (values: readonly number[]): string =>
  values.length === 0 ? '' : `${formatPercent(Math.min(...values))} to ${formatPercent(Math.max(...values))}`
