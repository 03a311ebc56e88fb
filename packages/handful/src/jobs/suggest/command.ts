/** `handful suggest`: which images of a run to label next, and why. */
import { shellWord } from '../../errors/shell.js'
import { jobCommand } from '../command-entry.js'
import { oneOf, text, whole, withDefault } from '../option.js'
import { dataDirOption, machineOptions } from '../option-groups.js'

const KINDS = ['next', 'check', 'audit'] as const

export const suggest = jobCommand({
  name: 'suggest',
  summary: 'say which images of a run to label next',
  description:
    'Says which images of a run to label next, best first, each with its why. Works before there is any label.',
  usage: '<run> [options]',
  arguments: { run: ['<run>', 'a folder that "handful prepare" or "handful fit" has written'] },
  options: {
    count: withDefault(whole('<n>', 'how many', 1, 10_000), 20),
    kind: withDefault(
      oneOf(
        '<kind>',
        'next: what teaches most; check: labels that look wrong; audit: at random, to label blind',
        KINDS,
      ),
      'next' as const,
    ),
    strategy: text(
      '<name>',
      'of next: typical, herding, margin, uncertainty-herding or random (as suits the labels)',
    ),
    sheet: text('<file>', 'write them as a contact sheet, .html or .png'),
    dataDir: dataDirOption,
    ...machineOptions,
  },
  examples: [
    { command: 'handful suggest runs/photos', does: 'the 20 images to label next' },
    {
      command: 'handful suggest runs/photos --count 50 --sheet next.html',
      does: 'and a page that shows them',
    },
    { command: 'handful suggest runs/photos --kind check', does: 'labels that look wrong' },
  ],
  async prepare(given) {
    const { sheet } = given
    if (sheet === undefined || /\.(html|png)$/i.test(sheet)) return given
    const { usageError, quoted } = await import('../../errors.js')
    throw usageError({ what: '--sheet', got: quoted(sheet), expected: 'a file that ends in .html or .png' })
  },
  run: async (options, context) => (await import('./run.js')).runSuggest(options, context),
  show: ({ suggestions, waiting }, { run, sheet }) => ({
    json: suggestions,
    lines: suggestions.map(({ image, why }) => `${image}\t${why}`),
    messages: [
      ...(waiting === undefined ? [] : [waiting]),
      ...(suggestions.length === 0
        ? ['There is nothing to suggest.']
        : [
            ...(sheet === undefined ? [] : [`Sheet: ${sheet}`]),
            `Label one:  handful labels set ${shellWord(run)} ${shellWord(suggestions[0].image)} --label <class>`,
          ]),
    ],
  }),
})
