/** A square to draw on, with mouse, pen or finger. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Picture } from '../../logic/resample.js'
import { Segments } from '../../parts/small.js'
import { pictureOf } from './read-picture.js'

const SIDE = 280
const PEN = 18
type Ground = 'black' | 'white'

export function DrawPad({ onPicture }: { onPicture: (picture: Picture) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [ground, setGround] = useState<Ground>('white')
  const drawing = useRef(false)

  function clear(): void {
    const context = canvas.current?.getContext('2d')
    if (context === null || context === undefined) return
    context.fillStyle = ground
    context.fillRect(0, 0, SIDE, SIDE)
  }
  useEffect(clear, [ground])

  function line(event: PointerEvent, from: boolean): void {
    const context = canvas.current?.getContext('2d')
    if (canvas.current === null || context === null || context === undefined) return
    const bounds = canvas.current.getBoundingClientRect()
    const x = ((event.clientX - bounds.left) / bounds.width) * SIDE
    const y = ((event.clientY - bounds.top) / bounds.height) * SIDE
    if (from) {
      context.strokeStyle = ground === 'black' ? 'white' : 'black'
      context.lineWidth = PEN
      context.lineCap = context.lineJoin = 'round'
      context.beginPath()
      context.moveTo(x, y)
    }
    context.lineTo(x, y)
    context.stroke()
  }

  return (
    <div class="draw-pad">
      <canvas
        ref={canvas}
        width={SIDE}
        height={SIDE}
        role="img"
        aria-label="Draw here with mouse, pen or finger"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          drawing.current = true
          line(event, true)
        }}
        onPointerMove={(event) => {
          if (drawing.current) line(event, false)
        }}
        onPointerUp={() => {
          drawing.current = false
          const context = canvas.current?.getContext('2d')
          if (context !== null && context !== undefined) onPicture(pictureOf(context))
        }}
      />
      <div class="buttons">
        <Segments<Ground>
          name="Paper"
          value={ground}
          choices={[
            ['white', 'White paper'],
            ['black', 'Black paper'],
          ]}
          onChoose={setGround}
        />
        <button type="button" onClick={clear}>
          Clear
        </button>
      </div>
    </div>
  )
}
