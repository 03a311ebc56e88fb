/** The classes with colour, key and count: a click on the name labels, a click on the count filters. */
import { useState } from 'preact/hooks'
import { useStore } from '../context.js'
import { toggled } from '../logic/filters.js'
import { number } from '../logic/format.js'
import { keysOf } from '../logic/keys.js'
import type { ClassInfo } from '../../../handful/src/studio/protocol.js'
import { Icon } from './icons.js'
import { keepFocus, Swatch } from './small.js'

export function ClassList(props: {
  readonly onLabel: (id: number) => void
  readonly onNew: (name: string) => void
  /** The label of the image that is looked at. */
  readonly chosen?: number
  /** What a click on a name does, for its title. */
  readonly does: string
}) {
  const store = useStore()
  const classes = store.state.value?.classes ?? []
  const keys = keysOf(classes.map(({ name }) => name))
  const [edited, setEdited] = useState<number | undefined>()
  return (
    <section aria-label="Classes">
      <h2>Classes</h2>
      <div class="classes">
        {classes.map((entry, index) =>
          edited === entry.id ? (
            <ClassEditor key={entry.id} entry={entry} others={classes} onDone={() => setEdited(undefined)} />
          ) : (
            <Row
              key={entry.id}
              id={entry.id}
              name={entry.name}
              keyText={keys[index]}
              does={props.does}
              chosen={props.chosen === entry.id}
              onLabel={() => props.onLabel(entry.id)}
              onEdit={() => setEdited(entry.id)}
            />
          ),
        )}
        {classes.length > 0 && (
          <Row
            id={-2}
            name="none of these"
            keyText="N"
            does={props.does}
            chosen={props.chosen === -2}
            onLabel={() => props.onLabel(-2)}
          />
        )}
      </div>
      <NewClass onNew={props.onNew} first={classes.length === 0} />
    </section>
  )
}

function Row(props: {
  readonly id: number
  readonly name: string
  readonly keyText?: string
  readonly does: string
  readonly chosen: boolean
  readonly onLabel: () => void
  readonly onEdit?: () => void
}) {
  const store = useStore()
  const filters = store.filters.value
  const count = store.counts.value.get(props.id) ?? 0
  return (
    <div class={props.chosen ? 'class-row chosen' : 'class-row'}>
      <button
        type="button"
        class="name"
        title={`${props.name}: ${props.does}`}
        onMouseDown={keepFocus}
        onClick={props.onLabel}
      >
        <Swatch id={props.id} text={props.keyText ?? ''} />
        <span class="cut">{props.name}</span>
        <span class="unseen">: {props.does}</span>
      </button>
      <button
        type="button"
        class="count number"
        aria-pressed={filters.labels.has(props.id)}
        aria-label={`${number(count)} labelled ${props.name}: show only these`}
        title="Show only these"
        onMouseDown={keepFocus}
        onClick={() => {
          store.filters.value = { ...filters, labels: toggled(filters.labels, props.id) }
        }}
      >
        {number(count)}
      </button>
      {props.onEdit !== undefined && (
        <button
          type="button"
          class="plain icon edit"
          aria-label={`Change ${props.name}`}
          onClick={props.onEdit}
        >
          <Icon name="edit" size={16} />
        </button>
      )}
    </div>
  )
}

/** Name, merging and deleting; each can be undone, so nothing asks twice. */
function ClassEditor(props: { entry: ClassInfo; others: readonly ClassInfo[]; onDone: () => void }) {
  const store = useStore()
  const { entry, onDone } = props
  const [name, setName] = useState(entry.name)
  const others = props.others.filter(({ id }) => id !== entry.id)
  // The form goes, and the keys label and undo again.
  const done = () => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    onDone()
  }
  const rename = () => {
    const wanted = name.trim()
    if (wanted !== '' && wanted !== entry.name) {
      store.changeClass({ kind: 'rename', id: entry.id, name: wanted })
      store.say(`Renamed ${entry.name}. Z undoes.`)
    }
    done()
  }
  return (
    <form
      class="class-edit"
      onSubmit={(event) => {
        event.preventDefault()
        rename()
      }}
    >
      <input
        type="text"
        aria-label={`New name of ${entry.name}`}
        value={name}
        maxLength={200}
        autoFocus
        onInput={(event) => setName(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') done()
        }}
      />
      {others.length > 0 && (
        <select
          aria-label={`Merge ${entry.name} into another class`}
          onChange={(event) => {
            const into = Number(event.currentTarget.value)
            if (!Number.isNaN(into)) {
              store.changeClass({ kind: 'merge', id: entry.id, into })
              store.say(`${entry.name} is ${store.className.value(into)} now. Z undoes.`)
            }
            done()
          }}
        >
          <option value="?">Merge into …</option>
          {others.map(({ id, name: other }) => (
            <option key={id} value={id}>
              {other}
            </option>
          ))}
        </select>
      )}
      <div class="buttons">
        <button type="submit" class="main">
          Done
        </button>
        <button
          type="button"
          onClick={() => {
            store.changeClass({ kind: 'delete', id: entry.id })
            store.say(`Deleted ${entry.name}. Z undoes.`)
            done()
          }}
        >
          Delete
        </button>
      </div>
    </form>
  )
}

function NewClass({ onNew, first }: { onNew: (name: string) => void; first: boolean }) {
  const [name, setName] = useState('')
  const hasKeys = !matchMedia('(hover: none)').matches
  return (
    <form
      class="new-class"
      onSubmit={(event) => {
        event.preventDefault()
        if (name.trim() === '') return
        onNew(name.trim())
        setName('')
        // The keys label again from here on.
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
      }}
    >
      <input
        type="text"
        id="new-class"
        autoComplete="off"
        maxLength={200}
        placeholder={first ? 'Name it, press Enter' : hasKeys ? 'New class  C' : 'New class'}
        aria-label="New class: type its name and press Enter"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          // Left there, it would be the beginning of the next name.
          setName('')
          event.currentTarget.blur()
        }}
      />
      <button type="submit" disabled={name.trim() === ''}>
        Add
      </button>
    </form>
  )
}
