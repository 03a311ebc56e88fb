/** One run: how far it is, and what can be done with it. */
import type { RunCard } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { duration, number } from '../../logic/format.js'
import { Bar, Swatch } from '../../parts/small.js'

const STATES: Readonly<Record<RunCard['state'], string>> = {
  waiting: 'waiting for its turn',
  training: 'training',
  paused: 'paused',
  failed: 'failed',
  ready: 'ready',
}

/** What its end is called, and what that does. */
function endOf({ state, hasModel }: RunCard): readonly [words: string, about: string] {
  if (state === 'waiting') return ['Take back', 'Takes it out of the queue']
  if (state === 'failed' && hasModel !== true) return ['Remove', 'Takes it off: it has learnt nothing yet']
  if (state === 'failed') return ['Use as it is', 'Takes the model of its last checkpoint']
  return ['Stop and use', 'Ends here and takes the model as it is']
}

export function Run(props: {
  readonly card: RunCard
  readonly colour: number
  readonly current: boolean
  readonly shown: boolean
  readonly onShow: (shown: boolean) => void
}) {
  const store = useStore()
  const { card } = props
  const run = card.name
  const [words, about] = endOf(card)
  return (
    <article class="card run" aria-label={`Run ${run}`}>
      <header>
        <Swatch id={props.colour} />
        <h2 class="cut">{run}</h2>
        <span class={`state ${card.state}`}>{STATES[card.state]}</span>
      </header>
      <p class="soft small number">
        {card.model}
        {card.size > 0 && `, ${card.size} pixels`}
        {card.seconds > 0 && `, ${duration(card.seconds)}`}
        {card.steps !== undefined && `, ${number(card.steps)} steps`}
      </p>
      {card.state !== 'ready' && (
        <>
          <Bar share={card.done ?? 0} />
          <p class="small number">
            {card.stage ?? (card.state === 'training' ? 'starting …' : '')}
            {card.secondsLeft !== undefined &&
              card.state === 'training' &&
              ` · ${duration(card.secondsLeft)} left`}
          </p>
        </>
      )}
      {card.error !== undefined && <p class="note small">{card.error}</p>}
      <div class="buttons">
        {card.state === 'training' && (
          <button type="button" onClick={() => void store.ask('pauseTraining', { run })}>
            Pause
          </button>
        )}
        {(card.state === 'paused' || card.state === 'failed') && (
          <button type="button" onClick={() => void store.ask('resumeTraining', { run })}>
            {card.state === 'paused' ? 'Resume' : 'Try again'}
          </button>
        )}
        {card.state !== 'ready' && (
          <button type="button" title={about} onClick={() => void store.ask('stopTraining', { run })}>
            {words}
          </button>
        )}
        {card.state === 'ready' && (
          <button type="button" disabled={props.current} onClick={() => void store.ask('selectRun', { run })}>
            {props.current ? 'In use' : 'Use this run'}
          </button>
        )}
        <label class="compare">
          <input
            type="checkbox"
            checked={props.shown}
            onChange={(event) => props.onShow(event.currentTarget.checked)}
          />
          Curves
        </label>
      </div>
    </article>
  )
}
