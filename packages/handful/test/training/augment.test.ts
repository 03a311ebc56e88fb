/** Augmentation on the host: every byte is what the equations give in float64, whatever runs them. */
import { Random } from 'onnx-autodiff'
import { describe, expect, it, test } from 'vitest'
import { compileKernels } from '../../scripts/compile-kernels.js'
import {
  augment,
  type AugmentOptions,
  coveredAugmentation,
  cropAugmentation,
  NO_AUGMENTATION,
  photoAugmentation,
  shapeAugmentation,
  turnHues,
} from '../../src/training/augment.js'
import { WARP_KERNELS } from '../../src/training/warp-kernels-module.js'
import { type Affine, type Recolouring, warp } from '../../src/training/warp.js'

const random = new Random(0, 'augmentation')
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.integer(256))

test('the kernels are what their source compiles to', async () => {
  expect(await compileKernels('training/warp-kernels')).toBe(WARP_KERNELS)
})

/** The equations of warp.ts, a number at a time. */
function plainly(
  from: Uint8Array,
  size: number,
  channels: number,
  map: Affine,
  colours?: Recolouring,
): Uint8Array {
  const [a, b, c, d, e, f] = map
  const centre = (size - 1) / 2
  const within = (at: number): number => Math.min(Math.max(at, 0), size - 1)
  const to = new Uint8Array(from.length)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [x, y] = [column - centre, row - centre]
      const [u, v] = [within(a * x + b * y + e + centre), within(c * x + d * y + f + centre)]
      const [u0, v0] = [Math.floor(u), Math.floor(v)]
      const [right, down] = [u - u0, v - v0]
      const at = (i: number, j: number, k: number): number =>
        from[(Math.min(i, size - 1) * size + Math.min(j, size - 1)) * channels + k]
      const pixel = Array.from({ length: channels }, (_, k) => {
        const upper = at(v0, u0, k) * (1 - right) + at(v0, u0 + 1, k) * right
        const lower = at(v0 + 1, u0, k) * (1 - right) + at(v0 + 1, u0 + 1, k) * right
        return Math.floor(upper * (1 - down) + lower * down + 0.5)
      })
      const grey = (pixel[0] + pixel[1] + pixel[2]) / 3
      pixel.forEach((p, k) => {
        const changed = colours
          ? (grey + (p - grey) * colours.saturation - 128) * colours.contrast + 128 + colours.brightness + 0.5
          : p
        to[(row * size + column) * channels + k] = Math.floor(Math.min(Math.max(changed, 0), 255))
      })
    }
  }
  return to
}

describe.each([
  { size: 1, channels: 3 },
  { size: 7, channels: 3 },
  { size: 40, channels: 3 },
  { size: 53, channels: 3 },
  { size: 5, channels: 1 },
  { size: 64, channels: 1 },
])('images of $size with $channels channels', ({ size, channels }) => {
  const map = (): Affine => {
    const [a, b, c, d] = [1, 0, 0, 1].map((own) => own + random.between(-0.6, 0.6))
    return [a, b, c, d, random.between(-size / 3, size / 3), random.between(-size / 3, size / 3)]
  }
  const mapped = (from: Uint8Array, by: Affine, colours?: Recolouring): Uint8Array => {
    const to = new Uint8Array(from.length)
    warp(from, to, { size, channels }, by, colours)
    return to
  }

  it('are mapped to the byte, beyond the edges too', () => {
    for (let i = 0; i < 5; i++) {
      const [from, by] = [bytes(size * size * channels), map()]
      expect(mapped(from, by)).toEqual(plainly(from, size, channels, by))
    }
  })

  it('stay as they are where nothing moves, and turn round where all does', () => {
    const from = bytes(size * size * channels)
    expect(mapped(from, [1, 0, 0, 1, 0, 0])).toEqual(from)
    const turned = mapped(from, [-1, 0, 0, -1, 0, 0])
    expect(mapped(turned, [-1, 0, 0, -1, 0, 0])).toEqual(from)
    expect([...turned.slice(0, channels)]).toEqual([...from.slice(-channels)])
  })

  it.runIf(channels === 3)('are recoloured to the byte, and never beyond what a byte holds', () => {
    for (let i = 0; i < 5; i++) {
      const colours = {
        brightness: random.between(-60, 60),
        contrast: random.between(0.3, 2.5),
        saturation: i === 0 ? 0 : random.between(0, 2),
      }
      const [from, by] = [bytes(size * size * channels), map()]
      expect(mapped(from, by, colours)).toEqual(plainly(from, size, channels, by, colours))
    }
  })
})

test.each<[string, AugmentOptions]>([
  ['shapes', shapeAugmentation],
  ['covered', coveredAugmentation],
  ['photos', photoAugmentation],
  ['crops', cropAugmentation],
  ['nothing at all', { rotation: 0, shear: 0, scale: 0, shift: 0, mirror: false, colour: 0 }],
])('of %s: the same stream gives the same batch, and the batch it is made from stays', (name, options) => {
  for (const channels of [1, 3]) {
    const pixels = bytes(3 * 16 * 16 * channels)
    const kept = pixels.slice()
    const made = (seed: number): Uint8Array =>
      augment({ pixels, count: 3, size: 16, channels }, options, new Random(seed, 'view'))
    expect(made(1)).toEqual(made(1))
    expect(pixels).toEqual(kept)
    if (name === 'nothing at all') expect(made(1)).toEqual(kept)
    else expect(made(1)).not.toEqual(made(2))
  }
})

describe('hues', () => {
  it('turn about the circle, red to green after a third of it', () => {
    const pixels = Uint8Array.of(200, 0, 0, 10, 220, 30)
    turnHues(pixels, 1 / 3)
    expect([...pixels]).toEqual([0, 200, 0, 30, 10, 220])
  })

  it('leave greys, and all but the rounding of a whole turn', () => {
    const greys = Uint8Array.from({ length: 3 * 256 }, (_, at) => Math.floor(at / 3))
    const turned = greys.slice()
    turnHues(turned, 0.1)
    expect(turned).toEqual(greys)
    const [colours, around] = [bytes(300), new Uint8Array(300)]
    around.set(colours)
    turnHues(around, 1)
    expect(around).toEqual(colours)
  })

  it('turn in the share of images that are recoloured, and in no others', () => {
    const [count, length] = [400, 4 * 4 * 3]
    const pixels = bytes(count * length)
    const options = { ...NO_AUGMENTATION, colour: 0.2, hue: 0.1, recoloured: 0.8 }
    const made = augment({ pixels, count, size: 4, channels: 3 }, options, new Random(0, 'share'))
    const same = Array.from({ length: count }, (_, i) => i).filter((i) =>
      made.subarray(i * length, (i + 1) * length).every((value, at) => value === pixels[i * length + at]),
    )
    expect(same.length / count).toBeGreaterThan(0.14)
    expect(same.length / count).toBeLessThan(0.26)
  })
})
