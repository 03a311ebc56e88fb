/** Keys of the whole page: each becomes an action, which goes to the view that is shown and, if it leaves it, to the page. */
import { useEffect, useRef } from 'preact/hooks'
import { actionOf, placeOf, type Action } from '../logic/keys.js'
import type { Store } from '../store.js'

type Handler = (action: Action) => boolean

const handlers: Handler[] = []

/** Takes actions while the part is shown; the last that was shown is asked first. True: it was for this part. */
export function useActions(handle: Handler): void {
  const latest = useRef(handle)
  latest.current = handle
  useEffect(() => {
    const entry: Handler = (action) => latest.current(action)
    handlers.push(entry)
    return () => {
      handlers.splice(handlers.indexOf(entry), 1)
    }
  }, [])
}

export function listenToKeys(store: Store): () => void {
  const press = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]') !== null) return
    const target = event.target instanceof HTMLElement ? event.target : document.body
    const action = actionOf(event, placeOf(target))
    if (action === undefined) return
    if (!handlers.toReversed().some((handle) => handle(action)) && !ofThePage(store, action)) return
    event.preventDefault()
  }
  addEventListener('keydown', press)
  return () => removeEventListener('keydown', press)
}

function ofThePage(store: Store, action: Action): boolean {
  switch (action.kind) {
    case 'undo':
      store.undo()
      return true
    case 'redo':
      store.redo()
      return true
    case 'help':
      store.helpOpen.value = true
      return true
    case 'search':
      return focusOn('search')
    case 'name':
      return focusOn('new-class')
    default:
      return false
  }
}

function focusOn(id: string): boolean {
  const field = document.getElementById(id)
  field?.focus()
  return field !== null
}
