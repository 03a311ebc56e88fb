/**
 * Whitened patches on CIFAR-10 or MNIST: test accuracy at a few labels per class, mean over draws of the labelled images
 * with a 95 % interval. Logistic regression sees no test image; label propagation runs over all images, test images
 * included (transductive).
 *
 *   npx tsx bench/accuracy/patches.ts --data-dir <folder of cifar-10-batches-bin> [--labels 2,4,16,128] [--draws 10]
 *   npx tsx bench/accuracy/patches.ts --data-dir <folder> --validate --images 8000 --atoms 256 --threshold 0.25
 *
 * With --validate the last tenth of the training images takes the test images' place: that is where settings are compared.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { drawLabels } from '../../packages/handful/src/data/draw-labels.js'
import { type ImageSet, selectImages } from '../../packages/handful/src/data/image-set.js'
import { openDataset } from '../../packages/handful/src/data/open.js'
import { TestSet } from '../../packages/handful/src/data/test-set.js'
import { extractFeatures } from '../../packages/handful/src/features/extract.js'
import {
  argmaxRows,
  concatenateRows,
  type FeatureMatrix,
  rowRange,
  storedUnitRows,
} from '../../packages/handful/src/numerics/matrix.js'
import { FeatureSpace } from '../../packages/handful/src/features/feature-space.js'
import { applyNormalisation, fitNormalisation } from '../../packages/handful/src/features/normalise.js'
import { headProblem } from '../../packages/handful/src/heads/head.js'
import {
  defaultPatches,
  fitPatches,
  PATCHES,
  patchNetwork,
  patchOptionsSchema,
} from '../../packages/handful/src/features/baselines/patches.js'
import { labelPropagation } from '../../packages/handful/src/heads/label-propagation.js'
import { logisticRegression } from '../../packages/handful/src/heads/logistic-regression.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { estimateAccuracy } from '../../packages/handful/src/numerics/statistics.js'

const { values: given } = parseArgs({
  options: {
    dataset: { type: 'string', default: 'cifar10' },
    'data-dir': { type: 'string' },
    labels: { type: 'string', default: '2,4,16,128' },
    draws: { type: 'string', default: '10' },
    images: { type: 'string' },
    validate: { type: 'boolean', default: false },
    propagation: { type: 'boolean', default: false },
    atoms: { type: 'string', default: `${defaultPatches.atoms}` },
    threshold: { type: 'string', default: `${defaultPatches.threshold}` },
    dictionary: { type: 'string', default: defaultPatches.dictionary },
    samples: { type: 'string', default: `${defaultPatches.samples}` },
    components: { type: 'string', default: '256' },
    whitening: { type: 'string', default: '0.5' },
    threads: { type: 'string', default: '2' },
  },
})
const threads = Number(given.threads)
const options = patchOptionsSchema.parse({
  ...defaultPatches,
  atoms: Number(given.atoms),
  threshold: Number(given.threshold),
  dictionary: given.dictionary,
  samples: Number(given.samples),
})

/** Images whose features are held whole at once: 8,192 numbers each are 160 MB. */
const BLOCK = 5000
/** Images that the normalisation is fitted to. */
const FITTED = 10_000

const started = performance.now()
const say = (what: string): void =>
  console.error(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${what}`)

const { train, test } = await splits()
const linearAlgebra = onnxLinearAlgebra({ threads })
const classCount = train.classNames.length
say(
  `${train.count} training and ${test.count} test images; ${options.atoms} atoms (${options.dictionary}), threshold ${options.threshold}`,
)
const dictionary = await fitPatches(train, options, { seed: 0, linearAlgebra })
say('dictionary')
const network = patchNetwork(dictionary, { size: train.height, channels: train.channels })
const features = async (set: ImageSet, from: number, to: number): Promise<FeatureMatrix> => {
  const places = Int32Array.from({ length: to - from }, (_, i) => from + i)
  return (await extractFeatures(network, selectImages(set, places), [PATCHES], { seed: 0, threads }))[PATCHES]
}
const fitted = Math.min(FITTED, train.count)
const first = await features(train, 0, fitted)
say(`${first.columns} features of ${first.rows} images`)
const settings = { components: Number(given.components), whitening: Number(given.whitening) }
const normalisation = await fitNormalisation(first, linearAlgebra, settings)
say('normalisation')
const normalise = (matrix: FeatureMatrix): Promise<FeatureMatrix> =>
  applyNormalisation(normalisation, matrix, linearAlgebra)
const normalised = async (set: ImageSet, from = 0): Promise<FeatureMatrix[]> => {
  const parts: FeatureMatrix[] = []
  for (let start = from; start < set.count; start += BLOCK) {
    parts.push(await normalise(await features(set, start, Math.min(start + BLOCK, set.count))))
  }
  return parts
}
const own = concatenateRows(await normalise(first), ...(await normalised(train, fitted)))
const others = concatenateRows(
  ...(await normalised({
    ...test.images,
    labels: new Int32Array(test.count),
    classNames: test.classNames,
  })),
)
say('features of all images')
const space = new FeatureSpace({ train: storedUnitRows(concatenateRows(own, others)) }, { linearAlgebra })
if (given.propagation) {
  await space.graph()
  say('graph')
}

for (const perClass of given.labels.split(',').map(Number)) {
  const scores: Record<string, number[]> = {
    'logistic regression': [],
    ...(given.propagation ? { propagation: [] } : {}),
  }
  for (let draw = 0; draw < Number(given.draws); draw++) {
    const random = new Random(draw, 'labelled images')
    const labels = drawLabels(train.labels, perClass, random, train.classNames)
    const problem = { classCount, random: random.child('head') }
    const linear = await logisticRegression().fit({ ...problem, linearAlgebra, features: own, labels })
    scores['logistic regression'].push(test.score(argmaxRows(await linear.predict(others))).accuracy)
    if (!given.propagation) continue
    const hidden = new Int32Array(space.train.rows).fill(-1)
    hidden.set(labels)
    const spread = await labelPropagation().fit(headProblem(space, { ...problem, labels: hidden }))
    const found = rowRange(await spread.probabilities(), own.rows, space.train.rows)
    scores.propagation.push(test.score(argmaxRows(found)).accuracy)
  }
  for (const [head, values] of Object.entries(scores)) {
    const { mean, low, high } = estimateAccuracy(values, test.count)
    const row = {
      perClass,
      head,
      accuracy: +(100 * mean).toFixed(2),
      interval: [+(100 * low).toFixed(2), +(100 * high).toFixed(2)],
      draws: values.length,
    }
    console.log(JSON.stringify(row))
  }
  say(`${perClass} labels per class`)
}
await linearAlgebra.close()

async function splits(): Promise<{ train: ImageSet; test: TestSet }> {
  const environment = { ...process.env, ...(given['data-dir'] ? { HANDFUL_DATA: given['data-dir'] } : {}) }
  const opened = await openDataset({ dataset: given.dataset, seed: 0 }, { environment })
  const range = (from: number, to: number): ImageSet =>
    selectImages(
      opened.train,
      Int32Array.from({ length: to - from }, (_, i) => from + i),
    )
  const count = Math.min(Number(given.images ?? opened.train.count), opened.train.count)
  if (!given.validate) {
    if (opened.test === undefined)
      throw new Error(`data set: got ${given.dataset}, expected one with a test split`)
    return { train: range(0, count), test: opened.test }
  }
  const kept = Math.floor(count * 0.9)
  const apart = range(kept, count)
  return { train: range(0, kept), test: new TestSet({ ...apart, name: 'validation' }) }
}
