/**
 * What self-training makes of a trained model and a few labels, with other settings than its own: for choosing them. Accuracy on
 * held-out images of `auto` on the model's features and patches, and after so many steps of the network and of `auto` on its features and patches, for each draw.
 *
 *   npx tsx bench/self-training/run.ts --run <of handful pretrain> --dataset cifar10 --data-dir <data> [--train 10000] [--test 5000]
 *     [--folder <images with train/ and test/> --size 32] [--labels 4,16] [--draws 1] [--first 0] [--steps 400]
 *     [--set '{"learningRate":0.001,"fixMatch":{"ratio":3}}'] [--strong crops|photos] [--unguided] [--patches 256] [--seed 0] [--threads 1]
 *
 * Of a known set held-out images are drawn from its training images: official test labels are not looked at. The model has seen
 * them, without labels.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { labelDraws } from '../../packages/handful/src/data/draw-labels.js'
import { fitToTrained, guideBy } from '../../packages/handful/src/heads/guide.js'
import { fitCalibrated } from '../../packages/handful/src/heads/calibrated.js'
import { headProblem } from '../../packages/handful/src/heads/head.js'
import { createHead } from '../../packages/handful/src/heads/registry.js'
import { mostProbable } from '../../packages/handful/src/numerics/matrix.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { loadTrainedModel } from '../../packages/handful/src/runs/trained-model.js'
import { resolveAugmentation } from '../../packages/handful/src/training/model-options.js'
import { silentProgress } from '../../packages/handful/src/training/progress.js'
import { selfTraining, selfTrainingDefaults } from '../../packages/handful/src/training/self-training.js'
import { trainSupervised } from '../../packages/handful/src/training/supervised.js'
import { sourceOptions, splitImages, trainedSpace } from '../trained-space.js'

const { values } = parseArgs({
  options: {
    ...sourceOptions,
    run: { type: 'string' },
    labels: { type: 'string', default: '4,16' },
    draws: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    steps: { type: 'string', default: '400' },
    set: { type: 'string', default: '{}' },
    strong: { type: 'string' },
    unguided: { type: 'boolean', default: false },
    patches: { type: 'string', default: '256' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
  },
})
const [seed, threads, draws, first] = [values.seed, values.threads, values.draws, values.first].map(Number)
const { signal } = new AbortController()
const percent = (share: number): string => (100 * share).toFixed(1)

/** Those that are given, FixMatch's one by one. */
function settings(): typeof selfTrainingDefaults {
  const { fixMatch, ...given } = JSON.parse(values.set) as Partial<typeof selfTrainingDefaults>
  return { ...selfTrainingDefaults, ...given, fixMatch: { ...selfTrainingDefaults.fixMatch, ...fixMatch } }
}

const linearAlgebra = onnxLinearAlgebra({ threads, device: 'cpu' })
try {
  const images = await splitImages({ ...values, dataDir: values['data-dir'] }, seed)
  const { train, test } = images
  const { model, weights } = await loadTrainedModel(values.run ?? '')
  const patches = Number(values.patches)
  const space = await trainedSpace(images, { model, weights }, { patches, seed, threads, linearAlgebra })
  if (space.test === undefined) throw new Error('internal: got no test rows, expected some')
  const own = selfTraining(model, settings())
  const strong = values.strong as 'crops' | 'photos' | undefined
  const views = strong && resolveAugmentation(strong, model).options
  const options = views && own.fixMatch ? { ...own, fixMatch: { ...own.fixMatch, strong: views } } : own
  const classCount = train.classNames.length
  console.log(
    `${train.name}: ${train.count} images, ${test.count} held out, ${values.steps} steps, ${values.set}`,
  )
  for (const labelsPerClass of values.labels.split(',').map(Number)) {
    const all = labelDraws(train, { labelsPerClass, draws: first + draws, seed })
    for (const [draw, labels] of all.entries()) {
      if (draw < first) continue
      const given = { labels, classCount, random: new Random(seed, `draw ${draw}`) }
      const { fitted } = await fitCalibrated(createHead('auto'), headProblem(space, given))
      const before = test.score(mostProbable(await fitted.predict(space.test)).predicted).accuracy
      const { probabilities: guide } = await guideBy([space], given)
      const used: number[] = []
      const trained = await trainSupervised({
        ...{ images: train, labels, classCount, options, threads, device: 'cpu', signal },
        start: values.unguided ? { weights } : { weights, guide },
        steps: Number(values.steps),
        seed: draw,
        progress: silentProgress,
        onMetrics: (_step, metrics) => void used.push(metrics.used),
      })
      const after = test.score(mostProbable(await trained.predict(test.images)).predicted).accuracy
      const learned = { model, weights: { ...weights, ...trained.weights } }
      const next = await trainedSpace(images, learned, { patches, seed, threads, linearAlgebra })
      const again = await fitToTrained(next, given)
      if (next.test === undefined) throw new Error('internal: got no test rows, expected some')
      const byFeatures = test.score(mostProbable(await again.predict(next.test)).predicted).accuracy
      console.log(
        `${labelsPerClass} per class, draw ${draw}: ${percent(before)} before, ${percent(after)} after, ${percent(byFeatures)} by its features, after ${trained.seconds.toFixed(0)} s; ${percent(used.at(-1) ?? 0)} % used`,
      )
    }
  }
} finally {
  await linearAlgebra.close()
}
