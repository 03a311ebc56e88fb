/** Labelling: one image at a time by suggestions, or many in a grid. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Seen } from '../../../../handful/src/studio/protocol.js'
import { useStore } from '../../context.js'
import { counted, number } from '../../logic/format.js'
import { back, forward, lookedAt, visited } from '../../logic/history.js'
import { type Action, classOfKey } from '../../logic/keys.js'
import type { Next } from '../../logic/upcoming.js'
import { bulkAction, labelMany, labelManyNew, SelectBar } from '../../parts/bulk.js'
import { ClassList } from '../../parts/class-list.js'
import { FilterBar } from '../../parts/filter-bar.js'
import { Grid } from '../../parts/grid.js'
import { Icon } from '../../parts/icons.js'
import { useActions } from '../../parts/keys.js'
import { Empty, Segments } from '../../parts/small.js'
import type { Store } from '../../store.js'
import { EstimatePanel } from './estimate.js'
import { Feed } from './feed.js'
import { Stage } from './stage.js'
import { Threshold } from './threshold.js'
import './label.css'

type Mode = 'one' | 'grid'

export function LabelView() {
  const store = useStore()
  const state = store.state.value
  if (state?.place === undefined || store.images.value === 0)
    return (
      <Empty alone icon="label" title="Nothing to label yet">
        <p>Open a folder of images first; labelling works from the first image on.</p>
        <a href="#/images">Choose images</a>
      </Empty>
    )
  return <Labelling />
}

function Labelling() {
  const store = useStore()
  const [mode, setMode] = useState<Mode>('one')
  const feed = useMemo(() => new Feed(store), [store])
  useEffect(() => () => feed.end(), [feed])
  useEffect(() => followUndo(store), [store])
  useActions((action) => (mode === 'one' ? singleAction(store, feed, action) : bulkAction(store, action)))
  const shown = current(store, feed)
  return (
    <>
      <header class="view-head label-head">
        <h1>Label</h1>
        <Segments<Mode>
          name="How to label"
          value={mode}
          choices={[
            ['one', 'One at a time'],
            ['grid', 'Many'],
          ]}
          onChoose={setMode}
        />
        <Tools />
      </header>
      {mode === 'grid' && <FilterBar />}
      <div class="view-split">
        <div class="column">
          {mode === 'one' ? (
            <Stage feed={feed} shown={shown} act={(action) => void singleAction(store, feed, action)} />
          ) : (
            <Many />
          )}
        </div>
        <aside class="panel" aria-label="Classes and accuracy">
          <ClassList
            does={mode === 'one' ? 'label this image' : 'label what is selected'}
            chosen={mode === 'one' && shown !== undefined ? store.labels[shown.image] : undefined}
            onLabel={(id) => (mode === 'one' ? decide(store, feed, id) : labelMany(store, id))}
            onNew={(name) => (mode === 'one' ? decideNew(store, feed, name) : labelManyNew(store, name))}
          />
          {mode === 'grid' && <Threshold />}
          <EstimatePanel />
        </aside>
      </div>
    </>
  )
}

function Tools() {
  const store = useStore()
  const state = store.state.value
  return (
    <div class="buttons">
      <span class="soft small number tools-count">
        {number(state?.labelled ?? 0)} of {counted(store.images.value, 'image')} labelled
      </span>
      <button
        type="button"
        class="plain icon"
        aria-label="Undo"
        title="Undo (Z)"
        disabled={
          state?.canUndo !== true && store.queue.value.stored === 0 && store.queue.value.waiting === 0
        }
        onClick={() => store.undo()}
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        class="plain icon"
        aria-label="Redo"
        title="Redo (Ctrl+Y)"
        disabled={state?.canRedo !== true}
        onClick={() => store.redo()}
      >
        <Icon name="redo" />
      </button>
      <button
        type="button"
        class="plain icon keys-button"
        aria-label="Keys"
        title="Keys (?)"
        onClick={() => {
          store.helpOpen.value = true
        }}
      >
        <kbd>?</kbd>
      </button>
    </div>
  )
}

function Many() {
  const store = useStore()
  return (
    <>
      {store.shown.value.length === 0 ? (
        <Empty icon="search" title="Nothing matches">
          <p>Take a filter off, or click the counter to see all images again.</p>
        </Empty>
      ) : (
        <Grid
          name="Images to label"
          images={store.shown.value}
          size={store.cellSize.value}
          selection={store.selection.value}
          withPredictions
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

/** The image that is looked at: one of those before, or the next. */
export function current(store: Store, feed: Feed): Next | undefined {
  const before = lookedAt(store.history.value)
  // What was shown blind stays so when it is come back to: a slip that is put right still counts for the audit.
  return before === undefined
    ? feed.next.value[0]
    : { image: before, why: '', blind: store.shownBlind.has(before) }
}

function decide(store: Store, feed: Feed, label: number): void {
  const shown = current(store, feed)
  if (shown === undefined) return
  store.label([{ image: shown.image, label }], seenAs(store, shown))
  moveOn(store, feed, shown, false)
}

function decideNew(store: Store, feed: Feed, name: string): void {
  const shown = current(store, feed)
  if (shown === undefined) store.labelNew(name, [], 'picked')
  else {
    store.labelNew(name, [shown.image], seenAs(store, shown))
    moveOn(store, feed, shown, false)
  }
}

function seenAs(store: Store, shown: Next): Seen {
  if (shown.blind) return 'blind'
  return lookedAt(store.history.value) === undefined ? 'suggestion' : 'picked'
}

function moveOn(store: Store, feed: Feed, shown: Next, skipped: boolean): void {
  const { history } = store
  if (shown.blind) store.shownBlind.add(shown.image)
  if (lookedAt(history.value) === undefined) {
    history.value = visited(history.value, shown.image)
    feed.done(shown, skipped)
  } else history.value = forward(history.value)
}

function singleAction(store: Store, feed: Feed, action: Action): boolean {
  const classes = store.state.value?.classes ?? []
  const shown = current(store, feed)
  switch (action.kind) {
    case 'label':
      {
        const named = classOfKey(classes, action.key)
        if (named === undefined) store.say('No class has this key yet. C names a new one.')
        else decide(store, feed, named.id)
      }
      return true
    case 'none':
      decide(store, feed, -2)
      return true
    case 'skip':
      if (shown !== undefined) moveOn(store, feed, shown, true)
      return true
    case 'accept':
      if (shown?.label !== undefined && !shown.blind) decide(store, feed, shown.label)
      return true
    case 'back':
      store.history.value = back(store.history.value)
      return true
    case 'forward':
      store.history.value = forward(store.history.value)
      return true
    case 'acceptAll':
      store.say('A accepts many at once under “Many”, where they can be seen.')
      return true
    default:
      return false
  }
}

/** An undone image is looked at again. */
function followUndo(store: Store): () => void {
  const before = store.undone.peek()
  return store.undone.subscribe((images) => {
    if (images === before || images.length !== 1) return
    const { images: way } = store.history.peek()
    const at = way.indexOf(images[0])
    store.history.value =
      at >= 0 ? { images: way, position: at } : { images: [...way, images[0]], position: way.length }
  })
}
