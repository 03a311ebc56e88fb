/** Points by place: squares of the plane with the points in them, to find the nearest to a pointer, or those in sight. */

const SQUARES = 128

export class PlaneIndex {
  private readonly start: Int32Array
  private readonly points: Int32Array

  constructor(private readonly positions: Float32Array) {
    const count = positions.length / 2
    const squares = new Int32Array(count)
    this.start = new Int32Array(SQUARES * SQUARES + 1)
    for (let point = 0; point < count; point++) {
      squares[point] = square(positions[2 * point + 1]) * SQUARES + square(positions[2 * point])
      this.start[squares[point] + 1]++
    }
    for (let s = 0; s < SQUARES * SQUARES; s++) this.start[s + 1] += this.start[s]
    const fill = this.start.slice()
    this.points = new Int32Array(count)
    for (let point = 0; point < count; point++) this.points[fill[squares[point]]++] = point
  }

  /** Points between two corners. */
  inside(left: number, bottom: number, right: number, top: number, most = Infinity): number[] {
    const found: number[] = []
    for (let row = square(bottom); row <= square(top); row++)
      for (let column = square(left); column <= square(right); column++) {
        const at = row * SQUARES + column
        for (let k = this.start[at]; k < this.start[at + 1]; k++) {
          const point = this.points[k]
          const x = this.positions[2 * point]
          const y = this.positions[2 * point + 1]
          if (x < left || x > right || y < bottom || y > top) continue
          found.push(point)
          if (found.length >= most) return found
        }
      }
    return found
  }

  /** The nearest point within a reach, or undefined. */
  nearest(x: number, y: number, reach: number): number | undefined {
    let best: number | undefined
    let shortest = reach
    for (const point of this.inside(x - reach, y - reach, x + reach, y + reach)) {
      const distance = Math.hypot(this.positions[2 * point] - x, this.positions[2 * point + 1] - y)
      if (distance < shortest) [best, shortest] = [point, distance]
    }
    return best
  }
}

const square = (at: number): number =>
  Math.min(SQUARES - 1, Math.max(0, Math.floor(((at + 1) / 2) * SQUARES)))
