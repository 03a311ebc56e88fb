/**
 * The pen of the generated data set: turns control points into a dense path (Catmull-Rom splines, broken at corners),
 * and a path into ink on a small grey image. A pixel's ink follows from its distance to the nearest piece of path,
 * which gives anti-aliased edges without oversampling.
 */

/** Where the pen went, in pixels, with its radius and pressure at each point. Grows as needed, is reused per image. */
export class PenPath {
  x = new Float64Array(256)
  y = new Float64Array(256)
  radius = new Float64Array(256)
  pressure = new Float64Array(256)
  length = 0

  /** Appends a point with radius and pressure 1. */
  add(x: number, y: number): void {
    if (this.length === this.x.length) this.#grow()
    this.x[this.length] = x
    this.y[this.length] = y
    this.radius[this.length] = 1
    this.pressure[this.length] = 1
    this.length += 1
  }

  #grow(): void {
    const doubled = (values: Float64Array): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(2 * values.length)
      larger.set(values)
      return larger
    }
    this.x = doubled(this.x)
    this.y = doubled(this.y)
    this.radius = doubled(this.radius)
    this.pressure = doubled(this.pressure)
  }
}

/**
 * Appends the uniform Catmull-Rom spline through the control points (Catmull & Rom, "A class of local interpolating
 * splines", 1974). At a corner and at the ends the neighbour that is missing is replaced by the point itself, so the
 * two sides of a corner keep their own directions.
 *
 * @param points `x, y, x, y, ...`
 * @param corners one entry per point, 1 at a corner
 * @param spacing distance between the points of the path, in the unit of `points`
 */
export function traceSpline(path: PenPath, points: Float64Array, corners: Uint8Array, spacing: number): void {
  const last = corners.length - 1
  path.add(points[0], points[1])
  for (let i = 0; i < last; i++) {
    const before = i === 0 || corners[i] === 1 ? i : i - 1
    const after = i + 1 === last || corners[i + 1] === 1 ? i + 1 : i + 2
    const [x0, y0] = [points[2 * before], points[2 * before + 1]]
    const [x1, y1] = [points[2 * i], points[2 * i + 1]]
    const [x2, y2] = [points[2 * i + 2], points[2 * i + 3]]
    const [x3, y3] = [points[2 * after], points[2 * after + 1]]
    const chord = Math.sqrt((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1))
    const pieces = Math.max(2, Math.ceil(chord / spacing))
    for (let piece = 1; piece <= pieces; piece++) {
      const t = piece / pieces
      path.add(catmullRom(x0, x1, x2, x3, t), catmullRom(y0, y1, y2, y3, t))
    }
  }
}

function catmullRom(p0: number, p1: number, p2: number, p3: number, t: number): number {
  const cubic = 3 * (p1 - p2) + p3 - p0
  const square = 2 * p0 - 5 * p1 + 4 * p2 - p3
  return p1 + 0.5 * t * (p2 - p0 + t * (square + t * cubic))
}

/**
 * Inks the path into `ink` (row-major, `size` x `size`, 0 paper to 1 full ink): every pixel takes the largest ink that
 * any piece of the path gives it. `softness` is the width of an edge in pixels.
 */
export function inkPath(ink: Float32Array, size: number, path: PenPath, softness: number): void {
  for (let i = 0; i + 1 < path.length; i++) {
    const pressure = 0.5 * (path.pressure[i] + path.pressure[i + 1])
    if (pressure > 0) inkPiece(ink, size, path, i, pressure, softness)
  }
}

function inkPiece(
  ink: Float32Array,
  size: number,
  path: PenPath,
  i: number,
  pressure: number,
  softness: number,
): void {
  const x1 = path.x[i]
  const y1 = path.y[i]
  const dx = path.x[i + 1] - x1
  const dy = path.y[i + 1] - y1
  const radius1 = path.radius[i]
  const radiusChange = path.radius[i + 1] - radius1
  const reach = Math.max(radius1, path.radius[i + 1]) + softness
  const left = Math.max(0, Math.ceil(Math.min(x1, x1 + dx) - reach))
  const right = Math.min(size - 1, Math.floor(Math.max(x1, x1 + dx) + reach))
  const top = Math.max(0, Math.ceil(Math.min(y1, y1 + dy) - reach))
  const bottom = Math.min(size - 1, Math.floor(Math.max(y1, y1 + dy) + reach))
  const inverseSquare = 1 / Math.max(dx * dx + dy * dy, 1e-12)
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const along = ((column - x1) * dx + (row - y1) * dy) * inverseSquare
      const t = along < 0 ? 0 : along > 1 ? 1 : along
      const ex = column - x1 - t * dx
      const ey = row - y1 - t * dy
      const inside = radius1 + t * radiusChange - Math.sqrt(ex * ex + ey * ey)
      const coverage = 0.5 + inside / softness
      if (coverage <= 0) continue
      const value = pressure * Math.min(1, coverage)
      const pixel = row * size + column
      if (value > ink[pixel]) ink[pixel] = value
    }
  }
}

/** Blurs in place with the kernel [weight, 1 - 2 weight, weight] along both axes; paper beyond the border is blank. */
export function blurInk(ink: Float32Array, size: number, weight: number): void {
  for (const [step, across] of [
    [1, size],
    [size, 1],
  ]) {
    for (let line = 0; line < size; line++) {
      let previous = 0
      for (let k = 0; k < size; k++) {
        const pixel = line * across + k * step
        const here = ink[pixel]
        const next = k + 1 < size ? ink[pixel + step] : 0
        ink[pixel] = here + weight * (previous + next - 2 * here)
        previous = here
      }
    }
  }
}
