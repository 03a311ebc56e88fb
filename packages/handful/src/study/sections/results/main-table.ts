/**
 * The main table: a row for each method, a column for each label count, mean and 95 % interval, what the reference study
 * published underneath; once with the head that was fixed for headlines, once with the reference study's alone. And the
 * table in short that comes before it.
 */
import type { Block, TableBlock, TableCell } from '../../report/blocks.js'
import {
  PUBLISHED_CURVES,
  publishedFigure,
  publishedId,
  publishedSet,
  publishedSizes,
  type PublishedFigure,
} from '../../published.js'
import {
  countPhrase,
  type HeadChoice,
  headlineHead,
  isContrastive,
  isPurelyGenerative,
  meanWithInterval,
  measuredCounts,
  missingAt,
  resultWith,
  type HeadResult,
} from '../../results.js'
import { isNetwork } from '../../method-kinds.js'
import type { LabelCount, Study, StudyMethod } from '../../result.js'

/** Those of the published table that were measured; without any, all that were. */
export function mainCounts(study: Study): LabelCount[] {
  const measured = measuredCounts(study)
  const published = publishedSizes(publishedSet(study.dataset.name)) ?? []
  const shared = measured.filter((count) => count !== 'all' && published.includes(count))
  return shared.length > 0 ? shared : measured
}

/** The best of some methods at a label count, all with the same head. */
export function bestOf(
  study: Study,
  methods: readonly StudyMethod[],
  count: LabelCount,
  heads: HeadChoice = 'headline',
): { readonly method: StudyMethod; readonly result: HeadResult } | undefined {
  return methods
    .flatMap((method) => {
      const result = resultWith(study, method, count, heads)
      return result === undefined ? [] : [{ method, result }]
    })
    .reduce<{ method: StudyMethod; result: HeadResult } | undefined>(
      (best, one) =>
        best === undefined || one.result.estimate.mean > best.result.estimate.mean ? one : best,
      undefined,
    )
}

/** Undefined where no cell has that head. */
export function mainTable(study: Study, heads: HeadChoice): TableBlock | undefined {
  const counts = mainCounts(study)
  const set = publishedSet(study.dataset.name)
  const shown = study.methods.filter(
    (method) =>
      heads === 'headline' || counts.some((count) => resultWith(study, method, count, heads) !== undefined),
  )
  const measured = shown.some(
    ({ kind, id }) =>
      (heads === 'headline' || !isNetwork({ kind })) && study.cells.some(({ method }) => method === id),
  )
  if (!measured || counts.length === 0) return undefined
  const best = new Map(counts.map((count) => [count, bestOf(study, study.methods, count, heads)?.method.id]))
  const cellOf = (method: StudyMethod, count: LabelCount): TableCell => {
    const result = resultWith(study, method, count, heads)
    const theirs = publishedInWords(publishedFigure(set, publishedId(method), count))
    if (result === undefined) {
      const gap = missingAt(study, method.id, count)
      const why = gap === undefined ? undefined : gap.reason === 'failed' ? 'failed' : 'not in the budget'
      return { text: '–', below: lines(why, theirs) }
    }
    return {
      text: meanWithInterval(result.estimate),
      below: lines(theirs),
      best: best.get(count) === method.id,
    }
  }
  const rows = shown.map((method): (string | TableCell)[] => [
    method.title,
    ...counts.map((count) => cellOf(method, count)),
  ])
  return {
    kind: 'table',
    columns: [{ title: 'Method' }, ...counts.map((count) => ({ title: countPhrase(count), number: true }))],
    rows: [...rows, ...publishedOnly(study, counts)],
    caption: captionOf(study, heads, set !== undefined),
    file: {
      name: `main-table-${heads === 'headline' ? 'headline-head' : 'reference-head'}`,
      data: dataOf(study, shown, counts, heads),
    },
  }
}

const lines = (...parts: readonly (string | undefined)[]): string[] =>
  parts.filter((part) => part !== undefined)

function publishedInWords(figure: PublishedFigure | undefined): string | undefined {
  if (figure === undefined) return undefined
  const percent = figure.percent.toFixed(1)
  return figure.contradicting === undefined
    ? `published ${percent}`
    : `published ${percent}, in its table ${figure.contradicting}`
}

/** Methods that the reference study had and this one has not. */
function publishedOnly(study: Study, counts: readonly LabelCount[]): (string | TableCell)[][] {
  const set = publishedSet(study.dataset.name)
  const own = new Set(study.methods.map(publishedId))
  return PUBLISHED_CURVES.filter((curve) => curve.set === set && curve.main && !own.has(curve.method)).map(
    ({ title, method }) => [
      `${title} (not in this study)`,
      ...counts.map((count) => ({
        text: '–',
        below: lines(publishedInWords(publishedFigure(set, method, count))),
      })),
    ],
  )
}

function captionOf(study: Study, heads: HeadChoice, published: boolean): string {
  const which =
    heads === 'headline'
      ? `Accuracy on the test images in per cent, ${headInWords(study)}: mean ± half of the 95 % interval over ${overWhat(study)}.`
      : "The same with the reference study's head alone, so without any picking."
  const theirs = published ? ' Published: the reference study, single runs without intervals.' : ''
  const one = study.cells.some(({ accuracies }) => accuracies.length < 2)
    ? ' Cells with one draw have the interval of the number of test images alone.'
    : ''
  return `${which} ★: the best of its column.${theirs}${one}`
}

function dataOf(
  study: Study,
  methods: readonly StudyMethod[],
  counts: readonly LabelCount[],
  heads: HeadChoice,
): NonNullable<TableBlock['file']>['data'] {
  const set = publishedSet(study.dataset.name)
  return {
    columns: [
      'method',
      'labels_per_class',
      'head',
      'accuracy',
      'half_95',
      'draws',
      'trainings',
      'published',
      'published_table',
    ],
    rows: methods.flatMap((method) =>
      counts.map((count) => {
        const result = resultWith(study, method, count, heads)
        const theirs = publishedFigure(set, publishedId(method), count)
        return [
          method.id,
          count,
          result?.head.id,
          result?.estimate.mean,
          result?.estimate.half,
          result?.estimate.draws,
          result?.estimate.trainings,
          theirs === undefined ? undefined : theirs.percent / 100,
          theirs?.contradicting === undefined ? undefined : theirs.contradicting / 100,
        ]
      }),
    ),
  }
}

/** `the draws and trainings`: what intervals hold. */
const overWhat = ({ cells }: Study): string =>
  cells.some(({ furtherTrainings = [] }) => furtherTrainings.length > 0)
    ? 'the draws, and over the trainings of a model where there are several'
    : 'the draws'

/** `with propagation and logistic regression`: the head of headlines, fixed beforehand. */
const headInWords = (study: Study): string => `with ${headlineHead(study)?.title ?? 'no head'}`

/** A row for each label count, a column for each kind of features: what learns by comparing views leads none of generation. */
export function summaryTable(study: Study): Block[] {
  const counts = mainCounts(study)
  const set = publishedSet(study.dataset.name)
  const cell = (methods: readonly StudyMethod[], count: LabelCount): string | TableCell => {
    const best = bestOf(study, methods, count)
    if (best === undefined) return '–'
    return {
      text: meanWithInterval(best.result.estimate),
      below: methods.length > 1 ? [best.method.title] : [],
    }
  }
  const contrastive = (method: StudyMethod): boolean => isContrastive(study, method)
  const kinds: readonly (readonly [title: string, of: (method: StudyMethod) => boolean])[] = [
    ['Purely generative', isPurelyGenerative],
    ['Purely generative, beside others', (one) => one.kind === 'combination' && !contrastive(one)],
    ['Contrastive', (one) => one.kind === 'contrastive'],
    ['Contrastive, beside others', (one) => one.kind === 'combination' && contrastive(one)],
    ['Made elsewhere', ({ kind }) => kind === 'outside'],
    ['Without training', ({ kind, id }) => kind === 'baseline' && id !== 'pixels'],
    ['Raw pixels', ({ id }) => id === 'pixels'],
    ['Supervised network', ({ kind }) => kind === 'supervised'],
    ['Network on labelled and unlabelled images', ({ kind }) => kind === 'semi-supervised'],
  ]
  const columns = kinds
    .map(([title, of]) => ({ title, methods: study.methods.filter(of) }))
    .filter(({ methods }) => methods.length > 0)
    .map(({ title, methods }) => ({ title, cell: (count: LabelCount) => cell(methods, count) }))
  if (set !== undefined)
    columns.push({ title: 'Best published', cell: (count) => bestPublished(study, count) })
  if (counts.length === 0 || columns.length === 0) return []
  return [
    {
      kind: 'table',
      columns: [{ title: 'Labels per class' }, ...columns.map(({ title }) => ({ title, number: true }))],
      rows: counts.map((count) => [String(count), ...columns.map((column) => column.cell(count))]),
      caption: `Accuracy on the test images in per cent, all features ${headInWords(study)}, which was fixed beforehand: mean ± half of the 95 % interval over ${overWhat(study)}. Of several methods of a kind the highest is shown and named.`,
    },
  ]
}

function bestPublished(study: Study, count: LabelCount): string | TableCell {
  const set = publishedSet(study.dataset.name)
  const all = PUBLISHED_CURVES.filter((curve) => curve.set === set && curve.main).flatMap(
    ({ method, title }) => {
      const figure = publishedFigure(set, method, count)
      return figure === undefined ? [] : [{ title, percent: figure.percent }]
    },
  )
  if (all.length === 0) return '–'
  const best = all.reduce((a, b) => (b.percent > a.percent ? b : a))
  return { text: best.percent.toFixed(1), below: [best.title] }
}

/** Where published table and published curves contradict each other, in words. */
export function contradictions(study: Study): string | undefined {
  const set = publishedSet(study.dataset.name)
  const found = study.methods.flatMap((method) =>
    mainCounts(study).flatMap((count) => {
      const figure = publishedFigure(set, publishedId(method), count)
      return figure?.contradicting === undefined
        ? []
        : [
            `${method.title} at ${countPhrase(count)} ${figure.contradicting} in the table, ${figure.percent.toFixed(1)} in the curve`,
          ]
    }),
  )
  return found.length === 0
    ? undefined
    : `The reference study's final table contradicts the numbers behind its own curves: ${found.join('; ')}. Both are shown.`
}
