/**
 * Observable Plot without a browser: charts drawn into linkedom's document, put together into one SVG element with nothing
 * but classes for colours (figure-frame.ts has their rules), and axes as all figures have them. Plot can't measure text here:
 * margins are given or come from `textWidth`.
 */
import * as Plot from '@observablehq/plot'
import { DOMParser } from 'linkedom'
import { escapeHtml } from './html.js'

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
export function chart({ marks, ...options }: Plot.PlotOptions & { readonly marks: Marks }): Chart {
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
export function drawing({ title, width, height, id = 'f-figure' }: Frame, parts: readonly Placed[]): string {
  const name = xmlSafe(escapeHtml(title))
  const size = `viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}"`
  const inside = parts.map(({ chart, left = 0, top = 0 }) => nested(chart, left, top)).join('')
  return `<svg xmlns="http://www.w3.org/2000/svg" class="${id}" ${size} role="img" aria-label="${name}"><title>${name}</title><rect class="f-page" width="100%" height="100%" fill="currentColor"/>${xmlSafe(inside)}</svg>`
}

export interface Frame {
  readonly title: string
  readonly width: number
  readonly height: number
  /** The class that the figure's rules stand under. */
  readonly id?: string
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

/** What XML 1.0 has no place for: control characters and halves of surrogate pairs. */
const NOT_XML =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text that XML can hold; what it can't becomes the replacement character. */
export function xmlSafe(text: string): string {
  return text.replace(NOT_XML, '\ufffd')
}

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
  text = true,
}: {
  readonly ticks: readonly (number | string)[]
  readonly title?: string
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
      : [Plot.text([title], { ...SOFT, frameAnchor: 'bottom', lineAnchor: 'bottom', dy: 44 })]),
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
