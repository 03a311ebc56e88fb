/** Losses over training steps, as the run's report and the study's draw them. */
import * as Plot from '@observablehq/plot'
import { thin, type Curve } from '../training/curve.js'
import { formatCount } from './format.js'
import { Html } from './html.js'
import { legend, stroke } from './lines.js'
import { lookOf } from './looks.js'
import { baseAxis, chart, drawing, heading, overlay, valueAxis, type Placed } from './plot.js'
import { drawnFigure } from './report-page.js'

/** Above this ratio of the largest to the smallest loss a logarithmic axis shows more. */
const LOGARITHMIC_FROM = 12

/** Thinned curves with two points at least. */
export function drawnCurves(curves: readonly Curve[]): Curve[] {
  return curves.map(thin).filter(({ value }) => value.length > 1)
}

/** Curves on axes of their own, with their names above, in a part of a figure. */
export function lossPanel(
  curves: readonly Curve[],
  { width, height, left = 0, top = 0, title }: Panel,
): readonly Placed[] {
  const values = curves.flatMap(({ value }) => value)
  const [smallest, largest] = [Math.min(...values), Math.max(...values)]
  const logarithmic = smallest > 0 && largest / smallest > LOGARITHMIC_FROM
  const lastStep = Math.max(1, ...curves.flatMap(({ step }) => step))
  const above = title === undefined ? 20 : 46
  const names = legend(
    curves.map(({ name, value }, i) => ({
      name: `${name}: ${formatTick(value[value.length - 1])}`,
      look: lookOf(i),
      unmarked: true,
    })),
    { left: 20, right: width, top: above },
  )
  const marginLeft = 56
  // Plot's own logarithmic axis leaves out labels of ticks that it is given.
  const y = logarithmic
    ? {
        scale: Math.log10,
        ticks: logarithmicTicks(smallest, largest).map(Math.log10),
        of: (power: number) => 10 ** power,
      }
    : { scale: (value: number) => value, ticks: 4, of: (value: number) => value }
  const panel = chart({
    width,
    height,
    marginLeft,
    marginRight: 28,
    marginTop: above + names.height,
    marginBottom: 50,
    x: { type: 'linear', domain: [0, lastStep] },
    y: { type: 'linear', domain: [y.scale(smallest), y.scale(largest)], inset: 8 },
    marks: [
      ...(title === undefined
        ? []
        : [
            heading(title, {
              className: 'f-ink',
              fontWeight: 650,
              dx: 20 - marginLeft,
              dy: -names.height - 20,
            }),
          ]),
      ...valueAxis({ ticks: y.ticks, tickFormat: (tick: number) => formatTick(y.of(tick)) }),
      ...baseAxis({
        ticks: 4,
        tickFormat: formatCount,
        title: logarithmic ? 'steps (loss on a logarithmic scale)' : 'steps',
      }),
      ...curves.map(({ step, value }, i) =>
        Plot.lineY(value, { ...stroke(lookOf(i)), x: step, y: value.map(y.scale) }),
      ),
    ],
  })
  return [
    { chart: panel, left, top },
    { ...overlay(width, height, names.marks), left, top },
  ]
}

interface Panel {
  readonly width: number
  readonly height: number
  readonly left?: number
  readonly top?: number
  readonly title?: string
}

/** Training losses over steps; undefined with fewer than two points. */
export function lossChart(curves: readonly Curve[]): Html | undefined {
  const drawn = drawnCurves(curves)
  if (drawn.length === 0) return undefined
  const ends = drawn.map(({ name, value }) => `${name} ends at ${formatTick(value[value.length - 1])}`)
  const lastStep = Math.max(1, ...drawn.flatMap(({ step }) => step))
  const title = `Loss over ${formatCount(lastStep)} steps: ${ends.join('; ')}`
  const size = { width: 720, height: 300 }
  return drawnFigure(new Html(drawing({ title, ...size }, lossPanel(drawn, size))), size)
}

/** 1, 2 and 5 times powers of ten between two numbers, thinned to powers alone over a long range. */
function logarithmicTicks(low: number, high: number): number[] {
  const factors = high / low > 1000 ? [1] : [1, 2, 5]
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high / low)) + 2 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  )
  return powers
    .flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)))
    .filter((tick) => tick >= low && tick <= high)
}

function formatTick(value: number): string {
  return Math.abs(value) >= 1000 ? formatCount(value) : String(Number(value.toPrecision(3)))
}
