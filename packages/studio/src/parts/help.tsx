/** The keys, and one image large: dialogs that Escape closes. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useStore } from '../context.js'
import { Icon } from './icons.js'

const KEYS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['1', '…', '9', '0'], 'label with the class that shows this key'],
  [['Enter'], 'accept the suggestion'],
  [['N'], 'none of these classes'],
  [['Space'], 'one at a time: skip'],
  [['Z', 'Backspace'], 'undo'],
  [['Ctrl', 'Y'], 'redo'],
  [['C'], 'name a new class'],
  [['A'], 'accept all shown above the threshold'],
  [['←', '→'], 'one at a time: back and forth through what you saw'],
  [['/'], 'search by file name'],
  [['S'], 'sort again by what is predicted now'],
  [['Ctrl', 'A'], 'select all that are shown'],
  [['Arrows'], 'in a grid: to another image, which a key labels'],
  [['Space'], 'in a grid: pick this image, too'],
  [['Shift', 'arrows'], 'in a grid: select a range'],
  [['Shift', 'click'], 'select a range'],
  [['Ctrl', 'click'], 'one more, or one less'],
  [['Esc'], 'select nothing'],
  [['?'], 'this list'],
]

export function Help() {
  const store = useStore()
  return (
    <Dialog
      title="Keys"
      onClose={() => {
        store.helpOpen.value = false
      }}
    >
      <dl class="keys">
        {KEYS.map(([keys, does]) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p class="soft small">
        Keys are silent while you type. Every label is on disk as soon as it counts as stored.
      </p>
    </Dialog>
  )
}

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => element.current?.showModal(), [])
  return (
    <dialog
      class="dialog"
      ref={element}
      aria-label={props.title}
      onClose={props.onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close()
      }}
    >
      <div class="dialog-body">
        <div class="buttons" style={{ justifyContent: 'space-between', flexWrap: 'nowrap' }}>
          <h1 class="cut">{props.title}</h1>
          <button
            type="button"
            class="plain icon"
            aria-label="Close"
            onClick={() => element.current?.close()}
          >
            <Icon name="close" />
          </button>
        </div>
        {props.children}
      </div>
    </dialog>
  )
}
