/** The curves of the runs: a panel for each metric, so that each has its own scale; runs of one model share theirs. */
import { useMemo } from 'preact/hooks'
import type { Metrics, RunCard } from '../../../../handful/src/studio/protocol.js'
import { classColour } from '../../logic/colours.js'
import { value } from '../../logic/format.js'
import { type Panel, panelsOf } from '../../logic/panels.js'
import { Chart } from '../../parts/chart.js'
import { Swatch } from '../../parts/small.js'

export interface ShownRun {
  readonly card: RunCard
  readonly metrics: Metrics
  readonly colour: number
}

/** @param which the curves of the loss itself, or of its parts and all else */
export function Curves({ runs, which }: { runs: readonly ShownRun[]; which: 'first' | 'others' }) {
  const panels = panelsOf(runs.map(({ card, metrics }) => ({ model: card.model, curves: metrics.curves })))
  const [first] = panels
  const shown = panels.filter(({ metric }) => (metric === first.metric) === (which === 'first'))
  if (shown.length === 0) return null
  return (
    <section class="curves" aria-label={which === 'first' ? 'Curves' : 'More curves'}>
      {which === 'first' && (
        <p class="chart-names">
          {runs.map(({ card, colour }) => (
            <span key={card.name}>
              <Swatch id={colour} />
              {card.name}
            </span>
          ))}
        </p>
      )}
      <div class="curve-panels">
        {shown.map((panel) => (
          <CurvePanel key={panel.name} panel={panel} runs={panel.runs.map((at) => runs[at])} />
        ))}
      </div>
    </section>
  )
}

function CurvePanel({ panel: { name, metric }, runs }: { panel: Panel; runs: readonly ShownRun[] }) {
  const lines = useMemo(
    () =>
      runs.map(({ card, metrics, colour }) => ({
        name: card.name,
        colour: classColour(colour),
        points: metrics.curves[metric],
      })),
    [...runs.flatMap(({ card, metrics }) => [card.name, metrics]), metric],
  )
  return (
    <figure class="curve-panel">
      <figcaption>
        <b>{name}</b>
        {lines.map((line, k) => (
          <span key={line.name} class="number">
            {lines.length > 1 && <Swatch id={runs[k].colour} />}
            {value(line.points[line.points.length - 1]?.[1] ?? NaN)}
          </span>
        ))}
      </figcaption>
      <Chart name={name} lines={lines} height={140} xName="step" isPanel />
    </figure>
  )
}
