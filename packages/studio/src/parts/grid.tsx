/**
 * Thumbnails of any number of images: only those in sight, and the one at the cursor, are in the page. Selecting as in a file
 * manager: click, shift for a range, control for one more, a frame drawn with the mouse, Ctrl+A; a tap for one more, a finger
 * that stays for a range. Keys as the ARIA practices have them for a list of which several can be chosen: arrows move a cursor
 * that screen readers follow, Space picks, with shift a range. Selecting moves nothing.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { useStore } from '../context.js'
import { classColour, inkOn } from '../logic/colours.js'
import { labelText } from '../logic/filters.js'
import { fileName } from '../logic/format.js'
import { cellsInFrame, gridShape, visibleCells } from '../logic/grid-window.js'
import {
  frame,
  moved,
  NOTHING,
  pick,
  pickedAtCursor,
  stepped,
  type Held,
  type Selection,
} from '../logic/selection.js'

const GAP = 8
/** Pixels the mouse has to go before a click is a drag. */
const DRAG_FROM = 5
/** Milliseconds that a finger stays before it means a range. */
const HOLD = 450

interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export interface GridProps {
  readonly images: ArrayLike<number>
  readonly name: string
  readonly size: number
  readonly selection: Selection
  readonly onSelect: (selection: Selection) => void
  readonly onOpen?: (image: number) => void
  /** Shows what is predicted where there is no label. */
  readonly withPredictions?: boolean
}

export function Grid(props: GridProps) {
  const { images, selection } = props
  const scroller = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ width: 0, height: 0, top: 0 })
  const [box, setBox] = useState<Box | undefined>()
  const shape = gridShape(images.length, Math.max(1, view.width), props.size, GAP)
  const [from, to] = visibleCells(shape, images.length, view.top, view.height)
  const cursorCell =
    selection.cursor === undefined ? -1 : Array.prototype.indexOf.call(images, selection.cursor)

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const measure = () => {
      const style = getComputedStyle(element)
      const width = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
      setView({ width, height: element.clientHeight, top: element.scrollTop })
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  // Elsewhere no key labels an image that is not seen.
  const latest = useRef(props)
  latest.current = props
  useEffect(
    () => () => {
      const { selection: last, onSelect } = latest.current
      if (last.steered === true) onSelect({ ...last, steered: false })
    },
    [],
  )

  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    let asked = false
    const scrolled = () => {
      if (asked) return
      asked = true
      requestAnimationFrame(() => {
        asked = false
        setView((before) => ({ ...before, top: element.scrollTop }))
      })
    }
    element.addEventListener('scroll', scrolled, { passive: true })
    return () => element.removeEventListener('scroll', scrolled)
  }, [])

  function reveal(image: number): void {
    const element = scroller.current
    if (element === null) return
    const at = Math.floor(Array.prototype.indexOf.call(images, image) / shape.columns) * shape.pitch
    if (at < element.scrollTop) element.scrollTop = at
    else if (at + shape.pitch > element.scrollTop + element.clientHeight)
      element.scrollTop = at + shape.pitch - element.clientHeight + GAP
  }

  /** Whoever comes by Tab finds the cursor where it was, or on the first image in sight. */
  function enter(event: FocusEvent & { readonly currentTarget: HTMLElement }): void {
    if (images.length === 0 || !event.currentTarget.matches(':focus-visible')) return
    const known = selection.cursor !== undefined && Array.prototype.includes.call(images, selection.cursor)
    const first = images[Math.min(images.length - 1, Math.ceil(view.top / shape.pitch) * shape.columns)]
    const cursor = known ? selection.cursor : first
    props.onSelect({ ...selection, anchor: selection.anchor ?? cursor, cursor, steered: true })
  }

  function press(event: KeyboardEvent): void {
    if (event.altKey) return
    if (event.key === ' ' && selection.cursor !== undefined) {
      event.preventDefault()
      event.stopPropagation()
      props.onSelect(pickedAtCursor(selection, images, event.shiftKey))
      return
    }
    const rowsInView = Math.max(1, Math.floor(view.height / shape.pitch) - 1)
    const next = stepped(event.key, images, selection.cursor, { columns: shape.columns, rowsInView })
    if (next !== undefined) {
      event.preventDefault()
      event.stopPropagation()
      const held = { shift: event.shiftKey, control: event.ctrlKey || event.metaKey }
      props.onSelect(moved(selection, images, next, held))
      reveal(next)
    } else if (event.key === 'Enter' && selection.cursor !== undefined && props.onOpen !== undefined) {
      event.preventDefault()
      event.stopPropagation()
      props.onOpen(selection.cursor)
    }
  }

  return (
    <div
      class="grid"
      ref={scroller}
      role="listbox"
      aria-multiselectable="true"
      aria-label={props.name}
      aria-activedescendant={cursorCell < 0 ? undefined : `image-${selection.cursor}`}
      tabIndex={0}
      onKeyDown={press}
      onFocus={enter}
      onPointerDown={(event) => drag(event, scroller.current, props, shape, setBox)}
      onContextMenu={(event) => {
        // A finger that stays selects; the browser's menu would take it away.
        if ((event as unknown as PointerEvent).pointerType === 'touch') event.preventDefault()
      }}
      onDblClick={(event) => {
        const image = imageAt(event.target)
        if (image !== undefined) props.onOpen?.(image)
      }}
    >
      <div class="grid-space" role="presentation" style={{ height: `${shape.height}px` }}>
        {drawnCells(from, to, cursorCell).map((cell) => {
          const top = Math.floor(cell / shape.columns) * shape.pitch
          return (
            <Cell
              key={images[cell]}
              image={images[cell]}
              position={cell}
              count={images.length}
              left={(cell % shape.columns) * shape.pitch}
              top={top}
              inSight={top < view.top + view.height && top + shape.pitch > view.top}
              side={shape.pitch - GAP}
              selected={selection.images.has(images[cell])}
              cursor={cell === cursorCell && selection.steered === true}
              withPredictions={props.withPredictions === true}
            />
          )
        })}
        {box !== undefined && (
          <div
            class="drag-frame"
            role="presentation"
            style={{
              left: `${box.left}px`,
              top: `${box.top}px`,
              width: `${box.right - box.left}px`,
              height: `${box.bottom - box.top}px`,
            }}
          />
        )}
      </div>
    </div>
  )
}

/** Those in sight and the one at the cursor, which screen readers are told of wherever it is. */
function drawnCells(from: number, to: number, cursor: number): number[] {
  const cells = Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k)
  return cursor < 0 || (cursor >= from && cursor < to) ? cells : [...cells, cursor]
}

function imageAt(target: EventTarget | null): number | undefined {
  const cell = target instanceof Element ? target.closest<HTMLElement>('[data-image]') : null
  return cell === null ? undefined : Number(cell.dataset.image)
}

/** A click picks, a drag draws a frame; a frame drawn past an edge scrolls. */
function drag(
  start: PointerEvent,
  scroller: HTMLDivElement | null,
  props: GridProps,
  shape: ReturnType<typeof gridShape>,
  show: (box: Box | undefined) => void,
): void {
  if (scroller === null || start.button !== 0) return
  const space = scroller.firstElementChild
  if (space === null || start.offsetX > scroller.clientWidth) return
  const held = { shift: start.shiftKey, control: start.ctrlKey || start.metaKey }
  const clicked = imageAt(start.target)
  const before = props.selection
  const inSpace = (event: PointerEvent) => {
    const bounds = space.getBoundingClientRect()
    return [event.clientX - bounds.left, event.clientY - bounds.top] as const
  }
  const [x, y] = inSpace(start)
  let dragged = false
  let isRange = false
  const stays =
    start.pointerType === 'touch' && clicked !== undefined
      ? setTimeout(() => {
          isRange = true
          props.onSelect(pick(before, props.images, clicked, { shift: true, control: true }))
        }, HOLD)
      : undefined
  const move = (event: PointerEvent) => {
    if (event.pointerType === 'touch') return
    const [nowX, nowY] = inSpace(event)
    if (!dragged && Math.hypot(nowX - x, nowY - y) < DRAG_FROM) return
    dragged = true
    const box = {
      left: Math.min(x, nowX),
      top: Math.min(y, nowY),
      right: Math.max(x, nowX),
      bottom: Math.max(y, nowY),
    }
    show(box)
    const touched = cellsInFrame(shape, props.images.length, box).map((cell) => props.images[cell])
    props.onSelect(frame(before, touched, held))
    const bounds = scroller.getBoundingClientRect()
    if (event.clientY > bounds.bottom - 12) scroller.scrollTop += 24
    if (event.clientY < bounds.top + 12) scroller.scrollTop -= 24
  }
  const end = () => {
    removeEventListener('pointermove', move)
    removeEventListener('pointerup', end)
    removeEventListener('pointercancel', cancel)
    show(undefined)
    clearTimeout(stays)
    if (dragged || isRange) return
    if (clicked !== undefined) props.onSelect(pick(before, props.images, clicked, touchHeld(start, held)))
    else if (!held.control && !held.shift) props.onSelect(NOTHING)
  }
  const cancel = () => {
    removeEventListener('pointermove', move)
    removeEventListener('pointerup', end)
    removeEventListener('pointercancel', cancel)
    show(undefined)
    clearTimeout(stays)
  }
  addEventListener('pointermove', move)
  addEventListener('pointerup', end)
  addEventListener('pointercancel', cancel)
}

/** A finger has no control key: each tap adds or takes away. */
const touchHeld = (event: PointerEvent, held: Held): Held =>
  event.pointerType === 'touch' ? { ...held, control: true } : held

interface CellProps {
  readonly image: number
  readonly position: number
  readonly count: number
  readonly left: number
  readonly top: number
  readonly inSight: boolean
  readonly side: number
  readonly selected: boolean
  readonly cursor: boolean
  readonly withPredictions: boolean
}

function Cell(props: CellProps) {
  const store = useStore()
  const { image } = props
  void store.labelsVersion.value
  const label = store.labels[image] ?? -1
  const predictions = store.predictions.value
  const predicted = predictions?.classes[image] ?? -1
  const path = store.catalogue.value.paths[image] ?? ''
  const className = store.className.value
  const guess = label === -1 && predicted !== -1 && props.withPredictions && !store.isBlind(image)
  const sure = Math.round(100 * (predictions?.probabilities[image] ?? 0))
  const unreadable = store.whyUnreadable(image) !== undefined
  const said = unreadable
    ? 'cannot be read'
    : label !== -1
      ? `labelled ${labelText(label, className)}`
      : guess
        ? `predicted ${className(predicted)}, ${sure} %`
        : 'no label'
  return (
    <div
      class={props.cursor ? 'cell cursor' : 'cell'}
      id={`image-${image}`}
      data-image={image}
      role="option"
      aria-selected={props.selected}
      aria-setsize={props.count}
      aria-posinset={props.position + 1}
      aria-label={`${fileName(path)}, ${said}`}
      title={path}
      style={{
        left: `${props.left}px`,
        top: `${props.top}px`,
        width: `${props.side}px`,
        height: `${props.side}px`,
      }}
    >
      <Thumbnail image={image} later={!props.inSight} />
      {unreadable && <span class="no-picture">{props.side < 64 ? '?' : 'cannot be read'}</span>}
      {label !== -1 && props.side >= 44 && (
        <Tag id={label} name={props.side < 64 ? '' : label === -2 ? 'none' : className(label)} />
      )}
      {guess && props.side >= 64 && (
        <span class="tag guess">
          <span class="ring" style={{ borderColor: classColour(predicted) }} />
          <span class="cut">{className(predicted)}</span>
          {props.side >= 84 && <span class="soft"> {sure}&thinsp;%</span>}
        </span>
      )}
    </div>
  )
}

function Tag({ id, name }: { id: number; name: string }) {
  const colour = classColour(id)
  return (
    <span class="tag" style={{ backgroundColor: colour, color: inkOn(colour) }}>
      <span class="cut">{name === '' ? '\u2002' : name}</span>
    </span>
  )
}

/** The image itself; its name is told by what stands around it. */
export function Thumbnail({ image, later = false }: { image: number; later?: boolean }) {
  const store = useStore()
  return (
    <img
      src={store.studio.thumbnail(image)}
      alt=""
      decoding="async"
      fetchpriority={later ? 'low' : 'high'}
      draggable={false}
      onLoad={(event) => event.currentTarget.classList.remove('broken')}
      onError={(event) => event.currentTarget.classList.add('broken')}
    />
  )
}
