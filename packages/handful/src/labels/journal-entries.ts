/** Decisions by the names of classes, as lines of the journal. */
import { checkedName, isNoneOfThese } from './class-name.js'
import type { Entry, Label, Seen } from './journal-lines.js'
import type { JournalState } from './journal-state.js'

export interface Decision {
  readonly image: string
  readonly label: Label
  /** Of the image's file, where it is known. */
  readonly sha256?: string
}

export interface NamedDecision {
  readonly image: string
  /** Undefined takes the label away; `none of these` is no class. */
  readonly name: string | undefined
  readonly sha256?: string
  /** Where it is known of this image alone how it was shown. */
  readonly seen?: Seen
}

/** Labels by names; classes that are missing are made before them. */
export function namedEntries(
  decisions: readonly NamedDecision[],
  shown: Seen,
  { classes, nextClass }: Pick<JournalState, 'classes' | 'nextClass'>,
): Entry[] {
  const ids = new Map(classes.map(({ id, name }) => [name, id]))
  const made: Entry[] = []
  const idOf = (name: string): Exclude<Label, null> => {
    const found = ids.get(name)
    if (found !== undefined) return found
    if (isNoneOfThese(name)) return 'none'
    const id = nextClass + made.length
    made.push({ do: 'class', id, name: checkedName(name) })
    ids.set(name, id)
    return id
  }
  const labels = decisions.map(({ image, name, sha256, seen = shown }): Entry => {
    return { do: 'label', image, label: name === undefined ? null : idOf(name), seen, sha256 }
  })
  return [...made, ...labels]
}

/** Classes in their order and labels by their names, of a journal that holds nothing yet. */
export function firstEntries(classNames: readonly string[], decisions: readonly NamedDecision[]): Entry[] {
  const named = classNames.filter((name) => !isNoneOfThese(name))
  const classes = named.map((name, id): Entry => ({ do: 'class', id, name }))
  const labels = decisions.map(({ image, name, sha256, seen = 'picked' }): Entry => {
    const label = name === undefined ? null : isNoneOfThese(name) ? 'none' : named.indexOf(name)
    return { do: 'label', image, label, seen, sha256 }
  })
  return [...classes, ...labels]
}
