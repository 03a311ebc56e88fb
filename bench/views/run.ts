/**
 * What the contrastive network's features are worth with other settings, distortions of its views, or layers: for choosing them.
 * Accuracy on held-out images of propagation and logistic regression on the features alone, inductive, labels drawn anew for each draw.
 *
 *   npx tsx bench/views/run.ts --dataset cifar10 --data-dir <data> [--steps 1000] [--set '{"temperature":0.2}']
 *     [--views '{"hue":0,"recoloured":1}'] [--layers pooled,level2 --pooling 2x2] [--labels 4,16,128] [--draws 8,4,2]
 *     [--loss soda] [--train 6000] [--test 3000] [--folder <images> --size 32] [--run <of handful pretrain>] [--seed 0] [--threads 1]
 *
 * Of a known set the held-out images are drawn from its training images: official test labels are not looked at. The network learns
 * from all others; labels are drawn among, and spread over, `--train` of them. With `--run` nothing is trained, and the model has
 * seen the held-out images without their labels.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { labelDraws } from '../../packages/handful/src/data/draw-labels.js'
import { selectImages } from '../../packages/handful/src/data/image-set.js'
import { openDataset } from '../../packages/handful/src/data/open.js'
import { TestSet } from '../../packages/handful/src/data/test-set.js'
import { encoderOf, mirroredEncoder } from '../../packages/handful/src/features/encoder.js'
import { learnedFeatures } from '../../packages/handful/src/features/feature-sources.js'
import { looksMirrored } from '../../packages/handful/src/features/mirror.js'
import { compareHeads } from '../../packages/handful/src/heads/compare-heads.js'
import type { Pooling } from '../../packages/handful/src/names.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { average } from '../../packages/handful/src/numerics/statistics.js'
import type { AugmentOptions } from '../../packages/handful/src/training/augment.js'
import { contrastiveModel } from '../contrastive-model.js'
import type { EncoderLoss } from './losses.js'

const { values } = parseArgs({
  options: {
    dataset: { type: 'string' },
    'data-dir': { type: 'string' },
    folder: { type: 'string' },
    size: { type: 'string', default: '32' },
    run: { type: 'string' },
    steps: { type: 'string', default: '1000' },
    set: { type: 'string', default: '{}' },
    views: { type: 'string', default: '{}' },
    loss: { type: 'string' },
    layers: { type: 'string' },
    pooling: { type: 'string', default: 'mean' },
    labels: { type: 'string', default: '4,16,128' },
    draws: { type: 'string', default: '8,4,2' },
    train: { type: 'string', default: '6000' },
    test: { type: 'string', default: '3000' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
  },
})
const [seed, threads, steps] = [values.seed, values.threads, values.steps].map(Number)
const context = { seed, threads, device: 'cpu', signal: new AbortController().signal } as const

const spec =
  values.folder === undefined
    ? { dataset: values.dataset, dataDir: values['data-dir'], seed }
    : { folder: values.folder, size: Number(values.size), seed }
const { train: all } = await openDataset(spec)
const order = new Random(seed, 'bench/images').permutation(all.count)
const held = Math.min(Number(values.test), Math.floor(all.count / 3))
const test = new TestSet(selectImages(all, order.slice(0, held)))
const train = selectImages(all, order.slice(held, held + Number(values.train)))

const began = performance.now()
const trained = await contrastiveModel(selectImages(all, order.slice(held)), {
  run: values.run,
  steps,
  set: JSON.parse(values.set) as Record<string, unknown>,
  views: JSON.parse(values.views) as Partial<AugmentOptions>,
  loss: values.loss as EncoderLoss | undefined,
  ...context,
})
const seconds = (performance.now() - began) / 1000
const linearAlgebra = onnxLinearAlgebra({ threads, device: 'cpu' })
try {
  const request =
    values.layers === undefined
      ? trained.model.defaultFeatures
      : { layers: values.layers.split(','), pooling: values.pooling as Pooling }
  const plain = encoderOf(trained, request)
  const mirrored = await looksMirrored(train, { seed, linearAlgebra })
  const encoder = mirrored ? mirroredEncoder(plain) : plain
  const space = await learnedFeatures({ train, test }, encoder, linearAlgebra, context)
  const draws = values.draws.split(',').map(Number)
  const cells: string[] = []
  for (const [i, labelsPerClass] of values.labels.split(',').map(Number).entries()) {
    const found = await compareHeads({
      draws: labelDraws(train, { labelsPerClass, draws: draws[i] ?? draws[draws.length - 1], seed }),
      classCount: train.classNames.length,
      test,
      spaces: [space],
      heads: ['propagation', 'linear'],
      seed,
      signal: context.signal,
      onFit: () => undefined,
    })
    const percent = found.map(({ accuracies }) => (100 * average(accuracies)).toFixed(1))
    cells.push(`${labelsPerClass}: ${percent.join(' ')}`)
  }
  const what = [values.loss ?? '', values.set, values.views, values.layers ?? ''].filter(
    (part) => part !== '' && part !== '{}',
  )
  console.log(`${what.join(' ') || 'as it is'}: ${seconds.toFixed(0)} s | ${cells.join(' | ')}`)
} finally {
  await linearAlgebra.close()
}
