/** What came out: predictions, confusions, labels that look wrong, accuracy, the report. */
import { useState } from 'preact/hooks'
import type { Exported, Results } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { ReportFrame } from '../../parts/report-frame.js'
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
const STUDY = [['study', 'Study']] as const
type Part = (typeof PARTS | typeof STUDY)[number][0]

export function ResultsView() {
  const store = useStore()
  const state = store.state.value
  const [chosen, setPart] = useState<Part | undefined>()
  const [report, setReport] = useState<Exported | undefined>()
  const study = state?.study
  const hasPredictions = state?.run !== undefined && store.predictions.value !== undefined
  const part = chosen ?? (study === undefined ? 'predictions' : 'study')
  const results = useResults()
  if (study !== undefined && (part === 'study' || !hasPredictions))
    return (
      <>
        <header class="view-head">
          <h1>Results</h1>
          <span class="soft cut">{study.name}</span>
          {hasPredictions && (
            <div class="scroll">
              <Segments<Part> name="Results" value={part} choices={[...STUDY, ...PARTS]} onChoose={setPart} />
            </div>
          )}
        </header>
        <div class="view-body report-body">
          {study.hasReport ? (
            <ReportFrame address={store.studio.page('study')} name={`Report of the study ${study.name}`} />
          ) : (
            <p class="soft">
              The study has no report yet: it is written with the first result and shown here then.
            </p>
          )}
        </div>
      </>
    )
  if (!hasPredictions)
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
          <Segments<Part>
            name="Results"
            value={part}
            choices={study === undefined ? PARTS : [...STUDY, ...PARTS]}
            onChoose={setPart}
          />
        </div>
      </header>
      {part === 'predictions' ? (
        <PredictionGrid />
      ) : part === 'suspects' ? (
        <Suspects />
      ) : part === 'report' ? (
        <div class={report === undefined ? 'view-body results-page' : 'view-body report-body'}>
          {report === undefined ? (
            <>
              <section class="card">
                <h2>The whole run as one page</h2>
                <p class="soft">
                  Tables, figures and settings in one file that opens in any browser, offline.
                </p>
              </section>
              <Downloads only={['report', 'predictions', 'labels']} onReport={setReport} />
            </>
          ) : (
            <ReportFrame address={store.studio.page(report.id)} name="Report of the run" />
          )}
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
