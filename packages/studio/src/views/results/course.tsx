/** Accuracy over the labels so far, and whether the probabilities can be believed. */
import { useMemo } from 'preact/hooks'
import type { Results } from '../../../../handful/src/studio/protocol.js'
import { Chart } from '../../parts/chart.js'

const LEARNED = '#2a8bd0'
const BASELINE = '#d98324'

export function Course({ results }: { results: Results }) {
  const course = useMemo(
    () => [
      {
        name: 'accuracy',
        colour: LEARNED,
        points: results.history.map(({ labels, accuracy }) => [labels, accuracy] as const),
      },
    ],
    [results],
  )
  const trust = useMemo(() => {
    const bins = results.reliability.filter(({ count }) => count > 0)
    return [
      { name: 'as said', colour: BASELINE, points: [[0, 0] as const, [1, 1] as const], dashed: true },
      {
        name: 'as it was',
        colour: LEARNED,
        points: bins.map(({ confidence, accuracy }) => [confidence, accuracy] as const),
        dots: true,
      },
    ]
  }, [results])
  return (
    <div class="two-charts">
      <section>
        <h2>Accuracy over the labels so far</h2>
        {results.history.length < 2 ? (
          <p class="soft small">A line once there have been two estimates.</p>
        ) : (
          <Chart name="Accuracy over labels" lines={course} height={260} xName="labels" asPercent />
        )}
      </section>
      <section>
        <h2>Can the probabilities be believed?</h2>
        {trust[1].points.length === 0 ? (
          <p class="soft small">Told once enough labels were left out and guessed.</p>
        ) : (
          <Chart
            name="Accuracy over confidence"
            lines={trust}
            height={260}
            xName="confidence"
            xRange={[0, 1]}
            yRange={[0, 1]}
            asPercent
            xAsPercent
          />
        )}
        <p class="soft small">On the dashed line, 90 % sure means right nine times in ten.</p>
      </section>
    </div>
  )
}
