/** Labelling many at once: what is selected, or else what a lasso, a group, a class or a confidence lets through. One step. */
import { useStore } from '../context.js'
import { toCsv } from '../logic/csv.js'
import { labelText } from '../logic/filters.js'
import { counted } from '../logic/format.js'
import { type Action, classOfKey } from '../logic/keys.js'
import { all, cleared, NOTHING } from '../logic/selection.js'
import type { Store } from '../store.js'
import { Icon } from './icons.js'
import { keepFocus } from './small.js'

/** The images that a key labels now. */
export function targets(store: Store): readonly number[] {
  const { images, cursor, steered } = store.selection.value
  if (images.size > 0) return [...images]
  if (steered === true && cursor !== undefined) return [cursor]
  const { picked, clusters, confidence, predicted } = store.filters.value
  const narrowed = picked !== undefined || clusters.size > 0 || confidence !== undefined || predicted.size > 0
  return narrowed ? [...store.shown.value] : []
}

export function labelMany(store: Store, label: number): void {
  const images = targets(store)
  if (images.length === 0) {
    store.say('Select images first: click, drag a frame, or Ctrl+A for all that are shown.')
    return
  }
  store.label(
    images.map((image) => ({ image, label })),
    'picked',
  )
  store.selection.value = cleared(store.selection.value)
}

/** The same with a class that is made now; without any image it is only made. */
export function labelManyNew(store: Store, name: string): void {
  store.labelNew(name, targets(store), 'picked')
  store.selection.value = cleared(store.selection.value)
}

/** Gives every shown image without a label its prediction, where that is surer than the threshold. */
export function acceptAll(store: Store): void {
  const predictions = store.predictions.value
  if (predictions === undefined) {
    store.say('There are no predictions yet: label a few images of two classes first.')
    return
  }
  const decisions = [...store.shown.value]
    .filter(
      (image) =>
        store.labels[image] === -1 &&
        predictions.classes[image] >= 0 &&
        predictions.probabilities[image] >= store.threshold.value,
    )
    .map((image) => ({ image, label: predictions.classes[image] }))
  if (decisions.length === 0)
    store.say(`Nothing shown is surer than ${Math.round(store.threshold.value * 100)} %.`)
  else {
    store.label(decisions, 'accepted')
    store.say(`Accepted ${counted(decisions.length, 'suggestion')}. Z undoes.`)
  }
}

/** The actions that a grid of images understands. */
export function bulkAction(store: Store, action: Action): boolean {
  const classes = store.state.value?.classes ?? []
  switch (action.kind) {
    case 'label':
      {
        const named = classOfKey(classes, action.key)
        if (named === undefined) store.say('No class has this key yet. C names a new one.')
        else labelMany(store, named.id)
      }
      return true
    case 'none':
      labelMany(store, -2)
      return true
    case 'acceptAll':
      acceptAll(store)
      return true
    case 'selectAll':
      store.selection.value = all(store.shown.value, store.selection.value)
      return true
    case 'clear':
      store.selection.value = store.selection.value.images.size > 0 ? cleared(store.selection.value) : NOTHING
      return true
    case 'sort':
      store.sortAgain()
      return true
    default:
      return false
  }
}

/** Says what a key would label; of one height whether something is selected or not. */
export function SelectBar() {
  const store = useStore()
  const { images, steered } = store.selection.value
  const aimed = targets(store)
  return (
    <div class="select-bar">
      <span aria-live="polite">
        {images.size > 0 ? (
          <b>{counted(images.size, 'image')} selected</b>
        ) : steered === true ? (
          <b>This image</b>
        ) : aimed.length > 0 ? (
          <b>{counted(aimed.length, 'image')} shown</b>
        ) : (
          <span class="soft">
            <span class="by-mouse">Click, drag, or Ctrl+A to select</span>
            <span class="by-touch">Tap to select, hold for a range</span>
          </span>
        )}
        {aimed.length > 0 && (
          <span class="soft by-mouse"> &ensp;a key labels {aimed.length === 1 ? 'it' : 'all'}</span>
        )}
      </span>
      <span class="buttons">
        <LabelAs disabled={aimed.length === 0} />
        <button
          type="button"
          class="plain as-file"
          disabled={aimed.length === 0}
          onClick={() => exportImages(store, aimed)}
        >
          <Icon name="download" size={16} />
          CSV
        </button>
        <button
          type="button"
          class="plain"
          disabled={store.shown.value.length === 0}
          title="Select all that are shown (Ctrl+A)"
          onMouseDown={keepFocus}
          onClick={() => void bulkAction(store, { kind: 'selectAll' })}
        >
          All
        </button>
        <button
          type="button"
          class="plain"
          disabled={images.size === 0}
          onMouseDown={keepFocus}
          onClick={() => {
            store.selection.value = cleared(store.selection.value)
          }}
        >
          Clear
        </button>
      </span>
    </div>
  )
}

/** For those without a keyboard. */
function LabelAs({ disabled }: { disabled: boolean }) {
  const store = useStore()
  return (
    <select
      class="label-as"
      aria-label="Label what is selected"
      disabled={disabled}
      value="?"
      onChange={(event) => {
        const { value } = event.currentTarget
        event.currentTarget.value = '?'
        event.currentTarget.blur()
        if (value !== '?') labelMany(store, Number(value))
      }}
    >
      <option value="?">Label as …</option>
      {store.state.value?.classes.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
      <option value="-2">none of these</option>
      <option value="-1">no label</option>
    </select>
  )
}

/** Exactly these images: path, label, prediction. Made in the page. */
function exportImages(store: Store, images: readonly number[]): void {
  const { paths } = store.catalogue.value
  const name = store.className.value
  const predictions = store.predictions.value
  const rows = images.map((image) => {
    const label = store.labels[image] ?? -1
    const predicted = predictions?.classes[image] ?? -1
    return [
      paths[image],
      label === -1 ? '' : labelText(label, name),
      predicted === -1 ? '' : name(predicted),
      predicted === -1 ? '' : String(predictions?.probabilities[image]),
    ]
  })
  save(
    new Blob([toCsv(['path', 'label', 'predicted', 'probability'], rows)], { type: 'text/csv' }),
    'selection.csv',
  )
}

/** Hands a file to the browser's downloads. */
export function save(content: Blob, file: string): void {
  const address = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = address
  link.download = file
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
