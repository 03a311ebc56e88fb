/** Ridge regression as a person labels: what is left out is left out indeed, and many labels are as good as few. */
import { Random } from 'onnx-autodiff'
import { expect, test } from 'vitest'
import { ridgeRegression } from '../../src/heads/ridge.js'
import { quickRidge } from '../../src/labelling/quick-ridge.js'
import { plainLinearAlgebra } from '../../src/numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, scaledToUnitRows } from '../../src/numerics/matrix.js'

const CLASSES = 3
const linearAlgebra = plainLinearAlgebra()

/** Clouds around three centres that overlap. */
function clouds(rows: number, columns: number): { features: FeatureMatrix; truth: Int32Array } {
  const random = new Random(5, 'clouds')
  const centres = Array.from({ length: CLASSES * columns }, () => random.normal())
  const truth = Int32Array.from({ length: rows }, (_, i) => i % CLASSES)
  const features = featureMatrix(rows, columns)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      features.data[i * columns + j] = centres[truth[i] * columns + j] + 1.5 * random.normal()
  return { features: scaledToUnitRows(features), truth }
}

const labelsOf = (images: readonly number[], truth: Int32Array) => ({
  images: Int32Array.from(images),
  targets: Int32Array.from(images, (image) => truth[image]),
  classCount: CLASSES,
})

// With few labels the regression is in the space that they span, with many in that of the features.
test.each([12, 60])('each of %i labels, left out, is scored as by a fit that never saw it', async (count) => {
  const { features, truth } = clouds(90, 30)
  const all = Array.from({ length: count }, (_, i) => i)
  const left = Int32Array.of(0, 4, count - 1)
  const found = await quickRidge(features, labelsOf(all, truth), left, linearAlgebra)
  for (const [at, image] of left.entries()) {
    const others = all.filter((each) => each !== image)
    const judged = Int32Array.from(others.keys())
    const without = await quickRidge(features, labelsOf(others, truth), judged, linearAlgebra, [
      found.strength,
    ])
    const scores = without.scores.data.slice(image * CLASSES, (image + 1) * CLASSES)
    for (let c = 0; c < CLASSES; c++) expect(found.left.data[at * CLASSES + c]).toBeCloseTo(scores[c], 4)
  }
})

test('scores are those of the head `ridge` at the same strength', async () => {
  const { features, truth } = clouds(90, 30)
  const images = Array.from({ length: 45 }, (_, i) => 2 * i)
  const labelled = labelsOf(images, truth)
  const found = await quickRidge(features, labelled, Int32Array.from(images.keys()), linearAlgebra)
  const labels = new Int32Array(90).fill(-1)
  for (const image of images) labels[image] = truth[image]
  const head = await ridgeRegression({ strengths: [found.strength] }).fit({
    features,
    labels,
    classCount: CLASSES,
    random: new Random(0, 'ridge'),
    linearAlgebra,
  })
  const scale = Number(head.chosen['logit scale'])
  const { weight, bias } = head.parameters.arrays
  for (const image of [1, 44, 89])
    for (let c = 0; c < CLASSES; c++) {
      let score = bias.data[c]
      for (let j = 0; j < 30; j++) score += features.data[image * 30 + j] * weight.data[j * CLASSES + c]
      expect(found.scores.data[image * CLASSES + c]).toBeCloseTo(score / scale, 4)
    }
})
