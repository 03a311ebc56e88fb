/** Images that a small network learns in seconds. */
import { Random } from 'onnx-autodiff'
import type { Images } from '../../src/data/image-set.js'

/** Side in pixels. */
export const SIZE = 8

/** How near the edge a bar may lie, in pixels, and the grey levels of noise and of a bar above it. */
export interface Bars {
  readonly margin: number
  readonly noise: number
  readonly bar: number
}

/** Noise with a bright bar: standing for class 0, lying for class 1. */
export function bars(
  count: number,
  seed: number,
  { margin, noise, bar }: Bars = { margin: 1, noise: 110, bar: 120 },
): { images: Images; truth: Int32Array } {
  const random = new Random(seed, 'bars')
  const truth = Int32Array.from({ length: count }, (_, i) => i % 2)
  const pixels = new Uint8Array(count * SIZE * SIZE)
  truth.forEach((label, i) => {
    const at = margin + random.integer(SIZE - 2 * margin)
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        pixels[(i * SIZE + y) * SIZE + x] = random.integer(noise) + ((label === 0 ? x : y) === at ? bar : 0)
      }
    }
  })
  const paths = Array.from(truth, (_, i) => `${i}`)
  return { images: { name: 'bars', count, height: SIZE, width: SIZE, channels: 1, pixels, paths }, truth }
}
