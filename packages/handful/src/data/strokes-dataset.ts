/** The generated digits of strokes.ts as a data set with a test split. */

import type { Dataset } from './image-set.js'
import { DIGITS } from './mnist.js'
import type { OpenRequest } from './registry.js'
import { STROKES_SIZE, generateStrokes } from './strokes.js'
import { TestSet, numberedPaths } from './test-set.js'

/** Draws the set: 20,000 + 4,000 images unless the request says otherwise. Blocks for some seconds. */
export function openStrokes({ seed, count, testCount, onProgress, signal }: OpenRequest): Promise<Dataset> {
  signal?.throwIfAborted()
  const { train, test } = generateStrokes({
    seed,
    count,
    testCount,
    onProgress: (done, total) => onProgress?.(done, total, 'generating'),
  })
  const shape = { height: STROKES_SIZE, width: STROKES_SIZE, channels: 1, classNames: DIGITS } as const
  return Promise.resolve({
    name: 'strokes',
    train: {
      name: 'strokes',
      ...shape,
      count: train.count,
      pixels: train.pixels,
      labels: Int32Array.from(train.labels),
      paths: numberedPaths('train', train.count),
    },
    test: test.count === 0 ? undefined : new TestSet({ name: 'strokes test', ...shape, ...test }),
    skipped: [],
    notes: [],
  })
}
