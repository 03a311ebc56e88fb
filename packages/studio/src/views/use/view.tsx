/** Using the model: a dropped or drawn image, classified in this browser; and everything to take away. */
import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { Empty } from '../../parts/small.js'
import { Downloads } from './downloads.js'
import { Try } from './try.js'
import './use.css'

export function UseView() {
  const store = useStore()
  const state = store.state.value
  const ready = state?.run !== undefined && store.predictions.value !== undefined
  return (
    <>
      <header class="view-head">
        <h1>Use</h1>
      </header>
      <div class="view-body use">
        {ready ? (
          <Try />
        ) : (
          <Empty icon="use" title="Nothing to try yet">
            <p>With a trained model and labels of two classes, any picture can be tried here.</p>
            <a href={state?.run === undefined ? '#/train' : '#/label'}>
              {state?.run === undefined ? 'Train a model' : 'Label some images'}
            </a>
          </Empty>
        )}
        <aside class="take-away" aria-label="Take away">
          <h2>Take away</h2>
          <Downloads />
        </aside>
      </div>
    </>
  )
}

/** An object URL of a file as long as it is shown. */
export function useAddress(blob: Blob | undefined): string | undefined {
  const [address, setAddress] = useState<string | undefined>()
  useEffect(() => {
    if (blob === undefined) return
    const made = URL.createObjectURL(blob)
    setAddress(made)
    return () => {
      URL.revokeObjectURL(made)
      setAddress(undefined)
    }
  }, [blob])
  return address
}
