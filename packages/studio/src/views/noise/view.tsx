/** Noise levels of a diffusion or flow model: images at a level, and how well its features tell classes apart there. */
import { useEffect, useState } from 'preact/hooks'
import type { NoiseView as Levels } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { percent } from '../../logic/format.js'
import { Chart } from '../../parts/chart.js'
import { Empty } from '../../parts/small.js'
import { messageOf } from '../../studio/failures.js'
import './noise.css'

const SHOWN = 8
/** A little noise: the images are still seen, and the noise too. */
const FIRST_LEVEL = 3

export function NoiseView() {
  const store = useStore()
  const state = store.state.value
  const withLevels = (model: string) =>
    state?.models.some((entry) => entry.name === model && entry.hasNoiseLevels)
  const run = state?.runs.find(({ name }) => name === state.run)
  const other = state?.runs.find(({ model, state: stage }) => withLevels(model) === true && stage === 'ready')
  if (run === undefined || withLevels(run.model) !== true)
    return (
      <Empty alone icon="noise" title="This model has no noise levels">
        <p>Diffusion and flow models learn images at every level of noise; others do not.</p>
        {other === undefined ? (
          <a href="#/train">Train one</a>
        ) : (
          <button type="button" class="main" onClick={() => void store.ask('selectRun', { run: other.name })}>
            <span class="cut">Use {other.name}</span>
          </button>
        )}
      </Empty>
    )
  return <Slider run={run.name} />
}

function Slider({ run }: { run: string }) {
  const store = useStore()
  const [levels, setLevels] = useState<Levels['levels'] | undefined>()
  const [problem, setProblem] = useState<string | undefined>()
  const [chosenLevel, setAt] = useState(FIRST_LEVEL)
  const count = store.images.value
  const chosen = [...store.selection.value.images].slice(0, SHOWN)
  const images =
    chosen.length > 0
      ? chosen
      : Array.from({ length: Math.min(SHOWN, count) }, (_, k) => Math.floor(((k + 0.5) / SHOWN) * count))
  const key = images.join()
  useEffect(() => {
    let ended = false
    setProblem(undefined)
    const ask = (): void => {
      store.studio.ask('noise', { images }).then(
        (found) => {
          if (!ended) setLevels(found.levels)
        },
        (failure: unknown) => !ended && setProblem(messageOf(failure)),
      )
    }
    ask()
    const end = store.studio.on('noise', (told) => told.run === run && ask())
    return () => {
      ended = true
      end()
    }
  }, [store, run, key])
  const at = Math.min(chosenLevel, (levels?.length ?? 1) - 1)
  const level = levels?.[at]
  const best = levels?.reduce((a, b) => ((b.accuracy ?? -1) > (a.accuracy ?? -1) ? b : a))
  const classesWithLabels = store.state.value?.classes.filter((each) => each.count > 1).length ?? 0
  const points =
    levels?.flatMap(({ t, accuracy }) => (accuracy === undefined ? [] : [[t, accuracy] as const])) ?? []
  return (
    <>
      <header class="view-head">
        <h1>Noise</h1>
        <span class="soft">{run}</span>
      </header>
      <div class="view-body noise">
        {problem !== undefined ? (
          <p class="note">{problem}</p>
        ) : level === undefined || levels === undefined ? (
          <p class="soft">Adding noise …</p>
        ) : (
          <>
            <label class="noise-level">
              <span>
                Noise level <b class="number">t = {level.t.toFixed(2)}</b>
              </span>
              <input
                type="range"
                min={0}
                max={levels.length - 1}
                step={1}
                value={at}
                onInput={(event) => setAt(Number(event.currentTarget.value))}
              />
              <span class="soft number">
                {level.accuracy !== undefined
                  ? `accuracy ${percent(level.accuracy, 1)}`
                  : classesWithLabels < 2
                    ? 'accuracy: needs labels'
                    : 'accuracy: being found …'}
              </span>
            </label>
            <div class="noise-pictures">
              {level.pictures.map((picture, k) => (
                <img
                  key={k}
                  src={store.studio.picture(picture)}
                  alt={`Image ${k + 1} at noise ${level.t.toFixed(2)}`}
                />
              ))}
            </div>
            <p class="soft small">
              {chosen.length > 0
                ? 'The images that are selected.'
                : 'Select images in another view to see those here.'}
            </p>
            {points.length > 1 && (
              <section>
                <h2>Accuracy of the features over the noise</h2>
                <p class="soft small">
                  Each label predicted from the others by the features at that level
                  {best?.accuracy === undefined
                    ? '.'
                    : `; best at t = ${best.t.toFixed(2)}: ${percent(best.accuracy, 1)}.`}
                </p>
                <Chart
                  name="Accuracy over noise"
                  height={220}
                  xName="t"
                  asPercent
                  lines={[
                    { name: 'accuracy', colour: '#2a8bd0', points },
                    ...(level.accuracy === undefined
                      ? []
                      : [
                          {
                            name: 'this level',
                            colour: '#e08e00',
                            points: [[level.t, level.accuracy] as const],
                            dots: true,
                          },
                        ]),
                  ]}
                />
              </section>
            )}
          </>
        )}
      </div>
    </>
  )
}
