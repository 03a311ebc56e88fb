/**
 * Observable Plot without a browser: charts drawn into linkedom's document, put together into one SVG element with nothing
 * but classes for colours (figure-frame.ts has their rules), and axes as all figures have them. Plot can't measure text here:
 * margins are given or come from `textWidth`.
 */
import * as Plot from '@observablehq/plot'
import { DOMParser } from 'linkedom'
import { escapeHtml, xmlSafe } from './html.js'

declare global {
  /** What little of the DOM this module touches; Plot's types name the rest. */
  interface Element {
    readonly outerHTML: string
    readonly tagName: string
    readonly children: Iterable<Element>
    readonly attributes: Iterable<{ readonly name: string; value: string }>
    setAttribute(name: string, value: string): void
    removeAttribute(name: string): void
    querySelector(selector: string): Element | null
    querySelectorAll(selector: string): Iterable<Element>
    remove(): void
  }
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface SVGSVGElement extends Element {}
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface HTMLElement extends Element {}
}

export type Marks = readonly Plot.Markish[]
export type Chart = ReturnType<typeof Plot.plot>

/** A chart at its place in a figure. */
export interface Placed {
  readonly chart: Chart
  readonly left?: number
  readonly top?: number
}

const document = new DOMParser().parseFromString('<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml')

/** A chart of Plot's; what is drawn takes the colour of its mark's `className`. */
export function chart({
  marks,
  ...options
}: Omit<Plot.PlotOptions, 'marks'> & { readonly marks: Marks }): Chart {
  return Plot.plot({ document, ...options, marks: [...marks] })
}

/** Where a value lies on a drawn chart, in pixels. */
export function placeOn(drawn: Chart, axis: 'x' | 'y', value: number | string): number {
  const scale = drawn.scale(axis)
  return Number(scale?.apply(scale.percent === true ? 100 * Number(value) : value))
}

/** Marks in the figure's own pixels over the charts. */
export function overlay(width: number, height: number, marks: Marks): Placed {
  const pixels = { type: 'identity', axis: null } as const
  return { chart: chart({ width, height, margin: 0, x: pixels, y: pixels, marks }) }
}

/** Charts as one SVG element over its own ground, so that it can be read on any page. */
export function drawing({ title, width, height, kind }: Frame, parts: readonly Placed[]): string {
  const name = xmlSafe(escapeHtml(title))
  const size = `viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}"`
  const inside = parts.map(({ chart, left = 0, top = 0 }) => nested(chart, left, top)).join('')
  return `<svg class="f-figure${kind === undefined ? '' : ` ${kind}`}" ${size} role="img" aria-label="${name}"><title>${name}</title><rect class="f-page" width="100%" height="100%" fill="currentColor"/>${xmlSafe(inside)}</svg>`
}

interface Size {
  readonly width: number
  readonly height: number
}

export interface Frame extends Size {
  readonly title: string
  /** A class beside that of all figures, for the page's rules. */
  readonly kind?: string
}

function nested(svg: Chart, left: number, top: number): string {
  svg.querySelector('style')?.remove()
  for (const name of ['class', 'font-family', 'font-size', 'viewBox']) svg.removeAttribute(name)
  svg.setAttribute('overflow', 'visible')
  svg.setAttribute('x', String(left))
  svg.setAttribute('y', String(top))
  for (const element of svg.querySelectorAll('*')) {
    for (const attribute of element.attributes) {
      if (attribute.name === 'aria-label') element.removeAttribute('aria-label')
      else if (attribute.name !== 'href') attribute.value = rounded(attribute.value)
    }
  }
  return svg.outerHTML
}

const rounded = (text: string): string => text.replace(/-?\d+\.\d{3,}/g, (number) => round(Number(number)))

/** Up to two decimals, without trailing zeros. */
const round = (value: number): string => String(Math.round(value * 100) / 100)

/** Size of figures' text in pixels. */
const TEXT = 13

/** Widths of characters in a common sans serif, in hundredths of its size; a little wide, as fonts differ. */
const NARROW = new Set("iljtfrI.,:;'|!()[] ")
const WIDE = new Set('mwMWQO@%&+±')

export function textWidth(text: string, size = TEXT): number {
  let width = 0
  for (const character of text) {
    if (NARROW.has(character)) width += 0.34
    else if (WIDE.has(character)) width += 0.86
    else if (character.charCodeAt(0) > 0x2e80) width += 1
    else width += /[A-Z]/.test(character) ? 0.7 : 0.58
  }
  return width * size
}

/** Options of a text that is cut with an ellipsis, its whole as a title, where it is wider than so many pixels. */
export function within(width: number, size = TEXT): Plot.TextOptions {
  return { textOverflow: 'ellipsis', lineWidth: width / size, fontSize: size }
}

/** Text that stands clear of what is under it; `className` has to name `f-rim`. */
export const HALO = { fill: 'currentColor', stroke: 'currentColor', strokeWidth: 4 } as const

export const SOFT = { className: 'f-soft' } as const

/** Grid lines across, with their values beside them and the axis' title above. */
export function valueAxis(options: Plot.AxisYOptions & { readonly title?: string }): Marks {
  const { title, ...rest } = options
  return [
    Plot.gridY({
      className: 'f-grid',
      stroke: 'currentColor',
      strokeOpacity: 1,
      ...(rest.ticks === undefined ? {} : { ticks: rest.ticks }),
    }),
    Plot.axisY({ ...SOFT, label: null, tickSize: 0, tickPadding: 8, ...rest }),
    ...(title === undefined ? [] : [heading(title, { ...SOFT, dx: -8 - textWidth('100'), dy: -18 })]),
  ]
}

/** A line below the plot with ticks and their labels, and the axis' title underneath. */
export function baseAxis({
  ticks,
  title,
  tickFormat,
  offset = 40,
  text = true,
}: {
  readonly ticks: number | readonly (number | string)[]
  readonly title?: string
  /** Of the title, below the line. */
  readonly offset?: number
  readonly tickFormat?: (tick: number, i: number) => string
  readonly text?: boolean
}): Marks {
  const shared = { ...SOFT, ticks, label: null, tickFormat: tickFormat as Plot.AxisXOptions['tickFormat'] }
  return [
    Plot.frame({ anchor: 'bottom', className: 'f-soft', stroke: 'currentColor' }),
    Plot.axisX(
      text ? { ...shared, tickSize: 5, tickPadding: 5 } : { ...shared, tickFormat: () => '', tickSize: 5 },
    ),
    ...(title === undefined
      ? []
      : [Plot.text([title], { ...SOFT, frameAnchor: 'bottom', lineAnchor: 'bottom', dy: offset })]),
  ]
}

/** A text above the plot's upper left corner. */
export function heading(text: string, options: Plot.TextOptions): Plot.Markish {
  return Plot.text([text], { frameAnchor: 'top-left', lineAnchor: 'bottom', textAnchor: 'start', ...options })
}

/** Where guessing would be. */
export function guessing(share: number): Plot.Markish {
  return Plot.ruleY([share], { className: 'f-soft', stroke: 'currentColor', strokeDasharray: '1 3' })
}

/** Places of charts side by side in rows of two, and the size of the figure that they fill. */
export function panelsOf(
  count: number,
  { height, top = 0 }: { readonly height: number; readonly top?: number },
): Size & { readonly panels: readonly (Size & { readonly left: number; readonly top: number })[] } {
  const columns = Math.min(2, count)
  const width = 860 / columns
  const panels = Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns)
    return { width, height, left: (i % columns) * width, top: top + row * height }
  })
  return { panels, width: 860, height: top + Math.ceil(count / columns) * height }
}
