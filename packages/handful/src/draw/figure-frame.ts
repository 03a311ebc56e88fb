/**
 * A figure: an SVG that stands alone, in light and dark by the reader's setting, and the numbers it was drawn from.
 * Colours are classes, so that one drawing serves both settings, the page, print and rasters (librsvg knows no variables).
 */
import { formatCsvRow } from '../files/csv-row.js'

export interface DataTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | undefined)[])[]
}

export interface Figure {
  /** Of its files, without ending. */
  readonly name: string
  readonly title: string
  /** What is to be seen, for the page's caption. */
  readonly caption: string
  /** One complete SVG element, without a style sheet unless `styled`; see {@link standaloneSvg}. */
  readonly svg: string
  /** Whether the drawing brings its own style sheet, which must not meet another's on one page. */
  readonly styled?: boolean
  readonly width: number
  readonly data: DataTable
}

/**
 * Okabe and Ito's colours (2008), darkened a little on white and lightened on black where a thin line would be lost; `ink`
 * is text and the supervised network, `soft` raw pixels and axes, `faint` what others published.
 */
const LIGHT = {
  page: '#ffffff',
  ink: '#1b1f24',
  soft: '#59636e',
  faint: '#7d8792',
  grid: '#e3e7eb',
  heat: '#0072b2',
  hues: ['#0072b2', '#d55e00', '#009e73', '#c261a1', '#b87e00', '#3d9bd6', '#8f8400'],
}
const DARK: typeof LIGHT = {
  page: '#14171b',
  ink: '#e7eaee',
  soft: '#a4aeb9',
  faint: '#8b95a0',
  grid: '#2d343c',
  heat: '#2f86c4',
  hues: ['#4aa5e3', '#ee7a3a', '#1fc096', '#e19fc6', '#f0b43c', '#9bd8fa', '#e6d83f'],
}

export const HUES = LIGHT.hues.length

/** `.f-rim` gives marks a thin rim, and text a halo, of the page's colour. */
function colours({ hues, ...named }: typeof LIGHT): string {
  const all = [...Object.entries(named), ...hues.map((hue, i): [string, string] => [`hue-${i}`, hue])]
  return [
    `.f-figure,.f-figure .f-ink{color:${named.ink}}.f-figure .f-rim{stroke:${named.page}}`,
    ...all.map(([name, colour]) => `.f-figure .f-${name}{color:${colour}}`),
  ].join('')
}

const FORMS =
  '.f-figure{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-size:13px;font-variant-numeric:tabular-nums}.f-figure text{fill:currentColor;font-size:inherit;white-space:pre}'

/** The rules of all figures, for a page that holds several. Print is always light. */
export const FIGURE_STYLE = `${FORMS}${colours(LIGHT)}@media screen and (prefers-color-scheme:dark){${colours(DARK)}}`

/** A figure as a file of its own. */
export function standaloneSvg({ svg, styled }: Pick<Figure, 'svg' | 'styled'>): string {
  if (styled === true) return svg
  const rules = `<style>${FIGURE_STYLE}</style><title>`
  return `${svg.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ').replace('<title>', () => rules)}\n`
}

/** A figure in light colours whatever the reader's setting, for what knows none. */
export function lightSvg(figure: Pick<Figure, 'svg' | 'styled'>): string {
  const svg = standaloneSvg(figure)
  const start = svg.search(/@media[^{<]*prefers-color-scheme:\s*dark/)
  if (start < 0) return svg
  let [depth, end] = [0, svg.indexOf('{', start)]
  do {
    if (svg[end] === '{') depth++
    if (svg[end] === '}') depth--
    end++
  } while (depth > 0 && end < svg.length)
  return svg.slice(0, start) + svg.slice(end)
}

/** Of a figure or table, without ending. Ids of methods come from outside: no name may lead out of the folder. */
export function fileName(name: string): string {
  return name.replace(/[^\w+.-]/g, '_').replace(/^\.+/, '_')
}

/** The numbers behind a figure as CSV; a missing number is an empty field. */
export function csvText({ columns, rows }: DataTable): string {
  const field = (value: string | number | undefined): string => {
    if (value === undefined) return ''
    return typeof value === 'number' ? String(Number(value.toPrecision(10))) : value
  }
  return [columns, ...rows].map((row) => formatCsvRow(row.map(field))).join('')
}
