/** The stages of a study that make features: of each method by each training of its model, and of methods beside each other. */
import { contentKey } from '../files/content-key.js'
import { isBaselineName } from '../features/baselines/registry.js'
import { headComponents } from '../features/reduce.js'
import { spaceStored } from '../features/space-files.js'
import { HEAD_ENTRIES } from '../heads/registry.js'
import { bankSchema, type BankRecord, combineBanks, makeBank } from './bank.js'
import { PROTOCOL, trainingInWords } from './cell-stages.js'
import { combinationSeconds, featureSeconds, type Scale, smoothingSeconds } from './estimate.js'
import { baselineMethod, modelMethod, type StudyFeatures } from './sources.js'
import type { StudyOptions } from './study-options.js'
import type { StudyStage } from './study-stage.js'
import type { TrainedRecord } from './training.js'
import type { Workshop } from './workshop.js'

export type ModelStage = StudyStage<TrainedRecord>
export type BankStage = StudyStage<BankRecord>

function bankOptions(
  { method, key }: { readonly method: string; readonly key: string },
  { options, mirror, data, place }: Workshop,
) {
  return {
    folder: place.folder,
    name: `${method}-${key.slice(0, 8)}`,
    components: options.components ?? headComponents(data.images),
    whitening: options.whitening,
    seed: options.seed,
    smooth: smooths(options),
    mirror,
  }
}

/** Where no head asks for smoothed features the key says nothing of them, so that what is there without stays good. */
const smooths = ({ heads }: StudyOptions): boolean =>
  heads.some((head) => HEAD_ENTRIES[head].worksOn === 'smoothed')

function methodOf(id: string, model: ModelStage | undefined, workshop: Workshop): StudyFeatures {
  const brought = workshop.own.find((method) => method.id === id)
  if (brought !== undefined) return brought
  if (isBaselineName(id)) return baselineMethod(id, workshop.options)
  if (model === undefined) throw new Error(`internal: methodOf: got ${id}, expected a method`)
  return modelMethod(id, id, workshop.options.models[id], () => workshop.trainedModel(model))
}

/** Two stages of a method's features, which differ in what they come from. */
const bankFields = (
  {
    id,
    training = 0,
    note = '',
  }: { readonly id: string; readonly training?: number; readonly note?: string },
  settings: object,
  { place }: Workshop,
) => ({
  kind: 'features',
  name: `features: ${id}${note}${trainingInWords(training)}`,
  settings,
  key: contentKey(settings),
  group: `features: ${id}${trainingInWords(training)}`,
  method: id,
  schema: bankSchema,
  present: (result: BankRecord) => spaceStored(place.folder, result),
})

/** A method's features, by one training of its model where it has one. */
export function bankStage(
  id: string,
  { model, training }: { readonly model?: ModelStage; readonly training?: number },
  workshop: Workshop,
  scale: Scale,
): BankStage {
  const { options, mirror, data } = workshop
  const method = methodOf(id, model, workshop)
  const { whitening, seed } = options
  const fields = bankFields(
    { id, training },
    {
      PROTOCOL,
      kind: 'features',
      model: model?.key,
      settings: method.settings,
      id: model === undefined ? id : undefined,
      seed,
      whitening,
      components: scale.components,
      smoothed: smooths(options) || undefined,
      mirror: mirror || undefined,
      images: data.keys.images,
      test: data.keys.test,
    },
    workshop,
  )
  return {
    ...fields,
    needs: [
      ...(model === undefined ? [] : [model]),
      ...(method.rows === undefined ? [] : [method.rows.stage]),
    ],
    seconds: featureSeconds(id, scale) + (smooths(options) ? smoothingSeconds(scale) : 0),
    work: (context) =>
      makeBank(
        method,
        { train: data.images, test: data.test.images },
        bankOptions(fields, workshop),
        context,
      ),
  }
}

/** The features of several methods beside each other. */
export function combinationStage(
  {
    id,
    training,
    leader,
  }: {
    readonly id: string
    readonly training: number
    /** Of its parts; where none is, all weigh the same. */
    readonly leader?: { readonly place: number; readonly id: string }
  },
  needs: readonly BankStage[],
  workshop: Workshop,
  scale: Scale,
): BankStage {
  const { options, store } = workshop
  const fields = bankFields(
    { id, training, note: leader && `, mostly ${leader.id}` },
    {
      PROTOCOL,
      kind: 'combination',
      leader: leader?.place,
      whitening: options.whitening,
      components: scale.components,
      smoothed: smooths(options) || undefined,
      needs: needs.map((need) => need.key),
    },
    workshop,
  )
  return {
    ...fields,
    needs,
    seconds: combinationSeconds(scale) + (smooths(options) ? smoothingSeconds(scale) : 0),
    work: async (context) => {
      const parts = await Promise.all(needs.map((need) => store.result(need)))
      return combineBanks(parts, leader?.place, bankOptions(fields, workshop), context)
    },
  }
}
