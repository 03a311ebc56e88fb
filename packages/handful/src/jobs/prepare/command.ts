/** `handful prepare`: features of images without labels, so that a person can label what teaches most. */
import { formatCount } from '../../draw/format.js'
import { ownCommand, shellWord } from '../../errors/shell.js'
import { runCommand } from '../command-entry.js'
import { imageOptions, learningOptions, runOptions } from '../option-groups.js'

export const prepare = runCommand({
  name: 'prepare',
  summary: 'make features of images without labels, to label them by',
  description:
    'Trains a generative model on all images and takes features from it, as fit does, without looking at a\n' +
    'label. Then handful suggest says which images to label, handful labels keeps the labels, and handful\n' +
    'refit makes a classifier and predictions of them in seconds.',
  usage: '[folder] [options]',
  arguments: { folder: ['[folder]', 'your images, in any arrangement of folders, labelled or not'] },
  options: {
    ...imageOptions,
    ...learningOptions,
    ...runOptions,
  },
  examples: [
    { command: 'handful prepare photos --out runs/photos', does: 'images without a label' },
    { command: 'handful suggest runs/photos --count 20', does: 'which of them to label first' },
    {
      command: 'handful prepare photos --encoder dinov2.onnx --model none',
      does: 'features of an encoder made elsewhere; nothing is trained',
    },
    { command: 'handful prepare --resume runs/photos', does: 'go on with a run that was stopped' },
  ],
  schema: async (brought) => (await import('./prepare-options.js')).prepareOptionsSchemaWith(brought),
  async resolve(options, context) {
    const { model, preset = 'fast' } = options
    if (model === 'none') return {}
    return (await import('../pretrain/run.js')).resolveTraining({ ...options, preset }, context)
  },
  run: async (options, context) => (await import('./run.js')).runPrepare(options, context),
  show({ images, labelled, columns }, run, { environment }) {
    const [own, word] = [ownCommand(environment), shellWord(run.folder)]
    const known = labelled === 0 ? 'none of them labelled' : `${formatCount(labelled)} of them labelled`
    return {
      json: { run: run.folder, images, labelled, columns },
      lines: [`${formatCount(images)} images, ${known}; ${columns} features of each`],
      messages: [
        `Next:  ${own} suggest ${word} --count 20`,
        `       ${own} labels set ${word} <image> --label <class>`,
        `       ${own} refit ${word}`,
      ],
    }
  },
})
