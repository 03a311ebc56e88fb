/** What came out: predictions, confusions, labels that look wrong, accuracy, the report. */
import { useState } from 'preact/hooks'
import type { Results } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { Empty, Segments } from '../../parts/small.js'
import { messageOf } from '../../studio/failures.js'
import { useEffect } from 'preact/hooks'
import { Confusion } from './confusion.js'
import { Course } from './course.js'
import { PredictionGrid } from './prediction-grid.js'
import { Suspects } from './suspects.js'
import { EstimatePanel } from '../label/estimate.js'
import { Downloads } from '../use/downloads.js'
import './results.css'

const PARTS = [
  ['predictions', 'Predictions'],
  ['confusion', 'Mix-ups'],
  ['suspects', 'Labels to check'],
  ['course', 'Accuracy'],
  ['report', 'Report'],
] as const
type Part = (typeof PARTS)[number][0]

export function ResultsView() {
  const store = useStore()
  const state = store.state.value
  const [part, setPart] = useState<Part>('predictions')
  const results = useResults()
  if (state?.run === undefined || store.predictions.value === undefined)
    return (
      <Empty alone icon="results" title="No predictions yet">
        <p>
          {state?.run === undefined
            ? 'They need a trained model and labels of at least two classes.'
            : 'They come with the first labels of two classes, in under a second.'}
        </p>
        <a href={state?.run === undefined ? '#/train' : '#/label'}>
          {state?.run === undefined ? 'Train a model' : 'Label some images'}
        </a>
      </Empty>
    )
  return (
    <>
      <header class="view-head">
        <h1>Results</h1>
        <div class="scroll">
          <Segments<Part> name="Results" value={part} choices={PARTS} onChoose={setPart} />
        </div>
      </header>
      {part === 'predictions' ? (
        <PredictionGrid />
      ) : part === 'suspects' ? (
        <Suspects />
      ) : part === 'report' ? (
        <div class="view-body results-page">
          <section class="card">
            <h2>The whole run as one page</h2>
            <p class="soft">Tables, figures and settings in one file that opens in any browser, offline.</p>
          </section>
          <Downloads only={['report', 'predictions', 'labels']} />
        </div>
      ) : results === undefined ? (
        <div class="view-body">
          <p class="soft">Counting …</p>
        </div>
      ) : (
        <div class="view-body results-page">
          {part === 'confusion' ? (
            <Confusion results={results} onOpen={() => setPart('predictions')} />
          ) : (
            <>
              <div class="card">
                <EstimatePanel />
              </div>
              <Course results={results} />
            </>
          )}
        </div>
      )}
    </>
  )
}

/** Read again whenever the predictions are new. */
function useResults(): Results | undefined {
  const store = useStore()
  const [results, setResults] = useState<Results | undefined>()
  const revision = store.predictions.value?.revision
  useEffect(() => {
    if (revision === undefined) return
    let ended = false
    store.studio.view('results').then(
      (found) => !ended && setResults(found),
      (failure: unknown) => store.trouble(messageOf(failure)),
    )
    return () => {
      ended = true
    }
  }, [store, revision])
  return results
}
