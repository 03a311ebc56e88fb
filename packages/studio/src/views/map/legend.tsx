/** What the colours mean, with counts; a click filters to one, another click adds or takes away. */
import type { ComponentChildren } from 'preact'
import { useStore } from '../../context.js'
import { confidenceColour } from '../../logic/colours.js'
import { labelText, toggled } from '../../logic/filters.js'
import { number } from '../../logic/format.js'
import { Thumbnail } from '../../parts/grid.js'
import { keepFocus, Swatch } from '../../parts/small.js'
import type { ColourBy } from './colouring.js'

/** Confidence in steps that can be clicked. */
const STEPS = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 1] as const

export function Legend({ by }: { by: ColourBy }) {
  if (by === 'confidence') return <ConfidenceLegend />
  if (by === 'cluster') return <ClusterLegend />
  return <ClassLegend by={by} />
}

function ClassLegend({ by }: { by: 'label' | 'predicted' }) {
  const store = useStore()
  const filters = store.filters.value
  const name = store.className.value
  const counts = by === 'label' ? store.counts.value : countsOf(store.predictions.value?.classes ?? [])
  const key = by === 'label' ? 'labels' : 'predicted'
  const ids = [
    ...(store.state.value?.classes ?? []).map(({ id }) => id),
    ...(by === 'label' ? [-2, -1] : [-1]),
  ]
  return (
    <ul class="legend">
      {ids
        .filter((id) => id >= 0 || (counts.get(id) ?? 0) > 0)
        .map((id) => (
          <Entry
            key={id}
            chosen={filters[key].has(id)}
            count={counts.get(id) ?? 0}
            text={id === -1 && by === 'predicted' ? 'no prediction' : labelText(id, name)}
            mark={<Swatch id={id} />}
            onToggle={() => {
              store.filters.value = { ...filters, [key]: toggled(filters[key], id) }
            }}
          />
        ))}
    </ul>
  )
}

function ClusterLegend() {
  const store = useStore()
  const map = store.map.value
  const filters = store.filters.value
  const counts = countsOf(map?.clusters ?? [])
  return (
    <ul class="legend pictured">
      {map?.typical.map((image, cluster) => (
        <Entry
          key={cluster}
          chosen={filters.clusters.has(cluster)}
          count={counts.get(cluster) ?? 0}
          text={`group ${cluster + 1}`}
          mark={
            <span class="typical">
              <Thumbnail image={image} />
              <Swatch id={cluster} />
            </span>
          }
          onToggle={() => {
            store.filters.value = { ...filters, clusters: toggled(filters.clusters, cluster) }
          }}
        />
      ))}
    </ul>
  )
}

function ConfidenceLegend() {
  const store = useStore()
  const filters = store.filters.value
  const predictions = store.predictions.value
  const counts = new Map<number, number>()
  predictions?.probabilities.forEach((sure, image) => {
    if (predictions.classes[image] < 0) return
    const step = STEPS.findLastIndex((from) => sure >= from)
    const at = Math.min(STEPS.length - 2, step)
    counts.set(at, (counts.get(at) ?? 0) + 1)
  })
  return (
    <ul class="legend">
      {STEPS.slice(0, -1).map((from, k) => {
        const to = STEPS[k + 1]
        const chosen = filters.confidence?.[0] === from && filters.confidence[1] <= to
        const [red, green, blue] = confidenceColour(((from + to) / 2 - 0.3) / 0.7)
        return (
          <Entry
            key={from}
            chosen={chosen}
            count={counts.get(k) ?? 0}
            text={`${Math.round(from * 100)} to ${Math.round(to * 100)} %`}
            mark={<span class="swatch dot" style={{ backgroundColor: `rgb(${red} ${green} ${blue})` }} />}
            onToggle={() => {
              // The upper end belongs to the next step, but for the last.
              const range = [from, to === 1 ? 1 : to - 1e-6] as const
              store.filters.value = { ...filters, confidence: chosen ? undefined : range }
            }}
          />
        )
      })}
    </ul>
  )
}

function Entry(props: {
  readonly chosen: boolean
  readonly count: number
  readonly text: string
  readonly mark: ComponentChildren
  readonly onToggle: () => void
}) {
  return (
    <li>
      <button
        type="button"
        class="plain"
        aria-pressed={props.chosen}
        onMouseDown={keepFocus}
        onClick={props.onToggle}
      >
        {props.mark}
        <span class="cut" title={props.text}>
          {props.text}
        </span>
        <span class="count number">{number(props.count)}</span>
        <span class="unseen">{props.chosen ? 'images: show all again' : 'images: show only these'}</span>
      </button>
    </li>
  )
}

function countsOf(values: ArrayLike<number>): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (let k = 0; k < values.length; k++) counts.set(values[k], (counts.get(values[k]) ?? 0) + 1)
  return counts
}
