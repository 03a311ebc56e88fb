/** The pen against closed forms: areas of discs and capsules, points on a spline, ink kept by a blur. */

import { describe, expect, it } from 'vitest'

import { PenPath, blurInk, inkPath, traceSpline } from '../../src/data/strokes-pen.js'

const SIZE = 28

function line(points: readonly (readonly [number, number])[], radius: number): PenPath {
  const path = new PenPath()
  for (const [x, y] of points) path.add(x, y)
  path.radius.fill(radius)
  return path
}

function inked(path: PenPath, softness = 1): Float32Array {
  const ink = new Float32Array(SIZE * SIZE)
  inkPath(ink, SIZE, path, softness)
  return ink
}

function total(ink: Float32Array): number {
  return ink.reduce((sum, value) => sum + value, 0)
}

describe('inkPath', () => {
  it.each([0.8, 1.5, 3])('inks the area of a capsule of radius %d', (radius) => {
    const path = line(
      [
        [7.3, 9.1],
        [18.8, 16.4],
      ],
      radius,
    )
    const length = Math.hypot(18.8 - 7.3, 16.4 - 9.1)
    const area = 2 * radius * length + Math.PI * radius ** 2
    expect(Math.abs(total(inked(path)) / area - 1)).toBeLessThan(0.06)
  })

  it('gives no more ink where a path crosses itself or is cut into more pieces', () => {
    const once = line(
      [
        [5, 14],
        [23, 14],
      ],
      1.4,
    )
    const thereAndBack = line(
      [
        [5, 14],
        [14, 14],
        [23, 14],
        [5, 14],
      ],
      1.4,
    )
    inked(once).forEach((value, i) => expect(inked(thereAndBack)[i]).toBeCloseTo(value, 5))
  })

  it('leaves pieces without pressure blank and clips at the border', () => {
    const path = line(
      [
        [-20, 5],
        [40, 5],
        [40, 20],
        [-20, 20],
      ],
      1,
    )
    path.pressure.fill(0, 0, 3)
    const ink = inked(path)
    expect(total(ink.subarray(0, 12 * SIZE))).toBe(0)
    expect(Math.max(...ink)).toBeCloseTo(0.5)
  })
})

describe('traceSpline', () => {
  it('passes through every control point', () => {
    const points = Float64Array.from([0, 0, 3, 1, 4, 5, -2, 7])
    const path = new PenPath()
    traceSpline(path, points, Uint8Array.from([0, 0, 1, 0]), 0.01)
    for (let i = 0; i < 4; i++) {
      let nearest = Infinity
      for (let k = 0; k < path.length; k++) {
        nearest = Math.min(nearest, Math.hypot(path.x[k] - points[2 * i], path.y[k] - points[2 * i + 1]))
      }
      expect(nearest).toBeLessThan(1e-9)
    }
  })

  it('runs straight between two corners, smoothly elsewhere', () => {
    const corner = new PenPath()
    traceSpline(corner, Float64Array.from([0, 0, 1, 0, 1, 1]), Uint8Array.from([0, 1, 0]), 0.1)
    const smooth = new PenPath()
    traceSpline(smooth, Float64Array.from([0, 0, 1, 0, 1, 1]), Uint8Array.from([0, 0, 0]), 0.1)
    const widest = (path: PenPath): number => Math.max(...path.x.subarray(0, path.length))
    expect(widest(corner)).toBeCloseTo(1, 12)
    expect(widest(smooth)).toBeGreaterThan(1.02)
  })
})

describe('blurInk', () => {
  it('spreads a point by the kernel of both axes and keeps the ink', () => {
    const ink = new Float32Array(SIZE * SIZE)
    ink[10 * SIZE + 12] = 1
    blurInk(ink, SIZE, 0.2)
    expect(total(ink)).toBeCloseTo(1, 5)
    expect(ink[10 * SIZE + 12]).toBeCloseTo(0.36, 5)
    expect(ink[11 * SIZE + 12]).toBeCloseTo(0.12, 5)
    expect(ink[11 * SIZE + 13]).toBeCloseTo(0.04, 5)
  })
})
