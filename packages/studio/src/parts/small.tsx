/** Small pieces that every view uses. */
import type { ComponentChildren } from 'preact'
import { classColour, inkOn } from '../logic/colours.js'
import { Icon, type IconName } from './icons.js'

/** A class's colour, with its key where it has one. */
export function Swatch({ id, text }: { id: number; text?: string }) {
  const colour = classColour(id)
  return (
    <span
      class={text === undefined ? 'swatch dot' : 'swatch'}
      style={{ backgroundColor: colour, color: inkOn(colour) }}
    >
      {text}
    </span>
  )
}

/** What stands where there is nothing yet: what it will be, and what to do. */
export function Empty(props: {
  icon: IconName
  title: string
  /** It is all that the view shows. */
  alone?: boolean
  children?: ComponentChildren
}) {
  return (
    <div class="empty">
      <Icon name={props.icon} size={40} />
      {props.alone === true ? <h1>{props.title}</h1> : <h2>{props.title}</h2>}
      {props.children}
    </div>
  )
}

export function Segments<T extends string>(props: {
  name: string
  value: T
  choices: readonly (readonly [value: T, text: string])[]
  onChoose: (value: T) => void
}) {
  return (
    <div class="segments" role="group" aria-label={props.name}>
      {props.choices.map(([value, text]) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          onClick={() => props.onChoose(value)}
        >
          <span data-text={text}>{text}</span>
        </button>
      ))}
    </div>
  )
}

/** A share as a bar; the number stands beside it, so it is not read out. */
export function Bar({ share, colour }: { share: number; colour?: string }) {
  const width = `${Math.round(1000 * Math.min(1, Math.max(0, share))) / 10}%`
  return (
    <span class="bar" aria-hidden="true">
      <i style={colour === undefined ? { width } : { width, backgroundColor: colour }} />
    </span>
  )
}

/** Keeps the focus where it was, so that the keys go on labelling after a click. */
export const keepFocus = (event: Event) => event.preventDefault()
