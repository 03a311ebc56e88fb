/** Up to which number of labels each method beats a supervised network: a mark, its interval, arrows where it runs out. */
import * as Plot from '@observablehq/plot'
import type { Figure } from '../../../draw/figure-frame.js'
import { dot } from '../../../draw/looks.js'
import { baseAxis, chart, drawing, heading, SOFT, textWidth, within, type Marks } from '../../../draw/plot.js'
import { methodLooks } from '../method-looks.js'
import { PUBLISHED_CROSSOVERS, publishedId, publishedSet } from '../../published.js'
import { headlineHead } from '../../results.js'
import type { Study } from '../../result.js'
import { crossingInWords, rivalsInWords, roundedCount, type Crossing, type Crossover } from './crossover.js'

const WIDTH = 820
const ROW = 26
const HEAD = 42

/**
 * Undefined without crossovers.
 *
 * @param all with the head of headlines: these are drawn
 * @param reference with the reference's head: these are in the data only
 */
export function crossoverFigure(
  study: Study,
  all: readonly Crossover[],
  reference: readonly Crossover[],
): Figure | undefined {
  if (all.length === 0) return undefined
  const smallest = Math.min(...all.map((one) => one.smallest))
  const largest = Math.max(...all.map((one) => one.largest), smallest * 1.01)
  const names = Math.min(300, Math.max(...all.map(({ method }) => textWidth(method.title))))
  const panels = [...new Set(all.map(rivalsInWords))].map((rival) => {
    const rows = all.filter((one) => rivalsInWords(one) === rival)
    return { rival, rows, height: HEAD + rows.length * ROW }
  })
  const heights = panels.map(({ height }) => height)
  const title = `${study.dataset.title}: up to how many labels each method is ahead of a supervised network`
  const drawn = panels.map(({ rival, rows, height }, i) => {
    const last = i === panels.length - 1
    const [marginLeft, marginBottom] = [names + 74, last ? 52 : 0]
    const plot = chart({
      width: WIDTH,
      height: height + marginBottom,
      marginLeft,
      marginBottom,
      marginTop: HEAD,
      marginRight: 200,
      x: { type: 'linear', transform: Math.log2, domain: [smallest, largest].map(Math.log2) },
      y: { type: 'point', padding: 0.5, domain: rows.map(({ method }) => method.id) },
      marks: [
        Plot.axisY({
          ...within(names),
          tickSize: 0,
          tickPadding: 22,
          label: null,
          tickFormat: (id: string) => titleOf(rows, id),
        }),
        heading(`ahead of ${rival}`, {
          ...SOFT,
          className: 'f-ink',
          fontWeight: 650,
          dx: 12 - marginLeft,
          dy: -12,
        }),
        ...(last
          ? baseAxis({
              ticks: ticksOf(smallest, largest).map(Math.log2),
              tickFormat: (power) => String(2 ** power),
              title: 'labels per class',
            })
          : [Plot.axisX({ ticks: [] })]),
        ...rowMarks(study, rows),
      ],
    })
    return { chart: plot, top: heights.slice(0, i).reduce((sum, one) => sum + one, 0) }
  })
  const height = heights.reduce((sum, one) => sum + one, 56)
  const claims = publishedOf(study).length > 0
  return {
    name: 'crossover',
    title,
    caption: `Labels per class up to which a method's accuracy, with ${headlineHead(study)?.title ?? 'one head'}, lies above that of the supervised network that is right more often at that count: interpolated over the logarithm of the count; bars are 95 % bootstrap intervals over the draws${study.cells.some(({ furtherTrainings = [] }) => furtherTrainings.length > 0) ? ' and trainings' : ''}. Arrows: further than was measured.${claims ? ' Grey rings: what the reference study claims for its own models and its own network.' : ''}`,
    width: WIDTH,
    svg: drawing({ title, width: WIDTH, height }, drawn),
    data: {
      columns: [
        'method',
        'rival',
        'heads',
        'ahead_up_to',
        'low_95',
        'high_95',
        'smallest',
        'largest',
        'in_words',
      ],
      rows: [...all, ...reference].map((one) => [
        one.method.id,
        rivalsInWords(one),
        one.heads,
        written(one.at),
        written(one.low),
        written(one.high),
        one.smallest,
        one.largest,
        crossingInWords(one),
      ]),
    },
  }
}

const titleOf = (rows: readonly Crossover[], id: string): string =>
  rows.find(({ method }) => method.id === id)?.method.title ?? id

function rowMarks(study: Study, rows: readonly Crossover[]): Marks {
  const looks = methodLooks(study)
  const y = ({ method }: Crossover): string => method.id
  const claims = publishedOf(study).filter(({ method, labelsPerClass }) =>
    rows.some(
      (one) => one.method.id === method && labelsPerClass >= one.smallest && labelsPerClass <= one.largest,
    ),
  )
  return [
    Plot.ruleY(rows, { y, x1: 'smallest', x2: 'largest', className: 'f-grid', stroke: 'currentColor' }),
    Plot.dot(claims, {
      x: 'labelsPerClass',
      y: 'method',
      r: 5.5,
      stroke: 'currentColor',
      strokeWidth: 2,
      className: 'f-faint',
    }),
    ...rows.flatMap((one) => {
      const look = looks(one.method.id)
      // What was measured against this rival ends where its own row ends, not at the end of the axis.
      const place = (size: Crossing): number => Math.min(one.largest, Math.max(one.smallest, size))
      const { at, low = at, high = at } = one
      const arrows = [Infinity, -Infinity].filter((end) => [at, low, high].includes(end))
      const bar = { y, x1: () => place(low), x2: () => place(high), strokeWidth: 3.5, strokeOpacity: 0.5 }
      return [
        Plot.ruleY([one], { ...bar, className: look.colour, stroke: 'currentColor' }),
        ...arrows.map((end) =>
          Plot.vector([one], {
            ...ARROW,
            x: () => place(end),
            y,
            rotate: Math.sign(end) * 90,
            dx: Math.sign(end) * 5,
            className: look.colour,
          }),
        ),
        Plot.dot([one], { x: () => place(at), y, ...dot(look) }),
      ]
    }),
    Plot.text(rows, { ...SOFT, y, text: shortWords, frameAnchor: 'right', textAnchor: 'start', dx: 26 }),
  ]
}

const ARROW = { stroke: 'currentColor', strokeWidth: 2, length: 12, anchor: 'start', shape: 'arrow' } as const

function shortWords(one: Crossover): string {
  const word = (value: Crossing): string => {
    if (value === Infinity) return `> ${roundedCount(one.largest)}`
    return value === -Infinity ? `< ${roundedCount(one.smallest)}` : roundedCount(value)
  }
  const at = word(one.at)
  if (one.low === undefined || one.high === undefined) return `${at} (one draw)`
  const [low, high] = [word(one.low), word(one.high)]
  return low === high && low === at ? at : `${at}  (${low} to ${high})`
}

function publishedOf(study: Study): typeof PUBLISHED_CROSSOVERS {
  const set = publishedSet(study.dataset.name)
  const shown = new Set(study.methods.map(publishedId))
  return PUBLISHED_CROSSOVERS.filter((claim) => claim.set === set && shown.has(claim.method))
}

/** Powers of two within the range, every second one over a long range. */
function ticksOf(smallest: number, largest: number): number[] {
  const all: number[] = []
  for (let size = 1; size <= largest * 1.0001; size *= 2) if (size >= smallest * 0.9999) all.push(size)
  return all.length > 9 ? all.filter((_, i) => i % 2 === 0) : all
}

function written(value: Crossing | undefined): number | string | undefined {
  if (value === undefined || Number.isFinite(value)) return value
  return value > 0 ? 'beyond' : 'never'
}
