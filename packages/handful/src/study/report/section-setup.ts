/** How far to trust the study, what it lacks, and how to make it again. */
import { formatCount, formatDuration } from '../../draw/format.js'
import type { Block, StudySection } from './blocks.js'
import { PUBLISHED_CURVES, publishedSet, REFERENCE_STUDY } from '../published.js'
import { countPhrase, fittedHeads, headOf, methodTitle } from '../results.js'
import type { Study, StudyMissing } from '../result.js'

export function setupSections(study: Study): StudySection[] {
  return [
    { id: 'trust', title: 'How far to trust these numbers', blocks: [{ kind: 'list', items: trust(study) }] },
    { id: 'missing', title: 'What is missing', blocks: missingBlocks(study) },
    { id: 'setup', title: 'How it was run', blocks: setupBlocks(study) },
  ]
}

function trust(study: Study): string[] {
  const { dataset, setting } = study
  const several = fittedHeads(study).length > 1
  const trained = study.methods.some(({ training }) => training !== undefined)
  return [
    setting === 'inductive'
      ? `Inductive: the ${formatCount(dataset.testImages)} test images were seen by no training, no normalisation and no propagation before they were predicted.`
      : `Transductive: the ${formatCount(dataset.testImages)} test images, without their labels, were seen by training or propagation. These numbers do not compare with inductive ones.`,
    'Nothing was tuned on test labels: noise levels, layers and the strength of a head come from the labelled few, from criteria without labels, or were fixed beforehand. Test labels served for counting right answers only.',
    ...(several
      ? [
          `One thing is picked after the fact: where a number is said to be with the best head, that is the highest of ${fittedHeads(study).length} means on these same test images, which flatters it a little. Numbers with a named head have none of that.`,
        ]
      : []),
    drawsInWords(study),
    ...(trained
      ? [
          'Each generative model was trained once: how much training again with another seed would change is not in the intervals.',
        ]
      : []),
    study.methods.some(({ kind }) => kind === 'supervised')
      ? 'A supervised network learns from the labelled images alone; features were learned from all training images, without labels.'
      : 'No supervised network was trained for comparison.',
    study.methods.some(({ id }) => id === 'pixels')
      ? 'Raw pixels stand in every table: what does not beat them has learned nothing of use.'
      : 'Raw pixels are missing: without them nobody can tell what the learning is worth.',
    ...(publishedSet(dataset.name) === undefined
      ? []
      : [
          `Published figures are those of ${REFERENCE_STUDY}. Its protocol differs from this one, and some of it was chosen on test images.`,
        ]),
    ...study.notes,
  ]
}

/** How many draws there are, for heads and for networks, and what the intervals are. */
function drawsInWords(study: Study): string {
  const kinds = [
    { what: 'heads on features', cells: study.cells.filter(({ method }) => !isNetwork(study, method)) },
    { what: 'supervised networks', cells: study.cells.filter(({ method }) => isNetwork(study, method)) },
  ].filter(({ cells }) => cells.length > 0)
  const words = kinds.map(({ what, cells }) => {
    const draws = cells.map(({ accuracies }) => accuracies.length)
    const [fewest, most] = [Math.min(...draws), Math.max(...draws)]
    return `${fewest === most ? most : `${fewest} to ${most}`} for ${what}`
  })
  const single = study.cells.some(({ accuracies }) => accuracies.length < 2)
  const interval = single
    ? "Intervals are Student's t at 95 % over the draws; a cell with one draw has Wilson's interval of the number of test images, which says nothing of the choice of labels."
    : "Intervals are Student's t at 95 % over the draws."
  return words.length === 0
    ? 'No cell has a result yet.'
    : `Draws of the labelled images: ${words.join(', ')}. ${interval}`
}

function isNetwork(study: Study, method: string): boolean {
  return study.methods.find(({ id }) => id === method)?.kind === 'supervised'
}

function missingBlocks(study: Study): Block[] {
  const reasons: Readonly<Record<StudyMissing['reason'], string>> = {
    failed: 'failed',
    budget: 'not in the budget',
  }
  const where = ({ method, head, labelsPerClass }: StudyMissing): string =>
    [
      method === undefined ? undefined : methodTitle(study, method),
      head === undefined ? undefined : headOf(study, head).title,
      labelsPerClass === undefined ? undefined : countPhrase(labelsPerClass),
    ]
      .filter((part) => part !== undefined)
      .join(', ')
  const undone = study.complete
    ? []
    : [
        {
          kind: 'note',
          text: 'The study is not complete: run the same command again to go on with it.',
        } as const,
      ]
  if (study.missing.length === 0) return undone
  return [
    ...undone,
    {
      kind: 'table',
      columns: [{ title: 'Missing' }, { title: 'Where' }, { title: 'Reason' }, { title: 'Said' }],
      rows: study.missing.map((gap) => [gap.what, where(gap), reasons[gap.reason], gap.message]),
      file: {
        name: 'missing',
        data: {
          columns: ['what', 'method', 'head', 'labels_per_class', 'reason', 'message'],
          rows: study.missing.map((gap) => [
            gap.what,
            gap.method,
            gap.head,
            gap.labelsPerClass,
            gap.reason,
            gap.message,
          ]),
        },
      },
    },
  ]
}

function setupBlocks(study: Study): Block[] {
  const total = study.stages.reduce((sum, { seconds }) => sum + seconds, 0)
  const settings = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shown(value)]))
  return [
    { kind: 'text', text: 'The exact command:' },
    { kind: 'code', text: study.command },
    { kind: 'settings', title: 'Machine, versions and seed', values: settings(study.environment) },
    { kind: 'settings', title: 'Configuration', values: settings(study.config) },
    ...(study.stages.length === 0
      ? []
      : [
          {
            kind: 'settings',
            title: `Time by stage: ${formatDuration(total)} in all`,
            values: Object.fromEntries(
              study.stages.map(({ stage, seconds }) => [stage, formatDuration(seconds)]),
            ),
          } as const,
        ]),
    ...methodSettings(study),
    ...publishedSources(study),
  ]
}

/** Where each published curve stands, and what is known against it. */
function publishedSources(study: Study): Block[] {
  const set = publishedSet(study.dataset.name)
  const curves = PUBLISHED_CURVES.filter((curve) => curve.set === set && curve.main)
  if (curves.length === 0) return []
  const values = curves.map(({ title, part, source, note }): [string, string] => [
    part === undefined ? title : `${title}, ${part}`,
    note === undefined ? source : `${source}; ${note}`,
  ])
  return [{ kind: 'settings', title: 'Sources of the published figures', values: Object.fromEntries(values) }]
}

/** What each method's features are. */
function methodSettings(study: Study): Block[] {
  const rows = study.methods.flatMap(({ title, detail, dimension }): [string, string][] => {
    const facts = [detail, dimension === undefined ? undefined : `${formatCount(dimension)} numbers`].filter(
      (fact) => fact !== undefined,
    )
    return facts.length === 0 ? [] : [[title, facts.join('; ')]]
  })
  return rows.length === 0
    ? []
    : [{ kind: 'settings', title: 'Features of each method', values: Object.fromEntries(rows) }]
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
