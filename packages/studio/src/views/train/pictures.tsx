/** What the runs draw, side by side, with a slider back through time. */
import { useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { number } from '../../logic/format.js'
import { Segments } from '../../parts/small.js'
import type { ShownRun } from './curves.js'

type Kind = 'samples' | 'reconstructions'

export function Pictures({ runs }: { runs: readonly ShownRun[] }) {
  const [kind, setKind] = useState<Kind>('samples')
  /** 0 the first, 1 the newest; the newest is followed. */
  const [time, setTime] = useState(1)
  const all = runs.flatMap(({ metrics }) => metrics.pictures)
  if (all.length === 0) return null
  const kinds = (['samples', 'reconstructions'] as const).filter((k) =>
    all.some((picture) => picture.kind === k),
  )
  const shown = kinds.includes(kind) ? kind : kinds[0]
  return (
    <section class="pictures" aria-label="Pictures">
      <div class="pictures-head">
        <Segments<Kind>
          name="Pictures"
          value={shown}
          choices={kinds.map((k) => [k, k === 'samples' ? 'Samples' : 'Reconstructions'] as const)}
          onChoose={setKind}
        />
        <label>
          <span>first</span>
          <span class="unseen">Time of the pictures</span>
          <input
            type="range"
            min={0}
            max={1}
            step={0.01}
            value={time}
            onInput={(event) => setTime(Number(event.currentTarget.value))}
          />
          <span>newest</span>
        </label>
      </div>
      <div class="sheets">
        {runs.map((run) => (
          <Sheet key={run.card.name} run={run} kind={shown} time={time} />
        ))}
      </div>
    </section>
  )
}

function Sheet({ run, kind, time }: { run: ShownRun; kind: Kind; time: number }) {
  const store = useStore()
  const pictures = run.metrics.pictures.filter((picture) => picture.kind === kind)
  const picture = pictures[Math.round(time * (pictures.length - 1))]
  if (picture === undefined) return null
  return (
    <figure>
      <img
        src={store.studio.picture(picture.id)}
        alt={`${kind} of ${run.card.name} at step ${number(picture.step)}`}
      />
      <figcaption class="soft small number">
        {run.card.name}, step {number(picture.step)}
      </figcaption>
    </figure>
  )
}
