/**
 * The main table: a row for each method, a column for each label count, mean and 95 % interval, what the reference study
 * published underneath; once with the best head of each cell, once with the reference study's head alone. And the table
 * in short that comes before it.
 */
import type { Block, TableBlock, TableCell } from '../../report/blocks.js'
import {
  PUBLISHED_CURVES,
  publishedFigure,
  publishedSet,
  publishedSizes,
  type PublishedFigure,
} from '../../published.js'
import {
  bestAt,
  countPhrase,
  meanWithInterval,
  measuredCounts,
  missingAt,
  referenceAt,
  type HeadResult,
} from '../../results.js'
import type { LabelCount, Study, StudyMethod } from '../../result.js'

export type Heads = 'best' | 'reference'

/** Those of the published table that were measured; without any, all that were. */
export function mainCounts(study: Study): LabelCount[] {
  const measured = measuredCounts(study)
  const published = publishedSizes(publishedSet(study.dataset.name)) ?? []
  const shared = measured.filter((count) => count !== 'all' && published.includes(count))
  return shared.length > 0 ? shared : measured
}

export function resultOf(
  study: Study,
  method: StudyMethod,
  count: LabelCount,
  heads: Heads,
): HeadResult | undefined {
  return heads === 'best' ? bestAt(study, method.id, count) : referenceAt(study, method, count)
}

/** The best of some methods at a label count. */
export function bestOf(
  study: Study,
  methods: readonly StudyMethod[],
  count: LabelCount,
  heads: Heads = 'best',
): { readonly method: StudyMethod; readonly result: HeadResult } | undefined {
  return methods
    .flatMap((method) => {
      const result = resultOf(study, method, count, heads)
      return result === undefined ? [] : [{ method, result }]
    })
    .reduce<{ method: StudyMethod; result: HeadResult } | undefined>(
      (best, one) =>
        best === undefined || one.result.estimate.mean > best.result.estimate.mean ? one : best,
      undefined,
    )
}

/** Undefined where no cell has that head. */
export function mainTable(study: Study, heads: Heads): TableBlock | undefined {
  const counts = mainCounts(study)
  const set = publishedSet(study.dataset.name)
  const shown = study.methods.filter(
    (method) =>
      heads === 'best' || counts.some((count) => resultOf(study, method, count, heads) !== undefined),
  )
  const measured = shown.some(
    ({ kind, id }) =>
      (heads === 'best' || kind !== 'supervised') && study.cells.some(({ method }) => method === id),
  )
  if (!measured || counts.length === 0) return undefined
  const best = new Map(counts.map((count) => [count, bestOf(study, study.methods, count, heads)?.method.id]))
  const cellOf = (method: StudyMethod, count: LabelCount): TableCell => {
    const result = resultOf(study, method, count, heads)
    const theirs = publishedInWords(publishedFigure(set, method.id, count))
    if (result === undefined) {
      const gap = missingAt(study, method.id, count)
      const why = gap === undefined ? undefined : gap.reason === 'failed' ? 'failed' : 'not in the budget'
      return { text: '–', below: lines(why, theirs) }
    }
    const own = heads === 'best' && method.kind !== 'supervised' ? result.head.title : undefined
    return {
      text: meanWithInterval(result.estimate),
      below: lines(own, theirs),
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
      name: `main-table-${heads === 'best' ? 'best-head' : 'reference-head'}`,
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
  const own = new Set(study.methods.map(({ id }) => id))
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

function captionOf(study: Study, heads: Heads, published: boolean): string {
  const which =
    heads === 'best'
      ? 'Accuracy on the test images in per cent with the best head of each cell, named underneath and picked after the fact: mean ± half of the 95 % interval over the draws.'
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
  heads: Heads,
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
      'published',
      'published_table',
    ],
    rows: methods.flatMap((method) =>
      counts.map((count) => {
        const result = resultOf(study, method, count, heads)
        const theirs = publishedFigure(set, method.id, count)
        return [
          method.id,
          count,
          result?.head.id,
          result?.estimate.mean,
          result?.estimate.half,
          result?.estimate.draws,
          theirs === undefined ? undefined : theirs.percent / 100,
          theirs?.contradicting === undefined ? undefined : theirs.contradicting / 100,
        ]
      }),
    ),
  }
}

/** A row for each label count: the best of all, the best single generative model, what they have to beat. */
export function summaryTable(study: Study): Block[] {
  const counts = mainCounts(study)
  const set = publishedSet(study.dataset.name)
  const of = (kind: StudyMethod['kind']): StudyMethod[] =>
    study.methods.filter((method) => method.kind === kind)
  const pixels = study.methods.filter(({ id }) => id === 'pixels')
  const learned = study.methods.filter(({ kind }) => kind !== 'supervised')
  const cell = (methods: readonly StudyMethod[], count: LabelCount, named: boolean): string | TableCell => {
    const best = bestOf(study, methods, count)
    if (best === undefined) return '–'
    const { method, result } = best
    const head = method.kind === 'supervised' ? undefined : result.head.title
    return { text: meanWithInterval(result.estimate), below: named ? lines(method.title, head) : lines(head) }
  }
  const wanted: readonly {
    readonly title: string
    readonly cell: (count: LabelCount) => string | TableCell
    readonly shown: boolean
  }[] = [
    { title: 'Best features', shown: learned.length > 0, cell: (count) => cell(learned, count, true) },
    {
      title: 'Best generative model alone',
      shown: of('generative').length > 0 && of('generative').length < learned.length,
      cell: (count) => cell(of('generative'), count, true),
    },
    {
      title: 'Supervised network',
      shown: of('supervised').length > 0,
      cell: (count) => cell(of('supervised'), count, true),
    },
    { title: 'Raw pixels', shown: pixels.length > 0, cell: (count) => cell(pixels, count, false) },
    { title: 'Best published', shown: set !== undefined, cell: (count) => bestPublished(study, count) },
  ]
  const columns = wanted.filter(({ shown }) => shown)
  if (counts.length === 0 || columns.length === 0) return []
  return [
    {
      kind: 'table',
      columns: [{ title: 'Labels per class' }, ...columns.map(({ title }) => ({ title, number: true }))],
      rows: counts.map((count) => [String(count), ...columns.map((column) => column.cell(count))]),
      caption: 'Accuracy on the test images in per cent, mean ± half of the 95 % interval over the draws.',
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
      const figure = publishedFigure(set, method.id, count)
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
