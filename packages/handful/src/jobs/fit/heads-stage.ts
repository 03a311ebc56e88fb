/** The stage of `handful fit` in which heads are fitted to the labels, and what the chosen one gives for every image. */
import { Random } from 'onnx-autodiff'
import { quoted } from '../../errors.js'
import type { FeatureSpace } from '../../features/feature-space.js'
import { filesPresent } from '../../files/present.js'
import {
  comparedHeads,
  compareHeads,
  type Comparison,
  type ComparisonOptions,
  headsOn,
} from '../../heads/compare-heads.js'
import { matrixArray } from '../../numerics/matrix.js'
import { contentOf, placeOf } from '../../runs/brought.js'
import { headArrays, headSettings } from '../../runs/fitted-arrays.js'
import { checkKept } from '../../runs/guard-head.js'
import { RUN_FILES } from '../../runs/run-files.js'
import { keepGraph, readSpace, type SpaceRecord } from '../../runs/space-file.js'
import type { StageContext } from '../../stages/stage.js'
import type { FeaturesStage } from './fit-stages.js'
import type { Fitting } from './fitting.js'
import { headsSchema, type HeadsStage, unlikeArraysOf } from './given-by-head.js'
import { judgesKey, judgingLabels } from './judging.js'
import { described } from './stage-titles.js'

/** All heads on both kinds of features, for each draw of the labelled images. */
export function headsStage(fitting: Fitting, features: FeaturesStage): HeadsStage {
  const { options, run, dataset, draws, keys, brought } = fitting
  const { train, test } = dataset
  const heads = comparedHeads(options.head, brought.heads)
  const contents = heads.flatMap((name) => contentOf(brought, 'heads', name) ?? [])
  const fields = described(fitting, 'heads', {
    features: features.key,
    labels: keys.labels,
    accepted: dataset.accepted?.size ? [...dataset.accepted].sort() : undefined,
    classes: train.classNames,
    shares: fitting.shares,
    // Whatever judges beside the draws' own labels.
    judges: test ? undefined : judgesKey(dataset),
    heads,
    contents: contents.length > 0 ? contents : undefined,
    chosen: options.head,
    seed: options.seed,
  })
  const file = `model/head-${fields.key.slice(0, 8)}.safetensors`
  const onPixels = headsOn({ baseline: true, rows: train.count }, heads, brought.heads)
  const total = draws.length * (heads.length + onPixels.length)
  return {
    ...fields,
    needs: [features],
    unit: 'fits',
    total,
    schema: headsSchema,
    present: (result) => filesPresent(run.folder, [result.file]),
    work: async (context) => {
      const { learned, pixels } = await run.store.result(features)
      const comparing = { fitting, context, heads, total, fits: 0 }
      // The rows of raw pixels are read once those of the others are no longer held: of very many images each take a gigabyte.
      const { compared, chosen, ...given } = await onLearned(comparing, learned, file)
      const all = [...compared, ...(await onPixelsAlone(comparing, pixels, draws.length * heads.length))]
      return {
        compared: all.map((each) => ({
          features: each.features,
          baseline: each.baseline,
          head: each.head,
          accuracies: each.accuracies,
          images: each.images,
          confusion: each.confusion,
          reliability: each.reliability,
          chosen: each === chosen,
        })),
        ...given,
        file,
      }
    },
  }
}

interface Comparing {
  readonly fitting: Fitting
  readonly context: StageContext
  readonly heads: readonly string[]
  /** Fits of the stage. */
  readonly total: number
  /** Fits that were begun. */
  fits: number
}

/** What a comparison tells without the heads that were fitted. */
type Scores = Omit<Comparison, 'first'>

const scoresOf = ({ first: _, ...scores }: Comparison): Scores => scores

/** Compares heads on learned features; what the chosen one gives goes into a file. */
async function onLearned(comparing: Comparing, records: readonly SpaceRecord[], file: string) {
  const { options, run, dataset, draws, brought } = comparing.fitting
  const { linearAlgebra } = comparing.context
  const { seed } = options
  const classCount = dataset.train.classNames.length
  const spaces: FeatureSpace[] = []
  for (const record of records) spaces.push(await open(comparing, record))
  const [all, ...candidates] = spaces
  const found = await compare(comparing, [all], 0, { candidates, chosen: options.head })
  const chosen = found.find(({ key }) => key === options.head)
  if (chosen?.first === undefined) throw new Error(`internal: no comparison for the head ${options.head}`)
  const { fitted, space } = chosen.first
  if (Object.hasOwn(brought.heads ?? {}, options.head))
    await checkKept(
      fitted,
      { rows: space.train, classCount, linearAlgebra },
      { what: `head ${quoted(options.head)}`, where: placeOf(brought, 'heads', options.head, 'runFit') },
    )
  // Its neighbours are known by now: whoever labels on needs not search them again.
  await keepGraph(run.folder, records[spaces.indexOf(space)], space)
  const ofTest = space.test && (await fitted.predict(space.test))
  const unlike = await unlikeArraysOf(space, {
    labels: draws[0],
    classCount,
    accepted: judgingLabels(dataset).accepted,
    random: new Random(seed, 'images that are unlike'),
  })
  await run.makeFolder(RUN_FILES.model)
  await run.writeArrays(file, {
    train: matrixArray(await fitted.probabilities()),
    ...(ofTest && { test: matrixArray(ofTest) }),
    ...headArrays(fitted.parameters),
    ...unlike?.arrays,
  })
  const compared = found.map(scoresOf)
  return {
    compared,
    chosen: compared[found.indexOf(chosen)],
    head: headSettings(fitted.parameters),
    space: spaces.indexOf(space),
    recall: (await space.graph()).recall,
    unlike: unlike?.settings,
  }
}

/** @param before fits that were made before */
async function onPixelsAlone(comparing: Comparing, record: SpaceRecord, before: number): Promise<Scores[]> {
  const space = await open(comparing, record)
  return (await compare(comparing, [space], before, {})).map(scoresOf)
}

function open(comparing: Comparing, record: SpaceRecord): Promise<FeatureSpace> {
  const { linearAlgebra, signal, onProgress } = comparing.context
  const { fitting, total } = comparing
  return readSpace(fitting.run.folder, record, {
    linearAlgebra,
    signal,
    onProgress: (done, rows, note) =>
      onProgress?.(comparing.fits, total, `${note} by ${record.name}, ${Math.floor((100 * done) / rows)} %`),
  })
}

function compare(
  comparing: Comparing,
  spaces: FeatureSpace[],
  before: number,
  own: Partial<ComparisonOptions>,
): Promise<Comparison[]> {
  const { signal, onProgress } = comparing.context
  const { heads, total } = comparing
  const { options, dataset, draws, shares, brought } = comparing.fitting
  const { train, test } = dataset
  return compareHeads({
    spaces,
    draws,
    heads,
    own: brought.heads,
    classCount: train.classNames.length,
    ...judgingLabels(dataset),
    shares,
    test,
    seed: options.seed,
    signal,
    onFit: (done) => onProgress?.((comparing.fits = before + done), total),
    ...own,
  })
}
