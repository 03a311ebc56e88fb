/** Labels that look wrong, most doubtful first: each with what the others say, to keep or to change. */
import { useEffect, useState } from 'preact/hooks'
import type { Suggestion } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { fileName, percent } from '../../logic/format.js'
import { Thumbnail } from '../../parts/grid.js'
import { Empty, Swatch } from '../../parts/small.js'
import { messageOf } from '../../studio/failures.js'

const ASKED = 60

export function Suspects() {
  const store = useStore()
  const [found, setFound] = useState<readonly Suggestion[] | undefined>()
  const [kept, setKept] = useState<ReadonlySet<number>>(new Set())
  useEffect(() => {
    store.studio.ask('suggest', { count: ASKED, kind: 'check' }).then(setFound, (failure: unknown) => {
      setFound([])
      store.trouble(messageOf(failure))
    })
  }, [store])
  void store.labelsVersion.value
  const name = store.className.value
  const left = found?.filter(({ image, label }) => !kept.has(image) && store.labels[image] !== label)
  if (left === undefined)
    return (
      <div class="view-body">
        <p class="soft">Asking the other labels …</p>
      </div>
    )
  if (left.length === 0)
    return (
      <Empty icon="results" title="No label looks wrong">
        <p>Every label agrees with what the others say of its image.</p>
      </Empty>
    )
  return (
    <div class="view-body">
      <ul class="suspects">
        {left.map(({ image, label, probability, why }) => (
          <li key={image} class="card">
            <button
              type="button"
              class="plain picture"
              aria-label={`Open ${fileName(store.catalogue.value.paths[image] ?? '')}`}
              onClick={() => {
                store.opened.value = image
              }}
            >
              <Thumbnail image={image} />
            </button>
            <div>
              <p class="labelled">
                <Swatch id={store.labels[image]} />
                <b class="cut">{name(store.labels[image])}</b>
              </p>
              {label !== undefined && (
                <p class="soft small">
                  {why}
                  {probability !== undefined && `, ${percent(probability)}`}
                </p>
              )}
              <div class="buttons">
                <button type="button" onClick={() => setKept(new Set(kept).add(image))}>
                  Keep
                </button>
                {label !== undefined && (
                  <button type="button" onClick={() => store.label([{ image, label }], 'suggestion')}>
                    <Swatch id={label} />
                    <span class="cut">{name(label)}</span>
                  </button>
                )}
              </div>
            </div>
          </li>
        ))}
      </ul>
    </div>
  )
}
