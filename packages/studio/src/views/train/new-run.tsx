/** What to train: the advised model and minutes stand there already, with the reason. */
import { useState } from 'preact/hooks'
import { useStore } from '../../context.js'

const SIZES = [16, 24, 28, 32, 48, 64, 96, 128]

export function NewRun({ open }: { open: boolean }) {
  const store = useStore()
  const state = store.state.value
  const advice = state?.advice
  const [model, setModel] = useState<string | undefined>()
  const [minutes, setMinutes] = useState<string | undefined>()
  const [size, setSize] = useState('auto')
  const [beside, setBeside] = useState(false)
  const [busy, setBusy] = useState(false)
  if (state === undefined || advice === undefined) return null
  const chosen = model ?? advice.model
  const time = Number(minutes ?? advice.minutes)
  const isRight = time > 0 && time <= 24 * 60

  async function start(): Promise<void> {
    setBusy(true)
    await store.ask('train', {
      model: chosen,
      minutes: time,
      size: size === 'auto' ? 'auto' : Number(size),
      beside,
    })
    setBusy(false)
  }

  return (
    <details class="card new-run" open={open}>
      <summary>New training</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isRight) void start()
        }}
      >
        <label>
          Model
          <select value={chosen} onChange={(event) => setModel(event.currentTarget.value)}>
            {state.models.map(({ name }) => (
              <option key={name} value={name}>
                {name}
                {name === advice.model ? ' (advised)' : ''}
              </option>
            ))}
          </select>
        </label>
        <p class="soft small">{state.models.find(({ name }) => name === chosen)?.about}</p>
        <div class="pair">
          <label>
            Minutes
            <input
              type="number"
              min={0.1}
              max={1440}
              step="any"
              value={minutes ?? String(advice.minutes)}
              aria-invalid={!isRight}
              onInput={(event) => setMinutes(event.currentTarget.value)}
            />
          </label>
          <label>
            Image size
            <select value={size} onChange={(event) => setSize(event.currentTarget.value)}>
              <option value="auto">{advice.size} (advised)</option>
              {SIZES.filter((side) => side !== advice.size).map((side) => (
                <option key={side} value={side}>
                  {side}
                </option>
              ))}
            </select>
          </label>
        </div>
        {state.runs.some((run) => run.state === 'training') && (
          <label class="beside">
            <input
              type="checkbox"
              checked={beside}
              onChange={(event) => setBeside(event.currentTarget.checked)}
            />
            At once, beside what trains now (both get slower)
          </label>
        )}
        <p class="small why-advised">{advice.why}</p>
        <button type="submit" class="main" disabled={busy || !isRight}>
          Start training
        </button>
      </form>
    </details>
  )
}
