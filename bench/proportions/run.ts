/**
 * What it is worth to know how often each class comes: patches of a folder of images, the head `auto` from a few labels of each
 * class, and its probabilities of the images without a label weighed by the classes' proportions, by those that the images
 * really have (which nobody knows beforehand), and by those that the probabilities themselves speak for.
 *
 *   npx tsx bench/proportions/run.ts --folder <class folders> [--size 32] [--labels 1,4,16] [--draws 10] [--thin 1] [--random] [--patches 256]
 *
 * With `--random` labels are so many of images at random. `--thin 8` keeps an eighth of the images of every other class first:
 * classes as unequal as they are in many folders. Shares of right answers among the images without a label, and in brackets the
 * mean over the classes.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { labelDraws } from '../../packages/handful/src/data/draw-labels.js'
import { type ImageSet, selectImages } from '../../packages/handful/src/data/image-set.js'
import { openDataset } from '../../packages/handful/src/data/open.js'
import { fitDictionary, mirroredEncoder, patchEncoder } from '../../packages/handful/src/features/encoder.js'
import { learnedFeatures } from '../../packages/handful/src/features/feature-sources.js'
import { looksMirrored } from '../../packages/handful/src/features/mirror.js'
import { fitCalibrated } from '../../packages/handful/src/heads/calibrated.js'
import { headProblem } from '../../packages/handful/src/heads/head.js'
import { classWeights, weighed } from '../../packages/handful/src/heads/proportions.js'
import { createHead } from '../../packages/handful/src/heads/registry.js'
import { argmaxRows, type FeatureMatrix, selectRows } from '../../packages/handful/src/numerics/matrix.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { average } from '../../packages/handful/src/numerics/statistics.js'

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    size: { type: 'string', default: '32' },
    labels: { type: 'string', default: '1,4,16' },
    draws: { type: 'string', default: '10' },
    heads: { type: 'string', default: 'auto' },
    thin: { type: 'string', default: '1' },
    random: { type: 'boolean', default: false },
    patches: { type: 'string', default: '256' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
  },
})
const [seed, threads, draws, thin] = [values.seed, values.threads, values.draws, values.thin].map(Number)
const { signal } = new AbortController()
const linearAlgebra = onnxLinearAlgebra({ threads })

/** Of every other class one in so many images. */
function thinned(all: ImageSet, one: number): ImageSet {
  const order = new Random(seed, 'thinned').permutation(all.count)
  const seen = new Int32Array(all.classNames.length)
  return selectImages(
    all,
    order.filter((row) => all.labels[row] % 2 === 0 || seen[all.labels[row]]++ % one === 0).sort(),
  )
}

const sharesOf = (labels: Int32Array, classes: number): number[] => {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]++
  return counts.map((count) => count / labels.length)
}

function means({ rows, columns, data }: FeatureMatrix): number[] {
  const sums = new Array<number>(columns).fill(0)
  for (let at = 0; at < data.length; at++) sums[at % columns] += data[at] / rows
  return sums
}

/** Proportions that the probabilities speak for, by expectation and maximisation (Saerens et al., Neural Computation 14, 2002). */
function estimated(probabilities: FeatureMatrix): number[] {
  const { columns } = probabilities
  let shares = new Array<number>(columns).fill(1 / columns)
  for (let round = 0; round < 100; round++) shares = means(weighed(probabilities, Float64Array.from(shares)))
  return shares
}

/** As `--proportions` does it. */
const summing = (probabilities: FeatureMatrix, shares: readonly number[]): FeatureMatrix =>
  weighed(probabilities, classWeights(probabilities, shares))

const times = (probabilities: FeatureMatrix, shares: readonly number[]): FeatureMatrix =>
  weighed(probabilities, Float64Array.from(shares))

/** Shares of the unlabelled images, and of the labels, one more of each class. */
interface Shares {
  readonly real: readonly number[]
  readonly labels: readonly number[]
}

const WAYS: Record<string, (p: FeatureMatrix, shares: Shares) => FeatureMatrix> = {
  'as they are': (p) => p,
  'summing to equal shares': (p, { real }) =>
    summing(
      p,
      real.map(() => 1),
    ),
  'times real shares': (p, { real }) => times(p, real),
  'summing to real shares': (p, { real }) => summing(p, real),
  'summing to shares of the labels': (p, { labels }) => summing(p, labels),
  'times estimated shares': (p) => times(p, estimated(p)),
  'times the root of estimated shares': (p) => times(p, estimated(p).map(Math.sqrt)),
}

/** So many labels of images at random, whatever their class; of two classes at least. */
function randomLabels(train: ImageSet, count: number): Int32Array[] {
  return Array.from({ length: draws }, (_, draw) => {
    const chosen = new Set(
      new Random(seed, `random labels/${draw}`).permutation(train.count).subarray(0, count),
    )
    return train.labels.map((label, row) => (chosen.has(row) ? label : -1))
  })
}

try {
  const { train: all } = await openDataset({ folder: values.folder, size: Number(values.size), seed })
  const train = thin === 1 ? all : thinned(all, thin)
  const classCount = train.classNames.length
  const dictionary = await fitDictionary(train, Number(values.patches), { seed, linearAlgebra, signal })
  const plain = patchEncoder(dictionary, { size: train.height, channels: train.channels })
  const encoder = (await looksMirrored(train, { seed, linearAlgebra })) ? mirroredEncoder(plain) : plain
  const space = await learnedFeatures({ train }, encoder, linearAlgebra, { threads, seed, signal })
  const shares = sharesOf(train.labels, classCount)
  console.log(
    `${train.name}: ${train.count} images, shares ${shares.map((share) => share.toFixed(2)).join(' ')}, ${draws} draws`,
  )
  for (const key of values.heads.split(',')) {
    for (const count of values.labels.split(',').map(Number)) {
      const found = new Map<string, { right: number[]; byClass: number[] }>()
      const drawn = values.random
        ? randomLabels(train, count)
        : labelDraws(train, { labelsPerClass: count, draws, seed })
      for (const [draw, labels] of drawn.entries()) {
        const problem = headProblem(space, {
          labels,
          classCount,
          random: new Random(seed, `proportions/${draw}`),
        })
        const { fitted } = await fitCalibrated(createHead(key), problem)
        const others = Int32Array.from(labels.keys()).filter((row) => labels[row] < 0)
        const truth = others.map((row) => train.labels[row])
        const probabilities = selectRows(await fitted.probabilities(), others)
        const real = sharesOf(truth, classCount)
        const ofLabels = sharesOf(
          labels.filter((label) => label >= 0),
          classCount,
        ).map((share) => share + 1 / (labels.length - others.length))
        for (const [way, change] of Object.entries(WAYS)) {
          const predicted = argmaxRows(change(probabilities, { real, labels: ofLabels }))
          const right = new Array<number>(classCount).fill(0)
          truth.forEach((label, i) => (right[label] += Number(predicted[i] === label)))
          const entry = found.get(way) ?? { right: [], byClass: [] }
          entry.right.push(right.reduce((a, b) => a + b, 0) / truth.length)
          entry.byClass.push(average(right.map((count, c) => count / (real[c] * truth.length))))
          found.set(way, entry)
        }
      }
      for (const [way, { right, byClass }] of found) {
        const [mean, ofClasses] = [right, byClass].map((each) => (100 * average(each)).toFixed(1))
        console.log(
          `${key.padEnd(12)} ${String(count).padStart(3)}  ${way.padEnd(36)} ${mean} (${ofClasses})`,
        )
      }
    }
  }
} finally {
  await linearAlgebra.close()
}
