/** Small pictures of three kinds, with places and noise that vary, for the tests of sweeps and parts. */
import { Random } from 'onnx-autodiff'
import { drawLabels } from '../../../src/data/draw-labels.js'
import type { Images } from '../../../src/data/image-set.js'
import { numberedPaths, TestSet } from '../../../src/data/test-set.js'
import { plainLinearAlgebra } from '../../../src/numerics/linear-algebra.js'
import type { StageContext } from '../../../src/stages/stage.js'

export const SIZE = 12
export const CLASSES = ['across', 'down', 'square']

/** Class i % 3: a bar across, a bar down, or a square, anywhere, on a grainy ground. */
export function pictures(count: number, split: string): { images: Images; labels: Int32Array } {
  const random = new Random(1, split)
  const pixels = Uint8Array.from({ length: count * SIZE * SIZE }, () => random.integer(60))
  for (let i = 0; i < count; i++) {
    const [height, width] = [
      [2, 8],
      [8, 2],
      [4, 4],
    ][i % 3]
    const [top, left] = [random.integer(SIZE - height), random.integer(SIZE - width)]
    for (let row = top; row < top + height; row++) {
      pixels.fill(255, (i * SIZE + row) * SIZE + left, (i * SIZE + row) * SIZE + left + width)
    }
  }
  const images: Images = {
    name: 'pictures',
    count,
    height: SIZE,
    width: SIZE,
    channels: 1,
    pixels,
    paths: numberedPaths(split, count),
  }
  return { images, labels: Int32Array.from({ length: count }, (_, i) => i % 3) }
}

export const train = pictures(90, 'train')

const unseen = pictures(60, 'test')

/** The test images, their labels in order or all moved on by one class. */
export const testSet = (movedBy = 0): TestSet =>
  new TestSet({
    ...unseen.images,
    labels: unseen.labels.map((label) => (label + movedBy) % 3),
    classNames: CLASSES,
  })

export const draws = (perClass: number, count = 2): Int32Array[] =>
  Array.from({ length: count }, (_, draw) =>
    drawLabels(train.labels, perClass, new Random(5, `draw ${draw}`)),
  )

export const context = (): StageContext => ({
  linearAlgebra: plainLinearAlgebra(),
  seed: 0,
  threads: 1,
  device: 'cpu',
  signal: new AbortController().signal,
})
