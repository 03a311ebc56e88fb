/** From which confidence on A accepts, and how many images of those shown that would be. */
import { useStore } from '../../context.js'
import { number, percent } from '../../logic/format.js'
import { acceptAll } from '../../parts/bulk.js'
import { keepFocus, Segments } from '../../parts/small.js'
import type { Order } from '../../store.js'

export function Threshold() {
  const store = useStore()
  void store.labelsVersion.value
  const predictions = store.predictions.value
  const threshold = store.threshold.value
  let open = 0
  if (predictions !== undefined)
    for (const image of store.shown.value)
      if (
        store.labels[image] === -1 &&
        predictions.classes[image] >= 0 &&
        predictions.probabilities[image] >= threshold
      )
        open++
  return (
    <section aria-label="Order and suggestions">
      <h2>Order</h2>
      <Segments<Order>
        name="Order"
        value={store.order.value}
        choices={[
          ['path', 'Name'],
          ['unsure', 'Least sure'],
          ['sure', 'Surest'],
        ]}
        onChoose={(order) => {
          store.order.value = order
        }}
      />
      <label class="with-value" for="threshold">
        <span>Accept from</span>
        <b class="number">{percent(threshold)}</b>
      </label>
      <input
        id="threshold"
        type="range"
        min={0.3}
        max={0.99}
        step={0.01}
        value={threshold}
        onInput={(event) => {
          store.threshold.value = Number(event.currentTarget.value)
        }}
      />
      <button type="button" disabled={open === 0} onMouseDown={keepFocus} onClick={() => acceptAll(store)}>
        Accept {number(open)} shown <kbd>A</kbd>
      </button>
    </section>
  )
}
