/** `handful worker`: does stages of studies that another machine has planned. */
import { jobCommand } from '../command-entry.js'
import { positive, text, whole } from '../option.js'
import { dataDirOption, plainMachineOptions, queueOptions } from '../option-groups.js'

export const worker = jobCommand({
  name: 'worker',
  summary: 'do stages of studies that were started with --queue, on any number of machines',
  description:
    'Takes stages that fit this machine from the queue and does them, as many at once as threads and\n' +
    'memory allow, until it is stopped. Start one on each machine, with the --queue and --store of\n' +
    '"handful study". A stage whose worker dies is taken by another and goes on at its last checkpoint.',
  usage: '--queue <redis://host:6379> --store <folder> [options]',
  options: {
    ...queueOptions,
    memory: text('<size>', 'that stages may take in all, such as 8G (80 % of this machine)'),
    idle: positive('<minutes>', 'end when there was nothing to do for so long (never)', '10'),
    lock: whole('<seconds>', 'a worker that is not heard of for so long loses its stages (30)', 1, 3600),
    hung: positive('<minutes>', 'a stage that shows no sign of life for so long is ended (10)', '10'),
    study: text('<folder>', 'of one stage: its study, in the store'),
    stage: text('<key>', 'do this stage alone and end, without a queue, as scripts of --slurm do'),
    dataDir: dataDirOption,
    ...plainMachineOptions,
  },
  examples: [
    {
      command: 'handful worker --queue redis://host:6379 --store /shared/handful',
      does: 'all threads of this machine',
    },
    {
      command: 'handful worker --queue rediss://me:secret@host --store /shared --threads 8 --memory 16G',
      does: 'a part of it, by TLS',
    },
  ],
  stopping: 'running stages save a checkpoint and go back into the queue',
  async prepare(given, session) {
    const { prepareWorker } = await import('./run.js')
    return prepareWorker(given, session)
  },
  async run(options, context, session) {
    const { runWorkerJob } = await import('./run.js')
    return runWorkerJob(options, context, session)
  },
  show: (result) => ({
    json: result,
    lines: [`${result.done} stages done${result.failed > 0 ? `, ${result.failed} tries failed` : ''}`],
  }),
})
