/**
 * Names of classes on a map, none over another: each where its class is densest or as near as there is room, the classes
 * with most points first. A name without room nearby stays away from the map, and the legend has it.
 */
import { escapeHtml } from './html.js'
import { textWidth } from './plot.js'

export interface Place {
  readonly x: number
  readonly y: number
}

interface Size {
  readonly width: number
  readonly height: number
}

/** A box around its middle. */
type Box = Place & Size

/** How names are set, in pixels: their font, a line with its halo, and the widest name. */
export interface NameStyle {
  readonly size: number
  readonly line: number
  readonly widest: number
}

export const LARGE_NAMES: NameStyle = { size: 15, line: 19, widest: 210 }
/** Where classes are many. */
export const SMALL_NAMES: NameStyle = { size: 10.5, line: 13.5, widest: 132 }

/** Names are bold, which makes them up to so much wider than `textWidth` in the widest of common fonts, DejaVu Sans. */
const BOLD = 1.25
const HALO = 4
/** How far from its class a name may stand, as a share of the map's width: further away nobody would find it. */
const REACH = 0.17
/** Pixels between places that are tried. */
const RING = 5
/** Few points are large: a name stands above them, not on them. */
const FEW_POINTS = 800

/** What of a text is not wider than so many pixels, with an ellipsis where it was cut. */
export function cutTo(text: string, widest: number, size: number): string {
  if (textWidth(text, size) <= widest) return text
  const characters = [...text]
  do characters.pop()
  while (characters.length > 1 && textWidth(`${characters.join('')}…`, size) > widest)
  return `${characters.join('').trimEnd()}…`
}

interface NamedMap {
  /** Places of the points, and the class of each; -1: unknown. */
  readonly places: readonly Place[]
  readonly labels: readonly number[]
  readonly classes: readonly string[]
  readonly area: Size
  readonly style: NameStyle
}

/** @returns the names as SVG, and the classes that there was no room for, ascending */
export function mapNames({ places, labels, classes, area, style }: NamedMap): {
  readonly svg: string[]
  readonly without: number[]
} {
  const members = new Map<number, Place[]>()
  labels.forEach((label, i) => {
    if (label < 0) return
    if (!members.has(label)) members.set(label, [])
    members.get(label)?.push(places[i])
  })
  const order = [...members].sort(([a, first], [b, second]) => second.length - first.length || a - b)
  const taken: Box[] = []
  const [lines, texts, without]: [string[], string[], number[]] = [[], [], []]
  for (const [label, points] of order) {
    const anchor = densest(points, area.width)
    const wanted = { x: anchor.x, y: anchor.y - (places.length < FEW_POINTS ? style.line : 0) }
    const whole = classes[label] ?? String(label)
    const name = cutTo(whole, style.widest, style.size)
    const box = { width: BOLD * textWidth(name, style.size) + HALO, height: style.line }
    const place = freePlace(wanted, box, taken, area)
    if (place === undefined) {
      without.push(label)
      continue
    }
    taken.push({ ...place, ...box })
    if (Math.hypot(place.x - wanted.x, place.y - wanted.y) > style.line) {
      const end = edgeTowards({ ...place, ...box }, anchor)
      lines.push(
        `<line class="leader" x1="${short(anchor.x)}" y1="${short(anchor.y)}" x2="${short(end.x)}" y2="${short(end.y)}"/>`,
      )
    }
    const title = name === whole ? '' : `<title>${escapeHtml(whole)}</title>`
    texts.push(
      `<text class="name${style === SMALL_NAMES ? ' small' : ''}" x="${short(place.x)}" y="${short(place.y + style.line * 0.28)}">${escapeHtml(name)}${title}</text>`,
    )
  }
  return { svg: [...lines, ...texts], without: without.sort((a, b) => a - b) }
}

/** Points looked at to find where a class is densest. */
const CANDIDATES = 120
const DENSITY_RADIUS = 0.05

/** Where most points of a class lie near each other: a class may be in several places, and its median in none. */
function densest(points: readonly Place[], width: number): Place {
  const every = Math.max(1, Math.floor(points.length / CANDIDATES))
  const radius = (DENSITY_RADIUS * width) ** 2
  let best: { near: Place[] } = { near: [] }
  for (let i = 0; i < points.length; i += every) {
    const near = points.filter(
      (point) => (point.x - points[i].x) ** 2 + (point.y - points[i].y) ** 2 <= radius,
    )
    if (near.length > best.near.length) best = { near }
  }
  return { x: median(best.near.map(({ x }) => x)), y: median(best.near.map(({ y }) => y)) }
}

/** The nearest place on rings around the wanted one where a name covers no other. */
function freePlace(wanted: Place, box: Size, taken: readonly Box[], area: Size): Place | undefined {
  const inside = ({ x, y }: Place): Place => ({
    x: Math.min(Math.max(x, box.width / 2 + 2), area.width - box.width / 2 - 2),
    y: Math.min(Math.max(y, box.height / 2 + 2), area.height - box.height / 2 - 2),
  })
  const free = (place: Place): boolean =>
    taken.every(
      (other) =>
        Math.abs(other.x - place.x) >= (other.width + box.width) / 2 ||
        Math.abs(other.y - place.y) >= (other.height + box.height) / 2,
    )
  for (let radius = 0; radius <= REACH * area.width; radius += RING) {
    const steps = Math.max(1, Math.round((2 * Math.PI * radius) / (2 * RING)))
    for (let step = 0; step < steps; step++) {
      const angle = (2 * Math.PI * step) / steps
      const place = inside({
        x: wanted.x + radius * Math.cos(angle),
        y: wanted.y + radius * Math.sin(angle),
      })
      if (free(place)) return place
    }
  }
  return undefined
}

/** Where the line from a box's middle to a place leaves the box; its middle, where the place is inside. */
function edgeTowards({ x, y, width, height }: Box, place: Place): Place {
  const [dx, dy] = [place.x - x, place.y - y]
  const share = Math.min(1, width / 2 / Math.abs(dx || 1e-9), height / 2 / Math.abs(dy || 1e-9))
  return { x: x + share * dx, y: y + share * dy }
}

/** A coordinate as figures write it, to a tenth of a pixel. */
export const short = (value: number): string => String(Number(value.toFixed(1)))

function median(values: number[]): number {
  values.sort((a, b) => a - b)
  return values[Math.floor(values.length / 2)] ?? 0
}
