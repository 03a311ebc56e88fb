/**
 * A map of features as one SVG file: points coloured by class, class names where each class is densest, and, on a second
 * figure, some of the images in their places. Colours follow light and dark by the reader's setting and print as light.
 */
import { escapeHtml, xmlSafe } from './html.js'
import { classColours } from './map-colours.js'
import { cutTo, LARGE_NAMES, mapNames, type Place, short, SMALL_NAMES } from './map-names.js'
import { textWidth } from './plot.js'

/** Points of a map, a number of each list for each point. Units do not matter: both axes are scaled alike. */
export interface MapPoints {
  readonly x: readonly number[]
  readonly y: readonly number[]
  /** Each point's class; -1: unknown. */
  readonly label: readonly number[]
  /** Images of some points. */
  readonly thumbnails?: readonly { readonly point: number; readonly image: string }[]
}

/** How `mapFigure` draws. */
export interface MapFigureOptions {
  /** Width of the map itself in pixels; its height follows from the points. Default 880. */
  readonly size?: number
  /** Shows `map.thumbnails` in their places. Default false. */
  readonly thumbnails?: boolean
  /** What the map is of, for readers who don't see it. */
  readonly title?: string
}

const MARGIN = 24
/** Classes that a legend names all; of more it names those that have no room for their names on the map. */
const MOST_IN_LEGEND = 20
const LEGEND_LINE = 22
const LEGEND_TEXT = 13
const WIDEST_IN_LEGEND = 190
/** How much wider than `textWidth` the widest of common fonts is, DejaVu Sans. */
const WIDE_FONT = 1.1
/** Points of all classes are drawn in so many rounds: no class lies above all others. */
const ROUNDS = 4
const LARGEST_THUMBNAIL = 44

/** The figure's SVG, self-contained, fit for a file of its own and for a page. */
export function mapFigure(
  map: MapPoints,
  classes: readonly string[],
  { size = 880, thumbnails = false, title = 'Map of features' }: MapFigureOptions = {},
): string {
  const { places, height } = placed(map, size)
  const present = [...new Set(map.label)].sort((a, b) => a - b)
  const many = present.length > MOST_IN_LEGEND
  const names = mapNames({
    places,
    labels: map.label,
    classes,
    area: { width: size, height },
    style: many ? SMALL_NAMES : LARGE_NAMES,
  })
  const listed = many ? names.without : present
  const legend =
    listed.length === 0 || (many && thumbnails) ? undefined : legendOf(listed, classes, { height, many })
  const width = size + (legend?.width ?? 0)
  const total = Math.max(height, legend?.height ?? 0)
  const label = `${title}: ${map.x.length} points${present.some((c) => c >= 0) ? ' coloured by class' : ''}`
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="feature-map" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" role="img" aria-label="${escapeHtml(label)}">`,
    `<title>${escapeHtml(label)}</title>`,
    `<style>${styleOf(classes.length, pointSize(places.length), thumbnails)}</style>`,
    `<rect class="paper" width="${width}" height="${total}"/>`,
    ...pointPaths(places, map.label, present),
    ...(thumbnails ? pictures(map, places, size) : names.svg),
    ...(legend === undefined ? [] : [`<g transform="translate(${size + 8} 0)">${legend.svg}</g>`]),
    '</svg>',
  ]
  return `${xmlSafe(parts.join('\n'))}\n`
}

/** Points scaled alike along both axes, y upwards. */
function placed({ x, y }: MapPoints, size: number): { places: Place[]; height: number } {
  const [left, right] = extent(x)
  const [bottom, top] = extent(y)
  const room = size - 2 * MARGIN
  const longest = Math.max(right - left, (top - bottom) / 1.25, 1e-9)
  const scale = room / longest
  const height = Math.ceil(Math.max((top - bottom) * scale, room / 3) + 2 * MARGIN)
  const inset = MARGIN + (room - (right - left) * scale) / 2
  return {
    height,
    places: x.map((value, i) => ({
      x: inset + (value - left) * scale,
      y: height / 2 - (y[i] - (top + bottom) / 2) * scale,
    })),
  }
}

/** Diameter: small where there are many. */
const pointSize = (count: number): number => Math.min(7, Math.max(1.6, 290 / Math.sqrt(Math.max(1, count))))

function styleOf(classCount: number, diameter: number, faint: boolean): string {
  const { light, dark } = classColours(classCount)
  const theme = (paper: string, ink: string, soft: string, colours: readonly string[]): string =>
    [
      `.feature-map .paper{fill:${paper}}.feature-map text{fill:${ink};stroke:${paper}}`,
      `.feature-map .leader{stroke:${ink}}.feature-map .k{stroke:${soft}}`,
      ...colours.map((colour, i) => `.feature-map .k${i}{stroke:${colour}}`),
    ].join('')
  const day = theme('#fff', '#1b1f24', '#b4bac1', light)
  return [
    '.feature-map{font:13px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}',
    `.feature-map path{fill:none;stroke-width:${diameter.toFixed(1)};stroke-linecap:round;stroke-opacity:${faint ? 0.3 : 0.72}}`,
    '.feature-map path.dot{stroke-width:10;stroke-opacity:1}',
    '.feature-map text{font-size:13px;stroke-width:3.5;stroke-linejoin:round;paint-order:stroke}',
    '.feature-map .name{font-size:15px;font-weight:650;text-anchor:middle}.feature-map .small{font-size:10.5px;font-weight:600;stroke-width:3}.feature-map .listed{font-size:11px}',
    '.feature-map .leader{stroke-width:.8;stroke-opacity:.6}.feature-map .frame{fill:none;stroke-width:2}',
    '.feature-map image{image-rendering:pixelated}',
    day,
    `@media (prefers-color-scheme:dark){${theme('#14171b', '#e7eaee', '#59626c', dark)}}`,
    `@media print{${day}}`,
  ].join('\n')
}

const colourClass = (label: number): string => (label < 0 ? 'k' : `k${label}`)

/** Unknown ones first, below all others. */
function pointPaths(
  places: readonly Place[],
  labels: readonly number[],
  present: readonly number[],
): string[] {
  const members = new Map(present.map((label) => [label, [] as number[]]))
  labels.forEach((label, i) => members.get(label)?.push(i))
  const path = (label: number, points: readonly number[]): string =>
    points.length === 0
      ? ''
      : `<path class="${colourClass(label)}" d="${points.map((i) => `M${short(places[i].x)} ${short(places[i].y)}h0`).join('')}"/>`
  const unknown = path(-1, members.get(-1) ?? [])
  const known = present.filter((label) => label >= 0)
  const rounds = Array.from({ length: ROUNDS }, (_, round) =>
    known.map((label) =>
      path(
        label,
        (members.get(label) ?? []).filter((_point, i) => i % ROUNDS === round),
      ),
    ),
  )
  return [unknown, ...rounds.flat()].filter((each) => each !== '')
}

function pictures({ thumbnails = [], label }: MapPoints, places: readonly Place[], size: number): string[] {
  const side = thumbnailSide(
    thumbnails.map(({ point }) => places[point]),
    size,
  )
  return thumbnails.map(({ point, image }) => {
    const corner = `x="${short(places[point].x - side / 2)}" y="${short(places[point].y - side / 2)}" width="${short(side)}" height="${short(side)}"`
    return `<image ${corner} href="${image}"/><rect class="frame ${colourClass(label[point])}" ${corner}/>`
  })
}

/** So large that no two overlap, within reason. */
function thumbnailSide(places: readonly Place[], size: number): number {
  let nearest = Math.min(LARGEST_THUMBNAIL, size / 8)
  for (const [i, a] of places.entries()) {
    for (const b of places.slice(i + 1)) {
      nearest = Math.min(nearest, Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y)) - 2)
    }
  }
  return Math.max(10, nearest)
}

const WITHOUT_ROOM = 'Without room on the map:'

/** Classes with their colours, in columns as high as the map where they are many. */
function legendOf(
  listed: readonly number[],
  classes: readonly string[],
  { height, many }: { readonly height: number; readonly many: boolean },
): { svg: string; width: number; height: number } {
  const line = many ? 16 : LEGEND_LINE
  const size = many ? 11 : LEGEND_TEXT
  const rows = [...listed.filter((label) => label >= 0), ...listed.filter((label) => label < 0)]
  const texts = rows.map((label) => (label < 0 ? 'unlabelled' : (classes[label] ?? String(label))))
  const shown = texts.map((text) => cutTo(text, WIDEST_IN_LEGEND, size))
  const head = many ? line : 0
  const perColumn = many ? Math.max(10, Math.floor((height - 2 * MARGIN - head) / line)) : rows.length
  const column = Math.ceil(30 + WIDE_FONT * Math.max(...shown.map((text) => textWidth(text, size))))
  const svg = rows.map((label, i) => {
    const x = 8 + column * Math.floor(i / perColumn)
    const y = MARGIN + 14 + head + (i % perColumn) * line
    const whole = shown[i] === texts[i] ? '' : `<title>${escapeHtml(texts[i])}</title>`
    return `<path class="dot ${colourClass(label)}" d="M${x} ${y}h0"/><text class="${many ? 'listed' : ''}" x="${x + 14}" y="${y + 0.35 * size}">${escapeHtml(shown[i])}${whole}</text>`
  })
  const title = many ? `<text class="listed" x="2" y="${MARGIN + 10}">${WITHOUT_ROOM}</text>` : ''
  const columns = Math.ceil(rows.length / perColumn)
  return {
    svg: title + svg.join(''),
    width: Math.max(8 + column * columns, many ? Math.ceil(WIDE_FONT * textWidth(WITHOUT_ROOM, 11)) + 8 : 0),
    height: 2 * MARGIN + 14 + head + Math.min(rows.length, perColumn) * line,
  }
}

function extent(values: readonly number[]): [low: number, high: number] {
  return [
    values.reduce((low, value) => Math.min(low, value), Infinity),
    values.reduce((high, value) => Math.max(high, value), -Infinity),
  ]
}
