/** `handful labels`: the labels of a run, kept as a journal: in, out, looked at, given and taken back. */
import { printable, quoted } from '../../errors.js'
import { shellWord } from '../../errors/shell.js'
import { type CommandGroup, jobCommand } from '../command-entry.js'
import { flag, oneOf, text } from '../option.js'
import { jsonOption } from '../option-groups.js'
import { NONE_OF_THESE } from '../../names.js'
import { COMMAND_LINE, EXPORT_FORMS } from './label-forms.js'

const run = ['<run>', 'a folder that "handful prepare" or "handful fit" has written'] as const

const importLabels = jobCommand({
  name: 'labels import',
  summary: 'take labels from a file or from folders',
  description:
    'Takes labels from a table (CSV, TSV, JSON lines, JSON, Parquet), from what Label Studio exports\n' +
    'as JSON, or from a folder with a sub-folder for each class. All of it is one step of the journal.',
  usage: '<run> <file> [options]',
  arguments: { run, file: ['<file>', 'a table of labels, or a folder of class folders'] },
  options: {
    fileColumn: text('<name>', 'the column that names the files (found out)'),
    labelColumn: text('<name>', 'the column that holds the labels (found out)'),
    json: jsonOption,
  },
  examples: [
    { command: 'handful labels import runs/photos labels.csv', does: 'file_name,label' },
    { command: 'handful labels import runs/photos project-1.json', does: 'what Label Studio exported' },
  ],
  prepare: (given) => given,
  run: async (options, { signal }) => (await import('./import.js')).importLabels(options, signal),
  show: ({ labelled, already, classes, unknown, notes }, options) => ({
    json: { labelled, already, classes, unknown },
    lines: [`${labelled} labels of ${classes} classes`],
    messages: [
      ...notes,
      ...(unknown.length === 0
        ? []
        : [`${unknown.length} names are of no image of the run, such as ${unknown[0]}`]),
      ...(already === 0 ? [] : [`${already} of them were there before, and stay as they were`]),
      already === labelled
        ? 'Nothing was to be changed.'
        : `To take them back:  handful labels undo ${shellWord(options.run)}`,
    ],
  }),
})

const exportLabels = jobCommand({
  name: 'labels export',
  summary: 'write the labels for other tools',
  description:
    'Writes the labels of a run: as CSV, as folders of links to the images, as tasks of Label Studio with\n' +
    'annotations and scored predictions, or as Parquet.',
  usage: '<run> --to <form> --out <place> [options]',
  arguments: { run },
  options: {
    to: oneOf('<form>', `what is written: ${EXPORT_FORMS.join(', ')} (csv)`, EXPORT_FORMS),
    out: text('<place>', 'the file; of folders, a new folder'),
    json: jsonOption,
  },
  examples: [
    { command: 'handful labels export runs/photos --to csv --out labels.csv', does: 'file_name,label' },
    {
      command: 'handful labels export runs/photos --to folders --out sorted',
      does: 'a folder of each class',
    },
  ],
  async prepare({ run: folder, to = 'csv', out }) {
    if (out !== undefined) return { run: folder, to, out }
    const { usageError } = await import('../../errors.js')
    throw usageError({ what: '--out', got: 'nothing', expected: 'where the labels are to go' })
  },
  run: async (options, { signal }) => (await import('./export.js')).exportLabels(options, signal),
  show: ({ written, none, renamed }, { out }) => ({
    json: { written, none, out },
    lines: [`${written} labels written to ${out}`],
    messages: [
      ...(none === 0 ? [] : [`${none} of them ${none === 1 ? 'is' : 'are'} "${NONE_OF_THESE}" and no class`]),
      ...[...renamed].map(
        ([label, folder]) => `${quoted(label)} lies in ${printable(folder)}/, as no folder can be called so`,
      ),
    ],
  }),
})

const log = jobCommand({
  name: 'labels log',
  summary: 'show what was labelled, when and by whom',
  description: 'Shows the journal of labels, a line for each step, the oldest first.',
  usage: '<run> [options]',
  arguments: { run },
  options: { json: jsonOption },
  examples: [{ command: 'handful labels log runs/photos', does: 'every step' }],
  prepare: (given) => given,
  async run({ run: folder }) {
    const [{ journalSteps }, { openLabels }] = await Promise.all([
      import('../../labels/journal-log.js'),
      import('./open.js'),
    ])
    const { journal } = await openLabels(folder)
    const steps = []
    for await (const step of journalSteps(journal.file)) steps.push(step)
    return { steps, passedOver: journal.passedOver }
  },
  show: ({ steps, passedOver }) => ({
    json: steps.map(({ lines, ...step }) => ({ ...step, lines: lines.length })),
    lines: steps.map(
      ({ step, at, who, what }) => `${step}  ${at.slice(0, 19).replace('T', ' ')}  ${who}  ${what}`,
    ),
    messages: passedOver.map(({ line, reason }) => `Line ${line} is passed over: ${reason}`),
  }),
})

const set = jobCommand({
  name: 'labels set',
  summary: 'label images',
  description: 'Labels images of a run; a class that is not there yet is made.',
  usage: '<run> <images...> --label <class>',
  arguments: { run, images: ['<images...>', 'paths as the run has them, or as they lie on the disk'] },
  options: {
    label: text('<class>', 'the class'),
    none: flag('they are none of the classes'),
    clear: flag('take their labels away'),
    blind: flag('they were drawn at random and looked at without a prediction: they tell the accuracy'),
    json: jsonOption,
  },
  examples: [
    { command: 'handful labels set runs/photos a.jpg b.jpg --label cat', does: 'two images' },
    { command: 'handful labels set runs/photos a.jpg --clear', does: 'without a label again' },
    {
      command: 'handful labels set runs/photos a.jpg --label cat --blind',
      does: 'one of "suggest --kind audit"',
    },
  ],
  prepare: (given) => given,
  run: async (options) => (await import('./set.js')).setLabels(options),
  show: ({ changed, classes }) => ({
    json: { changed },
    lines: [`${changed} ${changed === 1 ? 'image' : 'images'} labelled`],
    messages: classes.map((name) => `New class: ${name}`),
  }),
})

const changeClass = jobCommand({
  name: 'labels class',
  summary: 'add, rename, merge or delete a class',
  description:
    "Changes the classes of a run. Images of a class that is merged become the other one's; those of one that is\n" +
    'deleted have no label. Each change is one step, which "labels undo" takes back with the labels of its images.',
  usage: '<run> <class> [options]',
  arguments: { run, class: ['<class>', 'its name'] },
  options: {
    add: flag('make it'),
    rename: text('<name>', 'call it otherwise'),
    mergeInto: text('<class>', 'its images become that class'),
    delete: flag('take it away'),
    json: jsonOption,
  },
  examples: [
    { command: 'handful labels class runs/photos cat --rename Katze', does: 'another name' },
    { command: 'handful labels class runs/photos kitten --merge-into cat', does: 'two become one' },
  ],
  prepare: (given) => given,
  run: async (options) => (await import('./class.js')).changeClass(options),
  show: ({ done, changed, classes }, { run: folder }) => ({
    json: { done, changed, classes },
    lines: classes.map(({ name, count }) => `${name}  ${count}`),
    messages: done
      ? [`To take it back:  handful labels undo ${shellWord(folder)}`]
      : ['Nothing was to be changed.'],
  }),
})

const step = (name: 'undo' | 'redo', summary: string, nothing: string) =>
  jobCommand({
    name: `labels ${name}`,
    summary,
    description: `${summary.replace(/^./, (first) => first.toUpperCase())}, whoever did it.`,
    usage: '<run> [options]',
    arguments: { run },
    options: { json: jsonOption },
    examples: [{ command: `handful labels ${name} runs/photos`, does: summary }],
    prepare: (given) => given,
    async run({ run: folder }) {
      const { journal } = await (await import('./open.js')).openLabels(folder)
      const { revision } = journal
      const change = await journal[name](COMMAND_LINE)
      await journal.close()
      return { done: change.revision !== revision, changed: change.images.length, classes: change.classes }
    },
    show: ({ done, changed, classes }) => ({
      json: { done, changed, classes },
      lines: [
        !done
          ? nothing
          : changed === 0 && classes
            ? 'the classes are others again'
            : `${changed} ${changed === 1 ? 'image has' : 'images have'} another label`,
      ],
    }),
  })

export const labels: CommandGroup = {
  name: 'labels',
  summary: 'the labels of a run: in, out, looked at, taken back',
  description:
    'The labels of a run are kept as a journal, labels.jsonl in its folder: nothing is ever overwritten, every\n' +
    'step can be taken back, and several programs may write to it at once.',
  usage: '<command>',
  examples: [...importLabels.examples.slice(0, 1), ...exportLabels.examples, ...set.examples.slice(0, 1)],
  commands: [
    importLabels,
    exportLabels,
    log,
    set,
    changeClass,
    step('undo', 'take back the last step', 'there is nothing to take back'),
    step('redo', 'do again what was taken back last', 'there is nothing to do again'),
  ],
}
