/** Frames of one file are left out together: none is predicted from its like. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { filesOfFrames } from '../../src/data/frames.js'
import { FeatureSpace } from '../../src/features/feature-space.js'
import { compareHeads } from '../../src/heads/compare-heads.js'
import { stratifiedFolds } from '../../src/heads/folds.js'
import { balancedFolds } from '../../src/heads/left-out.js'
import { featureMatrix, scaledToUnitRows } from '../../src/numerics/matrix.js'
import { linearAlgebra } from './problem.js'

const FRAMES = 3
const FILES = 40

/** Frames that look all but the same within a file, files whose class nothing tells. */
function unrelated() {
  const random = new Random(3, 'unrelated')
  const columns = 16
  const ofFile = random.fillNormal(new Float32Array(FILES * columns))
  const features = featureMatrix(FILES * FRAMES, columns)
  features.data.forEach((_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns]
    features.data[at] = ofFile[Math.floor(row / FRAMES) * columns + column] + 0.01 * random.normal()
  })
  const labels = Int32Array.from({ length: FILES * FRAMES }, (_, row) => Math.floor(row / FRAMES) % 2)
  return { train: scaledToUnitRows(features), labels }
}

const paths = Array.from(
  { length: FILES * FRAMES },
  (_, i) => `a/${Math.floor(i / FRAMES)}.tif#${(i % FRAMES) + 1}`,
)

test('frames are told by the path of their file', () => {
  expect(filesOfFrames(['a.tif#1', 'a.tif#2', 'b.png', 'sub/a.tif#1', 'c#x.png'])).toEqual(
    Int32Array.from([0, 0, 1, 2, 3]),
  )
  expect(filesOfFrames(['a.png', 'b.png', 'a.tif#1'])).toBeUndefined()
})

test.each(['propagation', 'linear', 'auto'] as const)(
  'what cannot be told is not told by other frames of the same file: %s',
  async (head) => {
    const { train, labels } = unrelated()
    const judged = async (sources?: Int32Array): Promise<number> => {
      const space = new FeatureSpace({ name: 'unrelated', train }, { linearAlgebra })
      const [found] = await compareHeads({
        spaces: [space],
        draws: [labels],
        heads: [head],
        chosen: head,
        classCount: 2,
        sources,
        seed: 0,
        signal: new AbortController().signal,
        onFit: () => {},
      })
      return found.accuracies[0]
    }
    // Two classes that features say nothing of: a half of them, give or take.
    expect(await judged(filesOfFrames(paths))).toBeLessThan(0.65)
    expect(await judged()).toBeGreaterThan(0.75)
  },
)

test('folds hold files whole, and leave each class a label where files hold several classes', () => {
  const targets = Int32Array.from([0, 0, 1, 1, 0, 1, 0, 1])
  const sources = Int32Array.from([0, 0, 0, 1, 1, 2, 3, 3])
  const random = new Random(1, 'folds')
  for (const folds of [
    balancedFolds({ targets, counts: Int32Array.from([4, 4]), sources }, { random }),
    stratifiedFolds({ targets, sources }, random).map((fold) => [...fold]),
  ]) {
    for (const fold of folds) {
      const inside = new Set(fold.map((i) => sources[i]))
      const outside = new Set([...targets.keys()].filter((i) => !fold.includes(i)).map((i) => sources[i]))
      expect([...inside].filter((file) => outside.has(file))).toEqual([])
      for (const c of [0, 1])
        expect([...targets.keys()].some((i) => targets[i] === c && !fold.includes(i))).toBe(true)
    }
  }
})
