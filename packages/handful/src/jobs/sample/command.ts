/** `handful sample`: new images from a trained model, as a grid. */
import path from 'node:path'
import { jobCommand } from '../command.js'
import { text, whole, withDefault } from '../option.js'
import { machineOptions, samplerOptions, seedOption, TRAINED_RUN } from '../option-groups.js'

export const sample = jobCommand({
  name: 'sample',
  summary: 'draw new images from a trained model',
  description: 'Draws new images from the model of a run and writes them as one picture.',
  usage: '<run> [options]',
  arguments: { run: ['<run>', TRAINED_RUN] },
  options: {
    count: withDefault(whole('<n>', 'images', 1, 10_000), 64),
    seed: seedOption('other images with another one'),
    ...samplerOptions,
    out: text('<file.png>', 'the picture (<run>/samples/seed-<seed>.png)'),
    ...machineOptions,
  },
  examples: [
    { command: 'handful sample runs/mnist', does: "64 images, into the run's samples/" },
    { command: 'handful sample runs/mnist --count 100 --seed 1 --out grid.png', does: '100 other ones' },
    { command: 'handful sample runs/diffusion --steps 20', does: 'a diffusion model in 20 steps' },
    { command: 'handful sample runs/gan --truncation 0.7', does: 'more typical images of a GAN' },
  ],
  prepare: (given) => ({
    ...given,
    out: given.out ?? path.join(given.run, 'samples', `seed-${given.seed}.png`),
  }),
  run: async (options, context) => (await import('./run.js')).runSample(options, context),
  show: (result) => ({ json: result, lines: [result.out] }),
})
