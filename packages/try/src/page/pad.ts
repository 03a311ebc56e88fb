/** A square to draw on with mouse, finger, pen, or the keyboard: arrows move the pen, the space bar puts it down. */

export interface Pad {
  clear(): void
  /** Whether anything is drawn. */
  readonly isEmpty: boolean
}

export interface PadOptions {
  readonly canvas: HTMLCanvasElement
  /** Dark ground and light pen, as generated handwriting has it, or the other way round. */
  readonly isDark: () => boolean
  /** Share of the side. */
  readonly width: number
  readonly onChange: (isDone: boolean) => void
}

const KEYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

export function drawingPad({ canvas, isDark, width, onChange }: PadOptions): Pad {
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Error('internal: no canvas')
  const side = canvas.width
  const state = { isEmpty: true, last: undefined as readonly [number, number] | undefined }
  const pen = { x: side / 2, y: side / 2, isDown: false }

  const clear = (): void => {
    context.fillStyle = isDark() ? '#000' : '#fff'
    context.fillRect(0, 0, side, side)
    state.isEmpty = true
  }
  const lineTo = (x: number, y: number): void => {
    const [fromX, fromY] = state.last ?? [x, y]
    context.strokeStyle = isDark() ? '#fff' : '#000'
    context.lineWidth = side * width
    context.lineCap = 'round'
    context.lineJoin = 'round'
    context.beginPath()
    context.moveTo(fromX, fromY)
    // A dot is a line that goes nowhere.
    context.lineTo(x + (fromX === x && fromY === y ? 0.01 : 0), y)
    context.stroke()
    state.last = [x, y]
    state.isEmpty = false
  }
  const placeOf = ({ clientX, clientY }: PointerEvent): readonly [number, number] => {
    const box = canvas.getBoundingClientRect()
    return [((clientX - box.left) * side) / box.width, ((clientY - box.top) * side) / box.height]
  }

  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId)
    state.last = undefined
    lineTo(...placeOf(event))
    onChange(false)
    event.preventDefault()
    canvas.focus()
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons === 0 || !canvas.hasPointerCapture(event.pointerId)) return
    for (const each of event.getCoalescedEvents?.() ?? [event]) lineTo(...placeOf(each))
    onChange(false)
  })
  canvas.addEventListener('pointerup', () => onChange(true))
  canvas.addEventListener('keydown', (event) => {
    if (event.key === ' ') {
      pen.isDown = !pen.isDown
      state.last = undefined
      if (pen.isDown) lineTo(pen.x, pen.y)
    } else if (Object.hasOwn(KEYS, event.key)) {
      const [x, y] = KEYS[event.key]
      const step = side / (event.shiftKey ? 12 : 40)
      pen.x = Math.min(side, Math.max(0, pen.x + x * step))
      pen.y = Math.min(side, Math.max(0, pen.y + y * step))
      if (pen.isDown) lineTo(pen.x, pen.y)
    } else return
    event.preventDefault()
    if (!state.isEmpty) onChange(true)
  })
  clear()
  return {
    clear,
    get isEmpty() {
      return state.isEmpty
    },
  }
}
