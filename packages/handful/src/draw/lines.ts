/** Lines of accuracies with their intervals, marked and named at their ends or in a legend. */
import * as Plot from '@observablehq/plot'
import { dot, PUBLISHED, type Look } from './looks.js'
import { overlay, placeOn, textWidth, within, type Chart, type Marks, type Placed } from './plot.js'
import { spread } from './label-spread.js'

export interface LinePoint {
  /** On the chart's scale. */
  readonly x: number
  readonly mean: number
  readonly low?: number
  readonly high?: number
}

export interface LineSeries {
  readonly name: string
  readonly look: Look
  /** From left to right. */
  readonly points: readonly LinePoint[]
}

/** Above so many lines, bands would cover each other and bars are drawn. */
const BANDS = 5
const LABEL_GAP = 16
const SAMPLE = 26
const FARTHEST_LEADER = 60

/** All intervals below all lines, what was published lowest. */
export function seriesMarks(series: readonly LineSeries[]): Marks {
  const asBands = series.filter(({ look }) => look !== PUBLISHED).length <= BANDS
  const order = [...series].sort((a, b) => Number(b.look === PUBLISHED) - Number(a.look === PUBLISHED))
  return [
    ...series.flatMap(({ look: { colour: className }, points }) => {
      const known = points.filter(({ low, high }) => low !== undefined && high !== undefined)
      const interval = { x: 'x', y1: 'low', y2: 'high', className } as const
      if (known.length === 0) return []
      return asBands && known.length > 1
        ? [Plot.areaY(known, { ...interval, fill: 'currentColor', fillOpacity: 0.13 })]
        : [Plot.ruleX(known, { ...interval, strokeWidth: 1.3, strokeOpacity: 0.75 })]
    }),
    ...order.flatMap(({ look, points }) => [
      ...(points.length > 1 ? [Plot.lineY(points, { x: 'x', y: 'mean', ...stroke(look) })] : []),
      ...(look === PUBLISHED ? [] : [Plot.dot(points, { x: 'x', y: 'mean', ...dot(look) })]),
    ]),
  ]
}

export function stroke(look: Look): Plot.LineOptions {
  const width = look === PUBLISHED ? 1.2 : 2
  return {
    className: look.colour,
    stroke: 'currentColor',
    strokeWidth: width,
    strokeDasharray: look.dash,
    strokeLinecap: 'butt',
  }
}

/** A scale of per cent for shares, from a round number below the smallest to one above the largest, within 0 and 100. */
export function shareScale(series: readonly LineSeries[], chance: number): Plot.ScaleOptions {
  const values = series.flatMap(({ points }) =>
    points.flatMap(({ mean, low = mean, high = mean }) => [low * 100, high * 100]),
  )
  const [low, high] = [Math.min(...values, chance * 100), Math.max(...values, chance * 100)]
  const margin = Math.max(0.5, (high - low) * 0.04)
  return { percent: true, nice: TICKS, domain: [Math.max(0, low - margin), Math.min(100, high + margin)] }
}

export const TICKS = 6

/** Width that names at the lines' ends need, at most `most`. */
export function endWidth(series: readonly LineSeries[], most = 330): number {
  return Math.min(most, 34 + SAMPLE + Math.max(0, ...series.map(({ name }) => textWidth(name)))) + 18
}

interface Area {
  readonly width: number
  readonly height: number
  readonly marginTop: number
  readonly marginRight: number
  readonly marginBottom: number
}

/** Each line's name at its end, moved apart where ends meet, with a sample of the line before it. */
export function endNames(
  chart: Chart,
  series: readonly LineSeries[],
  { width, height, marginTop, marginRight, marginBottom }: Area,
): Placed {
  const shown = series.filter(({ points }) => points.length > 0)
  const ends = shown.map(({ points }) => {
    const { x, mean } = points[points.length - 1]
    return { x: placeOn(chart, 'x', x), y: placeOn(chart, 'y', mean) }
  })
  const [top, bottom, right] = [marginTop - 4, height - marginBottom + 10, width - marginRight - 14]
  const gap = Math.min(LABEL_GAP, (bottom - top + 10) / Math.max(1, shown.length - 1))
  const places = spread(
    ends.map(({ y }) => y),
    gap,
    top,
    bottom,
  )
  const marks = shown.flatMap(({ name, look }, i) => {
    const [from, y, x] = [ends[i], places[i], right + 26]
    // A line that ends early is known by its dash and marker: a leader across the plot would read as data.
    const near = look === PUBLISHED || from.x > right - FARTHEST_LEADER
    const leader = [{ x1: from.x + 6, y1: from.y, x2: x - 4, y2: y }]
    return [
      ...(near
        ? [Plot.link(leader, { ...ENDS, className: look.colour, strokeWidth: 0.8, strokeOpacity: 0.55 })]
        : []),
      ...key({
        name,
        look,
        x,
        y,
        width: marginRight - 34 - SAMPLE,
        faint: look === PUBLISHED,
        unmarked: look === PUBLISHED,
      }),
    ]
  })
  return overlay(width, height, marks)
}

const ENDS = { x1: 'x1', y1: 'y1', x2: 'x2', y2: 'y2' } as const

interface Key {
  readonly name: string
  readonly look: Look
  readonly unmarked?: boolean
}

/** A sample of a line and its name, in pixels. */
function key({
  name,
  look,
  unmarked,
  faint,
  x,
  y,
  width,
}: Key & {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly faint?: boolean
}): Marks {
  return [
    Plot.link([{ x1: x, y1: y, x2: x + SAMPLE, y2: y }], { ...ENDS, ...stroke(look) }),
    ...(unmarked === true ? [] : [Plot.dot([[x + SAMPLE / 2, y]], dot(look))]),
    Plot.text([name], {
      ...within(width),
      className: faint === true ? 'f-faint' : 'f-ink',
      x: [x + SAMPLE + 6],
      y: [y],
      textAnchor: 'start',
    }),
  ]
}

/** A legend in one row or several from a place in pixels on, for panels that share their lines; returns its height too. */
export function legend(
  entries: readonly Key[],
  { left, right, top }: { readonly left: number; readonly right: number; readonly top: number },
): { readonly marks: Marks; readonly height: number } {
  let [x, y] = [left, top]
  const marks = entries.flatMap((entry) => {
    const width = SAMPLE + 6 + textWidth(entry.name) + 20
    if (x > left && x + width > right) [x, y] = [left, y + 20]
    const part = key({ ...entry, x, y, width: right - x })
    x += width
    return part
  })
  return { marks, height: y - top + 20 }
}
