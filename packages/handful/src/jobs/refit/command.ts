/** `handful refit`: the labels that a run has by now become its classifier and its predictions. */
import { shellWord } from '../../errors/shell.js'
import { jobCommand } from '../command-entry.js'
import { machineOptions, proportions } from '../option-groups.js'

export const refit = jobCommand({
  name: 'refit',
  summary: 'make classifier and predictions again by the labels of a run',
  description:
    'Fits the classifier of a run again to the labels that it has by now, and writes predictions.csv, the\n' +
    'classifier and the report again. Nothing is trained: it takes seconds.',
  usage: '<run> [options]',
  arguments: { run: ['<run>', 'a folder that "handful prepare" or "handful fit" has written'] },
  options: { ...machineOptions, proportions },
  examples: [
    { command: 'handful refit runs/photos', does: 'predictions by all labels that there are' },
    {
      command: 'handful refit runs/photos --proportions cat=200,dog=50,fox=20',
      does: 'predictions that agree with how often classes come',
    },
    { command: 'handful refit runs/photos --json', does: 'and print the figures behind the report' },
  ],
  stopping: 'what the run had is kept',
  prepare: (given) => given,
  run: async (options, context, session) => (await import('./run.js')).runRefit(options, context, session),
  async show({ report, classes, labelled }, { run }) {
    const { summarise } = await import('../../draw/summary.js')
    const { data, lines } = summarise(report)
    return {
      json: { run, classes, labelled, ...data },
      lines,
      messages: [
        `Labels:       ${labelled} of ${classes} classes`,
        `Report:       ${shellWord(`${run}/report.html`)}`,
        `Predictions:  ${shellWord(`${run}/predictions.csv`)}`,
      ],
    }
  },
})
