/** One image large, with what is known of it and a way to those most like it. */
import { useStore } from '../context.js'
import { labelText } from '../logic/filters.js'
import { fileName, percent } from '../logic/format.js'
import { NO_FILTERS } from '../logic/filters.js'
import type { Store } from '../store.js'
import { Dialog } from './help.js'
import { Icon } from './icons.js'
import { Swatch } from './small.js'

const ALIKE = 60

export function ImageDialog({ image }: { image: number }) {
  const store = useStore()
  const path = store.catalogue.value.paths[image] ?? ''
  const label = store.labels[image] ?? -1
  const predicted = store.predictions.value?.classes[image] ?? -1
  const name = store.className.value
  const unreadable = store.whyUnreadable(image)
  const close = () => {
    store.opened.value = undefined
  }
  return (
    <Dialog title={fileName(path)} onClose={close}>
      {unreadable === undefined ? (
        <img class="photo" src={store.studio.original(image)} alt={fileName(path)} />
      ) : (
        <p class="photo no-photo">This file cannot be read: {unreadable}</p>
      )}
      <p class="soft small">{path}</p>
      <div class="buttons">
        {label !== -1 && (
          <span class="buttons">
            <Swatch id={label} /> {labelText(label, name)}
          </span>
        )}
        {predicted !== -1 && !store.isBlind(image) && (
          <span class="soft">
            predicted {name(predicted)}, {percent(store.predictions.value?.probabilities[image] ?? 0)}
          </span>
        )}
        <button
          type="button"
          disabled={store.state.value?.run === undefined || unreadable !== undefined}
          onClick={() => void showAlike(store, image)}
        >
          <Icon name="alike" />
          More like this
        </button>
      </div>
    </Dialog>
  )
}

/** Shows the images most like one, it first, in the grid. */
export async function showAlike(store: Store, image: number): Promise<void> {
  const found = await store.ask('neighbours', { image, count: ALIKE })
  if (found === undefined) return
  const images = new Set([image, ...found.map((entry) => entry.image)])
  store.opened.value = undefined
  store.filters.value = {
    ...NO_FILTERS,
    picked: { name: `like ${fileName(store.catalogue.value.paths[image] ?? '')}`, images },
  }
  if (store.view.value !== 'map' && store.view.value !== 'images') location.hash = '#/images'
}
