/**
 * The main job on a known data set at several label counts: one training, then the heads on learned features and on raw
 * pixels over draws of the labelled images, scored on test images that neither training nor propagation saw.
 *
 *   npx tsx bench/accuracy/main-job.ts --dataset mnist --data-dir <folder> [--minutes 4 | --steps N] [--labels 1,2,4,8]
 *     [--draws 5] [--seed 0] [--preset contrastive|fast] [--patches 256] [--out <run folder>]
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import {
  compareHeads,
  fitEncoder,
  labelDraws,
  learnedFeatures,
  modelChoiceSchema,
  onnxLinearAlgebra,
  openDataset,
  pixelFeatures,
  pretrain,
  resolveAugmentation,
  resolveModel,
  RunFolder,
  silentProgress,
  studentInterval,
} from 'handful'
import { meanWithInterval } from '../../packages/handful/src/study/results.js'

const { values } = parseArgs({
  options: {
    dataset: { type: 'string', default: 'mnist' },
    'data-dir': { type: 'string' },
    minutes: { type: 'string' },
    steps: { type: 'string' },
    labels: { type: 'string', default: '1,2,4,8' },
    draws: { type: 'string', default: '5' },
    seed: { type: 'string', default: '0' },
    preset: { type: 'string', default: 'contrastive' },
    patches: { type: 'string', default: '256' },
    out: { type: 'string' },
  },
})
const seed = Number(values.seed)
const signal = new AbortController().signal
const started = performance.now()
const clock = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`

const { train, test } = await openDataset({ dataset: values.dataset, dataDir: values['data-dir'], seed })
if (!test) throw new Error(`${values.dataset}: got no test split, expected one`)
const image = { size: train.height, channels: train.channels }
const { preset } = modelChoiceSchema.parse({ preset: values.preset })
const model = resolveModel({ model: 'vae', preset, set: {} }, image)
const augmentation = resolveAugmentation(undefined, model).options
const run = await RunFolder.create({
  folder: values.out ?? mkdtempSync(path.join(tmpdir(), 'handful-')),
  parent: '.',
  name: 'bench',
  date: new Date(),
  config: {},
  environment: {},
})
const pretrained = await pretrain(
  train,
  {
    model,
    augmentation,
    seed,
    threads: 2,
    device: 'cpu',
    steps: values.steps ? Number(values.steps) : undefined,
    minutes: Number(values.minutes ?? 4),
  },
  { checkpoints: { folder: run.path('checkpoints'), key: 'bench' }, signal, progress: silentProgress },
)
console.log(
  `${clock()}: trained ${pretrained.steps} steps of ${pretrained.batch} in ${pretrained.seconds.toFixed(0)} s`,
)

const linearAlgebra = onnxLinearAlgebra({ threads: 2 })
const request = model.defaultFeatures
const encoder = await fitEncoder(train, {
  ...{ trained: { model, weights: pretrained.weights }, request },
  ...{ patches: Number(values.patches), seed, linearAlgebra },
})
const splits = { train, test }
const spaces = [
  await learnedFeatures(splits, encoder, linearAlgebra, { seed }),
  await pixelFeatures(splits, linearAlgebra),
]
console.log(`${clock()}: features`)
const counts = values.labels.split(',').map(Number)
const each = Number(values.draws)
const compared = await compareHeads({
  spaces,
  draws: counts.flatMap((labelsPerClass) => labelDraws(train, { labelsPerClass, draws: each, seed })),
  classCount: train.classNames.length,
  test,
  seed,
  signal,
  onFit: () => {},
})
for (const { features, head, accuracies } of compared) {
  for (const [i, count] of counts.entries()) {
    const own = accuracies.slice(i * each, (i + 1) * each)
    const { mean, low } = studentInterval(own)
    const list = own.map((accuracy) => (100 * accuracy).toFixed(1)).join(' ')
    console.log(
      `${clock()}: ${count} per class | ${features} | ${head} | ${meanWithInterval({ mean, half: mean - low })} | ${list}`,
    )
  }
}
await linearAlgebra.close()
await run.close()
