/** Accuracy over labels per class: each method's line, with its best head or with the reference's. */
import type { Html } from '../../../draw/html.js'
import {
  label,
  labelCountAxis,
  labelCountScale,
  line,
  shareAxis,
  shareGrid,
  type Box,
} from '../../figures/axes.js'
import { drawing, type DataTable, type Figure } from '../../../draw/figure-frame.js'
import { drawSeries, endLabels, endLabelWidth, type LinePoint, type LineSeries } from '../../../draw/lines.js'
import { methodLooks } from '../../figures/looks.js'
import { publishedCurve, publishedSet } from '../../published.js'
import { bestAt, measuredCounts, referenceAt, type HeadResult } from '../../results.js'
import type { LabelCount, Study, StudyMethod } from '../../result.js'

const WIDTH = 860

export interface LinesFigure {
  readonly name: string
  readonly title: string
  readonly caption: string
  readonly counts: readonly LabelCount[]
  readonly series: (x: (count: LabelCount) => number) => readonly LineSeries[]
  /** Share of right answers by guessing. */
  readonly chance: number
  readonly data: DataTable
  readonly height?: number
}

/** Lines over label counts with names at their ends. */
export function linesFigure({
  name,
  title,
  caption,
  counts,
  series,
  chance,
  data,
  height = 460,
}: LinesFigure): Figure {
  const labels = endLabelWidth(series(() => 0))
  const box: Box = { left: 48, right: WIDTH - labels, top: 40, bottom: height - 52 }
  const inner = { left: box.left + 14, right: box.right - 14 }
  const x = labelCountScale(counts, inner)
  const drawn = series(x)
  const values = drawn.flatMap(({ points }) =>
    points.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean]),
  )
  const axis = shareAxis([...values, chance], box)
  const parts: Html[] = [
    ...shareGrid(axis, box, 'accuracy on the test images, %'),
    ...labelCountAxis(counts, x, box),
    line('f-axis', box.left, axis.scale(chance), box.right, axis.scale(chance), '1 3'),
    label('guessing', box.right - 4, axis.scale(chance) - 5, 'end', 'f-soft f-small'),
    ...drawSeries(drawn, axis.scale),
    ...endLabels(drawn, axis.scale, { ...box, right: box.right - 14 }, labels),
  ]
  return { name, title, caption, svg: drawing({ title, width: WIDTH, height }, parts), width: WIDTH, data }
}

interface MethodLine {
  readonly method: StudyMethod
  readonly results: readonly (readonly [LabelCount, HeadResult])[]
}

/** The figure of `best` or `reference` heads; undefined where there is nothing to draw. */
export function accuracyFigure(study: Study, heads: 'best' | 'reference'): Figure | undefined {
  const counts = measuredCounts(study)
  const lines = study.methods
    .map((method): MethodLine => ({
      method,
      results: counts.flatMap((count) => {
        const result = heads === 'best' ? bestAt(study, method.id, count) : referenceAt(study, method, count)
        return result === undefined ? [] : [[count, result] as const]
      }),
    }))
    .filter(({ results }) => results.length > 0)
  if (lines.length === 0) return undefined
  const looks = methodLooks(study)
  const published = publishedSeries(study, counts)
  const which = heads === 'best' ? 'best head' : "reference study's head"
  return linesFigure({
    name: heads === 'best' ? 'accuracy-best-head' : 'accuracy-reference-head',
    title: `${study.dataset.title}: accuracy over labels per class, ${which}`,
    caption: captionOf(heads, lines, published.length > 0),
    counts,
    chance: 1 / study.dataset.classes.length,
    data: dataOf(lines, published),
    series: (x) => [
      ...lines.map(({ method, results }) => ({
        name: method.title,
        look: looks.get(method.id) ?? { colour: 'f-ink', marker: 'circle' as const },
        points: results.map(([count, { estimate }]): LinePoint => ({ ...estimate, x: x(count) })),
      })),
      ...published.map(({ name, points }) => ({
        name,
        look: { colour: 'f-published', marker: 'circle' as const },
        published: true,
        points: points.map(([count, mean]) => ({ x: x(count), mean })),
      })),
    ],
  })
}

function captionOf(heads: 'best' | 'reference', lines: readonly MethodLine[], published: boolean): string {
  const which =
    heads === 'best'
      ? 'Each method with its best head at each label count, picked after the fact.'
      : "Each method with the reference study's head; a supervised network is its own classifier."
  const single = lines.some(({ results }) => results.some(([, { estimate }]) => estimate.draws < 2))
  const how = single
    ? 'Bands and bars: 95 % interval over the draws of the labelled images; with a single draw, from the number of test images alone.'
    : 'Bands and bars: 95 % interval over the draws of the labelled images.'
  return `${which} ${how}${published ? ' Thin, dashed: published by the reference study, single runs.' : ''}`
}

interface PublishedLine {
  readonly method: string
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}

/** Published curves of the study's methods, as far as its own label counts reach. */
function publishedSeries(study: Study, counts: readonly LabelCount[]): PublishedLine[] {
  const set = publishedSet(study.dataset.name)
  const sizes = counts.filter((count) => count !== 'all')
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)]
  return study.methods.flatMap((method) => {
    const curve = publishedCurve(set, method.id)
    const points = (curve?.labelsPerClass ?? []).flatMap((size, i): [number, number][] =>
      size >= smallest && size <= largest ? [[size, (curve?.percent[i] ?? 0) / 100]] : [],
    )
    return points.length === 0 ? [] : [{ method: method.id, name: `${method.title}, published`, points }]
  })
}

function dataOf(lines: readonly MethodLine[], published: readonly PublishedLine[]): DataTable {
  return {
    columns: ['method', 'head', 'labels_per_class', 'accuracy', 'low_95', 'high_95', 'draws', 'source'],
    rows: [
      ...lines.flatMap(({ method, results }) =>
        results.map(([count, { head, estimate }]) => [
          method.id,
          head.id,
          count,
          estimate.mean,
          estimate.low,
          estimate.high,
          estimate.draws,
          'measured',
        ]),
      ),
      ...published.flatMap(({ method, points }) =>
        points.map(([count, mean]) => [method, '', count, mean, undefined, undefined, 1, 'published']),
      ),
    ],
  }
}
