/** Mouse, finger and keys on the map: move, zoom, lasso, rectangle, pick. */
import { insidePolygon } from '../../logic/lasso.js'
import { toPlane, zoomed } from './points.js'
import type { MapSurface } from './surface.js'

export type Mode = 'move' | 'lasso' | 'frame'

export interface GestureEvents {
  mode(): Mode
  positions(): ArrayLike<number>
  hover(image: number | undefined, left: number, top: number): void
  pick(image: number | undefined, more: boolean): void
  open(image: number): void
  outlined(images: number[], by: Mode): void
}

const DRAG_FROM = 4
const KEY_STEP = 60

/** Listens on the map's element; the result stops. */
export function listen(element: HTMLElement, surface: MapSurface, events: GestureEvents): () => void {
  const fingers = new Map<number, readonly [number, number]>()
  let start: { x: number; y: number; mode: Mode; moved: boolean } | undefined
  const at = (event: MouseEvent): [number, number] => {
    const bounds = element.getBoundingClientRect()
    return [event.clientX - bounds.left, event.clientY - bounds.top]
  }

  const down = (event: PointerEvent) => {
    if (event.button !== 0) return
    element.setPointerCapture(event.pointerId)
    const [x, y] = at(event)
    fingers.set(event.pointerId, [x, y])
    const mode = event.shiftKey && events.mode() === 'move' ? 'lasso' : events.mode()
    start = { x, y, mode: fingers.size > 1 ? 'move' : mode, moved: false }
    surface.outline = []
    events.hover(undefined, 0, 0)
  }

  const move = (event: PointerEvent) => {
    const [x, y] = at(event)
    const before = fingers.get(event.pointerId)
    if (start === undefined || before === undefined) {
      if (event.pointerType !== 'touch') events.hover(surface.at(x, y), x, y)
      return
    }
    if (!start.moved && Math.hypot(x - start.x, y - start.y) < DRAG_FROM) return
    start.moved = true
    if (fingers.size > 1) pinch(event.pointerId, [x, y])
    else if (start.mode === 'move') {
      const { camera } = surface
      surface.camera = {
        ...camera,
        x: camera.x - (x - before[0]) / camera.scale,
        y: camera.y + (y - before[1]) / camera.scale,
      }
    } else draw(x, y)
    fingers.set(event.pointerId, [x, y])
  }

  function pinch(finger: number, now: readonly [number, number]): void {
    const other = [...fingers].find(([id]) => id !== finger)?.[1]
    const before = fingers.get(finger)
    if (other === undefined || before === undefined) return
    const factor = Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1])) // prettier-ignore
    surface.camera = zoomed(surface.frame, factor, (now[0] + other[0]) / 2, (now[1] + other[1]) / 2)
  }

  function draw(x: number, y: number): void {
    if (start === undefined) return
    const { frame } = surface
    const here = toPlane(frame, x, y)
    if (start.mode === 'frame') {
      const [x0, y0] = toPlane(frame, start.x, start.y)
      surface.outline = [x0, y0, here[0], y0, here[0], here[1], x0, here[1]]
    } else {
      if (surface.outline.length === 0) surface.outline = [...toPlane(frame, start.x, start.y)]
      surface.outline = [...surface.outline, ...here]
    }
    surface.redraw()
  }

  const up = (event: PointerEvent) => {
    fingers.delete(event.pointerId)
    if (start === undefined || fingers.size > 0) return
    const { moved, mode } = start
    start = undefined
    const [x, y] = at(event)
    if (!moved) events.pick(surface.at(x, y), event.ctrlKey || event.metaKey)
    else if (mode !== 'move') events.outlined(insidePolygon(events.positions(), surface.outline), mode)
    surface.outline = []
    surface.redraw()
  }

  const cancel = (event: PointerEvent) => {
    fingers.delete(event.pointerId)
    start = undefined
    surface.outline = []
    surface.redraw()
  }

  const wheel = (event: WheelEvent) => {
    event.preventDefault()
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 20 : event.deltaY
    surface.camera = zoomed(surface.frame, Math.exp(-pixels * 0.002), ...at(event))
  }

  const twice = (event: MouseEvent) => {
    const image = surface.at(...at(event))
    if (image !== undefined) events.open(image)
  }

  const press = (event: KeyboardEvent) => {
    const { camera, width, height } = surface.frame
    const step = KEY_STEP / camera.scale
    const steps: Record<string, () => void> = {
      ArrowLeft: () => (surface.camera = { ...camera, x: camera.x - step }),
      ArrowRight: () => (surface.camera = { ...camera, x: camera.x + step }),
      ArrowUp: () => (surface.camera = { ...camera, y: camera.y + step }),
      ArrowDown: () => (surface.camera = { ...camera, y: camera.y - step }),
      '+': () => (surface.camera = zoomed(surface.frame, 1.3, width / 2, height / 2)),
      '=': () => (surface.camera = zoomed(surface.frame, 1.3, width / 2, height / 2)),
      '-': () => (surface.camera = zoomed(surface.frame, 1 / 1.3, width / 2, height / 2)),
      Home: () => (surface.camera = undefined),
    }
    if (event.ctrlKey || event.metaKey || !Object.hasOwn(steps, event.key)) return
    event.preventDefault()
    steps[event.key]()
  }

  const leave = () => events.hover(undefined, 0, 0)
  const aborter = new AbortController()
  const { signal } = aborter
  element.addEventListener('pointerdown', down, { signal })
  element.addEventListener('pointermove', move, { signal })
  element.addEventListener('pointerup', up, { signal })
  element.addEventListener('pointercancel', cancel, { signal })
  element.addEventListener('pointerleave', leave, { signal })
  element.addEventListener('wheel', wheel, { signal, passive: false })
  element.addEventListener('dblclick', twice, { signal })
  element.addEventListener('keydown', press, { signal })
  return () => aborter.abort()
}
