/**
 * The report's figures as inline SVG. Colours come from the page's style sheet, so that they follow light and dark;
 * lines differ in dash as well as in colour.
 */
import { thin } from '../training/curve.js'
import { formatCount, formatPercent } from './format.js'
import { html, type Html } from './html.js'
import type { Estimate } from '../numerics/statistics.js'
import type { LossCurve } from './run-report.js'

const INTERVAL_WIDTH = 260
const INTERVAL_HEIGHT = 22
/** Space left and right of 0 and 100 %, so that a dot at the end stays whole. */
const INTERVAL_MARGIN = 6

/** An accuracy on a scale from 0 to 100 %: a dot for the mean, a bar for the interval, a line where guessing stands. */
export function intervalPlot(estimate: Estimate, chance: number, kind: 'learned' | 'baseline'): Html {
  const x = (share: number): string =>
    (INTERVAL_MARGIN + share * (INTERVAL_WIDTH - 2 * INTERVAL_MARGIN)).toFixed(1)
  const middle = INTERVAL_HEIGHT / 2
  const title = `${formatPercent(estimate.mean)}, 95 % interval ${formatPercent(estimate.low)} to ${formatPercent(estimate.high)}`
  const mark =
    kind === 'learned'
      ? html`<circle cx="${x(estimate.mean)}" cy="${middle}" r="5" />`
      : html`<rect x="${Number(x(estimate.mean)) - 4}" y="${middle - 4}" width="8" height="8" />`
  return html`<svg
    class="interval ${kind}"
    viewBox="0 0 ${INTERVAL_WIDTH} ${INTERVAL_HEIGHT}"
    role="img"
    aria-label="${title}"
  >
    <title>${title}</title>
    <line class="axis" x1="${x(0)}" x2="${x(1)}" y1="${middle}" y2="${middle}" />
    ${[0, 0.25, 0.5, 0.75, 1].map((tick) => html`<line class="axis" x1="${x(tick)}" x2="${x(tick)}" y1="${middle - 3}" y2="${middle + 3}" />`)}
    <line class="chance" x1="${x(chance)}" x2="${x(chance)}" y1="2" y2="${INTERVAL_HEIGHT - 2}" />
    <line class="range" x1="${x(estimate.low)}" x2="${x(estimate.high)}" y1="${middle}" y2="${middle}" />
    ${mark}
  </svg>`
}

/** The scale under a column of interval plots. */
export function intervalScale(): Html {
  const x = (share: number): number => INTERVAL_MARGIN + share * (INTERVAL_WIDTH - 2 * INTERVAL_MARGIN)
  return html`<svg class="interval scale" viewBox="0 0 ${INTERVAL_WIDTH} 16" aria-hidden="true">
    <text x="${x(0)}" y="12" text-anchor="start">0 %</text>
    <text x="${x(0.5)}" y="12" text-anchor="middle">50 %</text>
    <text x="${x(1)}" y="12" text-anchor="end">100 %</text>
  </svg>`
}

const CHART = { width: 960, height: 300, left: 56, right: 16, top: 12, bottom: 42 }
/** Above this ratio of the largest to the smallest loss a logarithmic axis shows more. */
export const LOGARITHMIC_FROM = 12

/** Training losses over steps; undefined with fewer than two points. */
export function lossChart(curves: readonly LossCurve[]): Html | undefined {
  const thinned = curves.map(thin).filter((curve) => curve.value.length > 1)
  if (thinned.length === 0) return undefined
  const values = thinned.flatMap((curve) => curve.value)
  const smallest = Math.min(...values)
  const largest = Math.max(...values)
  const logarithmic = smallest > 0 && largest / smallest > LOGARITHMIC_FROM
  const scale = logarithmic ? Math.log10 : (value: number): number => value
  const [low, high] = padded(scale(smallest), scale(largest))
  const lastStep = Math.max(1, ...thinned.flatMap((curve) => curve.step))
  const right = CHART.width - CHART.right
  const bottom = CHART.height - CHART.bottom
  const x = (step: number): string => (CHART.left + (step / lastStep) * (right - CHART.left)).toFixed(1)
  const y = (value: number): string =>
    (CHART.top + ((high - scale(value)) / (high - low)) * (bottom - CHART.top)).toFixed(1)

  const lossTicks = logarithmic ? logarithmicTicks(low, high) : niceTicks(low, high, 4)
  const rows = lossTicks.map(
    (tick) =>
      html`<line class="grid" x1="${CHART.left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}" />
        <text x="${CHART.left - 8}" y="${y(tick)}" dy="4" text-anchor="end">${formatTick(tick)}</text>`,
  )
  const columns = niceTicks(0, lastStep, 5).map(
    (tick) => html`<text x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${formatCount(tick)}</text>`,
  )
  const lines = thinned.map((curve, index) => {
    const points = curve.step.map((step, i) => `${x(step)},${y(curve.value[i])}`).join(' ')
    return html`<polyline class="curve curve-${index % 4}" points="${points}" />`
  })
  const ends = thinned.map(
    (curve) => `${curve.name} ends at ${formatTick(curve.value[curve.value.length - 1])}`,
  )
  const label = `Loss over ${formatCount(lastStep)} steps: ${ends.join('; ')}`
  return html`<figure>
    <svg class="chart" viewBox="0 0 ${CHART.width} ${CHART.height}" role="img" aria-label="${label}">
      <title>${label}</title>
      ${rows}${columns}${lines}
      <text x="${(CHART.left + right) / 2}" y="${CHART.height - 2}" text-anchor="middle">steps</text>
    </svg>
    <figcaption>${thinned.map(key)}${logarithmic ? ' Logarithmic scale.' : ''}</figcaption>
  </figure>`
}

function key(curve: LossCurve, index: number): Html {
  return html`<span class="key"
    ><svg viewBox="0 0 28 8" aria-hidden="true">
      <line class="curve curve-${index % 4}" x1="0" x2="28" y1="4" y2="4" /></svg
    >${curve.name}: ${formatTick(curve.value[curve.value.length - 1])} at the end</span
  >`
}

export function padded(low: number, high: number): [number, number] {
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1
  return [low - margin, high + margin]
}

/** Round numbers within a range: 1, 2 or 5 times a power of ten apart. */
export function niceTicks(low: number, high: number, about: number): number[] {
  const rough = (high - low) / about
  const power = 10 ** Math.floor(Math.log10(rough))
  const spacing =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough
  const ticks: number[] = []
  for (let i = Math.ceil(low / spacing); i * spacing <= high; i++) ticks.push(i * spacing)
  return ticks
}

/** 1, 2 and 5 times powers of ten between two exponents, thinned to powers alone over a long range. */
export function logarithmicTicks(low: number, high: number): number[] {
  const factors = high - low > 3 ? [1] : [1, 2, 5]
  const ticks: number[] = []
  for (let exponent = Math.floor(low); exponent <= high; exponent++) {
    for (const factor of factors) {
      const tick = factor * 10 ** exponent
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick)
    }
  }
  return ticks
}

export function formatTick(value: number): string {
  return Math.abs(value) >= 1000 ? formatCount(value) : String(Number(value.toPrecision(3)))
}
