/** Heads on the leading components: the rest of the features is neither looked at nor in the way. */
import { expect, test } from 'vitest'
import { compact, compactComponents } from '../../src/heads/compact.js'
import { argmaxRows, featureMatrix } from '../../src/numerics/matrix.js'
import { createHead } from '../../src/heads/registry.js'
import { smallNetwork } from '../../src/heads/small-network.js'
import { blobs, firstLabels, problem, share } from './problem.js'

const CLASSES = 3
const LEADING = compactComponents(1000, CLASSES)

/** Leading columns with the classes in them, as many again and more of noise. */
function noisy(rows: number): { features: ReturnType<typeof featureMatrix>; truth: Int32Array } {
  const { features: told, truth } = blobs(rows, CLASSES, LEADING, 0.4)
  const noise = blobs(rows, rows, 9 * LEADING, 1, 2).features
  const columns = 10 * LEADING
  const features = featureMatrix(rows, columns)
  for (let i = 0; i < rows; i++) {
    features.data.set(told.data.subarray(i * LEADING, (i + 1) * LEADING), i * columns)
    const rest = noise.data.subarray(9 * i * LEADING, 9 * (i + 1) * LEADING)
    features.data.set(
      rest.map((value) => 5 * value),
      i * columns + LEADING,
    )
  }
  return { features, truth }
}

test('noise in the other components costs a compact head nothing', async () => {
  const { features, truth } = noisy(300)
  const given = problem(features, firstLabels(truth, 2), CLASSES)
  const accuracy = async (name: string): Promise<number> =>
    share(argmaxRows(await (await createHead(name).fit(given)).predict(features)), truth)
  for (const name of ['mlp', 'linear']) {
    expect(await accuracy(`compact-${name}`)).toBeGreaterThan(0.95)
    expect(await accuracy(`compact-${name}`)).toBeGreaterThan((await accuracy(name)) + 0.03)
  }
})

test('where there are no more components, it is the head itself', async () => {
  const { features, truth } = blobs(60, CLASSES, LEADING, 0.5)
  const given = () => problem(features, firstLabels(truth, 3), CLASSES)
  const plain = await (await smallNetwork().fit(given())).predict(features)
  const fitted = await compact(smallNetwork()).fit(given())
  expect(fitted.chosen.components).toBe(LEADING)
  const found = await fitted.predict(features)
  found.data.forEach((value, i) => expect(value).toBeCloseTo(plain.data[i], 3))
})

test('two classes keep 16 components, ten keep 20, a hundred what there is', () => {
  expect([2, 10, 100].map((classes) => compactComponents(128, classes))).toEqual([16, 20, 128])
})
