/** The model that is trained unless told otherwise, for benchmarks: of a run, or trained here for so many steps. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ImageSet } from '../packages/handful/src/data/image-set.js'
import type { BoundModel, ImageShape, WeightedModel } from '../packages/handful/src/models/model.js'
import { loadTrainedModel } from '../packages/handful/src/runs/trained-model.js'
import type { AugmentOptions } from '../packages/handful/src/training/augment.js'
import {
  modelChoiceSchema,
  resolveAugmentation,
  resolveModel,
} from '../packages/handful/src/training/model-options.js'
import { pretrain } from '../packages/handful/src/training/pretrain.js'
import { contrastiveSchema } from '../packages/handful/src/models/contrastive/config.js'
import { silentProgress } from '../packages/handful/src/training/progress.js'
import { type EncoderLoss, encoderLosses } from './views/losses.js'

export interface ContrastiveOptions {
  /** Of `handful pretrain`; then nothing is trained. */
  readonly run?: string
  readonly steps: number
  /** Settings, and distortions of views, other than its own. */
  readonly set?: Readonly<Record<string, unknown>>
  readonly views?: Partial<AugmentOptions>
  /** What is learned by in the place of comparing views; the encoder and its features are the same. */
  readonly loss?: EncoderLoss
  readonly seed: number
  readonly threads: number
  readonly device: 'cpu'
  readonly signal: AbortSignal
}

export async function contrastiveModel(
  images: ImageSet,
  { run, steps, set = {}, views, loss, signal, ...context }: ContrastiveOptions,
): Promise<WeightedModel> {
  if (run !== undefined) return loadTrainedModel(run)
  const image = { size: images.height, channels: images.channels }
  const own = resolveModel(modelChoiceSchema.parse({ model: 'contrastive', set }), image)
  const model = loss === undefined ? own : byOtherLoss(loss, own, image)
  const usual = resolveAugmentation(undefined, model).options
  const augmentation = usual && { ...usual, ...views }
  const folder = await mkdtemp(path.join(tmpdir(), 'handful-bench-'))
  try {
    const checkpoints = { folder, key: 'bench' }
    const options = { model, augmentation, steps, ...context }
    const { weights } = await pretrain(images, options, { checkpoints, signal, progress: silentProgress })
    return { model, weights }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function byOtherLoss(loss: EncoderLoss, model: BoundModel, image: ImageShape): BoundModel {
  const config = contrastiveSchema.parse(model.config)
  if (config.network !== 'pyramid') throw new Error('other losses are for images in colour')
  const changed: BoundModel = {
    ...model,
    train: (steps, seed) => encoderLosses[loss](config, image, steps, seed),
    withBatch: () => changed,
  }
  return changed
}
