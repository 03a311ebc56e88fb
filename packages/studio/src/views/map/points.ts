/** What draws the points of the map, and how the plane lies on the screen. */

export interface Camera {
  /** The point of the plane in the middle of the screen. */
  readonly x: number
  readonly y: number
  /** Pixels (CSS) of one unit of the plane. */
  readonly scale: number
}

export interface Frame {
  readonly camera: Camera
  /** CSS pixels. */
  readonly width: number
  readonly height: number
  /** Device pixels of a CSS pixel. */
  readonly ratio: number
  /** A point's diameter in CSS pixels. */
  readonly size: number
}

export interface PointPainter {
  /** `[points * 2]`, up is positive. */
  setPositions(positions: Float32Array): void
  /** `[points * 4]` bytes: red, green, blue, and 255 for a point that stands out or less for one that stays behind. */
  setColours(colours: Uint8Array): void
  draw(frame: Frame): void
  destroy(): void
}

export const toScreen = (
  { camera, width, height }: Frame,
  x: number,
  y: number,
): readonly [number, number] => [
  width / 2 + (x - camera.x) * camera.scale,
  height / 2 - (y - camera.y) * camera.scale,
]

export const toPlane = (
  { camera, width, height }: Pick<Frame, 'camera' | 'width' | 'height'>,
  left: number,
  top: number,
): readonly [number, number] => [
  camera.x + (left - width / 2) / camera.scale,
  camera.y - (top - height / 2) / camera.scale,
]

/** Everything in sight, with a margin. */
export function wholeMap(width: number, height: number): Camera {
  return { x: 0, y: 0, scale: 0.46 * Math.min(width, height) }
}

/** Nearer or farther by a factor, the point under the pointer staying where it is. */
export function zoomed(
  frame: Pick<Frame, 'camera' | 'width' | 'height'>,
  factor: number,
  left: number,
  top: number,
): Camera {
  const { camera, width, height } = frame
  const least = 0.3 * Math.min(width, height)
  const scale = Math.min(4e5, Math.max(least, camera.scale * factor))
  const [x, y] = toPlane(frame, left, top)
  return { scale, x: x - (left - width / 2) / scale, y: y + (top - height / 2) / scale }
}
