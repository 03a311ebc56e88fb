/** `handful supervised`: a ResNet-18 from scratch on the labelled few, what every generative model has to beat. */
import { choiceInWords, formatCount, formatDuration, formatPercent } from '../../draw/format.js'
import { STEMS, SUPERVISED_AUGMENTATIONS, SUPERVISED_CHOICES, SUPERVISED_PRESETS } from '../../names.js'
import { runCommand } from '../command-entry.js'
import { oneOf, positive, whole } from '../option.js'
import { imageOptions, labelOptions, mirrorOption, plainRunOptions, setOption } from '../option-groups.js'
import type { SupervisedResult } from './run.js'

export const supervised = runCommand({
  name: 'supervised',
  summary: 'train a ResNet-18 on the labelled images alone',
  description:
    'Trains a ResNet-18 from scratch on the labelled images alone, for several draws of them, and tests the\n' +
    'last step of each on the test images. Writes a run folder with results.json and predictions.csv.',
  usage: '[folder] [options]',
  arguments: {
    folder: ['[folder]', 'your images: a sub-folder per class, or labels.csv; test images in "test"'],
  },
  options: {
    ...imageOptions,
    ...labelOptions(1_000_000),
    preset: oneOf(
      '<name>',
      'strong (3x3 stem, averaged weights), fixmatch (that, and the unlabelled images) or reference ' +
        '(the published network, cheap) (strong; reference where a stem is named)',
      SUPERVISED_PRESETS,
    ),
    stem: oneOf(
      '<name>',
      "how the network begins: imagenet (7x7 and pooling, cheap) or small (3x3 at full resolution) (the preset's)",
      STEMS,
    ),
    augment: oneOf(
      '<how>',
      'strong (turned, sheared, scaled, partly covered, recoloured), crops (shifted by up to an eighth) or none; images ' +
        "with colours are mirrored too (the preset's)",
      SUPERVISED_AUGMENTATIONS,
    ),
    set: setOption(
      'another value for a setting that --print-config shows, such as fewestSteps=1000; again for more',
    ),
    minutes: positive('<n>', 'time for each training, in the place of its number of epochs', '5'),
    steps: whole('<n>', 'train for so many steps instead', 1, 100_000_000),
    choose: oneOf(
      '<how>',
      'folds (halves of the labelled images choose rate and length, in up to nine times the steps) or none ' +
        '(folds with the preset strong, where nothing else says the length)',
      SUPERVISED_CHOICES,
    ),
    mirror: mirrorOption,
    ...plainRunOptions,
  },
  // Whoever says the rate or the length has chosen it.
  newRuns: ({ preset = 'strong', stem, minutes, steps, set = {} }) => ({
    mirror: 'auto',
    ...(preset === 'strong' &&
      [stem, minutes, steps].every((value) => value === undefined) &&
      !['learningRate', 'epochs', 'fewestSteps'].some((name) =>
        Object.hasOwn(Object(set) as object, name),
      ) && { choose: 'folds' }),
  }),
  examples: [
    {
      command: 'handful supervised --dataset mnist --labels-per-class 8',
      does: '5 draws of 8 labels per digit',
    },
    {
      command: 'handful supervised --dataset mnist --preset fixmatch',
      does: 'FixMatch: learns from the unlabelled images too',
    },
    {
      command: 'handful supervised --dataset cifar10 --preset reference',
      does: 'the published network, cheap and weaker',
    },
    { command: 'handful supervised photos --augment none', does: 'your own images, all labels' },
    { command: 'handful supervised --resume runs/mnist', does: 'go on with a run that was stopped' },
  ],
  schema: async () => (await import('./run.js')).supervisedJobSchema,
  resolve: async (options) => (await import('./run.js')).resolveSupervised(options),
  run: async (options, context) => (await import('./run.js')).runSupervised(options, context),
  show: (result, run) => ({
    json: { run: run.folder, ...result },
    lines: summaryOf(result),
    messages: [`Predictions:  ${run.path(result.predictions)}`],
  }),
})

function summaryOf(result: SupervisedResult): string[] {
  const { network, dataset, labelsPerClass, testImages, draws, accuracy, chosen, mirrored } = result
  const labels = labelsPerClass === undefined ? 'all labels' : `${labelsPerClass} labels per class`
  const [{ steps, parameters }] = draws
  const seconds = draws.reduce((sum, draw) => sum + draw.seconds, 0)
  const trained = `${network}, ${formatCount(parameters)} parameters, ${formatCount(steps)} steps on ${labels} of ${dataset}`
  const times =
    draws.length === 1 ? formatDuration(seconds) : `${draws.length} draws in ${formatDuration(seconds)}`
  const choice = [
    ...(chosen === undefined ? [] : [choiceInWords(chosen)]),
    ...(mirrored === true ? ['probabilities are means over an image and its mirrored image'] : []),
  ]
  if (accuracy === undefined)
    return [`${trained}, ${times}`, ...choice, 'no test images: nothing says how often it is right']
  const each = draws.flatMap((draw) => (draw.accuracy === null ? [] : [formatPercent(draw.accuracy)]))
  const { mean, low, high } = accuracy
  return [
    `${trained}, ${times}`,
    ...choice,
    `accuracy ${formatPercent(mean)} (95 % interval ${formatPercent(low)} to ${formatPercent(high)}) on ${formatCount(testImages)} test images`,
    ...(each.length > 1 ? [`draws: ${each.join(', ')}`] : []),
  ]
}
