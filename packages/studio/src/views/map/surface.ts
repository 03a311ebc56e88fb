/**
 * The map on the screen: points, and over them what is selected, the outline that is drawn, thumbnails where there is room.
 * Draws only when something changed, at most once a frame.
 */
import { canvasPoints } from './canvas-points.js'
import { PlaneIndex } from './near.js'
import { toPlane, toScreen, wholeMap, type Camera, type Frame, type PointPainter } from './points.js'
import { resize, webglPoints } from './webgl-points.js'

export interface Sights {
  /** Drawn larger, with a ring. */
  readonly selected: ReadonlySet<number>
  readonly hovered: number | undefined
  /** The most typical image of each cluster, drawn as its name; empty for none. */
  readonly typical: readonly number[]
  colourOf(image: number): string
  stands(image: number): boolean
  thumbnail(image: number): string
}

const THUMBNAIL = 44
/** Thumbnails appear when a square of the screen of their size holds fewer points than this on average. */
const CROWDED = 3
const MOST_PICTURES = 600

export class MapSurface {
  private painter: PointPainter
  /** What draws the points. */
  paints: 'webgl' | 'canvas'
  private colours: Uint8Array = new Uint8Array(0)
  private ended = false
  private index = new PlaneIndex(new Float32Array(0))
  private positions = new Float32Array(0)
  private width = 0
  private height = 0
  private placed: Camera | undefined
  private asked = 0
  private readonly pictures = new Map<number, HTMLImageElement>()
  /** `[corners * 2]` in the plane, while it is drawn. */
  outline: readonly number[] = []
  sights: Sights | undefined

  constructor(
    points: HTMLCanvasElement,
    private readonly over: HTMLCanvasElement,
  ) {
    const webgl = webglPoints(points)
    this.paints = webgl === undefined ? 'canvas' : 'webgl'
    this.painter = webgl ?? onFreshCanvas(points)
    points.addEventListener('webglcontextlost', () => {
      if (this.ended) return
      this.paints = 'canvas'
      this.painter = onFreshCanvas(points)
      this.painter.setPositions(this.positions)
      this.setColours(this.colours)
    })
  }

  get camera(): Camera {
    return this.placed ?? wholeMap(this.width, this.height)
  }

  set camera(camera: Camera | undefined) {
    this.placed = camera
    this.redraw()
  }

  get frame(): Frame {
    const ratio = Math.min(2, devicePixelRatio)
    return { camera: this.camera, width: this.width, height: this.height, ratio, size: this.pointSize() }
  }

  setPositions(positions: ArrayLike<number>): void {
    this.positions = Float32Array.from(positions)
    this.index = new PlaneIndex(this.positions)
    this.painter.setPositions(this.positions)
    this.redraw()
  }

  setColours(colours: Uint8Array): void {
    this.colours = colours
    this.painter.setColours(colours)
    this.redraw()
  }

  setSize(width: number, height: number): void {
    this.width = width
    this.height = height
    this.redraw()
  }

  /** The image under the pointer, or undefined. */
  at(left: number, top: number): number | undefined {
    const [x, y] = toPlane(this.frame, left, top)
    const reach = Math.max(9, this.pointSize()) / this.camera.scale
    return this.index.nearest(x, y, reach)
  }

  positionOf(image: number): readonly [left: number, top: number] {
    return toScreen(this.frame, this.positions[2 * image], this.positions[2 * image + 1])
  }

  redraw(): void {
    if (this.asked !== 0) return
    this.asked = requestAnimationFrame(() => {
      this.asked = 0
      this.draw()
    })
  }

  destroy(): void {
    this.ended = true
    cancelAnimationFrame(this.asked)
    this.painter.destroy()
  }

  private draw(): void {
    if (this.width === 0 || this.height === 0) return
    const { frame } = this
    this.painter.draw(frame)
    resize(this.over, this.width, this.height, frame.ratio)
    const context = this.over.getContext('2d')
    if (context === null) return
    context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0)
    context.clearRect(0, 0, this.width, this.height)
    const style = getComputedStyle(this.over)
    this.drawThumbnails(context, style.getPropertyValue('--page'))
    this.drawRings(context, style.getPropertyValue('--text'))
    this.drawOutline(context, style.getPropertyValue('--learned'))
  }

  private pointSize(): number {
    const crowd = Math.sqrt(Math.max(1, this.positions.length / 2) / 3000)
    const zoom = this.camera.scale / wholeMap(this.width, this.height).scale
    return Math.min(12, Math.max(2.4, (6 / Math.sqrt(crowd)) * Math.min(2, zoom ** 0.35)))
  }

  private drawThumbnails(context: CanvasRenderingContext2D, ground: string): void {
    const { sights } = this
    if (sights === undefined) return
    const [left, top] = toPlane(this.frame, 0, 0)
    const [right, bottom] = toPlane(this.frame, this.width, this.height)
    const squares = (this.width * this.height) / THUMBNAIL ** 2
    const inSight = this.index.inside(left, bottom, right, top, squares * CROWDED + 1)
    const taken = new Set<string>()
    const near =
      inSight.length <= squares * CROWDED && this.camera.scale > 1.8 * wholeMap(this.width, this.height).scale
    const images = near ? [...sights.typical, ...inSight] : sights.typical
    for (const image of images) {
      const [x, y] = this.positionOf(image)
      const place = `${Math.round(x / THUMBNAIL)} ${Math.round(y / THUMBNAIL)}`
      if (taken.has(place) || !(sights.stands(image) || sights.typical.includes(image))) continue
      taken.add(place)
      const picture = this.pictureOf(image)
      if (picture === undefined) continue
      const side = THUMBNAIL - 6
      const [x0, y0] = near
        ? [Math.round(x / THUMBNAIL) * THUMBNAIL, Math.round(y / THUMBNAIL) * THUMBNAIL]
        : [x, y]
      rounded(context, x0 - side / 2 - 3, y0 - side / 2 - 3, side + 6, 7, ground)
      rounded(context, x0 - side / 2 - 2, y0 - side / 2 - 2, side + 4, 6, sights.colourOf(image))
      context.save()
      context.beginPath()
      context.roundRect(x0 - side / 2, y0 - side / 2, side, side, 4)
      context.clip()
      cover(context, picture, x0 - side / 2, y0 - side / 2, side)
      context.restore()
    }
  }

  private drawRings(context: CanvasRenderingContext2D, ink: string): void {
    const { sights } = this
    if (sights === undefined) return
    context.strokeStyle = ink
    context.lineWidth = 1.5
    const radius = this.pointSize() / 2 + 1.5
    context.beginPath()
    for (const image of sights.selected) {
      const [x, y] = this.positionOf(image)
      context.moveTo(x + radius, y)
      context.arc(x, y, radius, 0, 2 * Math.PI)
    }
    if (sights.hovered !== undefined) {
      const [x, y] = this.positionOf(sights.hovered)
      context.moveTo(x + radius + 2, y)
      context.arc(x, y, radius + 2, 0, 2 * Math.PI)
    }
    context.stroke()
  }

  private drawOutline(context: CanvasRenderingContext2D, line: string): void {
    if (this.outline.length < 4) return
    context.beginPath()
    for (let corner = 0; corner < this.outline.length; corner += 2)
      context.lineTo(...toScreen(this.frame, this.outline[corner], this.outline[corner + 1]))
    context.closePath()
    context.strokeStyle = line
    context.lineWidth = 2
    context.globalAlpha = 0.12
    context.fillStyle = line
    context.fill()
    context.globalAlpha = 1
    context.stroke()
  }

  private pictureOf(image: number): HTMLImageElement | undefined {
    let picture = this.pictures.get(image)
    if (picture === undefined) {
      if (this.sights === undefined) return undefined
      if (this.pictures.size > MOST_PICTURES) this.pictures.clear()
      picture = new Image()
      picture.src = this.sights.thumbnail(image)
      this.pictures.set(image, picture)
      picture.decode().then(
        () => this.redraw(),
        () => undefined,
      )
    }
    return picture.complete && picture.naturalWidth > 0 ? picture : undefined
  }
}

/** A canvas that has had a WebGL context gives no other. */
function onFreshCanvas(points: HTMLCanvasElement): PointPainter {
  const fresh = document.createElement('canvas')
  points.replaceWith(fresh)
  const painter = canvasPoints(fresh)
  if (painter === undefined) throw new Error('the map (canvas): this browser draws on no canvas')
  return painter
}

function rounded(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  side: number,
  radius: number,
  colour: string,
) {
  context.beginPath()
  context.roundRect(x, y, side, side, radius)
  context.fillStyle = colour
  context.fill()
}

/** As CSS has it: the middle square. */
function cover(
  context: CanvasRenderingContext2D,
  picture: HTMLImageElement,
  x: number,
  y: number,
  side: number,
): void {
  const { naturalWidth: width, naturalHeight: height } = picture
  const inner = Math.min(width, height)
  context.drawImage(picture, (width - inner) / 2, (height - inner) / 2, inner, inner, x, y, side, side)
}
