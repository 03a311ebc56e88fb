/** The frame of the page: navigation, the view that is shown, and what is told. */
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useStore } from './context.js'
import { counted, number } from './logic/format.js'
import { TITLES, VIEWS, type ViewName } from './logic/route.js'
import { useNoLostDrops } from './parts/file-drops.js'
import { Help } from './parts/help.js'
import { Icon } from './parts/icons.js'
import { ImageDialog } from './parts/image-dialog.js'
import { listenToKeys } from './parts/keys.js'
import { ImagesView } from './views/images/view.js'
import { LabelView } from './views/label/view.js'
import icon from './style/icon.svg?url'

/** Views with heavy parts are fetched when first shown. */
const LATER: Partial<Record<ViewName, () => Promise<ComponentType>>> = {
  train: async () => (await import('./views/train/view.js')).TrainView,
  noise: async () => (await import('./views/noise/view.js')).NoiseView,
  map: async () => (await import('./views/map/view.js')).MapPage,
  results: async () => (await import('./views/results/view.js')).ResultsView,
  use: async () => (await import('./views/use/view.js')).UseView,
}

export function App() {
  const store = useStore()
  const view = store.view.value
  useEffect(() => listenToKeys(store), [store])
  useNoLostDrops()
  useEffect(() => {
    document.title = `${TITLES[view]} · ${store.state.value?.place?.name ?? 'Handful studio'}`
  }, [view, store.state.value?.place?.name])
  const study = store.state.value?.study?.name
  useEffect(() => {
    // Whoever opens a study wants to see what it has found.
    if (study !== undefined) location.hash = '#/results'
  }, [study])
  return (
    <div class="shell">
      <Side />
      <main class="view" key={view}>
        {store.state.value === undefined ? null : view === 'images' ? (
          <ImagesView />
        ) : view === 'label' ? (
          <LabelView />
        ) : (
          <Later view={view} />
        )}
      </main>
      <Told />
      {store.helpOpen.value && <Help />}
      {store.opened.value !== undefined && <ImageDialog image={store.opened.value} />}
    </div>
  )
}

const fetched = new Map<ViewName, ComponentType>()

function Later({ view }: { view: ViewName }) {
  const store = useStore()
  const [, redraw] = useState(0)
  useEffect(() => {
    if (fetched.has(view)) return
    LATER[view]?.().then(
      (component) => {
        fetched.set(view, component)
        redraw((n) => n + 1)
      },
      () =>
        store.trouble('This part of the page did not load; reload the page when the studio is there again.'),
    )
  }, [view, store])
  const View = fetched.get(view)
  return View === undefined ? null : <View />
}

function Side() {
  const store = useStore()
  const state = store.state.value
  const shown = VIEWS.filter((view) => view !== 'noise' || hasNoiseLevels(state?.models, state?.runs))
  const counts: Partial<Record<ViewName, string>> = {
    images: state === undefined || state.images === 0 ? '' : number(state.images),
    label: state === undefined || state.labelled === 0 ? '' : number(state.labelled),
  }
  return (
    <header class="side">
      <div class="brand">
        <img src={icon} alt="" />
        Handful
      </div>
      <nav aria-label="Views">
        <ul>
          {shown.map((view) => (
            <li key={view}>
              <a href={`#/${view}`} aria-current={store.view.value === view ? 'page' : undefined}>
                <Icon name={view} />
                <span>{TITLES[view]}</span>
                {counts[view] !== undefined && <span class="count number">{counts[view]}</span>}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="foot">
        {state?.place !== undefined && (
          <span class="cut" title={state.place.path}>
            {state.place.name}
          </span>
        )}
        <Connection />
      </div>
    </header>
  )
}

function Connection() {
  const store = useStore()
  const { waiting, stored, outOfReach } = store.queue.value
  const away = !store.connected.value || outOfReach
  return (
    <span class={away ? 'status away' : 'status'}>
      {away
        ? waiting > 0
          ? `Out of reach, ${counted(waiting, 'label')} kept`
          : 'Out of reach'
        : waiting > 0
          ? `Storing ${number(waiting)}`
          : stored > 0
            ? `${number(stored)} stored`
            : 'Connected'}
    </span>
  )
}

/** What went wrong or was done, said once and read out. */
function Told() {
  const store = useStore()
  const notice = store.notice.value
  const away = !store.connected.value || store.queue.value.outOfReach
  const { waiting } = store.queue.value
  const lost = `The studio is out of reach. ${waiting > 0 ? `${counted(waiting, 'label')} kept here, sent again when it is back.` : 'Trying again …'}`
  const text = away ? lost : notice?.text
  return (
    <div role="status" aria-live="polite">
      {text !== undefined && (
        <div class={away || notice?.kind === 'trouble' ? 'notice trouble' : 'notice'}>
          <span>{text}</span>
          {!away && (
            <button
              type="button"
              aria-label="Close this message"
              onClick={() => {
                store.notice.value = undefined
              }}
            >
              <Icon name="close" size={15} />
            </button>
          )}
        </div>
      )}
    </div>
  )
}

function hasNoiseLevels(
  models: readonly { name: string; hasNoiseLevels: boolean }[] = [],
  runs: readonly { model: string }[] = [],
): boolean {
  return runs.some((run) => models.some(({ name, hasNoiseLevels: has }) => has && name === run.model))
}
