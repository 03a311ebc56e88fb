/** Lines of accuracies with their intervals, marked and labelled at their ends. */
import type { Html } from './html.js'
import { fitted, label, line, spread, textWidth, type Box, type Scale } from '../study/figures/axes.js'
import { element, group, number } from './figure-frame.js'
import { marker, type Look } from '../study/figures/looks.js'

export interface LinePoint {
  /** Place on the page. */
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
  /** Thin and without markers: what others published. */
  readonly published?: boolean
}

/** Above so many lines, bands would cover each other and bars are drawn. */
const BANDS = 5
const LABEL_GAP = 16
const SAMPLE = 26
const FARTHEST_LEADER = 60

export function drawSeries(series: readonly LineSeries[], y: Scale): Html[] {
  const asBands = series.filter(({ published }) => published !== true).length <= BANDS
  const uncertainty = series.map(({ look, points }) =>
    group({ class: look.colour }, asBands ? band(points, y) : whiskers(points, y)),
  )
  const drawn = series.map(({ look, points, published }) => {
    const path = points
      .map(({ x, mean }, i) => `${i === 0 ? 'M' : 'L'}${number(x)} ${number(y(mean))}`)
      .join('')
    const curve = element('path', {
      class: published === true ? 'f-line f-thin' : 'f-line',
      'stroke-dasharray': published === true ? '4 3' : look.dash,
      d: path,
    })
    const marks = published === true ? [] : points.map(({ x, mean }) => marker(look.marker, x, y(mean)))
    return group({ class: look.colour }, points.length > 1 ? [curve, ...marks] : marks)
  })
  const order = series
    .map((_, i) => i)
    .sort((a, b) => Number(series[b].published ?? false) - Number(series[a].published ?? false))
  return [...uncertainty, ...order.map((i) => drawn[i])]
}

function band(points: readonly LinePoint[], y: Scale): Html[] {
  const known = points.filter(({ low, high }) => low !== undefined && high !== undefined)
  if (known.length === 0) return []
  if (known.length === 1) return whiskers(known, y)
  const upper = known.map(({ x, high }) => `${number(x)} ${number(y(high ?? 0))}`)
  const lower = known.map(({ x, low }) => `${number(x)} ${number(y(low ?? 0))}`).reverse()
  return [element('path', { class: 'f-band', d: `M${[...upper, ...lower].join('L')}Z` })]
}

function whiskers(points: readonly LinePoint[], y: Scale): Html[] {
  return points.flatMap(({ x, low, high }) =>
    low === undefined || high === undefined ? [] : [line('f-whisker', x, y(low), x, y(high))],
  )
}

/** Width that labels at the lines' ends need, at most `most`. */
export function endLabelWidth(series: readonly LineSeries[], most = 330): number {
  return Math.min(most, 34 + SAMPLE + Math.max(0, ...series.map(({ name }) => textWidth(name)))) + 4
}

/** Each line's name at its end, moved apart where ends meet, with a sample of the line before it. */
export function endLabels(
  series: readonly LineSeries[],
  y: Scale,
  { right, top, bottom }: Box,
  width: number,
): Html[] {
  const shown = series.filter(({ points }) => points.length > 0)
  const ends = shown.map(({ points }) => points[points.length - 1])
  const gap = Math.min(LABEL_GAP, (bottom - top + 24) / Math.max(1, shown.length - 1))
  const places = spread(
    ends.map(({ mean }) => y(mean)),
    gap,
    top - 4,
    bottom + 10,
  )
  return shown.map(({ name, look, published }, i) => {
    const from = ends[i]
    const start = right + 26
    const place = places[i]
    // A line that ends early is known by its dash and marker: a leader across the plot would read as data.
    const near = published === true || from.x > right - FARTHEST_LEADER
    const leader = `M${number(from.x + 6)} ${number(y(from.mean))}L${number(start - 4)} ${number(place)}`
    const text = fitted(name, width - 34 - SAMPLE)
    return group({ class: look.colour }, [
      ...(near ? [element('path', { class: 'f-leader', d: leader })] : []),
      ...keySample(look, start, place, published === true ? 'published' : 'marked'),
      element(
        'text',
        { x: start + SAMPLE + 6, y: place + 4.5, class: published === true ? 'f-faint' : undefined },
        ...(text === name ? [] : [element('title', {}, name)]),
        text,
      ),
    ])
  })
}

function keySample(
  { dash, marker: shape }: Look,
  x: number,
  y: number,
  kind: 'marked' | 'line' | 'published',
): Html[] {
  const published = kind === 'published'
  const sample = element('line', {
    class: published ? 'f-line f-thin' : 'f-line',
    x1: x,
    x2: x + SAMPLE,
    y1: y,
    y2: y,
    'stroke-dasharray': published ? '4 3' : dash,
  })
  return kind === 'marked' ? [sample, marker(shape, x + SAMPLE / 2, y)] : [sample]
}

/** A legend in one row or several, for panels that share their lines; returns its height too. */
export function legendRow(
  entries: readonly { readonly name: string; readonly look: Look; readonly unmarked?: boolean }[],
  { left, right, top }: Pick<Box, 'left' | 'right' | 'top'>,
): { readonly parts: Html[]; readonly height: number } {
  let [x, y] = [left, top]
  const parts = entries.map(({ name, look, unmarked }) => {
    const width = SAMPLE + 6 + textWidth(name) + 20
    if (x > left && x + width > right) [x, y] = [left, y + 20]
    const part = group({ class: look.colour }, [
      ...keySample(look, x, y - 4.5, unmarked === true ? 'line' : 'marked'),
      label(name, x + SAMPLE + 6, y),
    ])
    x += width
    return part
  })
  return { parts, height: y - top + 20 }
}
