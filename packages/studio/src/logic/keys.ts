/** What a key means. Silent while a person types, and where a control of its own takes the key. */

type PlainAction =
  | 'none'
  | 'skip'
  | 'accept'
  | 'acceptAll'
  | 'undo'
  | 'redo'
  | 'back'
  | 'forward'
  | 'selectAll'
  | 'clear'
  | 'sort'
  | 'search'
  | 'name'
  | 'help'

/** `key`: the digit of the class. */
export type Action = { readonly kind: 'label'; readonly key: string } | { readonly kind: PlainAction }

export interface Pressed {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly shiftKey: boolean
  readonly repeat: boolean
}

/** Where the key was pressed. */
export type Place = 'page' | 'control' | 'field'

const PLAIN: Readonly<Record<string, PlainAction>> = {
  n: 'none',
  ' ': 'skip',
  enter: 'accept',
  a: 'acceptAll',
  z: 'undo',
  backspace: 'undo',
  arrowleft: 'back',
  arrowright: 'forward',
  escape: 'clear',
  s: 'sort',
  '/': 'search',
  c: 'name',
  '?': 'help',
}

/**
 * The action of a key, or undefined. Held keys do not repeat what labels, so that a resting finger labels one image; they do
 * repeat undo and the walk through the history.
 */
export function actionOf(pressed: Pressed, place: Place): Action | undefined {
  const key = pressed.key.toLowerCase()
  if (place === 'field' || pressed.altKey) return undefined
  if (pressed.ctrlKey || pressed.metaKey) {
    if (key === 'z') return { kind: pressed.shiftKey ? 'redo' : 'undo' }
    if (key === 'y') return { kind: 'redo' }
    return key === 'a' ? { kind: 'selectAll' } : undefined
  }
  if (place === 'control' && (key === 'enter' || key === ' ')) return undefined
  if (/^[0-9]$/.test(key)) return pressed.repeat ? undefined : { kind: 'label', key }
  if (!Object.hasOwn(PLAIN, key)) return undefined
  const kind = PLAIN[key]
  const steps = kind === 'undo' || kind === 'back' || kind === 'forward'
  return pressed.repeat && !steps ? undefined : { kind }
}

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0']

/**
 * The keys of classes in the order of the list, `[classes]`: a class that is called by a digit has that digit, if no class
 * before it has; else the first digit that is free, from 1 to 9, then 0. Undefined where none is. No later class changes them.
 */
export function keysOf(names: readonly string[]): readonly (string | undefined)[] {
  const free = new Set(DIGITS)
  return names.map((name) => {
    const key = free.has(name) ? name : DIGITS.find((digit) => free.has(digit))
    if (key !== undefined) free.delete(key)
    return key
  })
}

/** The class that a digit labels with. */
export function classOfKey<C extends { readonly name: string }>(
  classes: readonly C[],
  key: string,
): C | undefined {
  return classes[keysOf(classes.map(({ name }) => name)).indexOf(key)]
}

const FIELDS = new Set(['INPUT', 'TEXTAREA', 'SELECT'])
/** Inputs that take no text: keys pass them, but for those that they move by. */
const NO_TEXT = new Set(['checkbox', 'radio', 'button', 'range'])

/** Where an element stands for the keys. */
export function placeOf(element: {
  readonly tagName: string
  readonly type?: unknown
  readonly isContentEditable?: boolean
}): Place {
  if (element.isContentEditable === true) return 'field'
  if (element.tagName === 'INPUT' && typeof element.type === 'string' && NO_TEXT.has(element.type))
    return 'control'
  if (FIELDS.has(element.tagName)) return 'field'
  return ['BUTTON', 'A', 'SUMMARY'].includes(element.tagName) ? 'control' : 'page'
}
