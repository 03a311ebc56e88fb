/** The report's answer to "what does a probability of 0.8 mean here": how often predictions of each probability were right. */
import * as Plot from '@observablehq/plot'
import { calibrationError, type ConfidenceBin } from '../numerics/reliability.js'
import { formatCount, formatPercent } from './format.js'
import { Html, html } from './html.js'
import { dot, lookOf } from './looks.js'
import { baseAxis, chart, drawing, valueAxis } from './plot.js'
import { drawnFigure, type Section } from './report-page.js'
import type { RunReport } from './run-report.js'
import { checkedOn } from './summary.js'

const SIZE = { width: 460, height: 400 }
/** Radius of the bin with the most predictions, in pixels. */
const LARGEST = 13
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]

export function reliabilitySection(run: RunReport): Section | undefined {
  const { reliability = [] } = run
  const counted = reliability.filter(({ count }) => count > 0)
  const total = counted.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return undefined
  const sum = (of: 'confidence' | 'right'): number => counted.reduce((all, bin) => all + bin[of], 0)
  const error = calibrationError(counted)
  const body = html`<p>
      Mean probability of the predicted class ${formatPercent(sum('confidence') / total)}, right answers
      ${formatPercent(sum('right') / total)}, on ${checkedOn(run)}. Bin by bin the two lie
      ${(100 * error).toFixed(1)} points apart (expected calibration error ${error.toFixed(3)}).
    </p>
    ${drawnFigure(new Html(reliabilityChart(counted, error)), SIZE)}`
  return { id: 'reliability', title: 'What probabilities mean', body }
}

/** A dot for each tenth, as large as it has predictions; on the dashed line probabilities say what is so. */
function reliabilityChart(bins: readonly ConfidenceBin[], error: number): string {
  const most = Math.max(...bins.map(({ count }) => count))
  const points = bins.map(({ count, confidence, right }) => ({
    x: confidence / count,
    y: right / count,
    r: Math.max(2.5, LARGEST * Math.sqrt(count / most)),
    title: `${formatCount(count)} predictions: probability ${formatPercent(confidence / count)}, right ${formatPercent(right / count)}`,
  }))
  const percent = (value: number): string => String(Math.round(100 * value))
  const drawn = chart({
    ...SIZE,
    marginLeft: 56,
    marginRight: 24,
    marginTop: 40,
    marginBottom: 56,
    x: { type: 'linear', domain: [0, 1] },
    y: { type: 'linear', domain: [0, 1] },
    r: { type: 'identity' },
    marks: [
      ...valueAxis({ ticks: TICKS, tickFormat: percent, title: 'right (%)' }),
      ...baseAxis({ ticks: TICKS, tickFormat: percent, title: 'probability of the prediction (%)' }),
      Plot.link([0], {
        x1: 0,
        y1: 0,
        x2: 1,
        y2: 1,
        className: 'f-soft',
        stroke: 'currentColor',
        strokeDasharray: '4 3',
      }),
      Plot.dot(points, { ...dot(lookOf(0)), x: 'x', y: 'y', r: 'r', title: 'title' }),
    ],
  })
  const title = `Share of right predictions over their probability; expected calibration error ${error.toFixed(3)}`
  return drawing({ title, ...SIZE }, [{ chart: drawn }])
}
