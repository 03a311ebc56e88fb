/** One image, large, with its suggestion and why, what the keys do, and what comes next. Nothing moves between images. */
import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../context.js'
import { fileName, percent } from '../../logic/format.js'
import { standing } from '../../logic/history.js'
import { labelText } from '../../logic/filters.js'
import type { Action } from '../../logic/keys.js'
import type { Next } from '../../logic/upcoming.js'
import { Thumbnail } from '../../parts/grid.js'
import { Icon } from '../../parts/icons.js'
import { showAlike } from '../../parts/image-dialog.js'
import { Empty, keepFocus, Swatch } from '../../parts/small.js'
import type { Feed } from './feed.js'

/** Of drawings and digits of so few pixels each is shown as a square; photographs are smoothed. */
const LARGEST_TINY = 32
/** The original is only fetched for those who look longer. */
const LOOK_MS = 350

export function Stage({ feed, shown, act }: { feed: Feed; shown?: Next; act: (action: Action) => void }) {
  const store = useStore()
  if (shown === undefined)
    return feed.waiting.value ? (
      <p class="soft stage-wait">Looking for the images that teach most …</p>
    ) : (
      <Empty icon="label" title="Every image has had its turn">
        <p>Skipped ones come again when the page is opened anew. See what the labels say under Results.</p>
        <a href="#/results">Results</a>
      </Empty>
    )
  const path = store.catalogue.value.paths[shown.image] ?? ''
  const unreadable = store.whyUnreadable(shown.image)
  return (
    <div class="stage">
      <Why shown={shown} />
      {unreadable !== undefined && <p class="photo-box soft">This file cannot be read: {unreadable}</p>}
      {unreadable === undefined && <Photo key={shown.image} image={shown.image} name={fileName(path)} />}
      <div class="stage-foot">
        <span class="soft small cut" title={path}>
          {path}
        </span>
        <button
          type="button"
          class="plain small"
          disabled={store.state.value?.run === undefined || (shown.blind && store.labels[shown.image] === -1)}
          title={shown.blind ? 'Not while its label is to be blind' : undefined}
          onMouseDown={keepFocus}
          onClick={() => void showAlike(store, shown.image)}
        >
          <Icon name="alike" size={16} />
          More like this
        </button>
      </div>
      <Actions shown={shown} act={act} />
      <Strip next={feed.next.value.filter(({ image }) => image !== shown.image)} />
    </div>
  )
}

function Photo({ image, name }: { image: number; name: string }) {
  const store = useStore()
  const [sharp, setSharp] = useState(false)
  useEffect(() => {
    const picture = new Image()
    const timer = setTimeout(() => {
      picture.src = store.studio.original(image)
      picture.decode().then(
        () => setSharp(true),
        // A format that only the studio can read: its thumbnail stays.
        () => undefined,
      )
    }, LOOK_MS)
    return () => {
      clearTimeout(timer)
      picture.src = ''
    }
  }, [image, store])
  return (
    <div class="photo-box">
      <img
        src={sharp ? store.studio.original(image) : store.studio.thumbnail(image)}
        alt={name}
        data-image={image}
        decoding="sync"
        onLoad={(event) => {
          const { naturalWidth, classList } = event.currentTarget
          classList.toggle('tiny', naturalWidth <= LARGEST_TINY)
        }}
      />
    </div>
  )
}

function Why({ shown }: { shown: Next }) {
  const store = useStore()
  void store.labelsVersion.value
  const name = store.className.value
  const label = store.labels[shown.image] ?? -1
  return (
    <p class="why" aria-live="polite">
      {label !== -1 ? (
        <>
          <Swatch id={label} />
          <b>{labelText(label, name)}</b>
          <span class="soft">is its label</span>
        </>
      ) : shown.blind ? (
        <>
          <b>Check</b>
          <span class="soft">drawn at random, without a suggestion: measures the accuracy</span>
        </>
      ) : shown.label === undefined ? (
        <span class="soft">{shown.why === '' ? 'skipped before' : shown.why}</span>
      ) : (
        <>
          <Swatch id={shown.label} />
          <b>{name(shown.label)}?</b>
          <span class="soft">
            {shown.probability !== undefined && `${percent(shown.probability)}, `}
            {shown.why}
          </span>
        </>
      )}
    </p>
  )
}

function Actions({ shown, act }: { shown: Next; act: (action: Action) => void }) {
  const store = useStore()
  const accepts = shown.label !== undefined && !shown.blind
  return (
    <div class="stage-actions" onMouseDown={keepFocus}>
      <div class="way">
        <button
          type="button"
          class="plain icon"
          aria-label="Back"
          disabled={store.history.value.position === 0}
          onClick={() => act({ kind: 'back' })}
        >
          <Icon name="back" />
        </button>
        <span class="number small soft">{standing(store.history.value)}</span>
        <button
          type="button"
          class="plain icon"
          aria-label="Forward"
          disabled={store.history.value.position >= store.history.value.images.length}
          onClick={() => act({ kind: 'forward' })}
        >
          <Icon name="forward" />
        </button>
      </div>
      <button type="button" onClick={() => act({ kind: 'skip' })}>
        Skip <kbd>Space</kbd>
      </button>
      <button type="button" class="main accept" disabled={!accepts} onClick={() => act({ kind: 'accept' })}>
        Accept <kbd>Enter</kbd>
      </button>
    </div>
  )
}

function Strip({ next }: { next: readonly Next[] }) {
  return (
    <div class="strip" aria-hidden="true">
      {next.slice(0, 8).map(({ image }) => (
        <span key={image}>
          <Thumbnail image={image} />
        </span>
      ))}
    </div>
  )
}
