/** Which points lie inside a closed line. */

/**
 * Indices of the points in a polygon, by the even-odd rule; a crossing counts on edges that go up or down past the point
 * (Shimrat, 1962). `positions`: `[points * 2]`, `outline`: `[corners * 2]`, in one plane.
 */
export function insidePolygon(positions: ArrayLike<number>, outline: ArrayLike<number>): number[] {
  const corners = outline.length / 2
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (let c = 0; c < corners; c++) {
    left = Math.min(left, outline[2 * c])
    right = Math.max(right, outline[2 * c])
    top = Math.min(top, outline[2 * c + 1])
    bottom = Math.max(bottom, outline[2 * c + 1])
  }
  const found: number[] = []
  for (let point = 0; point < positions.length / 2; point++) {
    const x = positions[2 * point]
    const y = positions[2 * point + 1]
    if (x < left || x > right || y < top || y > bottom) continue
    let inside = false
    for (let c = 0, d = corners - 1; c < corners; d = c++) {
      const cy = outline[2 * c + 1]
      const dy = outline[2 * d + 1]
      if (cy > y === dy > y) continue
      const crossing = outline[2 * c] + ((y - cy) / (dy - cy)) * (outline[2 * d] - outline[2 * c])
      if (x < crossing) inside = !inside
    }
    if (inside) found.push(point)
  }
  return found
}
