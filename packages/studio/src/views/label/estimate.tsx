/** How right the predictions are, as far as the labels can tell. */
import { useStore } from '../../context.js'
import { counted, percent } from '../../logic/format.js'

export function EstimatePanel() {
  const store = useStore()
  const estimate = store.state.value?.estimate
  return (
    <section class="estimate" aria-label="Accuracy" aria-live="polite">
      <h2>Accuracy</h2>
      {estimate === undefined ? (
        <p class="soft small">
          {store.state.value?.run === undefined
            ? 'Told once a model is trained and two classes have labels.'
            : 'Told once two classes have a few labels each.'}
        </p>
      ) : (
        <>
          <div class="figure">
            {percent(estimate.accuracy)}
            <span class="soft small">
              {Math.round(estimate.low * 100)} to {percent(estimate.high)}
            </span>
          </div>
          <span class="range" aria-hidden="true">
            <i
              style={{ left: `${estimate.low * 100}%`, width: `${(estimate.high - estimate.low) * 100}%` }}
            />
            <b style={{ left: `${estimate.accuracy * 100}%` }} />
          </span>
          <p class="soft small">
            {estimate.from === 'audit'
              ? `from ${counted(estimate.labels, 'image')} drawn at random and labelled blind`
              : `from ${counted(estimate.labels, 'label')} left out in turn; blind checks will tell more truly`}
          </p>
        </>
      )}
    </section>
  )
}
