/** An accuracy on a scale from 0 to 100 %, small enough for a table's cell. */
import * as Plot from '@observablehq/plot'
import type { Estimate } from '../numerics/statistics.js'
import { formatPercent } from './format.js'
import { Html } from './html.js'
import { chart, drawing } from './plot.js'

const WIDTH = 260
/** 6 pixels left and right of 0 and 100 %, so that a dot at the end stays whole. */
const SHARES = { domain: [0, 1], inset: 6, axis: null } as const

/** A dot for the mean, a bar for the interval, a dashed line where guessing stands. */
export function intervalPlot(
  { mean, low, high }: Estimate,
  chance: number,
  kind: 'learned' | 'baseline',
): Html {
  const height = 22
  const title = `${formatPercent(mean)}, 95 % interval ${formatPercent(low)} to ${formatPercent(high)}`
  const grid = { className: 'f-soft', stroke: 'currentColor', strokeOpacity: 0.3 }
  const plot = chart({
    width: WIDTH,
    height,
    margin: 0,
    x: SHARES,
    marks: [
      Plot.ruleY([0], { ...grid, y: null, x1: 0, x2: 1 }),
      Plot.ruleX([0, 0.25, 0.5, 0.75, 1], { ...grid, inset: 8 }),
      Plot.ruleX([chance], { className: 'f-soft', stroke: 'currentColor', strokeDasharray: '2 2', inset: 2 }),
      Plot.ruleY([mean], {
        className: kind,
        y: null,
        x1: low,
        x2: high,
        stroke: 'currentColor',
        strokeWidth: 3,
      }),
      Plot.dot([mean], {
        className: kind,
        x: [mean],
        fill: 'currentColor',
        r: kind === 'learned' ? 5 : 4.5,
        symbol: kind === 'learned' ? 'circle' : 'square',
      }),
    ],
  })
  return new Html(drawing({ title, width: WIDTH, height, kind: 'interval' }, [{ chart: plot }]))
}

/** The scale under a column of interval plots. */
export function intervalScale(): Html {
  const height = 16
  const ends = [0, 0.5, 1]
  const plot = chart({
    width: WIDTH,
    height,
    margin: 0,
    x: SHARES,
    marks: ends.map((end, i) =>
      Plot.text([`${end * 100} %`], {
        className: 'f-soft',
        x: [end],
        textAnchor: (['start', 'middle', 'end'] as const)[i],
      }),
    ),
  })
  return new Html(drawing({ title: '0 to 100 %', width: WIDTH, height, kind: 'interval' }, [{ chart: plot }]))
}
