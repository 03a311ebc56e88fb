import { describe, expect, test } from 'vitest'
import { classColour, inkOn } from '../src/logic/colours.js'
import { toCsv } from '../src/logic/csv.js'
import { axisValues } from '../src/logic/format.js'
import { chips, isFiltered, NO_FILTERS, shownImages, type Filters } from '../src/logic/filters.js'
import { cellsInFrame, gridShape, visibleCells } from '../src/logic/grid-window.js'
import { back, forward, lookedAt, standing, START, visited } from '../src/logic/history.js'
import { actionOf, classOfKey, keysOf, placeOf, type Pressed } from '../src/logic/keys.js'
import { insidePolygon } from '../src/logic/lasso.js'
import { panelsOf, readableRange } from '../src/logic/panels.js'
import { onnxMetadata } from '../src/logic/onnx-metadata.js'
import { toSquare } from '../src/logic/resample.js'
import { all, cleared, frame, moved, NOTHING, pick, pickedAtCursor, stepped } from '../src/logic/selection.js'
import { refreshed, upcoming, without } from '../src/logic/upcoming.js'

const plain = { shift: false, control: false }
const shift = { shift: true, control: false }
const control = { shift: false, control: true }

describe('selection', () => {
  // The order that is shown is not the images' own.
  const order = [30, 10, 50, 20, 40]

  test('shift takes the range as it is shown, control one more or one less', () => {
    const first = pick(NOTHING, order, 10, plain)
    const range = pick(first, order, 20, shift)
    expect([...range.images]).toEqual([10, 50, 20])
    expect([...pick(range, order, 50, control).images]).toEqual([10, 20])
    expect([...pick(range, order, 40, control).images]).toEqual([10, 50, 20, 40])
    // A second shift click starts from where the first one started.
    expect([...pick(range, order, 30, shift).images]).toEqual([30, 10])
    expect([...pick(range, order, 40, plain).images]).toEqual([40])
  })

  test('a frame replaces, or with control adds; Ctrl+A takes all that are shown', () => {
    const before = pick(NOTHING, order, 30, plain)
    expect([...frame(before, [50, 20], plain).images]).toEqual([50, 20])
    expect([...frame(before, [50, 20], control).images]).toEqual([30, 50, 20])
    expect(all(order, NOTHING).images.size).toBe(5)
  })

  test('keys move a cursor and leave what is selected; Space picks one more or one less, with shift a range', () => {
    const first = moved(NOTHING, order, 10, plain)
    expect([first.images.size, first.cursor, first.steered]).toEqual([0, 10, true])
    const picked = pickedAtCursor(first, order, false)
    const further = moved(moved(picked, order, 50, plain), order, 20, plain)
    expect([...further.images]).toEqual([10])
    const both = pickedAtCursor(further, order, false)
    expect([...both.images]).toEqual([10, 20])
    expect([...pickedAtCursor(both, order, false).images]).toEqual([10])
    // With shift the arrows select from where the cursor was last without, and what they select shrinks again.
    const range = moved(moved(first, order, 50, shift), order, 20, shift)
    expect([...range.images]).toEqual([10, 50, 20])
    expect([...moved(range, order, 50, shift).images]).toEqual([10, 50])
    const beside = pickedAtCursor(
      moved({ ...both, anchor: 20 }, order, 40, { shift: true, control: true }),
      order,
      true,
    )
    expect([...beside.images].sort()).toEqual([10, 20, 40])
    // A click or a frame is no step of the keys; without a selection the cursor is still there.
    expect(pick(range, order, 40, plain).steered).toBeUndefined()
    expect(frame(range, [40], plain).steered).toBe(false)
    expect(cleared(range)).toMatchObject({ cursor: 20, steered: true })
    expect(pickedAtCursor(NOTHING, order, false)).toBe(NOTHING)
  })

  test('arrows walk in rows and stop at the ends', () => {
    const grid = { columns: 2, rowsInView: 1 }
    expect(stepped('ArrowRight', order, undefined, grid)).toBe(30)
    expect(stepped('ArrowDown', order, 30, grid)).toBe(50)
    expect(stepped('ArrowDown', order, 20, grid)).toBe(40)
    expect(stepped('ArrowUp', order, 10, grid)).toBe(10)
    expect(stepped('End', order, 10, grid)).toBe(40)
    expect(stepped('x', order, 10, grid)).toBeUndefined()
  })
})

describe('filters', () => {
  const facts = {
    paths: ['a/Cat.jpg', 'a/dog.jpg', 'b/cat2.jpg', 'b/x.jpg'],
    labels: [0, 1, -1, -2],
    predicted: [0, 1, 0, -1],
    confidence: [0.9, 0.5, 0.7, 0],
    clusters: [0, 0, 1, 1],
  }
  const shown = (filters: Partial<Filters>) => [...shownImages(4, { ...NO_FILTERS, ...filters }, facts)]

  test('each narrows, and all have to hold', () => {
    expect(shown({})).toEqual([0, 1, 2, 3])
    expect(shown({ search: ' CAT ' })).toEqual([0, 2])
    expect(shown({ labels: new Set([-1, -2]) })).toEqual([2, 3])
    expect(shown({ predicted: new Set([0]), confidence: [0.7, 1] })).toEqual([0, 2])
    expect(shown({ clusters: new Set([1]), search: 'cat' })).toEqual([2])
    expect(shown({ picked: { name: 'lasso', images: new Set([3, 1]) } })).toEqual([1, 3])
  })

  test('each is a chip, and taking it off leaves the others', () => {
    const filters: Filters = {
      ...NO_FILTERS,
      search: 'cat',
      labels: new Set([0, -1]),
      picked: { name: 'lasso: 177 images', images: new Set([0]) },
    }
    const found = chips(filters, (id) => `class ${id}`)
    expect(found.map(({ text }) => text)).toEqual([
      'lasso: 177 images',
      'class 0',
      'no label',
      'name has “cat”',
    ])
    const after = found.reduce((rest, { key }) => {
      const chip = chips(rest, String).find((other) => other.key === key)
      return chip?.without ?? rest
    }, filters)
    expect(isFiltered(filters)).toBe(true)
    expect(isFiltered(after)).toBe(false)
  })

  test('60,000 images take a few milliseconds', () => {
    const count = 60_000
    const many = Array.from({ length: count }, (_, image) => image % 10)
    const paths = many.map((n, image) => `folder/IMG_${image}_${n}.jpg`)
    const filters = { ...NO_FILTERS, search: '_7', predicted: new Set([7]), confidence: [0, 9] as const }
    const given = { paths, labels: many, predicted: many, confidence: many, clusters: many }
    let found: Int32Array = new Int32Array(0)
    // The quickest of some: what runs beside the tests is none of its doing.
    const quickest = Math.min(
      ...Array.from({ length: 8 }, () => {
        const began = performance.now()
        found = shownImages(count, filters, given)
        return performance.now() - began
      }),
    )
    expect(quickest).toBeLessThan(100)
    expect(found.length).toBe(6000)
  })
})

describe('keys', () => {
  const press = (key: string, held: Partial<Pressed> = {}): Pressed => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    repeat: false,
    ...held,
  })

  test('digits are places in the list: 1 to 9, then 0', () => {
    expect(actionOf(press('1'), 'page')).toEqual({ kind: 'label', key: '1' })
    expect(actionOf(press('9'), 'page')).toEqual({ kind: 'label', key: '9' })
    expect(actionOf(press('0'), 'page')).toEqual({ kind: 'label', key: '0' })
  })

  test.each([
    ['n', 'none'],
    [' ', 'skip'],
    ['Enter', 'accept'],
    ['Backspace', 'undo'],
    ['Z', 'undo'],
    ['a', 'acceptAll'],
    ['?', 'help'],
    ['ArrowLeft', 'back'],
  ])('%s is %s', (key, kind) => {
    expect(actionOf(press(key), 'page')).toEqual({ kind })
    expect(actionOf(press(key), 'field')).toBeUndefined()
  })

  test('with control: undo, redo, all; nothing else, and nothing while typing', () => {
    expect(actionOf(press('z', { ctrlKey: true }), 'page')).toEqual({ kind: 'undo' })
    expect(actionOf(press('Z', { metaKey: true, shiftKey: true }), 'page')).toEqual({ kind: 'redo' })
    expect(actionOf(press('a', { ctrlKey: true }), 'control')).toEqual({ kind: 'selectAll' })
    expect(actionOf(press('1', { ctrlKey: true }), 'page')).toBeUndefined()
    expect(actionOf(press('n', { ctrlKey: true }), 'page')).toBeUndefined()
    expect(actionOf(press('z', { ctrlKey: true }), 'field')).toBeUndefined()
  })

  test('a resting finger labels once; Enter and Space belong to a focused button', () => {
    expect(actionOf(press('1', { repeat: true }), 'page')).toBeUndefined()
    expect(actionOf(press(' ', { repeat: true }), 'page')).toBeUndefined()
    expect(actionOf(press('z', { repeat: true }), 'page')).toEqual({ kind: 'undo' })
    expect(actionOf(press('Enter'), 'control')).toBeUndefined()
    expect(actionOf(press('1'), 'control')).toEqual({ kind: 'label', key: '1' })
    expect(actionOf(press('constructor'), 'page')).toBeUndefined()
  })

  test('where a key was pressed', () => {
    expect(placeOf({ tagName: 'INPUT', type: 'text' })).toBe('field')
    expect(placeOf({ tagName: 'INPUT', type: 'range' })).toBe('control')
    expect(placeOf({ tagName: 'DIV', isContentEditable: true })).toBe('field')
    expect(placeOf({ tagName: 'BUTTON' })).toBe('control')
    expect(placeOf({ tagName: 'DIV' })).toBe('page')
  })
})

describe('curves of a training', () => {
  const curves = { loss: [[1, 4000]], divergence: [[1, 3]] } as const
  test('each metric has a panel of its own, and each model too: their losses are not comparable', () => {
    const runs = [
      { model: 'vae', curves },
      { model: 'diffusion', curves: { loss: [[1, 0.3]] } },
      { model: 'vae', curves },
    ] as const
    expect(panelsOf(runs)).toEqual([
      { name: 'loss, vae', metric: 'loss', runs: [0, 2] },
      { name: 'loss, diffusion', metric: 'loss', runs: [1] },
      { name: 'divergence', metric: 'divergence', runs: [0, 2] },
    ])
  })

  test('the first steps and one that went wrong leave the rest readable', () => {
    const falling = Array.from({ length: 400 }, (_, i) => 3 + Math.exp(-i / 100))
    const [low, high] = readableRange([4000, ...falling])
    expect(low).toBeLessThan(Math.min(...falling))
    expect(high).toBeGreaterThan(falling[40])
    expect(high).toBeLessThan(6)
  })

  test('losses below zero, level ones, and ones that are no number have a range', () => {
    const [low, high] = readableRange([-5, -2, null, NaN, 0])
    expect([low < -5, high > 0, high < 1]).toEqual([true, true, true])
    const [under, over] = readableRange([0, 0, 0])
    expect(under).toBeLessThan(0)
    expect(over).toBeGreaterThan(0)
    expect(readableRange([null, NaN])).toEqual([0, 1])
  })
})

test('history: back and forth, and where one stands', () => {
  const way = [5, 7, 9].reduce(visited, START)
  expect(standing(way)).toBe('4 of 4')
  expect(lookedAt(way)).toBeUndefined()
  const twoBack = back(back(way))
  expect(lookedAt(twoBack)).toBe(7)
  expect(standing(twoBack)).toBe('2 of 4')
  expect(lookedAt(back(back(twoBack)))).toBe(5)
  expect(lookedAt(forward(forward(forward(twoBack))))).toBeUndefined()
  expect(visited(way, 5).images).toEqual([7, 9, 5])
})

test('one in five images is blind, and tells no suggestion', () => {
  const suggested = [1, 2, 3, 4, 5, 6, 7].map((image) => ({ image, label: 0, probability: 0.6, why: 'w' }))
  const audit = [4, 20, 21].map((image) => ({ image, label: 1, why: 'drawn at random' }))
  const streams = { suggested, audit, sinceBlind: 0 }
  const next = upcoming(streams, 9)
  // Image 4 has been suggested already, so the blind turn takes the one after it.
  expect(next.map(({ image }) => image)).toEqual([1, 2, 3, 4, 20, 5, 6, 7, 21])
  expect(next.filter(({ blind }) => blind)).toEqual([
    { image: 20, why: 'drawn at random', blind: true },
    { image: 21, why: 'drawn at random', blind: true },
  ])
  expect(without(streams, next[0]).sinceBlind).toBe(1)
  expect(without(streams, next[4]).sinceBlind).toBe(0)
})

test('fresh suggestions come behind those that are shown, which are told as they are seen now', () => {
  const before = [1, 2, 3, 4].map((image) => ({ image, why: 'old' }))
  const fresh = [9, 2, 3, 8].map((image) => ({ image, why: 'new' }))
  const found = refreshed(before, fresh, 2, { usable: (image) => image !== 8 })
  expect(found).toEqual([
    { image: 1, why: 'old' },
    { image: 2, why: 'new' },
    { image: 9, why: 'new' },
    { image: 3, why: 'new' },
  ])
})

test('the suggestion that is looked at stays what it was, since Enter is on its way; the others follow', () => {
  const before = [1, 2, 3].map((image) => ({ image, label: 5, why: 'old' }))
  const fresh = [2, 1, 3].map((image) => ({ image, label: 6, why: 'new' }))
  const stays = ({ image }: { image: number }) => image === 1
  const found = refreshed(before, fresh, 2, { usable: () => true, stays })
  expect(found.map(({ image, label }) => [image, label])).toEqual([
    [1, 5],
    [2, 6],
    [3, 6],
  ])
})

test('a class that is called by a digit has its key; no later class changes the keys before it', () => {
  expect(keysOf(['7', '3', '0', '1'])).toEqual(['7', '3', '0', '1'])
  expect(keysOf(['cat', 'dog', '2', 'owl'])).toEqual(['1', '2', '3', '4'])
  expect(keysOf(['7', 'cat', '3', '1'])).toEqual(['7', '1', '3', '2'])
  const names = ['5', 'a', '1', 'b', '9', 'c', 'd', '0', 'e', 'f', 'g', '2']
  const keys = keysOf(names)
  expect(keys).toEqual(['5', '1', '2', '3', '9', '4', '6', '0', '7', '8', undefined, undefined])
  for (const length of names.keys()) expect(keysOf(names.slice(0, length))).toEqual(keys.slice(0, length))
  const classes = names.map((name, id) => ({ name, id }))
  expect(classOfKey(classes, '2')?.name).toBe('1')
  expect(classOfKey(classes.slice(0, 3), '9')).toBeUndefined()
})

test('a lasso takes what lies inside it, by the even-odd rule', () => {
  // A bowtie: its crossing lies in the middle.
  const outline = [0, 0, 4, 4, 4, 0, 0, 4]
  expect(insidePolygon([1, 2, 3, 2, 2, 0.5, 2, 3.5, 9, 9], outline)).toEqual([0, 1])
})

test('only the rows in sight are drawn, and a frame finds its cells', () => {
  const shape = gridShape(60_000, 1000, 92, 8)
  expect(shape).toMatchObject({ columns: 10, rows: 6000 })
  expect(visibleCells(shape, 60_000, 0, 500)).toEqual([0, 70])
  expect(visibleCells(shape, 60_000, shape.height - 500, 500)[1]).toBe(60_000)
  const { pitch } = shape
  const box = { left: pitch * 1.2, top: pitch * 0.1, right: pitch * 2.4, bottom: pitch * 1.5 }
  expect(cellsInFrame(shape, 60_000, box)).toEqual([1, 2, 11, 12])
})

test('a class keeps its colour, and the first forty differ', () => {
  expect(classColour(0)).toBe('#0072b2')
  expect(new Set(Array.from({ length: 40 }, (_, id) => classColour(id))).size).toBe(40)
  expect(classColour(33)).toBe(classColour(33))
  expect(inkOn('#000000')).toBe('#ffffff')
  expect(inkOn('#f0e442')).toBe('#000000')
})

test('a table quotes what would break it', () => {
  expect(toCsv(['path', 'label'], [['a, "b"\n.jpg', ' x']])).toBe('path,label\r\n"a, ""b""\n.jpg"," x"\r\n')
})

test('the metadata of an ONNX file, among fields of every kind', () => {
  const text = (value: string) => [...new TextEncoder().encode(value)]
  const withLength = (field: number, content: number[]) => [field * 8 + 2, content.length, ...content]
  const entry = [...withLength(1, text('handful')), ...withLength(2, text('{"format":1}'))]
  const file = [8, 10, ...withLength(2, text('maker')), 13, 0, 0, 0, 0, ...withLength(14, entry)]
  expect(onnxMetadata(Uint8Array.from(file)).get('handful')).toBe('{"format":1}')
  expect(() => onnxMetadata(Uint8Array.from([114, 200, 1, 1]))).toThrow('ends too early')
})

describe('the square that a model reads', () => {
  const picture = (width: number, height: number, colour: (x: number, y: number) => number[]) => ({
    width,
    height,
    pixels: Array.from({ length: width * height }, (_, k) => colour(k % width, Math.floor(k / width))).flat(),
  })

  test('covers, pads, and puts transparency on its background', () => {
    const halves = picture(8, 4, (x) => (x < 2 || x >= 6 ? [255, 0, 0, 255] : [0, 0, 255, 255]))
    const cover = toSquare(halves, { size: 4, channels: 3, fit: 'cover', background: '#ffffff' })
    expect([...cover.slice(0, 3)]).toEqual([0, 0, 255])
    const pad = toSquare(halves, { size: 8, channels: 3, fit: 'pad', background: '#102030' })
    expect([...pad.slice(0, 3)]).toEqual([16, 32, 48])
    expect([...pad.slice(2 * 8 * 3, 2 * 8 * 3 + 3)]).toEqual([255, 0, 0])
    const clear = picture(2, 2, () => [9, 9, 9, 0])
    expect([...toSquare(clear, { size: 2, channels: 1, fit: 'cover', background: '#ffffff' })]).toEqual([
      255, 255, 255, 255,
    ])
  })

  test('a shrunk ramp stays one, and an even colour stays even', () => {
    const ramp = picture(64, 64, (x) => [x * 4, x * 4, x * 4, 255])
    const small = toSquare(ramp, { size: 8, channels: 1, fit: 'stretch', background: '#ffffff' })
    // The mean of each eight columns, but for the edges, where the kernel is cut off.
    for (let x = 1; x < 7; x++) expect(Math.abs(small[x] - (x * 8 + 3.5) * 4)).toBeLessThan(3)
    const even = picture(50, 30, () => [77, 77, 77, 255])
    expect(new Set(toSquare(even, { size: 8, channels: 3, fit: 'cover', background: '#ffffff' }))).toEqual(
      new Set([77]),
    )
  })
})

describe('axes', () => {
  test('values have as many digits as it takes to tell them apart', () => {
    expect(axisValues([2130.1, 2130.2, 2130.3])).toEqual(['2130.1', '2130.2', '2130.3'])
    expect(axisValues([0, 0.5, 1])).toEqual(['0', '0.5', '1'])
    expect(axisValues([0.941, 0.942], true)).toEqual(['94.1 %', '94.2 %'])
    expect(axisValues([0, 0.5, 1], true)).toEqual(['0 %', '50 %', '100 %'])
    expect(axisValues([5, 5])).toEqual(['5', '5'])
  })
})
