/** All images: found, counted, and how the folder was understood; or the choice of one. */
import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { counted, number } from '../../logic/format.js'
import { bulkAction, SelectBar } from '../../parts/bulk.js'
import { bringsFiles, onDrags } from '../../parts/file-drops.js'
import { FilterBar } from '../../parts/filter-bar.js'
import { Grid } from '../../parts/grid.js'
import { Icon } from '../../parts/icons.js'
import { useActions } from '../../parts/keys.js'
import { Bar, Empty } from '../../parts/small.js'
import type { StudioState } from '../../../../handful/src/studio/protocol.js'
import { Chooser } from './chooser.js'
import './images.css'

export function ImagesView() {
  const store = useStore()
  const state = store.state.value
  const [choosing, setChoosing] = useState(false)
  useActions((action) => state?.place !== undefined && !choosing && bulkAction(store, action))
  // Another folder may come at any time: where it is dropped stands the place for it.
  useEffect(
    () =>
      onDrags({
        dragenter: (event) => {
          if (bringsFiles(event)) setChoosing(true)
        },
      }),
    [],
  )
  if (state === undefined) return null
  if (state.place === undefined && state.reading !== undefined && !choosing)
    return (
      <>
        <header class="view-head">
          <h1>Images</h1>
          <Reading state={state} />
        </header>
        <Found count={state.reading.found} />
      </>
    )
  if (state.place === undefined || choosing)
    return <Chooser onDone={() => setChoosing(false)} canLeave={state.place !== undefined} />
  return (
    <>
      <header class="view-head images-head">
        <h1 class="cut" title={state.place.path}>
          {state.place.name}
        </h1>
        <Reading state={state} />
        <div class="buttons">
          <button type="button" onClick={() => setChoosing(true)}>
            <Icon name="folder" />
            Open another
          </button>
        </div>
      </header>
      <Understood state={state} />
      <FilterBar />
      {store.images.value === 0 && state.reading === undefined && state.images === 0 ? (
        <Empty icon="images" title="No image found here">
          <p>
            {state.skippedCount > 0
              ? `${counted(state.skippedCount, 'file')} could not be used; the reasons stand above.`
              : 'This folder holds no file that is an image.'}
          </p>
          <button type="button" class="main" onClick={() => setChoosing(true)}>
            Choose another folder
          </button>
        </Empty>
      ) : store.shown.value.length === 0 && store.images.value > 0 ? (
        <Empty icon="search" title="Nothing matches">
          <p>Take a filter off, or click the counter to see all images again.</p>
        </Empty>
      ) : (
        <Grid
          name="Images"
          images={store.shown.value}
          size={store.cellSize.value}
          selection={store.selection.value}
          onSelect={(selection) => {
            store.selection.value = selection
          }}
          onOpen={(image) => {
            store.opened.value = image
          }}
        />
      )}
      <SelectBar />
    </>
  )
}

/** What is being read: the list of the files of a place, or for a training every one of them. */
function Reading({ state }: { state: StudioState }) {
  const { catalogue, unreadable } = useStore()
  const reading = state.reading ?? state.runs.find((run) => run.reading !== undefined)?.reading
  if (reading === undefined) {
    // They keep their place among the images, and are none to count on.
    const spoilt = catalogue.value.paths.filter((path) => unreadable.value.has(path)).length
    return (
      <span class="soft number">
        {counted(state.images, 'image')}
        {spoilt > 0 && `, ${number(spoilt)} cannot be read`}
      </span>
    )
  }
  const { done, total, skipped } = reading
  const left = skipped === 0 ? '' : `, ${number(skipped)} skipped so far`
  if (total === 0)
    return (
      <span class="reading soft number" role="status">
        {done === 0 ? 'Reading the folder …' : `Reading the folder … ${counted(done, 'file')} so far${left}`}
      </span>
    )
  return (
    <span class="reading soft number" role="status">
      <Bar share={done / total} />
      {`${number(done)} of ${number(total)} read${left}`}
    </span>
  )
}

/** The first images, as they are found. */
function Found({ count }: { count: number }) {
  const { studio } = useStore()
  return (
    <div class="found" aria-label="Images found first">
      {Array.from({ length: count }, (_, index) => (
        <img
          key={index}
          src={studio.found(index)}
          alt=""
          // One that cannot be shown leaves no gap; whether it is skipped is told when all are known.
          onError={(event) => event.currentTarget.remove()}
        />
      ))}
    </div>
  )
}

function Understood({ state }: { state: StudioState }) {
  if (state.understood === undefined && state.skippedCount === 0 && state.notes.length === 0) return null
  return (
    <div class="understood note">
      {state.understood !== undefined && <p>{state.understood}</p>}
      {state.notes.map((note) => (
        <p key={note} class="soft">
          {note}
        </p>
      ))}
      {state.skippedCount > 0 && (
        <details>
          <summary>{counted(state.skippedCount, 'file')} skipped</summary>
          <table>
            <tbody>
              {state.skipped.map(({ path, reason }) => (
                <tr key={path}>
                  <td class="path">{path}</td>
                  <td class="soft">{reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {state.skipped.length < state.skippedCount && (
            <p class="soft">and {number(state.skippedCount - state.skipped.length)} more</p>
          )}
        </details>
      )}
    </div>
  )
}
