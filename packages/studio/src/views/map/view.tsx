/** The map: every image where its features put it; looking, picking out, labelling. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { classColour } from '../../logic/colours.js'
import { isFiltered, labelText } from '../../logic/filters.js'
import { counted, fileName, percent } from '../../logic/format.js'
import { pick } from '../../logic/selection.js'
import { bulkAction, SelectBar } from '../../parts/bulk.js'
import { FilterBar } from '../../parts/filter-bar.js'
import { Grid, Thumbnail } from '../../parts/grid.js'
import { Icon } from '../../parts/icons.js'
import { useActions } from '../../parts/keys.js'
import { Empty, Segments } from '../../parts/small.js'
import type { Store } from '../../store.js'
import { pointColours, type ColourBy } from './colouring.js'
import { listen, type Mode } from './gestures.js'
import { Legend } from './legend.js'
import { zoomed } from './points.js'
import { MapSurface } from './surface.js'
import './map.css'

export function MapPage() {
  const store = useStore()
  const run = store.state.value?.run
  const revision = store.catalogue.value.revision
  useEffect(() => void store.loadMap(), [store, run, revision])
  const map = store.map.value
  if (run === undefined || map === undefined || map.positions.length === 0)
    return run === undefined || map !== undefined ? (
      <Empty alone icon="map" title="No map yet">
        <p>
          A trained model puts images that look alike near each other. Five minutes of training are enough.
        </p>
        <a href="#/train">Train a model</a>
      </Empty>
    ) : (
      <p class="soft stage-wait">Laying out the map …</p>
    )
  return <Mapped />
}

function Mapped() {
  const store = useStore()
  const labelled = store.state.value?.labelled ?? 0
  const [by, setBy] = useState<ColourBy>(labelled > 0 ? 'label' : 'cluster')
  const [mode, setMode] = useState<Mode>('move')
  useActions((action) => bulkAction(store, action))
  return (
    <>
      <header class="view-head">
        <h1>Map</h1>
        <Segments<ColourBy>
          name="Colour by"
          value={by}
          choices={[
            ['label', 'Label'],
            ['predicted', 'Prediction'],
            ['confidence', 'Confidence'],
            ['cluster', 'Group'],
          ]}
          onChoose={setBy}
        />
      </header>
      <FilterBar withSize={false} />
      <div class="view-split map-split">
        <Surface by={by} mode={mode} onMode={setMode} />
        <aside class="map-side" aria-label="Legend and images">
          <Legend by={by} />
          <Grid
            name="Images of the map"
            images={store.shown.value}
            size={78}
            selection={store.selection.value}
            withPredictions
            onSelect={(selection) => {
              store.selection.value = selection
            }}
            onOpen={(image) => {
              store.opened.value = image
            }}
          />
        </aside>
      </div>
      <SelectBar />
    </>
  )
}

interface Hovered {
  readonly image: number
  readonly left: number
  readonly top: number
  /** Left of the point and above it, where there is no room at the other side. */
  readonly before: boolean
  readonly above: boolean
}

/** What the card at a point takes, in pixels. */
const CARD = { width: 160, height: 190 } as const

function Surface({ by, mode, onMode }: { by: ColourBy; mode: Mode; onMode: (mode: Mode) => void }) {
  const store = useStore()
  const place = useRef<HTMLDivElement>(null)
  const points = useRef<HTMLCanvasElement>(null)
  const over = useRef<HTMLCanvasElement>(null)
  const surface = useRef<MapSurface>(null)
  const modeNow = useRef(mode)
  modeNow.current = mode
  const [hovered, setHovered] = useState<Hovered | undefined>()
  const map = store.map.value

  useEffect(() => {
    if (place.current === null || points.current === null || over.current === null) return
    const element = place.current
    const made = new MapSurface(points.current, over.current)
    surface.current = made
    element.dataset.painter = made.paints
    const observer = new ResizeObserver(() => made.setSize(element.clientWidth, element.clientHeight))
    observer.observe(element)
    const stop = listen(element, made, {
      mode: () => modeNow.current,
      positions: () => store.map.value?.positions ?? [],
      hover: (image, left, top) => {
        const before = left > made.frame.width - CARD.width
        const above = top > made.frame.height - CARD.height && top > CARD.height
        setHovered(image === undefined ? undefined : { image, left, top, before, above })
      },
      pick: (image, more) => pickPoint(store, image, more),
      open: (image) => {
        store.opened.value = image
      },
      outlined: (images, by) => outlined(store, images, by),
    })
    return () => {
      stop()
      observer.disconnect()
      made.destroy()
    }
  }, [store])

  useEffect(() => surface.current?.setPositions(map?.positions ?? []), [map])
  const shown = store.shown.value
  const filtered = isFiltered(store.filters.value)
  const version = store.labelsVersion.value
  const predictions = store.predictions.value
  useEffect(() => {
    if (map === undefined) return
    const facts = {
      labels: store.labels,
      predicted: predictions?.classes ?? [],
      confidence: predictions?.probabilities ?? [],
      clusters: map.clusters,
    }
    surface.current?.setColours(pointColours(map.clusters.length, by, facts, filtered ? shown : undefined))
  }, [store, map, by, shown, filtered, version, predictions])
  useEffect(() => show(surface.current, store, by, hovered?.image))

  const zoom = (factor: number) => {
    const now = surface.current
    if (now !== null) now.camera = zoomed(now.frame, factor, now.frame.width / 2, now.frame.height / 2)
  }
  return (
    <div class="map-place">
      <div
        class={`map-surface ${mode}`}
        ref={place}
        tabIndex={0}
        role="application"
        aria-roledescription="map"
        aria-label={`Map of ${counted(store.images.value, 'image')}: arrows move, plus and minus zoom. The list beside it shows the same images.`}
      >
        <canvas ref={points} />
        <canvas ref={over} class="over" />
        {hovered !== undefined && <Hover {...hovered} />}
      </div>
      <div class="map-tools">
        <div class="segments" role="group" aria-label="The mouse">
          {(
            [
              ['move', 'Move', 'move'],
              ['lasso', 'Lasso (shift and drag)', 'lasso'],
              ['frame', 'Rectangle', 'frame'],
            ] as const
          ).map(([value, text, icon]) => (
            <button
              key={value}
              type="button"
              aria-pressed={mode === value}
              aria-label={text}
              title={text}
              onClick={() => onMode(value)}
            >
              <Icon name={icon} size={18} />
            </button>
          ))}
        </div>
        <div class="segments" role="group" aria-label="Zoom">
          <button type="button" aria-label="Nearer" onClick={() => zoom(1.5)}>
            +
          </button>
          <button type="button" aria-label="Farther" onClick={() => zoom(1 / 1.5)}>
            −
          </button>
          <button
            type="button"
            onClick={() => {
              if (surface.current !== null) surface.current.camera = undefined
            }}
          >
            All
          </button>
        </div>
      </div>
    </div>
  )
}

function show(surface: MapSurface | null, store: Store, by: ColourBy, hovered: number | undefined): void {
  if (surface === null) return
  const shown = isFiltered(store.filters.value) ? new Set(store.shown.value) : undefined
  const map = store.map.value
  surface.sights = {
    selected: store.selection.value.images,
    hovered,
    typical: by === 'cluster' ? (map?.typical ?? []) : [],
    colourOf: (image) =>
      classColour(
        (by === 'cluster'
          ? map?.clusters[image]
          : by === 'predicted'
            ? store.predictions.value?.classes[image]
            : store.labels[image]) ?? -1,
      ),
    stands: (image) => shown === undefined || shown.has(image),
    thumbnail: (image) => store.studio.thumbnail(image),
  }
  surface.redraw()
}

function Hover({ image, left, top, before, above }: Hovered) {
  const store = useStore()
  const label = store.labels[image] ?? -1
  const predicted = store.predictions.value?.classes[image] ?? -1
  const name = store.className.value
  return (
    <div
      class={`hover${before ? ' before' : ''}${above ? ' above' : ''}`}
      style={{ left: `${left}px`, top: `${top}px` }}
    >
      <Thumbnail image={image} />
      <span class="cut">{fileName(store.catalogue.value.paths[image] ?? '')}</span>
      <span class="soft cut">
        {label !== -1
          ? labelText(label, name)
          : predicted === -1
            ? 'no label'
            : `${name(predicted)}? ${percent(store.predictions.value?.probabilities[image] ?? 0)}`}
      </span>
    </div>
  )
}

function pickPoint(store: Store, image: number | undefined, more: boolean): void {
  store.selection.value =
    image === undefined
      ? { images: new Set() }
      : pick(store.selection.value, store.shown.value, image, { shift: false, control: more })
}

function outlined(store: Store, images: readonly number[], by: Mode): void {
  if (images.length === 0) {
    store.say('No image lies inside.')
    return
  }
  const name = `${by === 'frame' ? 'rectangle' : 'lasso'}: ${counted(images.length, 'image')}`
  const picked = { name, images: new Set(images) }
  store.filters.value = { ...store.filters.value, picked }
  store.selection.value = { images: new Set() }
}
