/** Scales, ticks and labels that keep out of each other's way. */
import type { Html } from '../../draw/html.js'
import { niceTicks } from '../../draw/charts.js'
import { element } from '../../draw/figure-frame.js'
import { sortedCounts } from '../results.js'
import type { LabelCount } from '../result.js'

/** From a value to a place on the page. */
export type Scale = (value: number) => number

export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** Widths of characters in a common sans serif, in hundredths of its size; a little wide, as fonts differ. */
const NARROW = new Set("iljtfrI.,:;'|!()[] ")
const WIDE = new Set('mwMWQO@%&+±')

export function textWidth(text: string, size = 13): number {
  let width = 0
  for (const character of text) {
    if (NARROW.has(character)) width += 0.34
    else if (WIDE.has(character)) width += 0.86
    else if (character.charCodeAt(0) > 0x2e80) width += 1
    else width += /[A-Z]/.test(character) ? 0.7 : 0.58
  }
  return width * size
}

/** Cut with an ellipsis where it is wider than `most`. */
export function fitted(text: string, most: number, size = 13): string {
  if (textWidth(text, size) <= most) return text
  const characters = [...text]
  while (characters.length > 1 && textWidth(`${characters.join('')}…`, size) > most) characters.pop()
  return `${characters.join('').trimEnd()}…`
}

export function linear(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  return (value) => start + ((value - from) / (to - from || 1)) * (end - start)
}

/**
 * Places of label counts: by the logarithm of the count, `all` set off at the end, one count alone in the middle.
 */
export function labelCountScale(
  counts: readonly LabelCount[],
  { left, right }: Pick<Box, 'left' | 'right'>,
): (count: LabelCount) => number {
  const sizes = sortedCounts(counts).filter((count) => count !== 'all')
  const hasAll = counts.includes('all')
  const [first, last] = [sizes.at(0), sizes.at(-1)]
  if (first === undefined || last === undefined) return () => (left + right) / 2
  const end = hasAll ? right - Math.max(46, (right - left) * 0.1) : right
  if (first === last) {
    const place = hasAll ? left + (right - left) / 3 : (left + right) / 2
    return (count) => (count === 'all' ? left + ((right - left) * 2) / 3 : place)
  }
  const scale = linear([Math.log(first), Math.log(last)], [left, end])
  return (count) => (count === 'all' ? right : scale(Math.log(count)))
}

/** The axis under a plot over label counts; labels that would touch are left out, their ticks stay. */
export function labelCountAxis(
  counts: readonly LabelCount[],
  x: (count: LabelCount) => number,
  { left, right, bottom }: Box,
  title: string | undefined = 'labels per class',
): Html[] {
  const sorted = sortedCounts(counts)
  const parts: Html[] = [line('f-axis', left, bottom, right, bottom)]
  let free = -Infinity
  for (const count of sorted) {
    const text = String(count)
    const half = textWidth(text) / 2
    parts.push(line('f-axis', x(count), bottom, x(count), bottom + 5))
    if (x(count) - half < free) continue
    free = x(count) + half + 5
    parts.push(label(text, x(count), bottom + 19, 'middle', 'f-soft'))
  }
  const largest = sorted.filter((count) => count !== 'all').at(-1)
  if (sorted.includes('all') && largest !== undefined)
    parts.push(brokenAxis((x(largest) + x('all')) / 2, bottom))
  if (title !== undefined) parts.push(label(title, (left + right) / 2, bottom + 40, 'middle', 'f-soft'))
  return parts
}

/** Two strokes that say that the scale breaks off here. */
function brokenAxis(x: number, y: number): Html {
  const d = `M${(x - 5).toFixed(1)} ${y + 5}l5 -10M${x.toFixed(1)} ${y + 5}l5 -10`
  return element('path', { class: 'f-axis', d })
}

export interface ShareAxis {
  readonly scale: Scale
  readonly ticks: readonly number[]
}

/** A scale for shares from a round number below the smallest to one above the largest, within 0 and 1. */
export function shareAxis(
  values: readonly number[],
  { top, bottom }: Pick<Box, 'top' | 'bottom'>,
  about = 6,
): ShareAxis {
  const [low, high] = [Math.min(...values) * 100, Math.max(...values) * 100]
  const margin = Math.max(0.5, (high - low) * 0.04)
  const wide: [number, number] = [Math.max(0, low - margin), Math.min(100, high + margin)]
  const inner = niceTicks(wide[0], wide[1], about)
  const spacing = inner.length > 1 ? inner[1] - inner[0] : 1
  const from = Math.max(0, Math.floor(wide[0] / spacing) * spacing)
  const to = Math.min(100, Math.ceil(wide[1] / spacing) * spacing)
  const count = Math.round((to - from) / spacing)
  const ticks = Array.from({ length: count + 1 }, (_, i) => from + i * spacing).filter((tick) => tick <= 100)
  const scale = linear([from, Math.max(to, from + spacing)], [bottom, top])
  return { scale: (share) => scale(share * 100), ticks: ticks.map((tick) => tick / 100) }
}

/** Grid lines with per cent beside them, and the title above the axis. */
export function shareGrid({ scale, ticks }: ShareAxis, { left, right, top }: Box, title?: string): Html[] {
  const rows = ticks.flatMap((tick) => [
    line('f-grid', left, scale(tick), right, scale(tick)),
    label(percentTick(tick), left - 8, scale(tick) + 4.5, 'end', 'f-soft'),
  ])
  return title === undefined
    ? rows
    : [...rows, label(title, left - 8 - textWidth('100'), top - 14, 'start', 'f-soft')]
}

function percentTick(share: number): string {
  return String(Number((share * 100).toPrecision(4)))
}

export function line(kind: string, x1: number, y1: number, x2: number, y2: number, dash?: string): Html {
  return element('line', { class: kind, x1, y1, x2, y2, 'stroke-dasharray': dash })
}

export function label(
  text: string,
  x: number,
  y: number,
  anchor: 'start' | 'middle' | 'end' = 'start',
  kind?: string,
): Html {
  return element('text', { class: kind, x, y, 'text-anchor': anchor === 'start' ? undefined : anchor }, text)
}

/**
 * Moves places apart until each pair is `gap` away, within `top` and `bottom` as far as they fit, as little as that takes.
 * The order is kept.
 */
export function spread(places: readonly number[], gap: number, top: number, bottom: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b] || a - b)
  interface Cluster {
    members: number[]
    start: number
  }
  const length = (cluster: Cluster): number => (cluster.members.length - 1) * gap
  const placed = (members: number[]): Cluster => {
    const middle = members.reduce((sum, i) => sum + places[i], 0) / members.length
    const most = Math.max(top, bottom - (members.length - 1) * gap)
    return { members, start: Math.min(most, Math.max(top, middle - ((members.length - 1) * gap) / 2)) }
  }
  const clusters: Cluster[] = []
  for (const i of order) {
    let cluster = placed([i])
    for (;;) {
      const before = clusters.at(-1)
      if (before === undefined || before.start + length(before) + gap <= cluster.start) break
      clusters.pop()
      cluster = placed([...before.members, ...cluster.members])
    }
    clusters.push(cluster)
  }
  const result = [...places]
  for (const { members, start } of clusters) members.forEach((i, k) => (result[i] = start + k * gap))
  return result
}
