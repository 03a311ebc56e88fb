/**
 * The noise-level sweep of a diffusion model: how well a head does on the features of each layer at each noise level, what
 * the labelled few and the unlabelled images say about them, and which of them is chosen by that. Test labels are counted
 * right and wrong by the `TestSet` alone, and nothing is chosen by its counts.
 *
 * It is cheap by construction: features are taken of the labelled images of all draws, of a part of the unlabelled ones and
 * of a part of the test images, one session for each noise level, all layers at once.
 */
import { usageError } from '../../../errors.js'
import { featureOutputs, type FeatureRequest } from '../../../models/feature-request.js'
import type { BoundModel, WeightedModel } from '../../../models/model.js'
import type { OwnHeads } from '../../../heads/registry.js'
import type { HeadName, Pooling } from '../../../names.js'
import { average } from '../../../numerics/statistics.js'
import type { StageContext } from '../../../stages/stage.js'
import type { LabelledDraws } from '../labelled-draws.js'
import { bestSetting, type Rated, type Setting, withoutChoosing } from './choose.js'
import { type NoisedFeatures, noisedFeatures } from './noised-features.js'
import { noisedPictures } from './noised-pictures.js'
import type { StudySweep } from './schema.js'
import { type SettingJudge, settingJudge } from './setting-judge.js'
import { type ImageChoice, sweepImages } from './sweep-images.js'

export const NOISE_LEVELS = [1, 10, 50, 100, 200, 350, 500, 700, 900]

export interface SweepOptions extends LabelledDraws, ImageChoice {
  readonly trained: WeightedModel
  /** As the study calls it. Default the model's name. */
  readonly method?: string
  readonly classCount: number
  /** Default those that the model gives features from where none are named. All of them together are tried too. */
  readonly layers?: readonly string[]
  readonly noiseLevels?: readonly number[]
  /** Default as suits the model. */
  readonly pooling?: Pooling
  /** The name of a head that is built in, or of one of `own`. Default `linear`. */
  readonly head?: string
  readonly own?: OwnHeads
  /** The badly fixed noise level of the comparison before and after, on all layers together. Default 50. */
  readonly fixedBadly?: number
  /** Label counts of that comparison; draw i goes with draw i of the sweep. Default none. */
  readonly beforeAfter?: readonly LabelledDraws[]
}

/** Layers beside each other, as a setting names them. */
const TOGETHER = '+'

/** The layers of a setting. */
export const layersOf = (layer: string): string[] => layer.split(TOGETHER)

/**
 * @throws HandfulError for a model without noise levels, an unknown layer, a level out of range, or labels that no head
 *   can be fitted to
 */
export async function sweepNoise(options: SweepOptions, context: StageContext): Promise<StudySweep> {
  const { trained, draws, labelsPerClass, beforeAfter = [], head = DEFAULT_HEAD } = options
  // What each draw says of each setting; of smaller numbers of labels too, which choose by themselves.
  const smaller = beforeAfter.filter((each) => each.labelsPerClass < labelsPerClass)
  const swept = [draws, ...smaller.map((each) => each.draws)].flat()
  const ratings = new Map<Int32Array, Rated[]>(swept.map((labels) => [labels, []]))
  const sweep = prepare(options, swept, context)
  const { candidates, noiseLevels, fullest } = sweep
  const points: StudySweep['points'] = []
  for (const noiseLevel of noiseLevels) {
    const featuresOf = await sweep.featuresAt(noiseLevel)
    for (const layer of candidates.keys()) {
      const features = await featuresOf(layer)
      const judged = await sweep.judge(features, draws)
      points.push({ layer, noiseLevel, ...judged })
      for (const [i, labels] of swept.entries()) {
        const value = judged.crossValidated[i] ?? (await sweep.likelihood(features, labels))
        if (value !== undefined) ratings.get(labels)?.push({ layer, noiseLevel, value })
      }
    }
  }
  const byLabels = points.flatMap(({ layer, noiseLevel, crossValidated: values }) =>
    values.length === 0 ? [] : [{ layer, noiseLevel, value: average(values) }],
  )
  const crossValidation = bestSetting(byLabels)
  const labelFree = bestSetting(
    points.map(({ layer, noiseLevel, labelFree: value = NaN }) => ({ layer, noiseLevel, value })),
  )
  const fixedBadly = { layer: fullest, noiseLevel: options.fixedBadly ?? FIXED_BADLY }
  const comparison = beforeAfter.map((each) => ({
    ...each,
    after: each.draws.map((labels, draw) => {
      const own = ratings.get(labels) ?? ratings.get(draws[draw % draws.length]) ?? []
      return bestSetting(own) ?? labelFree ?? fixedBadly
    }),
  }))
  return {
    method: options.method ?? trained.model.name,
    head,
    labelsPerClass,
    points,
    chosen: [
      ...(crossValidation ? [{ by: 'cross-validation' as const, ...crossValidation }] : []),
      ...(labelFree ? [{ by: 'label-free' as const, ...labelFree }] : []),
    ],
    fixedBadly,
    beforeAfter: await beforeAndAfter(comparison, fixedBadly, options, context),
    pictures: await noisedPictures(sweep.noiseAt, options.train, sweep.pictured, noiseLevels, context.seed),
    together: await sweep.together(),
    notes: [...sweep.notes, ...choiceNotes(options)],
  }
}

function choiceNotes({ beforeAfter = [], labelsPerClass }: SweepOptions): string[] {
  if (beforeAfter.length === 0) return []
  const larger = beforeAfter.some((each) => each.labelsPerClass > labelsPerClass)
  const beyond = larger ? `, of which ${labelsPerClass} per class where there are more` : ''
  return [
    `after: each draw takes the setting that its own labels choose${beyond}; without labels where they are too few`,
  ]
}

interface Comparison extends LabelledDraws {
  /** The setting that each draw chooses. */
  readonly after: readonly Setting[]
}

/** Accuracies at the bad setting and at the chosen ones, level by level. */
async function beforeAndAfter(
  comparison: readonly Comparison[],
  bad: Setting,
  options: SweepOptions,
  context: StageContext,
): Promise<StudySweep['beforeAfter']> {
  const results = comparison.map(({ labelsPerClass }) => ({
    labelsPerClass,
    before: [] as number[],
    after: [] as number[],
  }))
  const settings = comparison.flatMap(({ after }) => [bad, ...after])
  const noiseLevels = [...new Set(settings.map(({ noiseLevel }) => noiseLevel))]
  if (options.test === undefined || noiseLevels.length === 0) return results
  // Larger numbers of labels come in here alone: at the few levels that were chosen.
  const everyDraw = comparison.flatMap(({ draws }) => draws)
  const sweep = prepare({ ...options, noiseLevels }, everyDraw, context)
  for (const level of noiseLevels) {
    const featuresOf = await sweep.featuresAt(level)
    for (const layer of sweep.candidates.keys()) {
      const here = (each: Setting): boolean => each.layer === layer && each.noiseLevel === level
      if (!comparison.some(({ after }) => here(bad) || after.some(here))) continue
      const features = await featuresOf(layer)
      for (const [i, { draws, after }] of comparison.entries()) {
        if (here(bad)) results[i].before = await sweep.accuracies(features, draws)
        for (const [draw, labels] of draws.entries()) {
          if (!here(after[draw])) continue
          const [accuracy] = await sweep.accuracies(features, [labels])
          if (accuracy !== undefined) results[i].after[draw] = accuracy
        }
      }
    }
  }
  return results
}

interface Sweep extends SettingJudge {
  /** Names of what is compared, and the layers of each. */
  readonly candidates: ReadonlyMap<string, readonly string[]>
  /** The one of all layers. */
  readonly fullest: string
  readonly noiseLevels: readonly number[]
  readonly noiseAt: NonNullable<BoundModel['noiseAt']>
  /** Of the training images, the one to be shown. */
  readonly pictured: number
  readonly notes: string[]
  featuresAt(noiseLevel: number): Promise<(layer: string) => Promise<NoisedFeatures>>
  together(): Promise<StudySweep['together']>
}

const DEFAULT_HEAD: HeadName = 'linear'
const FIXED_BADLY = 50

/** Those that features are taken of by default; beside a single one, the first of its resolution. */
function sweptLayers(model: BoundModel, usual: readonly string[]): readonly string[] {
  if (usual.length > 1) return usual
  const all = model.layers()
  const side = all.find(({ name }) => name === usual[0])?.shape[0]
  const first = all.find(({ shape }) => shape[0] === side)?.name
  return [...new Set([first ?? usual[0], ...usual])]
}

/** Settles layers, levels and images, and what is done with them. */
function prepare(options: SweepOptions, labelled: readonly Int32Array[], context: StageContext): Sweep {
  const { trained, draws, classCount, head = DEFAULT_HEAD, own } = options
  const { model } = trained
  const usual = model.defaultFeatures
  const noiseLevels = [...(options.noiseLevels ?? NOISE_LEVELS)].sort((a, b) => a - b)
  const severalLevels = withoutChoosing(model)
  const { noiseAt } = model
  if (noiseAt === undefined || severalLevels === undefined) {
    throw usageError({
      what: 'noise-level sweep',
      where: 'model',
      got: model.name,
      expected: 'a diffusion model: only its features depend on noise',
    })
  }
  const request = {
    ...usual,
    layers: options.layers ?? sweptLayers(model, usual.layers),
    pooling: options.pooling ?? usual.pooling,
  }
  const { layers } = request
  const fullest = layers.join(TOGETHER)
  const candidates = new Map(layers.map((layer) => [layer, [layer]]))
  candidates.set(fullest, [...layers])
  const { images, rows, scored, notes } = sweepImages(options, labelled, context.seed)

  const eachImage = images.train.count + images.augmented.count + (images.test?.count ?? 0)
  let total = (noiseLevels.length + severalLevels.noiseLevels.length) * eachImage
  let done = 0
  const featuresFor = (
    some: FeatureRequest,
    named: ReadonlyMap<string, readonly string[]>,
    note: string,
  ): Promise<(name: string) => Promise<NoisedFeatures>> => {
    const levels = some.noiseLevels?.length ?? 1
    return noisedFeatures(trained, some, named, images, context, (seen) => {
      done += levels * seen
      total = Math.max(total, done)
      context.onProgress?.(done, total, note)
    })
  }
  const { likelihood, accuracies, judge } = settingJudge(
    { classCount, head, own, rows, originals: images.originals, scored },
    context,
  )

  return {
    candidates,
    fullest,
    noiseLevels,
    noiseAt,
    pictured: rows[0],
    notes,
    likelihood,
    accuracies,
    judge,
    featuresAt: (noiseLevel) =>
      featuresFor({ ...request, noiseLevel }, candidates, `noise level ${noiseLevel}`),
    together: async () => {
      const outputs = featureOutputs(severalLevels)
      const featuresOf = await featuresFor(severalLevels, new Map([[fullest, outputs]]), 'two noise levels')
      const judged = await judge(await featuresOf(fullest), draws)
      return { layers: [...severalLevels.layers], noiseLevels: [...severalLevels.noiseLevels], ...judged }
    },
  }
}
