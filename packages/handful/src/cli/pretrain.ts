/** `handful pretrain`: trains a generative model on unlabelled images, for samples, reconstructions and features. */
import { Command } from 'commander'
import type { PretrainJobOptions, PretrainResult } from '../jobs/pretrain/run.js'
import { formatCount, formatDuration } from '../draw/format.js'
import type { CommandContext } from './context.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import { addImageOptions, addModelOptions, addRunOptions, addTrainingOptions } from './shared-options.js'
import { ownCommand, shellWord } from '../errors/shell.js'
import { type TrainingCommand, trainInRun, type TypedOptions } from './training-run.js'

const examples: readonly Example[] = [
  { command: 'handful pretrain --dataset mnist --model diffusion --minutes 10', does: 'a diffusion model' },
  { command: 'handful pretrain photos --model gan --size 64', does: 'a GAN on your own images' },
  { command: 'handful pretrain --dataset cifar10 --preset paper', does: "the reference's VAE, for hours" },
  { command: 'handful pretrain photos --set latent=64 --set beta=0.5', does: 'other settings' },
  {
    command: 'handful pretrain --dataset mnist --model vqvae --print-config',
    does: 'every setting and its value',
  },
]

const pretraining: TrainingCommand<PretrainJobOptions> = {
  name: 'pretrain',
  schema: async () => (await import('../jobs/pretrain/run.js')).pretrainOptionsSchema,
  resolve: async (options, job) => (await import('../jobs/pretrain/run.js')).resolveTraining(options, job),
}

export function pretrainCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('pretrain')
    .summary('train a generative model on images without labels')
    .description(
      'Trains a generative model on images; labels are not looked at, and a test split is left out. Writes\n' +
        'a run folder with the weights, the curves of the losses, and pictures that the model makes.',
    )
    .usage('[folder] [options]')
    .argument('[folder]', 'your images, in any arrangement of folders')
  addImageOptions(command)
  addModelOptions(command)
  addTrainingOptions(command, {
    minutes: 'time for training',
    steps: "steps of training (as many as the model's preset is worth)",
  })
  addRunOptions(command, context).action((folder: string | undefined, typed: TypedOptions) =>
    pretrain(context, folder, typed),
  )
  return [command, examples]
}

function pretrain(context: CommandContext, folder: string | undefined, typed: TypedOptions): Promise<void> {
  const { terminal } = context
  return trainInRun(context, pretraining, { folder, typed }, async (options, run) => {
    const runPretrain = await context.jobs.pretrain()
    const result = await runJob(
      context,
      { quiet: typed.quiet === true, stopping: 'a checkpoint is saved first' },
      (job) => runPretrain(options, { ...job, run }),
    )
    if (typed.json === true) terminal.data(JSON.stringify({ run: run.folder, ...result }))
    else for (const line of summaryOf(result)) terminal.data(line)
    for (const picture of result.pictures) terminal.message(`Pictures:  ${run.path(picture)}`)
    const word = shellWord(run.folder)
    terminal.message(`Next:      ${ownCommand(context.environment)} features ${word} --out features.npy`)
    terminal.message(`           ${ownCommand(context.environment)} sample ${word} --count 64 --out grid.png`)
  })
}

function summaryOf(result: PretrainResult): string[] {
  const { model, images, parameters, steps, batch, seconds, metrics } = result
  const numbers = Object.entries(metrics).map(([name, value]) => `${name} ${value.toPrecision(4)}`)
  return [
    `${model}, ${formatCount(parameters)} parameters`,
    `${formatCount(steps)} steps of ${batch} images out of ${formatCount(images)} in ${formatDuration(seconds)}`,
    numbers.join(', '),
  ]
}
