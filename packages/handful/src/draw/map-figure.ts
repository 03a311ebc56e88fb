/**
 * A map of features as one SVG file: points coloured by class, class names where each class is densest, and, on a second
 * figure, some of the images in their places. Colours follow light and dark by the reader's setting and print as light.
 */
import { escapeHtml, xmlSafe } from './html.js'
import { classColours } from './map-colours.js'

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
/** Classes that a legend names; more have their names on the map alone. */
const MOST_IN_LEGEND = 20
const LEGEND_LINE = 22
const LEGEND_CHARACTERS = 24
/** Points of all classes are drawn in so many rounds: no class lies above all others. */
const ROUNDS = 4
const LARGEST_THUMBNAIL = 44
const FEW_POINTS = 800

interface Place {
  readonly x: number
  readonly y: number
}

/** The figure's SVG, self-contained, fit for a file of its own and for a page. */
export function mapFigure(
  map: MapPoints,
  classes: readonly string[],
  { size = 880, thumbnails = false, title = 'Map of features' }: MapFigureOptions = {},
): string {
  const { places, height } = placed(map, size)
  const present = [...new Set(map.label)].sort((a, b) => a - b)
  const legend = present.length <= MOST_IN_LEGEND ? legendOf(present, classes) : undefined
  const width = size + (legend?.width ?? 0)
  const total = Math.max(height, legend?.height ?? 0)
  const label = `${title}: ${map.x.length} points${present.some((c) => c >= 0) ? ' coloured by class' : ''}`
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="feature-map" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" role="img" aria-label="${escapeHtml(label)}">`,
    `<title>${escapeHtml(label)}</title>`,
    `<style>${styleOf(classes.length, pointSize(places.length), thumbnails)}</style>`,
    `<rect class="paper" width="${width}" height="${total}"/>`,
    ...pointPaths(places, map.label, present),
    ...(thumbnails
      ? pictures(map, places, size)
      : names(map.label, places, present, classes, { size, height })),
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
    '.feature-map .name{font-size:15px;font-weight:650;text-anchor:middle}.feature-map .small{font-size:10.5px;font-weight:600;stroke-width:3}',
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

/** Points looked at to find where a class is densest. */
const CANDIDATES = 120
const DENSITY_RADIUS = 0.05

/** Where most points of a class lie near each other: a class may be in several places, and its median in none. */
function densest(points: readonly Place[], size: number): Place {
  const every = Math.max(1, Math.floor(points.length / CANDIDATES))
  const radius = (DENSITY_RADIUS * size) ** 2
  let best: { near: Place[] } = { near: [] }
  for (let i = 0; i < points.length; i += every) {
    const near = points.filter(
      (point) => (point.x - points[i].x) ** 2 + (point.y - points[i].y) ** 2 <= radius,
    )
    if (near.length > best.near.length) best = { near }
  }
  return { x: median(best.near.map(({ x }) => x)), y: median(best.near.map(({ y }) => y)) }
}

interface Box extends Place {
  readonly width: number
  readonly height: number
}

/** Class names, each at its class or as near to it as there is room, with a line to it where it had to move. */
function names(
  labels: readonly number[],
  places: readonly Place[],
  present: readonly number[],
  classes: readonly string[],
  area: { readonly size: number; readonly height: number },
): string[] {
  const known = present.filter((label) => label >= 0)
  const small = known.length > MOST_IN_LEGEND
  const [character, line] = small ? [6, 13] : [8.8, 19]
  const taken: Box[] = []
  const lines: string[] = []
  const texts: string[] = []
  for (const label of known) {
    const anchor = densest(
      places.filter((_, i) => labels[i] === label),
      area.size,
    )
    // Few points are large: a name stands above them, not on them.
    const above = { x: anchor.x, y: anchor.y - (places.length < FEW_POINTS ? line : 0) }
    const name = cut(classes[label] ?? String(label), LEGEND_CHARACTERS)
    const box = { width: name.length * character + 4, height: line }
    const place = freePlace(above, box, taken, area)
    taken.push({ ...place, ...box })
    if (Math.hypot(place.x - above.x, place.y - above.y) > line) {
      lines.push(
        `<line class="leader" x1="${short(anchor.x)}" y1="${short(anchor.y)}" x2="${short(place.x)}" y2="${short(place.y)}"/>`,
      )
    }
    texts.push(
      `<text class="name${small ? ' small' : ''}" x="${short(place.x)}" y="${short(place.y + line * 0.28)}">${escapeHtml(name)}</text>`,
    )
  }
  return [...lines, ...texts]
}

/** The nearest place on a spiral around the anchor where a name covers no other. */
function freePlace(
  anchor: Place,
  box: { readonly width: number; readonly height: number },
  taken: readonly Box[],
  { size, height }: { readonly size: number; readonly height: number },
): Place {
  const inside = ({ x, y }: Place): Place => ({
    x: Math.min(Math.max(x, box.width / 2 + 2), size - box.width / 2 - 2),
    y: Math.min(Math.max(y, box.height / 2 + 2), height - box.height / 2 - 2),
  })
  const free = (place: Place): boolean =>
    taken.every(
      (other) =>
        Math.abs(other.x - place.x) >= (other.width + box.width) / 2 ||
        Math.abs(other.y - place.y) >= (other.height + box.height) / 2,
    )
  for (let turn = 0; turn < 400; turn++) {
    const angle = 0.5 * turn
    const place = inside({
      x: anchor.x + 1.8 * angle * Math.cos(angle),
      y: anchor.y + 1.2 * angle * Math.sin(angle),
    })
    if (free(place)) return place
  }
  return inside(anchor)
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

function legendOf(
  present: readonly number[],
  classes: readonly string[],
): { svg: string; width: number; height: number } {
  const rows = [...present.filter((label) => label >= 0), ...present.filter((label) => label < 0)]
  const texts = rows.map((label) => (label < 0 ? 'unlabelled' : (classes[label] ?? String(label))))
  const svg = rows.map((label, i) => {
    const y = MARGIN + 14 + i * LEGEND_LINE
    const text = cut(texts[i], LEGEND_CHARACTERS)
    const whole = text === texts[i] ? '' : `<title>${escapeHtml(texts[i])}</title>`
    return `<path class="dot ${colourClass(label)}" d="M8 ${y}h0"/><text x="22" y="${y + 4.5}">${escapeHtml(text)}${whole}</text>`
  })
  const longest = Math.max(...texts.map((text) => Math.min(text.length, LEGEND_CHARACTERS)))
  return {
    svg: svg.join(''),
    width: Math.ceil(8 + 30 + 7.6 * longest),
    height: 2 * MARGIN + 14 + rows.length * LEGEND_LINE,
  }
}

const short = (value: number): string => String(Number(value.toFixed(1)))

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`

function median(values: number[]): number {
  values.sort((a, b) => a - b)
  return values[Math.floor(values.length / 2)] ?? 0
}

function extent(values: readonly number[]): [low: number, high: number] {
  return [
    values.reduce((low, value) => Math.min(low, value), Infinity),
    values.reduce((high, value) => Math.max(high, value), -Infinity),
  ]
}
