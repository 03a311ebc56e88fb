/** A map's figure holds every point, names every class, stays small and is well-formed whatever classes are called. */
import { Random } from 'onnx-autodiff'
import sharp from 'sharp'
import { DOMParser } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { classColours } from '../../src/draw/map-colours.js'
import { mapFigure, type MapPoints } from '../../src/draw/map-figure.js'

const DOT = 'data:image/png;base64,iVBORw0KGgo='

/** `classes` clusters in a row of a plane. */
function cloud(count: number, classes: number): MapPoints {
  const random = new Random(0, 'cloud')
  const label = Array.from({ length: count }, (_, i) => i % classes)
  const x = label.map((c) => 4 * (c % 10) + random.normal())
  const y = label.map((c) => 4 * Math.floor(c / 10) + random.normal())
  return { x, y, label }
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `class ${i}`)

const elements = (svg: string, selector: string) => [
  ...new DOMParser().parseFromString(svg, 'image/svg+xml').querySelectorAll(selector),
]

describe('mapFigure', () => {
  it('draws every point and stays below 600 kB for 10,000', () => {
    const svg = mapFigure(cloud(10_000, 10), names(10))
    expect(svg.match(/h0/g)).toHaveLength(10_000 + 10)
    expect(svg.length).toBeLessThan(300_000)
  })

  it('names each class once on the map and once in the legend; many on the map alone', () => {
    const few = elements(mapFigure(cloud(300, 3), names(3)), 'text')
    expect(few.map((text) => text.textContent)).toEqual([
      'class 0',
      'class 1',
      'class 2',
      'class 0',
      'class 1',
      'class 2',
    ])
    const many = elements(mapFigure(cloud(3000, 100), names(100)), 'text')
    expect(many).toHaveLength(100)
  })

  it('keeps a hundred names apart', () => {
    const boxes = elements(mapFigure(cloud(3000, 100), names(100)), 'text').map((text) => ({
      x: Number(text.getAttribute('x')),
      y: Number(text.getAttribute('y')),
    }))
    const covered = boxes.filter((a, i) =>
      boxes.slice(i + 1).some((b) => Math.abs(a.x - b.x) < 30 && Math.abs(a.y - b.y) < 10),
    )
    expect(covered).toHaveLength(0)
  })

  it('puts a name where most points of its class are, not between its two places', () => {
    const places = [...new Array<number>(60).fill(0), ...new Array<number>(40).fill(10)]
    const map = { x: places, y: places.map(() => 0), label: places.map(() => 0) }
    const [text] = elements(mapFigure(map, ['a'], { size: 500 }), 'text')
    expect(Number(text.getAttribute('x'))).toBeLessThan(60)
  })

  it('shows pictures in their places, in frames of their class, without overlap', () => {
    const map = { ...cloud(200, 2), thumbnails: [0, 1, 2, 3].map((point) => ({ point, image: DOT })) }
    const svg = mapFigure(map, names(2), { thumbnails: true })
    expect(elements(svg, 'image')).toHaveLength(4)
    expect(elements(svg, '.frame').map((frame) => frame.getAttribute('class'))).toEqual([
      'frame k0',
      'frame k1',
      'frame k0',
      'frame k1',
    ])
  })

  it('holds light, dark and print, and is well-formed whatever names hold', async () => {
    const svg = mapFigure({ x: [0, 1], y: [0, 1], label: [0, -1] }, ['<b>&"'], { title: 'a < b' })
    expect(svg).toContain('prefers-color-scheme:dark')
    expect(svg).toContain('@media print')
    expect(svg).not.toContain('<b>')
    expect(elements(svg, 'text').map((text) => text.textContent)).toContain('unlabelled')
    await expect(sharp(Buffer.from(svg)).png().toBuffer()).resolves.toBeInstanceOf(Buffer)
  })

  it('draws points that are all in one place', () => {
    const svg = mapFigure({ x: [3, 3], y: [3, 3], label: [0, 1] }, names(2))
    expect(svg).not.toMatch(/NaN|Infinity/)
  })
})

describe('classColours', () => {
  it.each([3, 10, 11, 20, 100])('are %i that differ, on light and on dark paper', (count) => {
    const { light, dark } = classColours(count)
    for (const colours of [light, dark]) {
      expect(new Set(colours).size).toBe(count)
      expect(colours.every((colour) => /^#[0-9a-f]{6}$/.test(colour))).toBe(true)
    }
  })
})
