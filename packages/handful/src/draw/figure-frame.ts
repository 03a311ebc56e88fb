/**
 * A figure: an SVG that stands alone, in light and dark by the reader's setting, and the numbers it was drawn from.
 * Colours are classes, so that one drawing serves both settings, the page, print and rasters.
 */
import { formatCsvRow } from '../files/csv.js'
import { escapeHtml, Html } from './html.js'

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

type Attributes = Readonly<Record<string, string | number | undefined>>

/** What XML 1.0 has no place for: control characters and halves of surrogate pairs. */
const NOT_XML =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** An SVG element; numbers are rounded to hundredths, undefined attributes left out. */
export function element(name: string, attributes: Attributes, ...children: readonly (Html | string)[]): Html {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? number(value) : xmlText(String(value))}"`)
    .join('')
  const inside = children.map((child) => (child instanceof Html ? child.text : xmlText(child))).join('')
  return new Html(inside === '' ? `<${name}${written}/>` : `<${name}${written}>${inside}</${name}>`)
}

export function group(attributes: Attributes, children: readonly Html[]): Html {
  return element('g', attributes, ...children)
}

/** Text that XML can hold; what it can't becomes the replacement character. */
export function xmlSafe(text: string): string {
  return text.replace(NOT_XML, '\ufffd')
}

function xmlText(text: string): string {
  return escapeHtml(xmlSafe(text))
}

/** Up to two decimals, without trailing zeros. */
export function number(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** The drawing as one SVG element over its own ground, so that it can be read on any page. */
export function drawing(
  { title, width, height }: { readonly title: string; readonly width: number; readonly height: number },
  children: readonly Html[],
): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: 'f-figure',
      viewBox: `0 0 ${number(width)} ${number(height)}`,
      width,
      height,
      role: 'img',
      'aria-label': title,
    },
    element('title', {}, title),
    element('rect', { class: 'f-page', width: '100%', height: '100%' }),
    ...children,
  ).text
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

function colours({ page, ink, soft, faint, grid, heat, hues }: typeof LIGHT): string {
  const rules = [
    `.f-figure{color:${ink}}`,
    `.f-page{fill:${page}}`,
    `.f-figure text{fill:${ink}}`,
    `.f-figure .f-soft{fill:${soft}}`,
    `.f-figure .f-faint{fill:${faint}}`,
    `.f-grid{stroke:${grid}}`,
    `.f-axis{stroke:${soft}}`,
    `.f-heat{fill:${heat}}`,
    `.f-mark{stroke:${page}}`,
    `.f-figure .f-note{stroke:${page}}`,
    `.f-ink{color:${ink}}`,
    `.f-grey{color:${soft}}`,
    `.f-published{color:${faint}}`,
    ...hues.map((hue, i) => `.f-hue-${i}{color:${hue}}`),
  ]
  return rules.join('')
}

export const HUES = LIGHT.hues.length

const FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'

const FORMS = [
  `.f-figure{font-family:${FONT};font-size:13px;font-variant-numeric:tabular-nums}`,
  '.f-figure .f-small{font-size:11px}',
  '.f-figure .f-note{font-size:12px;stroke-width:4px;paint-order:stroke;stroke-linejoin:round}',
  '.f-figure .f-tiny{font-size:10px}',
  '.f-figure .f-bold{font-weight:650}',
  '.f-grid,.f-axis{fill:none;stroke-width:1}',
  '.f-line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:butt}',
  '.f-thin{stroke-width:1.2}',
  '.f-bar{stroke-width:3.5;opacity:.5}',
  '.f-leader{fill:none;stroke:currentColor;stroke-width:.8;opacity:.55}',
  '.f-band{fill:currentColor;fill-opacity:.13;stroke:none}',
  '.f-whisker{fill:none;stroke:currentColor;stroke-width:1.3;opacity:.75}',
  '.f-mark{fill:currentColor;stroke-width:1}',
  '.f-ring{fill:none;stroke:currentColor;stroke-width:2}',
  '.f-rule{fill:none;stroke:currentColor;stroke-width:1}',
].join('')

const DARK_RULES = `@media screen and (prefers-color-scheme:dark){${colours(DARK)}}`

/** The rules of all figures, for a page that holds several. Print is always light. */
export const FIGURE_STYLE = `${FORMS}${colours(LIGHT)}${DARK_RULES}`

/** A figure as a file of its own. */
export function standaloneSvg({ svg, styled }: Pick<Figure, 'svg' | 'styled'>): string {
  return styled === true ? svg : `${svg.replace('<title>', `<style>${FIGURE_STYLE}</style><title>`)}\n`
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
