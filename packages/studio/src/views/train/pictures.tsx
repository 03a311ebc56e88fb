/** What the runs draw, side by side, with a slider back through time. */
import { useState } from 'preact/hooks'
import type { PictureKind } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { number } from '../../logic/format.js'
import { Segments } from '../../parts/small.js'
import type { ShownRun } from './curves.js'

/** In the order of the page. */
const KINDS: Readonly<Record<PictureKind, string>> = {
  samples: 'Samples',
  reconstructions: 'Reconstructions',
  neighbours: 'Alike to the model',
}
const ALL = Object.keys(KINDS) as PictureKind[]

export function Pictures({ runs }: { runs: readonly ShownRun[] }) {
  const [kind, setKind] = useState<PictureKind>('samples')
  /** Which picture, from 0; the newest is followed until another is asked for. */
  const [asked, setAsked] = useState<number | undefined>()
  const all = runs.flatMap(({ metrics }) => metrics.pictures)
  if (all.length === 0) return null
  const kinds = ALL.filter((k) => all.some((picture) => picture.kind === k))
  const shown = kinds.includes(kind) ? kind : kinds[0]
  const counts = runs.map(({ metrics }) => metrics.pictures.filter((each) => each.kind === shown).length)
  const last = Math.max(...counts) - 1
  const at = Math.min(asked ?? last, last)
  return (
    <section class="pictures" aria-label="Pictures">
      <div class="pictures-head">
        <Segments<PictureKind>
          name="Pictures"
          value={shown}
          choices={kinds.map((k) => [k, KINDS[k]] as const)}
          onChoose={setKind}
        />
        <label class={last === 0 ? 'only-one' : undefined}>
          <span>first</span>
          <span class="unseen">Time of the pictures</span>
          <input
            type="range"
            min={0}
            max={Math.max(1, last)}
            step={1}
            value={last === 0 ? 1 : at}
            disabled={last === 0}
            onInput={(event) => {
              const wanted = Number(event.currentTarget.value)
              setAsked(wanted === last ? undefined : wanted)
            }}
          />
          <span>newest</span>
        </label>
      </div>
      <div class="sheets">
        {runs.map((run) => (
          <Sheet key={run.card.name} run={run} kind={shown} time={last === 0 ? 1 : at / last} />
        ))}
      </div>
    </section>
  )
}

/** @param time 0 the run's first picture, 1 its newest: runs need not have equally many */
function Sheet({ run, kind, time }: { run: ShownRun; kind: PictureKind; time: number }) {
  const store = useStore()
  const pictures = run.metrics.pictures.filter((picture) => picture.kind === kind)
  const picture = pictures[Math.round(time * (pictures.length - 1))]
  if (picture === undefined) return null
  return (
    <figure>
      <img
        class={kind}
        src={store.studio.picture(picture.id)}
        alt={`${KINDS[kind]}, ${run.card.name} at step ${number(picture.step)}`}
      />
      <figcaption class="soft small number">
        {run.card.name}, step {number(picture.step)}
      </figcaption>
    </figure>
  )
}
