/** `handful reconstruct`: images beside what a trained model makes of them, or the way from one to the next. */
import path from 'node:path'
import { usageError } from '../../errors.js'
import { jobCommand } from '../command-entry.js'
import { text, whole, withDefault } from '../option.js'
import { dataDirOption, datasetOption, machineOptions, seedOption, TRAINED_RUN } from '../option-groups.js'

export const reconstruct = jobCommand({
  name: 'reconstruct',
  summary: "show a trained model's version of images",
  description: "Writes one picture with rows of images and, below each row, the model's versions of them.",
  usage: '<run> [images...] [options]',
  arguments: {
    run: ['<run>', TRAINED_RUN],
    images: [
      '[images...]',
      'image files, and folders that are searched for images; without them and --dataset those of the run',
    ],
  },
  options: {
    dataset: datasetOption('images of a known data set instead'),
    dataDir: dataDirOption,
    count: withDefault(whole('<n>', 'images at most', 1, 10_000), 24),
    interpolate: whole(
      '<n>',
      'instead, n pictures on the way from each image to the next (not diffusion)',
      2,
      100,
    ),
    seed: seedOption('of generated data sets'),
    out: text('<file.png>', 'the picture (<run>/samples/reconstructed.png, or interpolated.png)'),
    ...machineOptions,
  },
  examples: [
    { command: 'handful reconstruct runs/photos new/ --out grid.png', does: 'rows of images and outputs' },
    {
      command: 'handful reconstruct runs/mnist',
      does: 'images of its own data set, of the test split if any',
    },
    {
      command: 'handful reconstruct runs/photos a.jpg b.jpg --interpolate 8',
      does: 'eight steps from a to b',
    },
  ],
  prepare(given) {
    const { run, images, dataset, interpolate } = given
    if (images.length > 0 && dataset !== undefined)
      throw usageError({ what: 'images', got: 'both images and --dataset', expected: 'one of them' })
    const name = interpolate === undefined ? 'reconstructed.png' : 'interpolated.png'
    return { ...given, out: given.out ?? path.join(run, 'samples', name) }
  },
  run: async (options, context) => (await import('../sample/run.js')).runReconstruct(options, context),
  show: (result) => ({ json: result, lines: [result.out], skipped: result.skipped }),
})
