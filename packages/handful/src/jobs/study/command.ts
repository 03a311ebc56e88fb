/** `handful study`: the whole comparison of features and networks with few labels, from images to a report. */
import { formatDuration } from '../../draw/format.js'
import { HandfulError } from '../../errors.js'
import { ownCommand, shellWord } from '../../errors/shell.js'
import { BASELINES, DATASETS, MODELS, SECTIONS, SEMI_SUPERVISED, SUPERVISED_MODELS } from '../../names.js'
import { average } from '../../numerics/statistics.js'
import type { FullStudy } from '../../study/all-sections.js'
import type { Study } from '../../study/result.js'
import { accuracyTable, fittedHeads, headlineHead } from '../../study/results.js'
import type { StudyOutline } from '../../study/run-study.js'
import { jobCommand, type Shown } from '../command-entry.js'
import { assignments, flag, names, positive, text, typedOnly, whole } from '../option.js'
import {
  collectionOptions,
  dataDirOption,
  machineOptions,
  outsideOptions,
  printConfigOption,
  queueOptions,
  readingOptions,
  resizeOption,
  seedOption,
  setOption,
  sizeOption,
} from '../option-groups.js'

const STUDIES_FOLDER = 'studies'

export const study = jobCommand({
  name: 'study',
  summary: 'compare methods over label counts, heads and draws, and write a report',
  description:
    'Compares features of generative models, plain baselines and a supervised network over numbers of\n' +
    'labels, classifiers and draws of the labelled images, on test images that nothing has seen. Writes a\n' +
    'folder with report.html, study.json and all that was trained. The same command again goes on where\n' +
    'it stopped; changed options redo what depends on them.',
  usage: '[dataset | folder] [options]',
  arguments: { images: ['[images]', `${DATASETS.join(', ')}, or a folder of labelled images`] },
  options: {
    methods: names(
      '<a,b>',
      `of ${[...MODELS, ...SUPERVISED_MODELS, ...SEMI_SUPERVISED, ...BASELINES].join(', ')}, encoder, embeddings, or several joined by +`,
    ),
    ...outsideOptions,
    labels: names('<n,n>', 'labels per class: numbers, and all'),
    heads: names(
      '<a,b>',
      'classifiers on the features, as "handful fit --head" has them (auto,mlp,compact-mlp,smoothed-mlp,propagation,linear)',
    ),
    draws: whole('<n>', 'of the labelled images (20)', 1, 100),
    seeds: whole('<n>', 'trainings of each model, from other seeds; intervals hold both (1)', 1, 10),
    minutesPerModel: positive('<n>', 'time for training each (10)', '5'),
    run: assignments('<model=folder>', 'a trained model instead of training one; again for more'),
    set: {
      ...setOption('any option of --print-config, such as models.vae.set.latent=32; again for more'),
      value: '<option=value>',
    },
    without: names('<a,b>', `leaves parts out: ${SECTIONS.join(', ')}`),
    budget: text('<time>', 'time for all of it, such as 30m or 2h: what does not fit is left out'),
    dryRun: flag('list what is done and what would be done, with times, and do nothing'),
    config: text('<file>', 'options from a YAML file; others given here go before it'),
    printConfig: printConfigOption,
    out: text('<folder>', `the study's folder (${STUDIES_FOLDER}/<name>)`),
    resume: text('<folder>', 'go on with the study in this folder, with its own options'),
    ...queueOptions,
    status: flag('how the study stands: what is done, what runs where since when, time left'),
    slurm: text('<file>', 'write a script that submits the study to Slurm, and do nothing'),
    size: sizeOption('side of the square that images become'),
    fit: resizeOption('how an image becomes a square: cover, pad, stretch'),
    ...collectionOptions,
    ...readingOptions(),
    count: whole('<n>', 'training images of a generated set (strokes)', 20, 1_000_000),
    testCount: whole('<n>', 'its test images', 10, 1_000_000),
    png: flag('figures as PNG too'),
    ...typedOnly({
      dataDir: dataDirOption,
      seed: seedOption('of all random numbers'),
      ...machineOptions,
    }),
  },
  examples: [
    {
      command: 'handful study photos/ --encoder dinov2.onnx --methods vae,encoder,vae+encoder',
      does: 'an encoder made elsewhere beside our own features',
    },
    { command: 'handful study mnist --budget 30m', does: 'what fits half an hour' },
    { command: 'handful study cifar10 --dry-run', does: 'what it would do, and how long that takes' },
    { command: 'handful study photos/ --methods vae,pixels,vae+patches', does: 'your own labelled images' },
    { command: 'handful study --resume studies/mnist', does: 'go on with a study that was stopped' },
    { command: 'handful study mnist --print-config > study.yaml', does: 'every option, to be changed' },
    { command: 'handful study --config study.yaml', does: 'as the file says' },
    {
      command: 'handful study mnist --queue redis://host:6379 --store /shared/handful',
      does: 'done by every "handful worker" with the same two',
    },
  ],
  stopping: 'what is done is kept',
  async prepare({ dryRun, png, queue, store, slurm, status, ...typed }, session) {
    const { resolveStudy } = await import('./resolve.js')
    const elsewhere = { queue, store, slurm, status }
    if (!Object.values(elsewhere).some((value) => value !== undefined))
      return { ...(await resolveStudy(typed, session, STUDIES_FOLDER)), dryRun, png, elsewhere: undefined }
    const { prepareElsewhere } = await import('./elsewhere.js')
    const prepared = await prepareElsewhere(typed, elsewhere, { session, studies: STUDIES_FOLDER })
    return { ...prepared, dryRun, png }
  },
  print: async ({ options }) => (await import('../../study/study-folder.js')).optionsAsYaml(options),
  async run({ options, folder, dryRun, png, elsewhere }, context, session): Promise<Told> {
    if (elsewhere?.status === true) {
      const { showStatus } = await import('./elsewhere.js')
      return { shown: await showStatus(folder, elsewhere) }
    }
    const [{ outlineStudy, runStudy }, { loadStudySoFar }, { writeStudyReport }] = await Promise.all([
      import('../../study/run-study.js'),
      import('../../study/study-file.js'),
      import('../../study/report/write.js'),
    ])
    const environment = await session.describe(options)
    const onSaved = async (study: FullStudy): Promise<void> => {
      // What its report may lack does not end a study.
      await writeStudyReport(study, folder, { png: false }).catch(() => undefined)
    }
    const place = {
      ...context,
      folder,
      command: session.commandLine,
      environment,
      onSaved,
      date: session.date,
    }
    if (dryRun) return { outline: await outlineStudy(options, place) }
    if (elsewhere?.slurm !== undefined) {
      const { writeSlurm } = await import('./elsewhere.js')
      return { shown: await writeSlurm(options, place, elsewhere) }
    }
    try {
      const result =
        elsewhere === undefined
          ? await runStudy(options, place)
          : await (await import('./elsewhere.js')).runStudyInQueue(options, place, elsewhere)
      const files = await writeStudyReport(result, folder, { png })
      return { finished: { result, files } }
    } catch (error) {
      // What stopped the study is what the user has to hear about, not what its report may lack.
      const done = await loadStudySoFar(folder).catch(() => undefined)
      const written = done === undefined ? [] : writeStudyReport(done, folder, { png })
      const [page] = await Promise.resolve(written).catch(() => [])
      if (page !== undefined) session.afterwards(`Report so far: ${page}`)
      const again = `${ownCommand(session.environment)} study --resume ${shellWord(folder)}`
      if (context.signal.aborted) session.afterwards(`What was done is kept. Go on with:  ${again}`)
      throw error
    }
  },
  show({ shown, outline, finished }, { folder }) {
    if (shown !== undefined) return shown
    return finished === undefined ? showOutline(outline, folder) : showStudy(finished, folder)
  },
})

/** Which of the three it is. */
type Told =
  | { readonly shown: Shown; readonly outline?: undefined; readonly finished?: undefined }
  | { readonly outline: StudyOutline; readonly shown?: undefined; readonly finished?: undefined }
  | { readonly finished: Finished; readonly shown?: undefined; readonly outline?: undefined }

function showOutline(outline: StudyOutline, folder: string): Shown {
  const { stages, dropped, notes, secondsLeft } = outline
  const done = stages.filter((stage) => stage.done).length
  return {
    json: { folder, ...outline },
    lines: [
      ...stages.map(
        (stage) =>
          `${stage.done ? 'done ' : 'to do'}  ${formatDuration(stage.seconds).padStart(12)}  ${stage.name}`,
      ),
      ...leftOutLines(dropped),
      ...notes.map((note) => `note: ${note}`),
      `${done} of ${stages.length} stages done, about ${formatDuration(secondsLeft)} to do`,
    ],
  }
}

/** A line for each method: what it does without. */
function leftOutLines(dropped: StudyOutline['dropped']): string[] {
  const groups = new Map<string, StudyOutline['dropped'][number][]>()
  for (const gap of dropped) {
    const key = gap.head === undefined ? gap.what : (gap.method ?? gap.what)
    groups.set(key, [...(groups.get(key) ?? []), gap])
  }
  return [...groups].map(([name, gaps]) => {
    const [{ what, message, head }] = gaps
    if (gaps.length === 1 || head === undefined) return `left out           ${what}: ${message}`
    const counts = gaps.flatMap(({ labelsPerClass }) => labelsPerClass ?? [])
    const least = counts.filter((count) => count !== 'all').sort((a, b) => a - b)[0] ?? 'all'
    return `left out           ${name}: ${gaps.length} cells, from ${labelsInWords(least)} on`
  })
}

interface Finished {
  readonly result: Study
  /** Paths, the page first. */
  readonly files: readonly string[]
}

function showStudy({ result, files }: Finished, folder: string): Shown {
  const cells = summarise(result)
  const { missing, complete } = result
  const failed = missing.filter(({ reason }) => reason === 'failed')
  const messages = failed.slice(0, 5).map(({ what, message }) => `No result for ${what}: ${message}`)
  if (failed.length > 5)
    messages.push(`and ${failed.length - 5} more without a result; the report lists them.`)
  const skipped = missing.length - failed.length
  if (skipped > 0) messages.push(`${skipped} cells or parts did not fit the time; the report lists them.`)
  if (files.length > 0) messages.push(`Report:  ${files[0]}`)
  const none = { what: 'study', where: folder, got: 'no result at all', hint: 'see the messages above' }
  return {
    json: { folder, complete, cells, missing, files },
    lines: bestLines(result, cells),
    messages,
    failure: cells.length === 0 ? new HandfulError(none) : undefined,
  }
}

interface CellSummary {
  readonly method: string
  readonly head: string
  readonly labelsPerClass: number | 'all'
  readonly draws: number
  readonly trainings: number
  readonly mean: number
}

const summarise = ({ cells }: Study): CellSummary[] =>
  cells.map((cell) => {
    const { method, head, labelsPerClass } = cell
    const table = accuracyTable(cell)
    return {
      ...{ method, head, labelsPerClass, draws: table[0].length, trainings: table.length },
      mean: average(table.flat()),
    }
  })

const labelsInWords = (count: number | 'all'): string =>
  count === 'all' ? 'all labels' : `${count} ${count === 1 ? 'label' : 'labels'} per class`

/** The best features of each label count with the head of headlines, or the supervised network; raw pixels beside it. */
function bestLines(study: Study, all: readonly CellSummary[]): string[] {
  const { labelCounts, title } = study
  const fixed = headlineHead(study)?.id
  const others = fittedHeads(study).filter(({ id }) => id !== fixed)
  const rows = all.filter(({ head }) => !others.some(({ id }) => id === head))
  const best = (some: readonly CellSummary[]): CellSummary | undefined =>
    some.reduce<CellSummary | undefined>((top, row) => (top && top.mean >= row.mean ? top : row), undefined)
  const words = ({ mean, method, head }: CellSummary): string =>
    `${(100 * mean).toFixed(1)} % ${method}, ${head}`
  return [
    title,
    ...labelCounts.flatMap((count) => {
      const own = rows.filter(({ labelsPerClass }) => labelsPerClass === count)
      const [first, pixels] = [best(own), best(own.filter(({ method }) => method === 'pixels'))]
      if (first === undefined) return []
      const beside = pixels === undefined || pixels === first ? '' : `   (raw pixels ${words(pixels)})`
      return [`${labelsInWords(count).padStart(20)}: ${words(first)}${beside}`]
    }),
  ]
}
