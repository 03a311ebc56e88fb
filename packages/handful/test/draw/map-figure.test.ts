/** A map's figure holds every point, names every class, stays small and is well-formed whatever classes are called. */
import { Random } from 'onnx-autodiff'
import sharp from 'sharp'
import { DOMParser } from 'linkedom'
import { describe, expect, it } from 'vitest'
import { classColours } from '../../src/draw/map-colours.js'
import { mapFigure, type MapPoints } from '../../src/draw/map-figure.js'
import { textWidth } from '../../src/draw/plot.js'

const DOT = 'data:image/png;base64,iVBORw0KGgo='

/** `classes` clusters in a row of a plane. */
function cloud(count: number, classes: number): MapPoints {
  const random = new Random(0, 'cloud')
  const label = Array.from({ length: count }, (_, i) => i % classes)
  const x = label.map((c) => 4 * (c % 10) + random.normal())
  const y = label.map((c) => 4 * Math.floor(c / 10) + random.normal())
  return { x, y, label }
}

/** Clusters that lie over each other. */
function crowd(count: number, classes: number): MapPoints {
  const random = new Random(0, 'crowd')
  const middles = Array.from({ length: classes }, () => [random.normal(), random.normal()])
  const label = Array.from({ length: count }, (_, i) => i % classes)
  const around = (axis: number) => label.map((c) => middles[c][axis] + 0.3 * random.normal())
  return { x: around(0), y: around(1), label }
}

/** A text without the title inside it. */
const shownOf = (text: {
  textContent: string | null
  querySelector(s: string): { textContent: string | null } | null
}) => {
  const title = text.querySelector('title')?.textContent ?? ''
  const all = text.textContent ?? ''
  return all.slice(0, all.length - title.length)
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

  it('names each class once on the map and once in the legend; many on the map alone where there is room', () => {
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

  it.each([10, 20, 21, 50, 100])('keeps long names of %i classes apart, and names every class', (count) => {
    const classes = Array.from(
      { length: count },
      (_, i) => `${['medium-sized mammals', 'household furniture', 'MW', '\u732b'][i % 4]} of kind ${i}`,
    )
    const figure = mapFigure(crowd(3000, count), classes, { size: 620 })
    const onMap = elements(figure, 'text.name')
    const size = count > 20 ? 10.5 : 15
    const boxes = onMap.map((text) => ({
      x: Number(text.getAttribute('x')),
      y: Number(text.getAttribute('y')),
      width: textWidth(shownOf(text), size),
    }))
    const covered = boxes.filter((a, i) =>
      boxes
        .slice(i + 1)
        .some((b) => Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < size),
    )
    expect(covered).toEqual([])
    const [, , width, height] = (elements(figure, 'svg')[0].getAttribute('viewBox') ?? '')
      .split(' ')
      .map(Number)
    for (const box of boxes) {
      expect(box.x - box.width / 2).toBeGreaterThanOrEqual(0)
      expect(box.x + box.width / 2).toBeLessThanOrEqual(620)
    }
    // Whole names are there for whoever points at one that was cut.
    const told = elements(figure, 'text').map(
      (text) => text.querySelector('title')?.textContent ?? text.textContent,
    )
    expect(told).toEqual(expect.arrayContaining(classes))
    for (const row of elements(figure, 'g text')) {
      expect(
        620 + 8 + Number(row.getAttribute('x')) + textWidth(shownOf(row), count > 20 ? 11 : 13),
      ).toBeLessThan(width)
      expect(Number(row.getAttribute('y'))).toBeLessThan(height)
    }
  })

  it('names the larger classes where there is no room for all', () => {
    const label = [...new Array<number>(500).fill(1), 0, 2, 3, 4]
    const map = { x: label.map((_, i) => i / 500), y: label.map(() => 0), label }
    const classes = label.map((_, i) => `a name as long as it may be, ${i}`)
    const figure = mapFigure(map, classes, { size: 160 })
    const onMap = elements(figure, 'text.name').map((text) => text.querySelector('title')?.textContent)
    expect(onMap[0]).toBe(classes[1])
    expect(onMap.length).toBeLessThan(5)
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
