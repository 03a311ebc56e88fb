/** `handful predict`: classifies new images with the model of a run. */
import { CLASSIFYING_RUNS } from '../../names.js'
import { shellWord } from '../../errors/shell.js'
import { formatCsvRow } from '../../files/csv-row.js'
import { jobCommand } from '../command-entry.js'
import { numberBetween, text } from '../option.js'
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
    out: text(
      '<file>',
      'write the CSV to a file (file_name,predicted,probability,unlike,none_of_these); else to stdout',
    ),
    noneAbove: numberBetween(
      '<share>',
      'from which share of "unlike" on an image counts as none of the classes: 0.95 lets 1 in 20 that are of them pass for none (0.95)',
      0,
      1,
    ),
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
    if (out !== undefined) {
      const { writeFileAtomic } = await import('../../files/atomic.js')
      await writeFileAtomic(out, csvPieces(result))
    }
    const { predictions, skipped } = result
    const where = out === undefined ? '' : `, written to ${out}`
    const trust = `${predictions.length} predictions${where}. How far to trust them: ${shellWord(run)}/report.html`
    return {
      json: result,
      // Lines end as those of the file do.
      lines: out === undefined ? [...csvRows(result)].map((row) => row.replace(/\n$/, '')) : [],
      skipped,
      messages: quiet ? [] : [trust],
    }
  },
})

/** The last two columns where the run can tell. */
function* csvRows({ predictions }: PredictResult): Generator<string> {
  const tells = predictions.some(({ unlike }) => unlike !== undefined)
  yield formatCsvRow(['file_name', 'predicted', 'probability', ...(tells ? ['unlike', 'none_of_these'] : [])])
  for (const { path, predicted, probability, unlike, noneOfThese } of predictions) {
    const told = tells ? [unlike?.toFixed(4) ?? '', noneOfThese === true ? 'yes' : 'no'] : []
    yield formatCsvRow([path, predicted, probability.toFixed(4), ...told])
  }
}

const ROWS_AT_ONCE = 1000

/** A million rows are no text in memory. */
function* csvPieces(result: PredictResult): Generator<string> {
  let rows: string[] = []
  for (const row of csvRows(result)) {
    if (rows.push(row) < ROWS_AT_ONCE) continue
    yield rows.join('')
    rows = []
  }
  yield rows.join('')
}
