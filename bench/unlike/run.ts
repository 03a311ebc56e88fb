/**
 * "None of these" (heads/unlike.ts) against classes that are held out: three in ten classes are no classes, over several draws of
 * which. Either their images are nowhere among the training images, or they are among them without a label. The area under
 * the ROC curve says how often an image of theirs has a higher score than one of the classes; and at the default threshold, which
 * share of either passes for none.
 *
 *   npx tsx bench/unlike/run.ts --dataset mnist --data-dir <data> [--train 4000] [--test 2000]
 *   npx tsx bench/unlike/run.ts --folder <images> [--size 32] [--encoder model.onnx]
 *     [--labels 1,4,16] [--trials 8] [--patches 256] [--steps 400] [--seed 0] [--threads 1]
 *
 * Features are those of an encoder made elsewhere, or whitened patches; with `--steps` those of the model that is trained unless told
 * otherwise, for so many steps on the images of each draw, and patches beside them. With `--probability` the largest probability of `auto`
 * stands beside, which takes most of the time then.
 */
import { parseArgs } from 'node:util'
import { Random } from 'onnx-autodiff'
import { drawLabels } from '../../packages/handful/src/data/draw-labels.js'
import { type ImageSet, originalsOf, selectImages } from '../../packages/handful/src/data/image-set.js'
import { TestSet } from '../../packages/handful/src/data/test-set.js'
import { encodeSets } from '../../packages/handful/src/encoders/encode-images.js'
import { openOutsideEncoder } from '../../packages/handful/src/encoders/outside-encoder.js'
import { PATCHES } from '../../packages/handful/src/features/baselines/patches.js'
import { fitDictionary, patchEncoder } from '../../packages/handful/src/features/encoder.js'
import { extractFeatures } from '../../packages/handful/src/features/extract.js'
import { type FeatureSpace, normalisedSpace } from '../../packages/handful/src/features/feature-space.js'
import { headComponents } from '../../packages/handful/src/features/reduce.js'
import { fitCalibrated } from '../../packages/handful/src/heads/calibrated.js'
import { headProblem } from '../../packages/handful/src/heads/head.js'
import { createHead } from '../../packages/handful/src/heads/registry.js'
import { fitUnlike, restoreUnlike, UNLIKE_THRESHOLD } from '../../packages/handful/src/heads/unlike.js'
import { type FeatureMatrix, mostProbable, selectRows } from '../../packages/handful/src/numerics/matrix.js'
import { onnxLinearAlgebra } from '../../packages/handful/src/numerics/onnx-linear-algebra.js'
import { areaUnderCurve, average } from '../../packages/handful/src/numerics/statistics.js'
import { contrastiveModel } from '../contrastive-model.js'
import { heldOutImages } from '../held-out.js'
import { trainedSpace } from '../trained-space.js'

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    dataset: { type: 'string' },
    'data-dir': { type: 'string' },
    encoder: { type: 'string' },
    size: { type: 'string', default: '32' },
    train: { type: 'string', default: '4000' },
    test: { type: 'string', default: '2000' },
    labels: { type: 'string', default: '1,4,16' },
    trials: { type: 'string', default: '8' },
    patches: { type: 'string', default: '256' },
    steps: { type: 'string' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
    probability: { type: 'boolean', default: false },
  },
})
const [seed, threads, trials] = [values.seed, values.threads, values.trials].map(Number)
/** Of all classes. */
const HELD_OUT = 0.3
const device = 'cpu'
const { signal } = new AbortController()
const linearAlgebra = onnxLinearAlgebra({ threads, device })

async function featuresOf(train: ImageSet, test: ImageSet): Promise<FeatureMatrix[]> {
  const sets = [train, test]
  if (values.encoder !== undefined) {
    const encoder = await openOutsideEncoder(values.encoder, {}, { threads, device })
    const encodable = sets.map((images) => ({ images, originals: originalsOf(images) }))
    return encodeSets(encoder, encodable, { threads, device })
  }
  const dictionary = await fitDictionary(train, Number(values.patches), { seed, linearAlgebra, signal })
  const { network } = patchEncoder(dictionary, { size: train.height, channels: train.channels })
  const rows: FeatureMatrix[] = []
  for (const images of sets)
    rows.push((await extractFeatures(network, images, [PATCHES], { seed, threads, device }))[PATCHES])
  return rows
}

const { train, test } = await heldOutImages({
  folder: values.folder,
  size: Number(values.size),
  dataset: values.dataset,
  dataDir: values['data-dir'],
  train: Number(values.train),
  test: Number(values.test),
  seed,
})
const fixed = values.steps === undefined ? await featuresOf(train, test) : undefined
const classCount = train.classNames.length
const options = {
  components: headComponents({
    channels: values.encoder === undefined ? train.channels : 3,
    count: train.count,
  }),
  standardise: values.encoder === undefined ? ('dimension' as const) : undefined,
}

/** The space of some of the training images, in places. */
async function spaceOf(places: readonly number[]): Promise<FeatureSpace> {
  if (fixed !== undefined) {
    const [trainRows, testRows] = fixed
    return normalisedSpace({ train: selectRows(trainRows, places), test: testRows }, options, {
      linearAlgebra,
    })
  }
  const images = { train: selectImages(train, Uint32Array.from(places)), test: new TestSet(test) }
  const training = { steps: Number(values.steps), seed, threads, device, signal } as const
  const trained = await contrastiveModel(images.train, training)
  return trainedSpace(images, trained, { patches: Number(values.patches), seed, threads, linearAlgebra })
}

/** Of all training images it is the same whichever classes are none. */
let whole: FeatureSpace | undefined

/** One draw of which classes are none, with the space of the training images that remain. */
async function drawClasses(number: number, amongTrain: boolean) {
  const random = new Random(seed, `bench/unlike/trial ${number}`)
  const order = [...random.permutation(classCount)]
  const known = order.slice(Math.max(1, Math.round(classCount * HELD_OUT)))
  const places = [...train.labels.keys()].filter((i) => amongTrain || known.includes(train.labels[i]))
  const space = places.length === train.count ? (whole ??= await spaceOf(places)) : await spaceOf(places)
  return { random, known, places, space }
}

/** Scores of images of the classes and of the others, by what gives them. */
async function trial(
  { random, known, places, space }: Awaited<ReturnType<typeof drawClasses>>,
  labelsPerClass: number,
) {
  const classOf = (label: number): number => known.indexOf(label)
  const own = Int32Array.from(places, (i) => classOf(train.labels[i]))
  const labels = drawLabels(own, labelsPerClass, random.child('labels'))
  const problem = headProblem(space, { labels, classCount: known.length, random: random.child('heads') })
  const fitted = await fitUnlike(problem)
  if (fitted === undefined || space.test === undefined) throw new Error('too few labels: got no score')
  const unlike = await restoreUnlike(fitted.parameters, problem.neighboursOf)(space.test)
  const auto = values.probability ? await fitCalibrated(createHead('auto'), problem) : undefined
  const probability = auto && mostProbable(await auto.fitted.predict(space.test)).probability
  const split = (score: (i: number) => number) => {
    const all = [...test.labels.keys()]
    const ofKnown = (want: boolean): number[] =>
      all.filter((i) => classOf(test.labels[i]) >= 0 === want).map(score)
    return { known: ofKnown(true), others: ofKnown(false) }
  }
  return { unlike: split((i) => unlike[i]), probability: probability && split((i) => -probability[i]) }
}

const passing = (scores: readonly number[]): number =>
  scores.filter((score) => score >= UNLIKE_THRESHOLD).length / scores.length

console.log(
  `${train.name}: ${train.count} images, ${test.count} held out, ${trials} draws of classes; at ${UNLIKE_THRESHOLD} pass of the classes / of others`,
)
console.log('other kinds            labels  AUROC (least)   of probability  pass')
for (const amongTrain of [false, true]) {
  const drawn: Awaited<ReturnType<typeof drawClasses>>[] = []
  for (let number = 0; number < trials; number++) drawn.push(await drawClasses(number, amongTrain))
  for (const labelsPerClass of values.labels.split(',').map(Number)) {
    const found: Awaited<ReturnType<typeof trial>>[] = []
    for (const draw of drawn) found.push(await trial(draw, labelsPerClass))
    const areas = found.map(({ unlike }) => areaUnderCurve(unlike.others, unlike.known))
    const ofProbability = found.flatMap(({ probability }) =>
      probability === undefined ? [] : [areaUnderCurve(probability.others, probability.known)],
    )
    const pass = (of: 'known' | 'others'): string =>
      (100 * average(found.map(({ unlike }) => passing(unlike[of])))).toFixed(1)
    console.log(
      [
        (amongTrain ? 'among the unlabelled' : 'not seen').padEnd(21),
        String(labelsPerClass).padStart(7),
        `  ${average(areas).toFixed(3)} (${Math.min(...areas).toFixed(3)})`,
        `  ${ofProbability.length > 0 ? average(ofProbability).toFixed(3) : ''}`.padEnd(18),
        `${pass('known')} / ${pass('others')} %`,
      ].join(''),
    )
  }
}
await linearAlgebra.close()
