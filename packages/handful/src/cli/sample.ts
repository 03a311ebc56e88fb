/** `handful sample`: new images from a trained model, as a grid. */
import { Command } from 'commander'
import type { CommandContext } from './context.js'
import { wholeNumber } from './options.js'
import type { Example } from './program.js'
import { runJob } from './run-job.js'
import {
  addMachineOptions,
  addSamplerOptions,
  addSeedOption,
  engineOf,
  type MachineOptions,
  type SamplerTyped,
  TRAINED_RUN,
} from './shared-options.js'

interface Typed extends MachineOptions, SamplerTyped {
  readonly count?: number
  readonly seed?: number
  readonly out?: string
}

const DEFAULT_COUNT = 64

const examples: readonly Example[] = [
  { command: 'handful sample runs/mnist', does: "64 images, into the run's samples/" },
  { command: 'handful sample runs/mnist --count 100 --seed 1 --out grid.png', does: '100 other ones' },
  { command: 'handful sample runs/diffusion --steps 20', does: 'a diffusion model in 20 steps' },
  { command: 'handful sample runs/gan --truncation 0.7', does: 'more typical images of a GAN' },
]

export function sampleCommand(context: CommandContext): [Command, readonly Example[]] {
  const command = new Command('sample')
    .summary('draw new images from a trained model')
    .description('Draws new images from the model of a run and writes them as one picture.')
    .usage('<run> [options]')
    .argument('<run>', TRAINED_RUN)
    .option('--count <n>', `images (${DEFAULT_COUNT})`, wholeNumber('--count', 1, 10_000))
  addSamplerOptions(addSeedOption(command, 'other images with another one (0)')).option(
    '--out <file.png>',
    'the picture (<run>/samples/seed-<seed>.png)',
  )
  addMachineOptions(command, context).action((run: string, typed: Typed) => sample(context, run, typed))
  return [command, examples]
}

async function sample(context: CommandContext, run: string, typed: Typed): Promise<void> {
  const { terminal } = context
  const { json, quiet, ...given } = typed
  const { join } = await import('node:path')
  const runSample = await context.jobs.sample()
  const seed = typed.seed ?? 0
  const options = {
    ...given,
    run,
    seed,
    count: typed.count ?? DEFAULT_COUNT,
    out: typed.out ?? join(run, 'samples', `seed-${seed}.png`),
    ...engineOf(typed, context),
  }
  const result = await runJob(context, { quiet: quiet === true, stopping: 'nothing is written' }, (job) =>
    runSample(options, job),
  )
  terminal.data(json === true ? JSON.stringify(result) : result.out)
}
