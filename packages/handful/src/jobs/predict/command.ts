/** `handful predict`: classifies new images with the model of a run. */
import { CLASSIFYING_RUNS } from '../../names.js'
import { shellWord } from '../../errors/shell.js'
import { formatCsvRow } from '../../files/csv-row.js'
import { jobCommand } from '../command-entry.js'
import { text } from '../option.js'
import { embeddingsOption, machineOptions, readingOptions } from '../option-groups.js'
import type { PredictResult } from './run.js'

export const predict = jobCommand({
  name: 'predict',
  summary: 'classify new images with a run',
  description: 'Classifies new images with the model of a run.',
  usage: '<run> <images...> [options]',
  arguments: {
    run: ['<run>', 'a folder that "handful fit" has written'],
    images: ['<images...>', 'image files, and folders that are searched for images'],
  },
  options: {
    out: text('<file>', 'write the CSV to a file (file_name,predicted,probability); else to stdout'),
    ...readingOptions('as the run has it'),
    embeddings: embeddingsOption(
      'of the new images, for a run with features from such a table: .parquet, .npy or .csv by file name',
    ),
    ...machineOptions,
  },
  examples: [
    { command: 'handful predict runs/photos new/', does: 'all images in a folder, as CSV on stdout' },
    { command: 'handful predict runs/photos a.jpg b.jpg --json', does: 'two images, as JSON' },
    { command: 'handful predict runs/photos new/ --out new.csv', does: 'write a file' },
  ],
  async prepare(given) {
    const { runOfCommand } = await import('../run-of-command.js')
    const hint = 'it has no classifier; handful features writes what its model sees'
    await runOfCommand(given.run, CLASSIFYING_RUNS, () => hint)
    // A dash is stdout, as elsewhere.
    return { ...given, out: given.out === '-' ? undefined : given.out }
  },
  run: async (options, context) => (await import('./run.js')).runPredict(options, context),
  async show(result, { run, out }, { quiet }) {
    const rows = csvRows(result)
    if (out !== undefined) {
      const { writeFileAtomic } = await import('../../files/atomic.js')
      await writeFileAtomic(out, rows.join(''))
    }
    const { predictions, skipped } = result
    const where = out === undefined ? '' : `, written to ${out}`
    const trust = `${predictions.length} predictions${where}. How far to trust them: ${shellWord(run)}/report.html`
    return {
      json: result,
      // Lines end as those of the file do.
      lines: out === undefined ? rows.map((row) => row.replace(/\n$/, '')) : [],
      skipped,
      messages: quiet ? [] : [trust],
    }
  },
})

const csvRows = ({ predictions }: PredictResult): string[] =>
  [
    ['file_name', 'predicted', 'probability'],
    ...predictions.map(({ path, predicted, probability }) => [path, predicted, probability.toFixed(4)]),
  ].map(formatCsvRow)
