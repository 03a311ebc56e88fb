/**
 * What the head that chooses by itself is worth: a model trained once for so many steps, then each head over draws of the
 * labelled images, with accuracy and expected calibration error on held-out images, inductive. `auto` is to be near the best
 * of the others everywhere, which no one knows beforehand.
 *
 *   npx tsx bench/choices/run.ts --folder <images with train/ and test/> [--size 32] [--steps 400 | --run <of these images> | --encoder model.onnx]
 *   npx tsx bench/choices/run.ts --dataset mnist --data-dir <data> [--train 4000] [--test 2000]
 *     [--labels 1,2,4,16] [--draws 8] [--heads propagation,linear,auto] [--seed 0] [--threads 1]
 *
 * With `--encoder` alone the features are those of an encoder made elsewhere, and nothing is trained; with `--run`, too, they
 * stand beside the run's and patches. Beside the heads of the project there are for `--heads`: `two`, the product without the
 * mixture, `three` and `before`, with weights that the graph has no say in, all propagation alone where there is nothing to judge
 * by; and `auto-chosen`, where the labels choose which part leads. With `--parts yes` all is measured on each part alone, and on
 * each leading, too.
 *
 * Of a known set training images are drawn, and the held-out ones from its other training images: official test labels are not
 * looked at.
 */
import { parseArgs } from 'node:util'
import { labelDraws } from '../../packages/handful/src/data/draw-labels.js'
import { originalsOfTest } from '../../packages/handful/src/data/test-set.js'
import { originalsOf } from '../../packages/handful/src/data/image-set.js'
import { encodeSets } from '../../packages/handful/src/encoders/encode-images.js'
import { openOutsideEncoder } from '../../packages/handful/src/encoders/outside-encoder.js'
import type { FeatureSpace } from '../../packages/handful/src/features/feature-space.js'
import { looksMirrored } from '../../packages/handful/src/features/mirror.js'
import { chosenProduct } from '../../packages/handful/src/heads/auto.js'
import { compareHeads } from '../../packages/handful/src/heads/compare-heads.js'
import type { Head } from '../../packages/handful/src/heads/head.js'
import { labelPropagation } from '../../packages/handful/src/heads/label-propagation.js'
import { logisticRegression } from '../../packages/handful/src/heads/logistic-regression.js'
import { directionMixture } from '../../packages/handful/src/heads/mixture.js'
import type { OwnHeads } from '../../packages/handful/src/heads/registry.js'
import {
  type Encoder,
  encoderOf,
  fitDictionary,
  mirroredEncoder,
  patchEncoder,
} from '../../packages/handful/src/features/encoder.js'
import { learnedSpaces, type RowsPart } from '../../packages/handful/src/features/feature-sources.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { calibrationError } from '../../packages/handful/src/numerics/reliability.js'
import { average } from '../../packages/handful/src/numerics/statistics.js'
import { contrastiveModel } from '../contrastive-model.js'
import { splitImages } from '../trained-space.js'

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    dataset: { type: 'string' },
    'data-dir': { type: 'string' },
    size: { type: 'string', default: '32' },
    steps: { type: 'string', default: '400' },
    encoder: { type: 'string' },
    run: { type: 'string' },
    train: { type: 'string', default: '4000' },
    test: { type: 'string', default: '2000' },
    labels: { type: 'string', default: '1,2,4,16' },
    draws: { type: 'string', default: '8' },
    heads: { type: 'string', default: 'propagation,linear,auto' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
    parts: { type: 'string', default: 'no' },
  },
})
const [seed, threads, draws] = [values.seed, values.threads, values.draws].map(Number)
const device = 'cpu'
const { signal } = new AbortController()

const { train, test } = await splitImages({ ...values, dataDir: values['data-dir'] }, seed)
const linearAlgebra = onnxLinearAlgebra({ threads, device })

/** Features of an encoder made elsewhere, as they stand beside others. */
async function encoded(file: string): Promise<RowsPart> {
  const encoder = await openOutsideEncoder(file, {}, { threads, device })
  const sets = [
    { images: train, originals: originalsOf(train) },
    { images: test.images, originals: originalsOfTest(test) },
  ]
  const [ofTrain, ofTest] = await encodeSets(encoder, sets, { threads, device })
  return { name: 'encoder', train: ofTrain, test: ofTest }
}

/** All parts alike, and each leading; then, where it is asked for, each alone. */
async function spacesOf(): Promise<{ readonly weighed: FeatureSpace[]; readonly alone: FeatureSpace[] }> {
  const beside = values.encoder === undefined ? [] : [await encoded(values.encoder)]
  const context = { threads, device, seed, signal } as const
  const spaces = (learned: Encoder | undefined, parts: readonly RowsPart[]): Promise<FeatureSpace[]> =>
    learnedSpaces({ train, test }, learned, linearAlgebra, { ...context, beside: parts }, 'each leading too')
  if (values.encoder !== undefined && values.run === undefined)
    return { weighed: await spaces(undefined, beside), alone: [] }
  const trained = await contrastiveModel(train, { run: values.run, steps: Number(values.steps), ...context })
  const dictionary = await fitDictionary(train, 256, { seed, linearAlgebra, signal })
  const mirrored = await looksMirrored(train, { seed, linearAlgebra })
  const own = (encoder: Encoder): Encoder => (mirrored ? mirroredEncoder(encoder) : encoder)
  const { defaultFeatures } = trained.model
  const weighed = await spaces(own(encoderOf(trained, defaultFeatures, dictionary)), beside)
  if (values.parts !== 'yes') return { weighed, alone: [] }
  const alone = [
    ...(await spaces(own(encoderOf(trained, defaultFeatures)), [])),
    ...(await spaces(own(patchEncoder(dictionary, trained.model.image)), [])),
    ...(beside.length > 0 ? await spaces(undefined, beside) : []),
  ]
  return { weighed, alone }
}

/** `auto` with other parts, and with weights that are expected whatever the graph says. */
const product = (...judged: number[]): Head =>
  chosenProduct(
    [labelPropagation(), logisticRegression(), directionMixture()].slice(0, judged.length),
    () => Promise.resolve({ judged, unjudged: [1, 0, 0] }),
    'product',
  )
/** `auto`, where the labels choose which part leads. */
const CHOSEN = 'auto-chosen'
const own: OwnHeads = {
  two: () => product(0.75, 0.25),
  three: () => product(0.75, 0, 0.25),
  before: () => product(0.5, 0.25, 0.25),
}

try {
  const { weighed, alone } = await spacesOf()
  const [all, ...leading] = weighed
  const heads = values.heads.split(',')
  console.log(
    `${train.name}: ${train.count} images, ${test.count} held out, ${values.steps} steps, ${draws} draws`,
  )
  console.log('labels  head            accuracy  calibration error  features')
  for (const labelsPerClass of values.labels.split(',').map(Number)) {
    const measure = async (name: string, space: FeatureSpace, candidates: FeatureSpace[]): Promise<void> => {
      const head = name === CHOSEN ? 'auto' : name
      const [{ accuracies, reliability, features }] = await compareHeads({
        draws: labelDraws(train, { labelsPerClass, draws, seed }),
        classCount: train.classNames.length,
        test,
        seed,
        signal,
        onFit: () => {},
        spaces: [space],
        candidates,
        heads: [head],
        own,
        chosen: head,
      })
      const error = reliability === undefined ? '' : calibrationError(reliability).toFixed(3)
      const accuracy = (100 * average(accuracies)).toFixed(1)
      console.log(
        `${String(labelsPerClass).padStart(6)}  ${name.padEnd(15)} ${accuracy.padStart(8)}  ${error.padStart(8)}  ${features}`,
      )
    }
    for (const head of heads) {
      await measure(head, all, head === CHOSEN ? leading : [])
      if (values.parts === 'yes' && head !== CHOSEN)
        for (const space of [...leading, ...alone]) await measure(head, space, [])
    }
  }
} finally {
  await linearAlgebra.close()
}
