/** What is selected in a grid: clicks, ranges and keys as in a file manager. Values, never changed in place. */

export interface Selection {
  /** Images. */
  readonly images: ReadonlySet<number>
  /** Where a range starts; an image. */
  readonly anchor?: number
  /** Where the keys are; an image. */
  readonly cursor?: number
  /** Whether keys brought the cursor there: then a key labels this image as long as none is selected. */
  readonly steered?: boolean
}

export const NOTHING: Selection = { images: new Set() }

export interface Held {
  readonly shift: boolean
  readonly control: boolean
}

/** A click on an image, or a step onto it with the keys, in the order that is shown. */
export function pick(selection: Selection, order: ArrayLike<number>, image: number, held: Held): Selection {
  if (held.shift && selection.anchor !== undefined) {
    const from = position(order, selection.anchor)
    const to = position(order, image)
    if (from >= 0 && to >= 0) {
      const images = new Set(held.control ? selection.images : [])
      for (let k = Math.min(from, to); k <= Math.max(from, to); k++) images.add(order[k])
      return { images, anchor: selection.anchor, cursor: image }
    }
  }
  if (held.control) {
    const images = new Set(selection.images)
    if (!images.delete(image)) images.add(image)
    return { images, anchor: image, cursor: image }
  }
  return { images: new Set([image]), anchor: image, cursor: image }
}

/** The cursor on another image, by keys: what is selected stays, but with shift, which selects from where it was last without. */
export function moved(selection: Selection, order: ArrayLike<number>, image: number, held: Held): Selection {
  if (!held.shift) return { ...selection, anchor: image, cursor: image, steered: true }
  const anchor = selection.anchor ?? selection.cursor ?? image
  return { ...pick({ ...selection, anchor }, order, image, held), steered: true }
}

/** One more or one less: the image at the cursor. With shift all from where a range starts, beside what is selected. */
export function pickedAtCursor(selection: Selection, order: ArrayLike<number>, shift: boolean): Selection {
  if (selection.cursor === undefined) return selection
  return { ...pick(selection, order, selection.cursor, { shift, control: true }), steered: true }
}

/** Nothing selected any more; the cursor stays. */
export const cleared = (selection: Selection): Selection => ({ ...selection, images: new Set() })

/** The images that a dragged frame touches, added to what was selected where control is held. */
export function frame(before: Selection, touched: Iterable<number>, held: Held): Selection {
  const images = new Set(held.control || held.shift ? before.images : [])
  for (const image of touched) images.add(image)
  return { ...before, images, steered: false }
}

export function all(order: ArrayLike<number>, before: Selection): Selection {
  return { ...before, images: new Set(Array.from(order)) }
}

/** The step of an arrow, Home, End, PageUp or PageDown; undefined for other keys. */
export function stepped(
  key: string,
  order: ArrayLike<number>,
  cursor: number | undefined,
  grid: { readonly columns: number; readonly rowsInView: number },
): number | undefined {
  const here = cursor === undefined ? -1 : position(order, cursor)
  const steps: Record<string, number> = {
    ArrowRight: here + 1,
    ArrowLeft: here - 1,
    ArrowDown: here < 0 ? 0 : here + grid.columns,
    ArrowUp: here - grid.columns,
    PageDown: here + grid.columns * grid.rowsInView,
    PageUp: here - grid.columns * grid.rowsInView,
    Home: 0,
    End: order.length - 1,
  }
  if (!(key in steps) || order.length === 0) return undefined
  if (key === 'ArrowUp' && steps[key] < 0) return order[Math.max(0, here)]
  return order[Math.min(order.length - 1, Math.max(0, steps[key]))]
}

function position(order: ArrayLike<number>, image: number): number {
  for (let k = 0; k < order.length; k++) if (order[k] === image) return k
  return -1
}
