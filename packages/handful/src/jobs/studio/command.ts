/** `handful studio`: the whole job on a local page. */
import { jobCommand } from '../command-entry.js'
import { flag, text, whole, withDefault } from '../option.js'
import { plainMachineOptions } from '../option-groups.js'

export const studio = jobCommand({
  name: 'studio',
  summary: 'look, label, train and take away, on a local page',
  description:
    'Opens a page on this machine alone: images, training, map, labels, results and the model to take away.\n' +
    'Everything is kept in the run folders; what the page does, the other commands go on with, and the\n' +
    'other way round. Ctrl-C saves what trains and ends it. The last line is the address: whoever has it\n' +
    'is let in.',
  usage: '[folder|run] [options]',
  arguments: { place: ['[place]', 'a folder of images, an archive, or a run; else the page asks'] },
  options: {
    port: withDefault(whole('<n>', 'of the page; 0 for any that is free', 0, 65_535), 0),
    noOpen: flag('only print the address'),
    runs: withDefault(text('<folder>', 'where runs go'), 'runs'),
    threads: plainMachineOptions.threads,
    quiet: plainMachineOptions.quiet,
  },
  examples: [
    { command: 'handful studio photos', does: 'look at images, train, label' },
    {
      command: 'handful studio runs/photos --port 8000',
      does: 'go on with a run, always at the same address',
    },
    { command: 'handful studio --no-open', does: 'print the address and open nothing' },
  ],
  stopping: 'what trains is saved first',
  prepare: (given) => given,
  run: async (options, context, session) => (await import('./run.js')).runStudio(options, context, session),
  show: () => ({ json: undefined, lines: [] }),
})
