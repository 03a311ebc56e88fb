/** `handful fit`: the main job, from images and a few labels to predictions, a model and a report. */
import { ownCommand, shellWord } from '../../errors/shell.js'
import { FEATURE_CHOICES, FIT_METHODS, FIXMATCH_NETWORKS, HEADS } from '../../names.js'
import { runCommand } from '../command-entry.js'
import { oneOf, oneOfOrOwn } from '../option.js'
import { imageOptions, labelOptions, learningOptions, proportions, runOptions } from '../option-groups.js'

/** Those that help explains. */
const NAMED = ['auto', 'propagation', 'linear']

export const fit = runCommand({
  name: 'fit',
  summary: 'learn a classifier from images of which a few are labelled',
  description:
    'Trains a generative model on all images, takes features from it, fits a classifier to the few\n' +
    'labelled ones, and predicts the rest. Writes a run folder with predictions.csv, the model and\n' +
    'report.html.',
  usage: '[folder] [options]',
  arguments: {
    folder: [
      '[folder]',
      'your images: one sub-folder per class for the labelled ones and "unlabeled" for the rest, or any ' +
        'folders with a labels.csv (file_name,label); or a zip or tar archive of them, or Parquet',
    ],
  },
  options: {
    ...imageOptions,
    ...labelOptions(10_000),
    method: oneOf(
      '<name>',
      'features (a model learns from all images, a classifier from the labelled few), self-training (that, and then its encoder ' +
        'learns on from the labels and from what was made of the other images) or fixmatch (one network from both; ' +
        'it has no model, head, patches or encoder) (features)',
      FIT_METHODS,
    ),
    network: oneOf(
      '<name>',
      'what --method fixmatch trains: contrastive (the encoder of the model of that name, from random weights) or resnet18 ' +
        '(3x3 stem, width 24) (contrastive)',
      FIXMATCH_NETWORKS,
    ),
    head: oneOfOrOwn(
      '<name>',
      'the classifier that predicts: auto (propagation of labels over neighbours and logistic regression, weighed by the ' +
        `labels), propagation, linear, or another: ${HEADS.filter((name) => !NAMED.includes(name)).join(', ')} (auto)`,
      HEADS,
      'heads',
    ),
    features: oneOf(
      '<which>',
      'what the classifier sees: auto (the labels choose which kind leads, such as patches, or that all weigh the same) or all (all the same) (auto)',
      FEATURE_CHOICES,
    ),
    proportions,
    ...learningOptions,
    ...runOptions,
  },
  examples: [
    { command: 'handful fit --dataset strokes', does: 'generated handwriting, 4 labels per class' },
    { command: 'handful fit --dataset mnist --labels-per-class 1', does: 'MNIST, one label per digit' },
    {
      command: 'handful fit photos --size 64 --minutes 20',
      does: 'your own images at 64x64, longer training',
    },
    { command: 'handful fit photos --model vqvae --minutes 10', does: 'features of another model' },
    {
      command: 'handful fit photos --method fixmatch --minutes 20',
      does: 'one network from labelled and unlabelled images together',
    },
    {
      command: 'handful fit photos --method self-training --minutes 20',
      does: 'the model learns on from the labels and from its own predictions',
    },
    {
      command: 'handful fit photos --encoder dinov2.onnx --model none',
      does: 'features of an encoder made elsewhere; nothing is trained',
    },
    {
      command: 'handful fit photos --proportions cat=500,dog=50,fox=20',
      does: 'some classes are known to come more often than others',
    },
    { command: 'handful fit --resume runs/photos', does: 'go on with a run that was stopped' },
  ],
  schema: async (brought) => (await import('./fit-options.js')).fitOptionsSchemaWith(brought),
  async resolve(options, context) {
    const { imageShape, resolveTraining } = await import('../pretrain/run.js')
    if (options.method === 'fixmatch') {
      const { fixMatch } = await import('../../training/fixmatch-settings.js')
      const image = await imageShape(options, context)
      return { image, config: fixMatch(options, image).settings }
    }
    const { model, preset = 'fast' } = options
    if (model === 'none') return {}
    return resolveTraining({ ...options, preset }, context)
  },
  run: async (options, context) => (await import('./run.js')).runFit(options, context),
  async show(report, run, { environment }) {
    const { summarise } = await import('../../draw/summary.js')
    const { data, lines } = summarise(report)
    return {
      json: { run: run.folder, ...data },
      lines,
      messages: [
        `Report:       ${run.path('report.html')}`,
        `Predictions:  ${run.path('predictions.csv')}`,
        `Next:         ${ownCommand(environment)} predict ${shellWord(run.folder)} <images>`,
      ],
    }
  },
})
