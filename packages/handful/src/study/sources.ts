/**
 * Where features come from: what a method is given and what it gives back. A method sees training images without labels,
 * names or order, and later the images to take features of: nothing else reaches it.
 */
import type { Images } from '../data/image-set.js'
import { imageBytes } from '../data/image-set.js'
import { besideEachOther, openExtractor, rawPixels } from '../features/extract.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import { defaultPatches, patchShrink } from '../features/patches.js'
import { type FeatureNetwork, featureOutputs } from '../models/model.js'
import { type BaselineSettings, baselineSettings, fitBaseline } from '../features/baseline-network.js'
import { featureRequest, requestInWords } from '../jobs/features/run.js'
import type { TrainedModel } from '../runs/trained-model.js'
import type { ModelSettings, StudyOptions } from './study-options.js'
import type { StageContext } from '../stages/stage.js'

type PixelBlock = Pick<Images, 'count' | 'height' | 'width' | 'channels' | 'pixels'>

export interface FeatureSource {
  /** Numbers of an image. */
  readonly columns: number
  /** Columns of each block, where blocks of unlike scale stand beside each other. */
  readonly blocks?: readonly number[]
  /** What normalisation brings to variance 1; `block` unless said otherwise. */
  readonly standardise?: 'dimension' | 'block'
  /** Layers, pooling and noise level in words. */
  readonly detail?: string
  /** `[images, columns]`; `firstPlace` is the place of the first of them in their split. */
  extract(images: PixelBlock, firstPlace: number): Promise<FeatureMatrix>
  close?(): Promise<void>
}

export interface FeatureMethod {
  readonly id: string
  readonly title: string
  readonly kind: 'generative' | 'baseline'
  /** All that its features depend on, beside images and seed. */
  readonly settings: unknown
  /** Fits what has to be fitted to the training images. */
  open(images: Images, context: StageContext): Promise<FeatureSource>
}

/** A model that is there, or is by the time that its features are asked for. */
export type ModelOf = () => Promise<TrainedModel>

/** The methods that need no training. */
export function baselineMethod(id: string, { baselines, seed }: StudyOptions): FeatureMethod {
  const { pcaComponents: components, patchAtoms, patchSamples, patchRounds } = baselines
  switch (id) {
    case 'pixels':
      return {
        ...{ id, title: 'raw pixels', kind: 'baseline', settings: {} },
        open: async (images) => ({
          columns: imageBytes(images),
          detail: 'the numbers of the image',
          extract: async (block) => rawPixels({ ...images, ...block, paths: [] }),
        }),
      }
    case 'pca':
      return fittedMethod(id, 'PCA', { components, seed }, () => baselineSettings('pca', { components }))
    case 'patches': {
      const { shrink: _shrink, ...defaults } = defaultPatches
      const options = { ...defaults, atoms: patchAtoms, samples: patchSamples, rounds: patchRounds }
      const baseline = ({ height }: Images) =>
        ({ name: 'patches', values: { ...options, shrink: patchShrink(height) } }) as const
      return fittedMethod(id, 'whitened patches', { options, seed }, baseline, 'dimension')
    }
    case 'random':
      return fittedMethod(id, 'untrained network', { seed }, () => baselineSettings('random'))
    default:
      throw new Error(`internal: baselineMethod: got ${id}, expected a baseline`)
  }
}

/** A baseline as a network, fitted to the training images. */
function fittedMethod(
  id: string,
  title: string,
  settings: unknown,
  baseline: (images: Images) => BaselineSettings,
  standardise?: FeatureSource['standardise'],
): FeatureMethod {
  return {
    ...{ id, title, kind: 'baseline', settings },
    async open(images, context) {
      const { network, outputs, detail } = await fitBaseline(baseline(images), images, {
        ...context,
        onProgress: (done, total) => context.onProgress?.(done, total, 'dictionary'),
      })
      return networkSource(network, outputs, context, { detail, standardise })
    },
  }
}

/** The features of a trained model. */
export function modelMethod(
  id: string,
  title: string,
  { features }: Pick<ModelSettings, 'features'>,
  trainedModel: ModelOf,
): FeatureMethod {
  return {
    id,
    title,
    kind: 'generative',
    settings: { features },
    async open(_images, context) {
      const { model, config, image, weights } = await trainedModel()
      const request = featureRequest(model, config, image, features)
      const network = model.features(config, image, weights, request)
      return networkSource(network, featureOutputs(request), context, {
        detail: `${request.layers.join(', ')}; ${requestInWords(request)}`,
      })
    },
  }
}

async function networkSource(
  network: FeatureNetwork,
  outputs: readonly string[],
  { seed, threads, device, signal }: StageContext,
  kind: Pick<FeatureSource, 'detail' | 'standardise'>,
): Promise<FeatureSource> {
  const extractor = await openExtractor(network, outputs, { seed, threads, device, signal })
  const blocks = outputs.map((name) => extractor.columns[name])
  return {
    ...kind,
    columns: blocks.reduce((sum, columns) => sum + columns, 0),
    blocks,
    async extract(images, firstPlace) {
      const found = await extractor.extract(images, firstPlace)
      return besideEachOther(outputs.map((name) => found[name]))
    },
    close: () => extractor.close(),
  }
}
