/** Accuracies over the number of labels per class: the axis that ends with `all`, and the figure of lines over it. */
import * as Plot from '@observablehq/plot'
import type { DataTable, Figure } from './figure-frame.js'
import {
  endNames,
  endWidth,
  seriesMarks,
  shareScale,
  TICKS,
  type LinePoint,
  type LineSeries,
} from './lines.js'
import type { Look } from './looks.js'
import {
  baseAxis,
  chart,
  drawing,
  guessing,
  HALO,
  textWidth,
  valueAxis,
  type Chart,
  type Marks,
} from './plot.js'

export type Count = number | 'all'

export interface CountPoint extends Omit<LinePoint, 'x'> {
  readonly count: Count
}

export interface CountSeries {
  readonly name: string
  readonly look: Look
  readonly points: readonly CountPoint[]
}

interface CountAxis {
  readonly x: (count: Count) => number
  readonly domain: readonly [number, number]
  readonly marks: Marks
}

/** Counts by their logarithm, `all` set off behind a break; labels that would touch are left out, their ticks stay. */
function countAxis(counts: readonly Count[], width: number, title: string): CountAxis {
  const sizes = counts.filter((count) => count !== 'all').map(Math.log2)
  const [first, last] = [sizes.at(0) ?? 0, sizes.at(-1) ?? -1]
  const hasAll = counts.includes('all')
  const set = Math.max(46 / width, 0.1)
  const step = last > first ? ((last - first) * set) / (1 - set) : 1
  const x = (count: Count): number => (count === 'all' ? last + step : Math.log2(count))
  const end = hasAll ? last + step : last
  const domain = last > first ? ([first, end] as const) : ([Math.min(first, end) - 1, end + 1] as const)
  let free = -Infinity
  const names = counts.map((count) => {
    const place = ((x(count) - domain[0]) / (domain[1] - domain[0])) * width
    const half = textWidth(String(count)) / 2
    if (place - half < free) return ''
    free = place + half + 5
    return String(count)
  })
  const broken = Plot.text(['//'], {
    ...HALO,
    className: 'f-soft f-rim',
    x: [last + step / 2],
    frameAnchor: 'bottom',
    lineAnchor: 'middle',
  })
  const marks = [
    ...baseAxis({ ticks: counts.map(x), tickFormat: (_, i) => names[i], title }),
    ...(hasAll && sizes.length > 0 ? [broken] : []),
  ]
  return { x, domain, marks }
}

/** A chart of lines over label counts, with the lines as they stand on it. */
export function countChart(
  {
    series,
    counts,
    chance,
    ...frame
  }: Pick<CountFigure, 'series' | 'counts' | 'chance'> &
    Omit<Plot.PlotOptions, 'marks'> & {
      readonly width: number
      readonly marginLeft: number
      readonly marginRight: number
      readonly extra?: Marks
    },
  title?: string,
): { readonly chart: Chart; readonly series: LineSeries[] } {
  const inset = 14
  const axis = countAxis(
    counts,
    frame.width - frame.marginLeft - frame.marginRight - 2 * inset,
    'labels per class',
  )
  const lines = series.map(({ points, ...one }) => ({
    ...one,
    points: points.map(({ count, ...point }) => ({ ...point, x: axis.x(count) })),
  }))
  const drawn = chart({
    ...frame,
    x: { type: 'linear', domain: axis.domain, inset },
    y: shareScale(lines, chance),
    marks: [
      ...valueAxis({ title, ticks: TICKS }),
      ...axis.marks,
      guessing(chance),
      ...(frame.extra ?? []),
      ...seriesMarks(lines),
    ],
  })
  return { chart: drawn, series: lines }
}

export interface CountFigure {
  readonly name: string
  readonly title: string
  readonly caption: string
  /** From the fewest on, `all` last. */
  readonly counts: readonly Count[]
  readonly series: readonly CountSeries[]
  /** Share of right answers by guessing. */
  readonly chance: number
  readonly data: DataTable
  readonly height?: number
}

/** Lines over label counts with names at their ends. */
export function countFigure({ name, title, caption, data, height = 460, ...lines }: CountFigure): Figure {
  const width = 860
  const area = {
    width,
    height,
    marginTop: 40,
    marginLeft: 48,
    marginBottom: 52,
    marginRight: endWidth(lines.series.map((one) => ({ ...one, points: [] }))),
  }
  const extra = [
    Plot.text(['guessing'], {
      className: 'f-soft',
      fontSize: 11,
      frameAnchor: 'right',
      y: [lines.chance],
      textAnchor: 'end',
      dx: -4,
      dy: -9,
    }),
  ]
  const { chart: drawn, series } = countChart({ ...lines, ...area, extra }, 'accuracy on the test images, %')
  const svg = drawing({ title, width, height }, [{ chart: drawn }, endNames(drawn, series, area)])
  return { name, title, caption, svg, width, data }
}
