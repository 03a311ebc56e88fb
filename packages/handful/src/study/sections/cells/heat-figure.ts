/** All cells of the study beside each other: each method with each head at each label count, shaded within a column. */
import type { Html } from '../../../draw/html.js'
import { fitted, label, line, textWidth } from '../../figures/axes.js'
import { drawing, element, group, type Figure } from '../../../draw/figure-frame.js'
import { measuredCounts, missingAt, points, resultsAt, type HeadResult } from '../../results.js'
import type { LabelCount, Study, StudyHead, StudyMethod } from '../../result.js'

const ROW = 29
const NAME = 23
const CELL = 57
const TOP = 54

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
  const height = TOP + rows.length * ROW + methods.length * NAME + 12
  const scales = new Map(counts.map((count) => [count, columnScale(rows, count)]))
  const title = `${study.dataset.title}: accuracy of every method with every head, in per cent`
  const parts: Html[] = [
    label('labels per class', left + 4, 18, 'start', 'f-soft'),
    ...counts.map((count, i) => label(String(count), left + (i + 0.5) * CELL, 40, 'middle', 'f-bold')),
  ]
  let y = TOP
  for (const method of methods) {
    parts.push(
      line('f-grid', 10, y - 2, width - 10, y - 2),
      label(fitted(method.title, width - 20), 10, y + 16, 'start', 'f-bold'),
    )
    y += NAME
    for (const row of rows.filter((one) => one.method === method)) {
      const top = y
      parts.push(
        label(fitted(row.head.title, left - 24), 20, top + 18, 'start', 'f-soft'),
        ...counts.map((count, i) =>
          heatCell(study, row, count, scales.get(count), { x: left + i * CELL, y: top }),
        ),
      )
      y += ROW
    }
  }
  return {
    name: 'cells',
    title,
    caption: `Mean and half of the 95 % interval, in per cent. Shade: from the lowest to the highest of a column. A frame and a star mark the best of each column; "–" was not measured, "×" failed, "…" did not fit the budget.`,
    svg: drawing({ title, width, height }, parts),
    width,
    data: {
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
          Number(estimate.mean === scales.get(count)?.high),
          cell.seconds,
        ]),
      ),
    },
  }
}

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

function heatCell(
  study: Study,
  { method, head, results }: Row,
  count: LabelCount,
  scale: ColumnScale | undefined,
  { x, y }: { readonly x: number; readonly y: number },
): Html {
  const result = results.get(count)
  if (result === undefined || scale === undefined) {
    const gap = missingAt(study, method.id, count, head.id) ?? missingHead(study, head, count)
    const sign = gap === undefined ? '–' : gap.reason === 'failed' ? '×' : '…'
    return label(sign, x + CELL / 2, y + 18, 'middle', 'f-soft')
  }
  const { mean, half } = result.estimate
  const share = scale.high > scale.low ? (mean - scale.low) / (scale.high - scale.low) : 1
  const best = mean === scale.high
  const opacity = 0.05 + 0.65 * share
  const text = (kind: string | undefined, below: number, written: string): Html =>
    label(written, x + CELL / 2, y + below, 'middle', kind)
  const frame = best
    ? [element('rect', { class: 'f-rule', x: x + 1.5, y: y + 1, width: CELL - 3, height: ROW - 4, rx: 2 })]
    : []
  return group({ class: 'f-ink' }, [
    element('rect', {
      class: 'f-heat',
      x: x + 1,
      y: y + 0.5,
      width: CELL - 2,
      height: ROW - 2,
      rx: 2,
      'fill-opacity': Number(opacity.toFixed(2)),
    }),
    ...frame,
    text(best ? 'f-bold' : undefined, 14, `${best ? '★' : ''}${points(mean)}`),
    text('f-tiny', 25, `± ${points(half)}`),
  ])
}

/** Gaps that concern a head whatever the method. */
function missingHead(study: Study, head: StudyHead, count: LabelCount): Study['missing'][number] | undefined {
  return study.missing.find(
    (gap) => gap.method === undefined && gap.head === head.id && gap.labelsPerClass === count,
  )
}
