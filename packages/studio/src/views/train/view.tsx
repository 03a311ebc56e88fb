/** Training: what to train and how long, the runs, their curves and what they draw. */
import { useState } from 'preact/hooks'
import type { RunCard } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { Empty } from '../../parts/small.js'
import { Curves } from './curves.js'
import { useMetrics } from './metrics.js'
import { NewRun } from './new-run.js'
import { Pictures } from './pictures.js'
import { Run } from './run.js'
import './train.css'

export function TrainView() {
  const store = useStore()
  const state = store.state.value
  if (state?.place === undefined || state.images === 0)
    return (
      <Empty alone icon="train" title="Nothing to train on yet">
        <p>A model learns from the images alone; labels are not needed for this.</p>
        <a href="#/images">Choose images</a>
      </Empty>
    )
  return <Training runs={state.runs} />
}

function Training({ runs }: { runs: readonly RunCard[] }) {
  const store = useStore()
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set())
  const compared = runs.filter(({ name }) => !left.has(name)).slice(-4)
  const metrics = useMetrics(compared.map(({ name }) => name))
  const shown = compared.flatMap((card) => {
    const found = metrics.get(card.name)
    const isEmpty = found === undefined || Object.keys(found.curves).length + found.pictures.length === 0
    return isEmpty ? [] : [{ card, metrics: found, colour: runs.indexOf(card) }]
  })
  return (
    <>
      <header class="view-head">
        <h1>Train</h1>
      </header>
      <div class="view-body training-view">
        <div class="training-side">
          <NewRun open={runs.length === 0} />
          {runs.toReversed().map((card) => (
            <Run
              key={card.name}
              card={card}
              colour={runs.indexOf(card)}
              current={store.state.value?.run === card.name}
              shown={!left.has(card.name)}
              onShow={(show) => {
                const next = new Set(left)
                if (show) next.delete(card.name)
                else next.add(card.name)
                setLeft(next)
              }}
            />
          ))}
        </div>
        <div class="training-main">
          {shown.length === 0 ? (
            <Empty icon="train" title={runs.length === 0 ? 'The curves will be here' : 'No curves yet'}>
              <p>
                {runs.length === 0
                  ? 'Start a training; you can label images meanwhile, and close this page: it goes on.'
                  : 'They come with the first steps of a training.'}
              </p>
            </Empty>
          ) : (
            <>
              <Curves runs={shown} which="first" />
              <Pictures runs={shown} />
              <Curves runs={shown} which="others" />
            </>
          )}
        </div>
      </div>
    </>
  )
}
