/** Augmented images of another size than the images': what they read, against a ramp and against squares of pixels. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { augment, NO_AUGMENTATION, shapeAugmentation } from '../../src/training/augment.js'

const random = (): Random => new Random(0, 'test')

test('images as they are stay as they are', () => {
  const pixels = Uint8Array.from({ length: 2 * 5 * 5 * 3 }, (_, i) => (i * 31) % 256)
  expect(augment({ pixels, count: 2, size: 5, channels: 3 }, NO_AUGMENTATION, random())).toEqual(pixels)
})

test('half the side reads the middle of each square of four pixels', () => {
  const pixels = Uint8Array.from([0, 20, 100, 60, 40, 60, 200, 40, 9, 9, 1, 2, 9, 9, 3, 4])
  const made = augment({ pixels, count: 1, size: 4, channels: 1 }, NO_AUGMENTATION, random(), 2)
  expect([...made]).toEqual([30, 100, 9, 3])
})

test.each([
  [32, 24],
  [20, 30],
])('a ramp of %i pixels stays one in %i', (size, side) => {
  const ramp = Uint8Array.from({ length: size * size }, (_, i) => 4 * (i % size) + 2 * Math.floor(i / size))
  const made = augment({ pixels: ramp, count: 1, size, channels: 1 }, NO_AUGMENTATION, random(), side)
  const at = (place: number): number =>
    Math.min(Math.max(((place - (side - 1) / 2) * size) / side + (size - 1) / 2, 0), size - 1)
  const expected = Array.from(
    { length: side * side },
    (_, i) => 4 * at(i % side) + 2 * at(Math.floor(i / side)),
  )
  expect(made.length).toBe(side * side)
  made.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(0.51))
})

test('turned images of half the side are the turned images at half the side', () => {
  const size = 32
  const disc = Uint8Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [(i % size) - 12, Math.floor(i / size) - 18]
    return Math.round(255 * Math.exp(-(x * x + 2 * y * y) / 60))
  })
  const batch = { pixels: disc, count: 1, size, channels: 1 }
  const large = augment(batch, shapeAugmentation, random())
  const small = augment(batch, shapeAugmentation, random(), size / 2)
  small.forEach((value, i) => {
    const [row, column] = [2 * Math.floor(i / 16), 2 * (i % 16)]
    const square = [0, 1, size, size + 1].map((step) => large[row * size + column + step])
    expect(Math.abs(value - square.reduce((sum, each) => sum + each, 0) / 4)).toBeLessThan(6)
  })
})
