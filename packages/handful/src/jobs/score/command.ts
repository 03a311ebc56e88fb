/** `handful score`: how good the images are that a trained model draws, in numbers. */
import path from 'node:path'
import { formatCount, formatPercent } from '../../draw/format.js'
import { encoderDetails } from '../../encoders/encoder-options.js'
import { printable, usageError } from '../../errors.js'
import { flagOf } from '../../errors/shell.js'
import { SCORE_MEANING } from '../../scores/meaning.js'
import type { SetScores, SpaceScores } from '../../scores/scores.js'
import { jobCommand } from '../command-entry.js'
import { text, whole, withDefault, words } from '../option.js'
import {
  dataDirOption,
  encoderOptions,
  machineOptions,
  samplerOptions,
  seedOption,
  setOption,
  TRAINED_RUN,
} from '../option-groups.js'
import { columnsOf } from '../table.js'
import type { ScoreResult } from './run.js'

export const score = jobCommand({
  name: 'score',
  summary: "score a trained model's samples",
  description:
    'Draws images from the model of a run and compares them with the images of its data set that it was\n' +
    'not trained on: Frechet and kernel distance, precision and recall in the feature space of a small\n' +
    'classifier, and how near samples lie to training images. The classifier is trained on the labels\n' +
    'of the training images, once for each data set, and kept; scores of two models compare only within\n' +
    'one. With --encoder the first four are measured in the features of that encoder too, and where there\n' +
    'are no labels in these alone. Writes scores.json in the run, and a picture of the samples nearest to\n' +
    'training images.\n\n' +
    `Frechet distance   ${SCORE_MEANING.frechet}\n` +
    `Kernel distance    ${SCORE_MEANING.kernel}\n` +
    `Precision          ${SCORE_MEANING.precision}\n` +
    `Recall             ${SCORE_MEANING.recall}\n` +
    `Ratio of distances ${SCORE_MEANING.ratio}\n` +
    `Nearer than 99 %   ${SCORE_MEANING.suspicious}`,
  usage: '<run> [options]',
  arguments: { run: ['<run>', TRAINED_RUN] },
  options: {
    count: withDefault(whole('<n>', 'images to draw and of each set to compare, at most', 10, 100_000), 5000),
    seed: seedOption('of the samples and of what is compared'),
    ...samplerOptions,
    heldOut: words(
      '<paths...>',
      'images that the model was not trained on, files and folders (its test split)',
    ),
    networks: text('<folder>', 'where classifiers that score are kept (score-networks beside the run)'),
    ...encoderOptions,
    encoder: text(
      '<model.onnx>',
      'scores in the features of an encoder made elsewhere too: an ONNX file with one image input',
    ),
    inception: text('<file.onnx>', 'distances in the space of this network too, such as those of FID'),
    set: setOption(
      'how that file takes images: input, output, size (299), layout (nchw), range (minus-one-to-one), mean, deviation',
    ),
    dataDir: dataDirOption,
    ...machineOptions,
  },
  examples: [
    { command: 'handful score runs/mnist', does: '5,000 samples against the test images' },
    { command: 'handful score runs/diffusion --count 1000 --steps 20', does: 'fewer, in 20 steps each' },
    { command: 'handful score runs/photos --held-out more-photos', does: 'where no test split was kept' },
    {
      command: 'handful score runs/photos --encoder efficientnet-lite0.onnx',
      does: 'in the features of a published network too',
    },
    {
      command: 'handful score runs/cifar --inception inception.onnx --set range=zero-to-one',
      does: 'FID too, with a file of your own',
    },
  ],
  prepare({ inception: file, set, ...given }) {
    const [detail] = given.encoder === undefined ? encoderDetails(given) : []
    if (detail !== undefined) {
      const expected = 'an encoder that it is about'
      throw usageError({ what: flagOf(detail), got: 'no --encoder', expected, hint: 'leave it out' })
    }
    if (set !== undefined && file === undefined) {
      const expected = 'a file that it is about'
      throw usageError({ what: '--set', got: 'no --inception', expected, hint: 'leave it out' })
    }
    return {
      ...given,
      networks: given.networks ?? path.join(path.dirname(path.resolve(given.run)), 'score-networks'),
      // What was set is checked by the network's own schema.
      inception: file === undefined ? undefined : { ...set, file },
    }
  },
  run: async (options, context) => (await import('./run.js')).runScore(options, context),
  show: (result) => ({
    json: result,
    lines: summaryOf(result),
    messages: [`Written to ${result.file}; samples nearest to training images: ${result.picture}`],
  }),
})

function summaryOf(result: ScoreResult): string[] {
  const { model, dataset, heldOut, images, memorisation, fid, space, encoder, network } = result
  const number = formatCount
  const { median, heldOutMedian, ratio, suspicious } = memorisation
  return [
    `${model}: ${formatCount(images)} samples against ${formatCount(images)} images of ${heldOut}`,
    ...tableOf(
      result,
      fid
        ? [['Frechet distance, own network', number(fid.generated), number(fid.floor), 'the same'] as const]
        : [],
    ),
    `nearest training image: ${number(median)} away, ${number(heldOutMedian)} from images not trained on (ratio ${number(ratio)}: ${SCORE_MEANING.ratio})`,
    `nearer than 99 % of those: ${formatPercent(suspicious)} of the samples (${SCORE_MEANING.suspicious})`,
    `${number(result.imagesPerSecond)} images a second`,
    network === undefined
      ? `in the space of ${printable(space)}`
      : `in the space of the ${space}, on ${formatCount(network.images)} labelled images of ${dataset}`,
    ...(result.networkAccuracy === undefined
      ? []
      : [`that network itself classifies ${formatPercent(result.networkAccuracy)} of ${heldOut} right`]),
    ...(encoder === undefined ? [] : [`in the space of ${printable(encoder.space)}`, ...tableOf(encoder)]),
  ]
}

type Row = readonly [name: string, samples: string, training: string, meaning: string]

/** Samples and training images in one space. */
function tableOf(
  { generated, floor }: Pick<SpaceScores, 'generated' | 'floor'>,
  more: readonly Row[] = [],
): string[] {
  const row = (name: keyof typeof SCORE_MEANING, title: string, shown: (of: SetScores) => string): Row => [
    title,
    shown(generated),
    shown(floor),
    SCORE_MEANING[name],
  ]
  const rows: readonly Row[] = [
    ['', 'samples', 'training images', ''],
    row('frechet', 'Frechet distance', ({ frechet }) => formatCount(frechet)),
    row('kernel', 'kernel distance', ({ kernel }) => formatCount(kernel.distance)),
    row('precision', 'precision', ({ precision }) => formatPercent(precision)),
    row('recall', 'recall', ({ recall }) => formatPercent(recall)),
    ...more,
  ]
  const lines = columnsOf(
    rows.map(([name, samples, training]) => [name, samples, training]),
    1,
  )
  const width = Math.max(...lines.map((line) => line.length))
  return lines.map((line, i) => `  ${line.padEnd(width)}  ${rows[i][3]}`.trimEnd())
}
