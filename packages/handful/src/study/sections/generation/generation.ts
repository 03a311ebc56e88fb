/** The generation stage of a study: what a model draws and reconstructs, as pictures and in numbers. */
import { imageBytes, type Images } from '../../../data/image-set.js'
import type { TestSet } from '../../../data/test-set.js'
import { imageGrid } from '../../../draw/grid.js'
import type { StudyGeneration } from './schema.js'
import type { EncoderSpace } from '../../../scores/encoder-space.js'
import type { InceptionOptions } from '../../../scores/inception.js'
import type { RunOptions, WeightedModel } from '../../../models/model.js'
import { type DrawnImages, drawSamples, scoreModel } from '../../../scores/score-model.js'
import type { ScoreNetwork } from '../../../scores/score-network.js'
import type { GenerationScores, SpaceScores } from '../../../scores/scores.js'
import { pairedGrid, splitImages } from '../../../draw/model-pictures.js'
import type { StageContext } from '../../../stages/stage.js'

export interface GenerationStage {
  readonly trained: WeightedModel
  /** Id of the method in the study; the model's name where left out. */
  readonly method?: string
  readonly train: Images
  /** Images that the model was not trained on; without them there are pictures and no scores. */
  readonly test?: TestSet
  /** Of `scoreNetworkFor`; without it there are no scores. */
  readonly network?: ScoreNetwork
}

export interface GenerationStageOptions {
  /** Images to draw and score, at most. Default 5,000. */
  readonly count?: number
  /** Samples in the picture, 8 in a row. Default 48. */
  readonly shown?: number
  /** Reconstructions in the picture, 12 in a row. Default 24. */
  readonly reconstructed?: number
  /** Of an iterative sampler. */
  readonly steps?: number
  readonly eta?: number
  /** Of a GAN. */
  readonly truncation?: number
  readonly inception?: InceptionOptions
  /** A second, published space for scores. */
  readonly encoder?: EncoderSpace
}

const SAMPLE_COLUMNS = 8
const PAIR_COLUMNS = 12
/** Progress is counted in hundredths: sampling takes most of the time. */
const SHARES = { sampling: 70, scoring: 25, reconstruction: 5 }

/**
 * Samples, reconstructions (of test images where there are some) and scores of a trained model.
 * @throws HandfulError as scoreGeneration; the signal's reason once it is aborted
 */
export async function studyGeneration(
  { trained, method = trained.model.name, train, test, network }: GenerationStage,
  { linearAlgebra, seed, threads, device, signal, onProgress }: StageContext,
  options: GenerationStageOptions = {},
): Promise<StudyGeneration> {
  const { count = 5000, shown = 48, reconstructed = 24, steps, eta, truncation, inception, encoder } = options
  const told =
    (from: number, share: number, note: string) =>
    (done: number, total: number): void =>
      onProgress?.(from + Math.floor((share * done) / total), 100, note)
  const sampling = {
    seed,
    steps,
    eta,
    truncation,
    threads,
    device,
    signal,
    onProgress: told(0, SHARES.sampling, 'samples'),
  }
  const drawn: (DrawnImages & { readonly scores?: GenerationScores }) | undefined =
    test === undefined || network === undefined
      ? await drawSamples(trained, { ...sampling, count: shown })
      : await scoreModel(trained, {
          ...sampling,
          training: train,
          heldOut: test.images,
          accuracyOf: (predicted) => test.score(predicted).accuracy,
          network,
          linearAlgebra,
          most: count,
          inception,
          encoder,
          onPart: told(SHARES.sampling, SHARES.scoring, 'scores'),
        })
  const pairs = await reconstructions(trained, test?.images ?? train, reconstructed, {
    threads,
    device,
    signal,
    onProgress: told(100 - SHARES.reconstruction, SHARES.reconstruction, 'reconstructions'),
  })
  onProgress?.(100, 100)
  const samples = drawn && splitImages(drawn.images.pixels.subarray(), trained.model.image).slice(0, shown)
  return {
    method,
    samples: samples && dataUri(await imageGrid(samples, SAMPLE_COLUMNS)),
    reconstructions: pairs && dataUri(pairs),
    imagesPerSecond: drawn?.imagesPerSecond,
    scores: drawn?.scores && studyScores(drawn.scores),
  }
}

async function reconstructions(
  { model, weights }: WeightedModel,
  images: Images,
  most: number,
  run: RunOptions,
): Promise<Buffer | undefined> {
  if (model.reconstruct === undefined) return undefined
  const pixels = images.pixels.slice(0, Math.min(most, images.count) * imageBytes(images))
  const outputs = await model.reconstruct(weights, pixels, run)
  return pairedGrid(splitImages(pixels, model.image), splitImages(outputs, model.image), PAIR_COLUMNS)
}

/** As a study's report shows them. */
export function studyScores(scores: GenerationScores): NonNullable<StudyGeneration['scores']> {
  const { images, networkAccuracy, memorisation, encoder } = scores
  return {
    images,
    networkAccuracy,
    ...spaceScores(scores),
    nearestTraining: memorisation.ratio,
    encoder: encoder && { space: encoder.space, ...spaceScores(encoder) },
  }
}

const spaceScores = ({ generated, floor }: Pick<SpaceScores, 'generated' | 'floor'>) => ({
  frechet: generated.frechet,
  frechetOfTraining: floor.frechet,
  kernel: generated.kernel.distance,
  precision: generated.precision,
  recall: generated.recall,
})

const dataUri = (png: Buffer): string => `data:image/png;base64,${png.toString('base64')}`
