/** `handful map`: images laid out by the features of a trained model, as figures, a table and a file for embedding-atlas. */
import path from 'node:path'
import { formatCount, formatFraction, formatPercent } from '../../draw/format.js'
import { usageError } from '../../errors.js'
import { shellWord } from '../../errors/shell.js'
import { jobCommand } from '../command-entry.js'
import { numberBetween, text, whole, withDefault } from '../option.js'
import {
  collectionOptions,
  dataDirOption,
  datasetOption,
  layersOption,
  machineOptions,
  noiseLevelOption,
  noiseLevels,
  outsideOptions,
  ownReadingOptions,
  ownSeedOption,
  poolingOption,
  TRAINED_RUN,
} from '../option-groups.js'
import type { MapResult } from './run.js'

export const map = jobCommand({
  name: 'map',
  summary: "lay images out by a trained model's features",
  description:
    'Lays images out in the plane by UMAP, near each other where their features are alike. Writes map.svg\n' +
    '(coloured by the labels that are known, or else by predictions), map-thumbnails.svg, map.csv and\n' +
    'map.parquet, which embedding-atlas opens: features, places, labels, predictions and pictures. Prints\n' +
    'how well the classes are apart in the features. Labels of a test split are left out.',
  usage: '[run] [images...] [options]',
  arguments: {
    run: ['[run]', `${TRAINED_RUN}; with --encoder or --embeddings it may be left out`],
    images: [
      '[images...]',
      'files or a folder; without, and without --dataset, those that the run was trained on',
    ],
  },
  options: {
    dataset: datasetOption('images of a known data set'),
    dataDir: dataDirOption,
    count: withDefault(whole('<n>', 'images on the map, drawn where there are more', 4, 200_000), 10_000),
    minDistance: numberBetween(
      '<d>',
      'how close points may lie: 0 for tight clumps, 0.5 for even spread (0.1)',
      0,
      1,
    ),
    layers: layersOption('run'),
    pooling: poolingOption('of spatial layers, as for "handful features"'),
    noiseLevel: noiseLevelOption('0 to 1000'),
    out: text('<folder>', 'where the files go (<run>/map, without a run map)'),
    seed: ownSeedOption('of the draw, the layout and noise'),
    ...outsideOptions,
    ...ownReadingOptions,
    ...collectionOptions,
    ...machineOptions,
  },
  examples: [
    { command: 'handful map runs/mnist', does: 'the images it was trained on, into runs/mnist/map' },
    { command: 'handful map runs/photos new/ --out new-map', does: 'other images' },
    {
      command: 'handful map photos --encoder dinov2.onnx --out map',
      does: 'by an encoder made elsewhere, without a run',
    },
    {
      command: 'handful map runs/photos --layers coarse --min-distance 0.3',
      does: 'other features, points further apart',
    },
  ],
  async prepare({ noiseLevel, run: first, images: others, ...given }) {
    const { checkReading, runOrImages } = await import('../features/run-or-images.js')
    const { run, images } = await runOrImages('map', first, others, given)
    if (images.length > 0 && given.dataset !== undefined) {
      throw usageError({ what: 'images', got: 'both images and --dataset', expected: 'one of them' })
    }
    checkReading(given, { run, images: images.length > 0 })
    const out = given.out ?? (run === undefined ? 'map' : path.join(run, 'map'))
    return { ...given, run, images, ...noiseLevels(noiseLevel), out }
  },
  async run(options, context) {
    const [{ runMap }, { saveMapFigures }] = await Promise.all([
      import('./run.js'),
      import('../../draw/save-map.js'),
    ])
    const { points, ...result } = await runMap(options, context)
    const title = `Map of ${formatCount(result.images)} images, ${COLOURS[result.colours]}`
    return { ...result, figures: await saveMapFigures(options.out, points, result.classes, title) }
  },
  show: (result) => ({
    json: result,
    lines: summaryOf(result),
    skipped: result.skipped,
    messages: [
      `Figures: ${result.figures.points} and ${result.figures.thumbnails}; table: ${result.table}`,
      `To walk through it (pip install embedding-atlas): ${result.open.map(shellWord).join(' ')}`,
    ],
  }),
})

const COLOURS = {
  labels: 'coloured by label',
  predictions: 'coloured by prediction, no label is known',
  nothing: 'no label is known',
} as const

function summaryOf(result: Omit<MapResult, 'points'>): string[] {
  const { images, labelled, detail, colours, purity, silhouette } = result
  const known = labelled === images || labelled === 0 ? '' : ` (${formatCount(labelled)} labelled)`
  const lines = [`${formatCount(images)} images${known}, ${COLOURS[colours]}; ${detail}`]
  if (purity !== undefined) {
    const chance = formatPercent(purity.byChance)
    lines.push(`neighbours of the same class: ${formatPercent(purity.purity)} (${chance} by chance)`)
  }
  if (silhouette !== undefined)
    lines.push(`silhouette of the classes: ${formatFraction(silhouette)} (-1 to 1)`)
  return lines
}
