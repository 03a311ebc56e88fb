/** All cells of the study beside each other: each method with each head at each label count, shaded within a column. */
import * as Plot from '@observablehq/plot'
import type { Figure } from '../../../draw/figure-frame.js'
import { chart, drawing, SOFT, textWidth, within, type Marks } from '../../../draw/plot.js'
import {
  halfInWords,
  type HeadResult,
  meanInWords,
  measuredCounts,
  missingAt,
  resultsAt,
} from '../../results.js'
import type { LabelCount, Study, StudyHead, StudyMethod } from '../../result.js'

const ROW = 29
const CELL = 57
const TOP = 50

interface Row {
  readonly method: StudyMethod
  readonly head: StudyHead
  readonly results: ReadonlyMap<LabelCount, HeadResult>
}

/** Undefined where nothing has been measured. */
export function heatFigure(study: Study): Figure | undefined {
  const counts = measuredCounts(study)
  const rows = rowsOf(study, counts)
  if (rows.length === 0) return undefined
  const methods = [...new Set(rows.map(({ method }) => method))]
  const left = 36 + Math.min(280, Math.max(...rows.map(({ head }) => textWidth(head.title)), 90))
  const width = Math.max(420, left + counts.length * CELL + 10)
  const height = TOP + (rows.length + methods.length) * ROW + 8
  const best = new Map(counts.map((count) => [count, columnScale(rows, count).high]))
  const title = `${study.dataset.title}: accuracy of every method with every head, in per cent`
  const svg = chart({
    width,
    height,
    marginTop: TOP,
    marginLeft: left,
    marginRight: width - left - counts.length * CELL,
    marginBottom: 8,
    x: { type: 'band', padding: 0, domain: counts, axis: null },
    y: {
      type: 'band',
      padding: 0,
      domain: methods.flatMap(({ id }) => [id, ...rows.filter(({ method }) => method.id === id).map(rowId)]),
      axis: null,
    },
    opacity: { type: 'identity' },
    marks: [
      Plot.axisX(counts, {
        anchor: 'top',
        className: 'f-ink',
        fontWeight: 650,
        tickSize: 0,
        tickPadding: 8,
        label: null,
      }),
      Plot.text(['labels per class'], {
        ...SOFT,
        frameAnchor: 'top-left',
        textAnchor: 'start',
        dx: 4,
        dy: -42,
      }),
      Plot.ruleY(methods, {
        y: 'id',
        className: 'f-grid',
        stroke: 'currentColor',
        insetLeft: 10 - left,
        dy: 2 - ROW / 2,
      }),
      Plot.text(methods, {
        ...within(width - 20),
        ...LEFT,
        y: 'id',
        text: 'title',
        fontWeight: 650,
        dx: 10 - left,
        dy: 2,
      }),
      Plot.text(rows, {
        ...within(left - 24),
        ...LEFT,
        ...SOFT,
        y: rowId,
        text: ({ head }: Row) => head.title,
        dx: 20 - left,
      }),
      ...cellMarks(study, rows, counts),
    ],
  })
  return {
    name: 'cells',
    title,
    caption: `Mean and half of the 95 % interval, in per cent. Shade: from the lowest to the highest of a column. A frame and a star mark the best of each column; "–" was not measured, "×" failed, "…" did not fit the budget.`,
    svg: drawing({ title, width, height }, [{ chart: svg }]),
    width,
    data: tableOf(rows, best),
  }
}

/** Every cell as a row, for other tools. */
const tableOf = (rows: readonly Row[], best: ReadonlyMap<LabelCount, number>): Figure['data'] => ({
  columns: [
    'method',
    'head',
    'labels_per_class',
    'accuracy',
    'low_95',
    'high_95',
    'half_95',
    'draws',
    'best',
    'seconds',
  ],
  rows: rows.flatMap(({ method, head, results }) =>
    [...results].map(([count, { estimate, cell }]) => [
      method.id,
      head.id,
      count,
      estimate.mean,
      estimate.low,
      estimate.high,
      estimate.half,
      estimate.draws,
      Number(estimate.mean === best.get(count)),
      cell.seconds,
    ]),
  ),
})

function rowsOf(study: Study, counts: readonly LabelCount[]): Row[] {
  return study.methods.flatMap((method) => {
    const results = counts.flatMap((count) => resultsAt(study, method.id, count))
    const order = study.heads.map(({ id }) => id)
    const heads = [...new Map(results.map(({ head }) => [head.id, head])).values()].sort(
      (a, b) => order.indexOf(a.id) - order.indexOf(b.id),
    )
    return heads.map((head) => ({
      method,
      head,
      results: new Map(
        results
          .filter((result) => result.head.id === head.id)
          .map((result) => [result.cell.labelsPerClass, result] as const),
      ),
    }))
  })
}

interface ColumnScale {
  readonly low: number
  readonly high: number
}

function columnScale(rows: readonly Row[], count: LabelCount): ColumnScale {
  const means = rows.flatMap(({ results }) => results.get(count)?.estimate.mean ?? [])
  return { low: Math.min(...means), high: Math.max(...means) }
}

const LEFT = { frameAnchor: 'left', textAnchor: 'start' } as const
const rowId = ({ method, head }: Row): string => `${method.id}\n${head.id}`

function cellMarks(study: Study, rows: readonly Row[], counts: readonly LabelCount[]): Marks {
  const cells = counts.flatMap((count) => {
    const { low, high } = columnScale(rows, count)
    return rows.flatMap((row) => {
      const result = row.results.get(count)
      if (result === undefined) return []
      const { mean, half } = result.estimate
      const shade = high > low ? 0.05 + (0.65 * (mean - low)) / (high - low) : 0.7
      return [{ x: count, y: rowId(row), mean, half, shade, best: mean === high }]
    })
  })
  const gaps = counts.flatMap((count) =>
    rows
      .filter(({ results }) => !results.has(count))
      .map((row) => {
        const gap = missingAt(study, row.method.id, count, row.head.id) ?? missingHead(study, row.head, count)
        return {
          x: count,
          y: rowId(row),
          sign: gap === undefined ? '–' : gap.reason === 'failed' ? '×' : '…',
        }
      }),
  )
  type Cell = (typeof cells)[number]
  const [best, others] = [cells.filter((cell) => cell.best), cells.filter((cell) => !cell.best)]
  const at = { x: 'x', y: 'y', className: 'f-ink' } as const
  return [
    Plot.cell(cells, {
      ...at,
      className: 'f-heat',
      fill: 'currentColor',
      fillOpacity: 'shade',
      inset: 1,
      rx: 2,
    }),
    Plot.cell(best, { ...at, stroke: 'currentColor', inset: 1.5, rx: 2 }),
    Plot.text(others, { ...at, text: meanInWords, dy: -5 }),
    Plot.text(best, { ...at, text: (cell: Cell) => `★${meanInWords(cell)}`, dy: -5, fontWeight: 650 }),
    Plot.text(cells, { ...at, text: (cell: Cell) => `± ${halfInWords(cell)}`, dy: 7, fontSize: 11 }),
    Plot.text(gaps, { ...at, ...SOFT, text: 'sign' }),
  ]
}

/** Gaps that concern a head whatever the method. */
function missingHead(study: Study, head: StudyHead, count: LabelCount): Study['missing'][number] | undefined {
  return study.missing.find(
    (gap) => gap.method === undefined && gap.head === head.id && gap.labelsPerClass === count,
  )
}
