/** The curves of the runs, one metric at a time, all runs in one chart. */
import { useMemo, useState } from 'preact/hooks'
import type { Metrics, RunCard } from '../../../../handful/src/studio/protocol.js'
import { classColour } from '../../logic/colours.js'
import { value } from '../../logic/format.js'
import { Chart } from '../../parts/chart.js'
import { Segments, Swatch } from '../../parts/small.js'

export interface ShownRun {
  readonly card: RunCard
  readonly metrics: Metrics
  readonly colour: number
}

export function Curves({ runs }: { runs: readonly ShownRun[] }) {
  const names = [...new Set(runs.flatMap(({ metrics }) => Object.keys(metrics.curves)))]
  const [chosen, setChosen] = useState<string | undefined>()
  const name = chosen !== undefined && names.includes(chosen) ? chosen : names[0]
  const lines = useMemo(
    () =>
      runs.flatMap(({ card, metrics, colour }) => {
        const points = metrics.curves[name]
        return points === undefined ? [] : [{ name: card.name, colour: classColour(colour), points }]
      }),
    [...runs.map(({ metrics }) => metrics), name],
  )
  if (name === undefined) return null
  return (
    <section class="curves" aria-label="Curves">
      <div class="scroll">
        <Segments<string>
          name="Metric"
          value={name}
          choices={names.map((n) => [n, n] as const)}
          onChoose={setChosen}
        />
      </div>
      <Chart name={name} lines={lines} height={250} xName="step" />
      <p class="chart-names">
        {lines.map((line, k) => (
          <span key={line.name}>
            <Swatch id={runs[k].colour} />
            {line.name}
            <b class="number">{value(line.points[line.points.length - 1]?.[1] ?? NaN)}</b>
          </span>
        ))}
      </p>
    </section>
  )
}
