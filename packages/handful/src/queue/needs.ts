/**
 * What a stage needs of a machine, and whether a machine has it. Stages that need the same wait in one queue, so that a
 * worker looks into those alone that hold something for it.
 */
import path from 'node:path'
import type { Workshop } from '../study/workshop.js'
import type { StudyStage } from '../study/study-stage.js'

export interface StageNeeds {
  readonly threads: number
  readonly memoryBytes: number
  readonly device: string
}

/** What a machine gives to stages in all. */
export type Offer = StageNeeds

const MIB = 2 ** 20
const SMALLEST_BYTES = 512 * MIB

/** A worker with another device has a CPU as well. */
export const fits = (needs: StageNeeds, offer: Offer): boolean =>
  needs.threads <= offer.threads &&
  needs.memoryBytes <= offer.memoryBytes &&
  (needs.device === 'cpu' || needs.device === offer.device)

/** What is left of an offer beside stages that run. */
export const without = (offer: Offer, running: Iterable<StageNeeds>): Offer => {
  const used = [...running]
  return {
    device: offer.device,
    threads: offer.threads - used.reduce((sum, { threads }) => sum + threads, 0),
    memoryBytes: offer.memoryBytes - used.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  }
}

/** A power of two of 512 MiB, so that there are few queues. */
export const roundedBytes = (bytes: number): number =>
  SMALLEST_BYTES * 2 ** Math.max(0, Math.ceil(Math.log2(bytes / SMALLEST_BYTES)))

export const queueName = ({ threads, memoryBytes, device }: StageNeeds): string =>
  `${path.basename(device)}-${threads}t-${Math.round(memoryBytes / MIB)}m`

const BASE_BYTES = 350 * MIB
/** Of a training: activations of a batch, moments, samples. */
const TRAINING_BYTES = 768 * MIB
/** Of a row of reduced features: as it is, normalised, smoothed, and neighbours. */
const FORMS = 4
const NEIGHBOUR_BYTES = 320

/**
 * What the stages of a study need: its threads and device, and memory by a rough account of what they hold at once. It is
 * told too high rather than too low.
 */
export function studyNeeds({ options, data }: Workshop): (stage: StudyStage) => StageNeeds {
  const { images, test } = data
  const rows = images.count + test.count
  const pixels = rows * images.height * images.width * images.channels
  const components = options.components ?? 128 * Math.min(2, images.channels)
  const features = rows * (FORMS * 4 * components + NEIGHBOUR_BYTES)
  const training = new Set(['model', 'generation', 'sweep', 'parts', 'reference protocol'])
  return ({ kind, head }) => {
    const trains = training.has(kind) || head === 'network'
    const bytes = BASE_BYTES + 3 * pixels + features + (trains ? TRAINING_BYTES : 0)
    return { threads: options.threads, device: options.device, memoryBytes: roundedBytes(bytes) }
  }
}
