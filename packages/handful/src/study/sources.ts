/**
 * Where features come from: what a method is given and what it gives back. A method sees training images without labels,
 * names or order, and later the images to take features of: nothing else reaches it.
 */
import { featureOutputs, requestInWords } from '../models/feature-request.js'
import { featureRequest } from '../models/choose-features.js'
import { networkSource } from '../features/feature-sources.js'
import type { FeatureMethod } from '../runs/feature-method.js'
import { baselines } from '../features/baselines/registry.js'
import type { BaselineName } from '../names.js'
import type { TrainedModel } from '../runs/trained-model.js'
import type { ModelSettings, StudyOptions } from './study-options.js'
import { type OutsidePart, type OutsidePlace, outsideRows } from '../runs/outside-features.js'
import type { RowsPart } from '../features/feature-sources.js'
import type { StudyStage } from './study-stage.js'

/** A method of a study, which may have rows in the place of a source. */
export interface StudyFeatures extends FeatureMethod {
  /** In the place of `open`: the rows of all images, which a stage of their own gives. */
  readonly rows?: { readonly stage: StudyStage; readonly read: () => Promise<RowsPart> }
}

/** Features made elsewhere as a method: a study's stage gives their rows. */
export function outsideMethod(
  { id, title, columns, stage }: OutsidePart,
  place: OutsidePlace,
): StudyFeatures {
  return {
    id,
    title,
    kind: 'outside',
    settings: { rows: stage.key, columns },
    open: () => Promise.reject(new Error(`internal: outsideMethod: ${id} has rows, no source`)),
    rows: {
      stage: { ...stage, seconds: stage.seconds ?? 1, method: id },
      read: async () => (await outsideRows(place, [{ title, stage }]))[0],
    },
  }
}

/** A model that is there, or is by the time that its features are asked for. */
export type ModelOf = () => Promise<TrainedModel>

/** A method that needs no training. */
export function baselineMethod(id: BaselineName, { baselines: numbers, seed }: StudyOptions): FeatureMethod {
  const baseline = baselines[id]
  return {
    id,
    title: baseline.title,
    kind: 'baseline',
    settings: baseline.studySettings(numbers, seed),
    open: (images, context) => baseline.open(images, numbers, context),
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
