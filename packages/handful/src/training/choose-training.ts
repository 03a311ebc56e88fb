/**
 * Rate and length of a supervised network, chosen by the labelled few themselves: their halves train a network each, which is
 * asked for the other half. What was fixed beforehand stays unless another setting gains more than chance would give.
 *
 *   rates: a third, one and three times the preset's, each in half the steps
 *   lengths, at that rate: half the steps, all, and twice as many where all are better than half
 *
 * Together at most nine times the steps of one training, and five where twice as many are not tried.
 */
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import { countLabels, imagesAt } from '../data/image-set.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { type SupervisedRequest, supervisedSteps, trainSupervised } from './supervised.js'

/** Of each class: two to learn from and two to judge by. */
export const FEWEST_LABELS_TO_CHOOSE = 4

const HALVES = 2
const RATES = [1 / 3, 1, 3]
/** Nats that another setting has to gain over the preset's: less is noise. */
const CAUTION = 2
/** No class is ever ruled out altogether: one mistake would decide everything. */
const SMALLEST = Math.exp(-12)

export const chosenTrainingSchema = z.object({
  learningRate: z.number().positive(),
  steps: z.int().positive(),
  /** Labelled images that judged. */
  labels: z.int().positive(),
  /** What was tried, in its order, with the sum of the logarithms of the left-out labels' probabilities. */
  tried: z.array(z.object({ learningRate: z.number(), steps: z.int(), nats: z.number() })),
})

export type ChosenTraining = z.infer<typeof chosenTrainingSchema>

/** Whether so many labels of each class can choose anything. */
export const canChoose = (labels: Int32Array, classCount: number): boolean =>
  Math.min(...countLabels(labels, classCount)) >= FEWEST_LABELS_TO_CHOOSE

type ChoiceRequest = Omit<
  SupervisedRequest,
  'steps' | 'minutes' | 'checkpoints' | 'onStart' | 'onMetrics'
> & {
  /** Steps of a training, at most. */
  readonly mostSteps?: number
}

/** @param request what is to be trained, on the labels that choose */
export async function chooseTraining(request: ChoiceRequest): Promise<ChosenTraining> {
  const { labels, options, mostSteps = Infinity } = request
  const labelled = labels.filter((label) => label >= 0).length
  const usual = Math.min(mostSteps, supervisedSteps(labelled, options))
  const tried: ChosenTraining['tried'] = []
  const natsOf = async (learningRate: number, steps: number): Promise<number> => {
    const nats = await judged(request, learningRate, steps)
    tried.push({ learningRate, steps, nats })
    return nats
  }
  const half = Math.max(1, Math.round(usual / 2))
  let rate = { learningRate: options.learningRate, nats: -Infinity }
  for (const factor of RATES) {
    const learningRate = factor * options.learningRate
    const nats = await natsOf(learningRate, half)
    if (nats - (factor === 1 ? 0 : CAUTION) > rate.nats)
      rate = { learningRate, nats: nats - (factor === 1 ? 0 : CAUTION) }
  }
  const { learningRate } = rate
  const atHalf = tried.find((one) => one.learningRate === learningRate)?.nats ?? -Infinity
  const atUsual = await natsOf(learningRate, usual)
  const steps = await lengthOf(
    { half, atHalf, usual, atUsual, twice: Math.min(mostSteps, 2 * usual) },
    (length) => natsOf(learningRate, length),
  )
  return { learningRate, steps, labels: labelled, tried }
}

async function lengthOf(
  {
    half,
    atHalf,
    usual,
    atUsual,
    twice,
  }: { half: number; atHalf: number; usual: number; atUsual: number; twice: number },
  natsOf: (steps: number) => Promise<number>,
): Promise<number> {
  if (atHalf > atUsual + CAUTION) return half
  if (twice === usual || atUsual <= atHalf) return usual
  return (await natsOf(twice)) > atUsual + CAUTION ? twice : usual
}

/** Of each half of the labels, by a network that was trained on the other. */
async function judged(request: ChoiceRequest, learningRate: number, steps: number): Promise<number> {
  const { images, labels, classCount, seed, options } = request
  let nats = 0
  for (const [half, rows] of halvesOf(labels, seed).entries()) {
    const known = labels.slice()
    for (const row of rows) known[row] = -1
    const { predict } = await trainSupervised({
      ...request,
      labels: known,
      options: {
        ...options,
        learningRate,
        warmUpSteps: Math.min(options.warmUpSteps, Math.floor(steps / 4)),
      },
      steps,
      seed: new Random(seed, `choosing by halves/${half}`).integer(2 ** 31),
    })
    const found = await predict(imagesAt(images, rows))
    nats += logarithms(
      found,
      Int32Array.from(rows, (row) => labels[row]),
      classCount,
    )
  }
  return nats
}

/** Every class gives each half as many of its labels, or one more. */
function halvesOf(labels: Int32Array, seed: number): number[][] {
  const halves: number[][] = Array.from({ length: HALVES }, () => [])
  const seen = new Map<number, number>()
  const order = new Random(seed, 'halves of the labels').permutation(labels.length)
  for (const row of order) {
    const label = labels[row]
    if (label < 0) continue
    const count = seen.get(label) ?? 0
    halves[count % HALVES].push(row)
    seen.set(label, count + 1)
  }
  return halves.map((half) => half.sort((a, b) => a - b))
}

function logarithms({ data }: FeatureMatrix, truth: Int32Array, classCount: number): number {
  return truth.reduce(
    (sum, label, row) => sum + Math.log(Math.max(data[row * classCount + label], SMALLEST)),
    0,
  )
}
