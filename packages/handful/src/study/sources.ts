/**
 * Where features come from: what a method is given and what it gives back. A method sees training images without labels,
 * names or order, and later the images to take features of: nothing else reaches it.
 */
import { featureOutputs, requestInWords } from '../models/feature-request.js'
import { featureRequest } from '../models/choose-features.js'
import { imageBytes, type Images } from '../data/image-set.js'
import { rawPixels } from '../features/extract.js'
import { type FeatureSource, networkSource } from '../features/feature-sources.js'
import type { FeatureGroup } from '../features/reduce.js'
import { defaultPatches, patchShrink } from '../features/patches.js'
import { type BaselineSettings, baselineSettings, fitBaseline } from '../features/baseline-network.js'

import type { TrainedModel } from '../runs/trained-model.js'
import type { ModelSettings, StudyOptions } from './study-options.js'
import type { StageContext } from '../stages/stage.js'

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
  standardise?: FeatureGroup['standardise'],
): FeatureMethod {
  return {
    ...{ id, title, kind: 'baseline', settings },
    async open(images, context) {
      const { network, outputs, detail } = await fitBaseline(baseline(images), images, {
        ...context,
        onProgress: (done, total) => context.onProgress?.(done, total, 'dictionary'),
      })
      return networkSource({ network, groups: [{ outputs, standardise }] }, context, detail)
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
      const { model, weights } = await trainedModel()
      const request = featureRequest(model, features)
      const network = model.features(weights, request)
      return networkSource(
        { network, groups: [{ outputs: featureOutputs(request) }] },
        context,
        `${request.layers.join(', ')}; ${requestInWords(request)}`,
      )
    },
  }
}
