/**
 * Label propagation and Poisson learning on a neighbour graph, and the sparse products that they consist of against plain
 * loops over typed arrays, in turns.
 *
 *   npx tsx bench/graph/run.ts [--images 60000] [--rounds 5]
 *
 * The graph is a random one of ten neighbours an image, 8 of them of its own class: as far apart in memory as those of a
 * shuffled data set. Two labels per class, ten classes.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { LANES, rowRanges, withSparseKernels } from '../../packages/handful/src/numerics/sparse-kernels.js'
import { graphWeights } from '../../packages/handful/src/features/neighbour-graph.js'
import { type Neighbours, plainLinearAlgebra } from '../../packages/handful/src/numerics/linear-algebra.js'
import { featureMatrix, unitRows } from '../../packages/handful/src/numerics/matrix.js'
import { leadingSparseEigenvectors } from '../../packages/handful/src/numerics/leading-eigenvectors.js'
import { type SparseMatrix, symmetricNormalised } from '../../packages/handful/src/numerics/sparse.js'
import { FeatureSpace } from '../../packages/handful/src/features/feature-space.js'
import { headProblem } from '../../packages/handful/src/heads/head.js'
import { labelPropagation } from '../../packages/handful/src/heads/label-propagation.js'
import { poissonLearning } from '../../packages/handful/src/heads/poisson.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'

const [CLASSES, NEIGHBOURS, OF_OWN_CLASS, LABELS] = [10, 10, 8, 2]

const { values: given } = parseArgs({
  options: { images: { type: 'string', default: '60000' }, rounds: { type: 'string', default: '5' } },
})
const [images, rounds] = [Number(given.images), Number(given.rounds)]
const random = new Random(0, 'graph benchmark')
const graph = randomGraph()
const weights = graphWeights(graph, NEIGHBOURS, 'cosine cubed')
const normalised = symmetricNormalised(weights)
console.log(`${images} images, ${normalised.values.length} edges, medians of ${rounds}`)

const wide = new Float64Array(images * LANES).map(() => random.uniform())
const narrow = wide.slice(0, 4 * images)
const image = new Float64Array(narrow.length)
const plain: number[] = []
const vectors: number[] = []
await withSparseKernels(normalised, { blocks: 2, columns: LANES }, async ({ blocks, product }) => {
  blocks[0].set(wide)
  for (let round = 0; round <= rounds; round++) {
    plain.push(
      milliseconds(() => {
        for (let lane = 0; lane < LANES; lane += 4) plainProduct(normalised, narrow, image)
      }),
    )
    vectors.push(
      milliseconds(() => {
        for (const rows of rowRanges(images)) product(1, 0, { factor: 1, own: 0 }, rows)
      }),
    )
  }
})
const ratio = median(plain) / median(vectors)
console.log(
  `product with ${LANES} columns: ${median(vectors).toFixed(1)} ms, plain loops in float64 ${median(plain).toFixed(1)} ms: ${ratio.toFixed(1)} times as fast`,
)

const features = featureMatrix(images, CLASSES)
for (let i = 0; i < images; i++) features.data[i * CLASSES + (i % CLASSES)] = 1
const labels = Int32Array.from({ length: images }, (_, i) => (i < LABELS * CLASSES ? i % CLASSES : -1))
const space = new FeatureSpace(
  { train: unitRows(features) },
  { linearAlgebra: plainLinearAlgebra() },
  { graph },
)
for (const head of [labelPropagation(), poissonLearning()]) {
  const times: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const began = performance.now()
    await head.fit(headProblem(space, { labels, classCount: CLASSES, random: random.child(head.name) }))
    times.push(performance.now() - began)
  }
  console.log(`${head.name}: ${median(times).toFixed(0)} ms a fit`)
}
const began = performance.now()
await leadingSparseEigenvectors(normalised, 64, onnxLinearAlgebra({ threads: 2 }))
console.log(`64 leading eigenvectors: ${((performance.now() - began) / 1000).toFixed(1)} s`)

function randomGraph(): Neighbours {
  const indices = new Int32Array(images * NEIGHBOURS)
  for (let i = 0; i < images; i++) {
    for (let k = 0; k < NEIGHBOURS; k++) {
      const any = Math.floor(random.uniform() * images)
      const own = any - (any % CLASSES) + (i % CLASSES)
      indices[i * NEIGHBOURS + k] = k < OF_OWN_CLASS && own < images ? own : any
    }
  }
  const similarities = Float32Array.from({ length: indices.length }, () => 0.5 + random.uniform() / 2)
  return { rows: images, k: NEIGHBOURS, indices, similarities }
}

/** What the kernels took the place of: four columns beside each other, in float64, for each four of them. */
function plainProduct(
  { size, offsets, columns, values }: SparseMatrix,
  x: Float64Array,
  out: Float64Array,
): void {
  for (let i = 0, row = 0; i < size; i++, row += 4) {
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let at = offsets[i]; at < offsets[i + 1]; at++) {
      const weight = values[at]
      const other = columns[at] * 4
      s0 += weight * x[other]
      s1 += weight * x[other + 1]
      s2 += weight * x[other + 2]
      s3 += weight * x[other + 3]
    }
    out[row] = s0
    out[row + 1] = s1
    out[row + 2] = s2
    out[row + 3] = s3
  }
}

function milliseconds(work: () => void): number {
  const started = performance.now()
  work()
  return performance.now() - started
}

/** Of all but the first, which warms up. */
function median(times: readonly number[]): number {
  const sorted = times.slice(1).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
