/** Points without WebGL: discs written into the bytes of a canvas, which is quick enough for tens of thousands. */
import type { Frame, PointPainter } from './points.js'
import { resize } from './webgl-points.js'

/** A disc as rows of pixels: how many of each row's ends lie outside. */
function disc(diameter: number): { readonly side: number; readonly spans: readonly number[] } {
  const side = Math.max(1, Math.round(diameter))
  const spans = Array.from({ length: side }, (_, row) => {
    const away = Math.abs(row + 0.5 - side / 2)
    return Math.round(side / 2 - Math.sqrt(Math.max(0, (side / 2) ** 2 - away ** 2)))
  })
  return { side, spans }
}

export function canvasPoints(canvas: HTMLCanvasElement): PointPainter | undefined {
  const context = canvas.getContext('2d')
  if (context === null) return undefined
  let positions = new Float32Array(0)
  /** `[points]` as a pixel lies in memory: alpha, blue, green, red from the highest byte. */
  let inks = new Uint32Array(0)
  /** Those behind first. */
  let order = new Uint32Array(0)
  let behind = 0
  let picture: ImageData | undefined

  function draw({ camera, width, height, ratio, size }: Frame): void {
    if (context === null) return
    resize(canvas, width, height, ratio)
    const { width: across, height: down } = canvas
    if (across === 0 || down === 0) return
    if (picture?.width !== across || picture.height !== down) picture = context.createImageData(across, down)
    const pixels = new Uint32Array(picture.data.buffer)
    pixels.fill(0)
    const scale = camera.scale * ratio
    const small = disc(size * ratio * 0.75)
    const large = disc(size * ratio * 0.95)
    const left = across / 2 - camera.x * scale
    const top = down / 2 + camera.y * scale
    for (let k = 0; k < order.length; k++) {
      const point = order[k]
      const { side, spans } = k < behind ? small : large
      const x = (left + positions[2 * point] * scale - side / 2) | 0
      const y = (top - positions[2 * point + 1] * scale - side / 2) | 0
      if (x < 0 || y < 0 || x + side > across || y + side > down) continue
      const ink = inks[point]
      for (let row = 0; row < side; row++) {
        const start = (y + row) * across + x
        for (let pixel = start + spans[row]; pixel < start + side - spans[row]; pixel++) pixels[pixel] = ink
      }
    }
    context.putImageData(picture, 0, 0)
  }

  return {
    setPositions(values) {
      positions = Float32Array.from(values)
    },
    setColours(values) {
      const count = values.length / 4
      inks = new Uint32Array(count)
      order = new Uint32Array(count)
      behind = 0
      for (let point = 0; point < count; point++) {
        const [red, green, blue, alpha] = values.subarray(4 * point, 4 * point + 4)
        inks[point] = ((alpha === 255 ? 235 : alpha) << 24) | (blue << 16) | (green << 8) | red
        if (alpha < 255) order[behind++] = point
      }
      let next = behind
      for (let point = 0; point < count; point++) if (values[4 * point + 3] === 255) order[next++] = point
    },
    draw,
    destroy() {
      picture = undefined
    },
  }
}
