/** `handful pretrain`: trains a model on unlabelled images, for features, and samples and reconstructions where it makes some. */
import { formatCount, formatDuration } from '../../draw/format.js'
import { ownCommand, shellWord } from '../../errors/shell.js'
import { runCommand } from '../command-entry.js'
import { imageOptions, modelOptions, runOptions, trainingOptions } from '../option-groups.js'
import type { PretrainResult } from './run.js'

export const pretrain = runCommand({
  name: 'pretrain',
  summary: 'train a generative model on images without labels',
  description:
    'Trains a generative model on images; labels are not looked at, and a test split is left out. Writes\n' +
    'a run folder with the weights, the curves of the losses, and pictures that the model makes.',
  usage: '[folder] [options]',
  arguments: { folder: ['[folder]', 'your images, in any arrangement of folders'] },
  options: {
    ...imageOptions,
    ...modelOptions(),
    ...trainingOptions('time for training', "steps of training (as many as the model's preset is worth)"),
    ...runOptions,
  },
  examples: [
    { command: 'handful pretrain --dataset mnist --model diffusion --minutes 10', does: 'a diffusion model' },
    { command: 'handful pretrain photos --model gan --size 64', does: 'a GAN on your own images' },
    { command: 'handful pretrain --dataset cifar10 --preset paper', does: "the reference's VAE, for hours" },
    { command: 'handful pretrain photos --set latent=64 --set beta=0.5', does: 'other settings' },
    {
      command: 'handful pretrain --dataset mnist --model vqvae --print-config',
      does: 'every setting and its value',
    },
  ],
  schema: async ({ models }) =>
    (await import('../../runs/pretrain-options.js')).pretrainOptionsSchemaWith(models),
  resolve: async (options, context) => (await import('./run.js')).resolveTraining(options, context),
  run: async (options, context) => (await import('./run.js')).runPretrain(options, context),
  show(result, run, { environment }) {
    const [own, word] = [ownCommand(environment), shellWord(run.folder)]
    return {
      json: { run: run.folder, ...result },
      lines: summaryOf(result),
      messages: [
        ...result.pictures.map((picture) => `Pictures:  ${run.path(picture)}`),
        `Next:      ${own} features ${word} --out features.npy`,
        ...(result.draws ? [`           ${own} sample ${word} --count 64 --out grid.png`] : []),
      ],
    }
  },
})

function summaryOf({ model, images, parameters, steps, batch, seconds, metrics }: PretrainResult): string[] {
  const numbers = Object.entries(metrics).map(([name, value]) => `${name} ${value.toPrecision(4)}`)
  return [
    `${model}, ${formatCount(parameters)} parameters`,
    `${formatCount(steps)} steps of ${batch} images out of ${formatCount(images)} in ${formatDuration(seconds)}`,
    numbers.join(', '),
  ]
}
