/** `handful features`: writes what the hidden layers of a trained model make of images. */
import { formatCount } from '../../draw/format.js'
import { usageError } from '../../errors.js'
import { flagOf } from '../../errors/shell.js'
import { BASELINES } from '../../names.js'
import { jobCommand } from '../command-entry.js'
import { flag, oneOf, text, whole } from '../option.js'
import {
  collectionOptions,
  dataDirOption,
  datasetOption,
  encoderOptions,
  layersOption,
  machineOptions,
  noiseLevelOption,
  noiseLevels,
  ownSeedOption,
  ownReadingOptions,
  poolingOption,
  setOption,
  sizeOption,
  TRAINED_RUN,
} from '../option-groups.js'
import type { FeaturesResult } from './run.js'

/** Of baselines alone: a run's model stays as it was trained. */
const baselineOptions = {
  set: setOption(
    'of a baseline: atoms=512 (patches), components=64 (pca), network=resnet18 (random); again for more',
  ),
  dictionary: text('<file>', 'patches or components fitted before, in place of fitting them'),
  saveDictionary: text('<file.safetensors>', 'where to keep those that are fitted'),
  size: sizeOption("side of a baseline's images from a folder (32)"),
}

export const features = jobCommand({
  name: 'features',
  summary: "write a trained model's features of images",
  description:
    'Writes one row of numbers per image, taken from hidden layers of the model of a run, and beside them\n' +
    '<out>.csv, which names the image of each row: row,split,file_name,label. However many images there\n' +
    'are, only a few are in memory. Labels of a test split are left out. With --baseline there is no run:\n' +
    'raw pixels, principal components, whitened patches, or a network with random weights.',
  usage: '[run] [folder] [options]',
  arguments: {
    run: ['[run]', `${TRAINED_RUN}; none with --baseline, and with --encoder it may be left out`],
    folder: ['[folder]', 'images; without it, and without --dataset, those that the run was trained on'],
  },
  options: {
    dataset: datasetOption('images of a known data set'),
    dataDir: dataDirOption,
    out: text('<file>', 'ends in .npy (one matrix) or .safetensors (a matrix per layer)'),
    layers: layersOption('model'),
    pooling: poolingOption(
      'spatial layers as their mean, means over 2x2 or 4x4 cells, or none: every number (as suits the model)',
    ),
    noiseLevel: noiseLevelOption('0 (clean) to 1000 (noise)'),
    averageLevels: flag('means over several noise levels instead'),
    draws: whole('<n>', 'means over so many draws of that noise (1)', 1, 100),
    mirror: flag('of a diffusion model: means with the features of the mirrored image'),
    concatenateViews: flag('draws and the mirrored image side by side, not their means'),
    concatenate: flag('one matrix of all layers in a .safetensors file too'),
    ...encoderOptions,
    baseline: oneOf('<name>', `features without a trained model: ${BASELINES.join(', ')}`, BASELINES),
    ...baselineOptions,
    ...ownReadingOptions,
    ...collectionOptions,
    seed: ownSeedOption('of that noise and of generated images'),
    ...machineOptions,
  },
  examples: [
    { command: 'handful features runs/mnist --out features.npy', does: 'of the images it was trained on' },
    { command: 'handful features runs/photos new/ --out new.safetensors', does: 'of other images' },
    { command: 'handful layers runs/photos', does: 'which layers there are' },
    {
      command: 'handful features runs/photos --layers fine,coarse --pooling 2x2 --out f.npy',
      does: 'layers side by side',
    },
    {
      command: 'handful features photos --encoder dinov2.onnx --out f.npy',
      does: 'of an encoder made elsewhere',
    },
    {
      command: 'handful features --baseline patches --dataset cifar10 --out patches.npy',
      does: 'without a trained model',
    },
  ],
  async prepare({ run, folder, out, baseline, noiseLevel, averageLevels, concatenateViews, ...given }) {
    if (out === undefined) {
      const expected = 'a name that ends in .npy or .safetensors'
      throw usageError({ what: '--out', got: 'no file', expected, hint: 'for example --out features.npy' })
    }
    if (baseline !== undefined && given.encoder !== undefined) {
      const expected = 'one of them'
      throw usageError({ what: 'features', got: 'both --baseline and --encoder', expected })
    }
    const { checkReading, runOrImages } = await import('./run-or-images.js')
    const named =
      baseline === undefined
        ? await runOrImages('features', run, folder === undefined ? [] : [folder], given)
        : undefined
    if (named !== undefined && named.images.length > 1) {
      const expected = 'one folder of images, or a run and a folder'
      throw usageError({ what: 'arguments', got: named.images.join(' and '), expected })
    }
    // With a baseline the first argument is the folder.
    const images = named === undefined ? run : named.images.at(0)
    if (images !== undefined && given.dataset !== undefined) {
      throw usageError({ what: 'images', got: 'both a folder and --dataset', expected: 'one of them' })
    }
    const options = {
      ...given,
      ...noiseLevels(noiseLevel),
      folder: images,
      out,
      combineLevels: averageLevels && ('average' as const),
      combineViews: concatenateViews && ('concatenate' as const),
    }
    if (baseline !== undefined) {
      if (folder === undefined) return { ...options, baseline, seed: given.seed ?? 0 }
      const expected = 'with --baseline one folder of images, and no run'
      throw usageError({ what: 'arguments', got: `${run ?? ''} and ${folder}`, expected })
    }
    const alone = named?.run === undefined
    if (alone && images === undefined && given.dataset === undefined) {
      const expected = 'a folder or --dataset'
      throw usageError({ what: 'images', got: 'an encoder without images', expected })
    }
    checkReading(given, { run: named?.run, images: images !== undefined })
    const foreign = Object.entries(given).find(
      ([name, value]) => name in baselineOptions && value !== undefined,
    )
    if (foreign === undefined) return { ...options, run: named?.run }
    const got = 'it with a run, whose model stays as it was trained'
    throw usageError({ what: flagOf(foreign[0]), got, expected: 'it with --baseline', hint: 'leave it out' })
  },
  run: async (options, context) =>
    !('baseline' in options)
      ? (await import('./run.js')).runFeatures(options, context)
      : (await import('./baseline.js')).runBaselineFeatures(options, context),
  show: (result) => ({
    json: result,
    lines: summaryOf(result),
    skipped: result.skipped,
    messages: [`Rows are named in ${result.index}`],
  }),
})

function summaryOf({ rows, tensors, layers, detail, file }: FeaturesResult): string[] {
  const shapes = tensors.map(
    ({ name, columns }) => `  ${name}: ${formatCount(rows)} x ${formatCount(columns)}`,
  )
  let first = 0
  const places = layers.map(({ name, columns }) => `${name} ${first} to ${(first += columns) - 1}`)
  const together = layers.length > tensors.length ? [`  columns: ${places.join(', ')}`] : []
  return [`${file}: ${detail}`, ...shapes, ...together]
}
