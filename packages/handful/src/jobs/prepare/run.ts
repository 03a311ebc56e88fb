/**
 * What labelling stands on: the first stages of `handful fit` (`jobs/fit/fit-stages.ts`), and the neighbours of all images.
 *
 *   read the images -> run an encoder made elsewhere -> train the model -> patches -> features -> neighbours -> pictures
 *
 * A refit of the run finds them done.
 */
import { Random } from 'onnx-autodiff'
import { z } from 'zod'
import type { ImageSet } from '../../data/image-set.js'
import type { FeatureSpace } from '../../features/feature-space.js'
import { contentKey } from '../../files/content-key.js'
import { likeliestSpace } from '../../heads/choose-space.js'
import { checkDevice } from '../../runs/device.js'
import { runJobStages } from '../../runs/job-stages.js'
import { readDataset, READING_STAGE } from '../../runs/read-dataset.js'
import type { RunContext, RunFolder } from '../../runs/run-folder.js'
import { writeRunImages } from '../../runs/run-images.js'
import { keepGraph, readSpace } from '../../runs/space-file.js'
import type { Stage } from '../../stages/stage.js'
import { knownShape } from '../../training/model-options.js'
import {
  encoderSource,
  type FeaturesStage,
  featuresStage,
  partsBeside,
  patchesStage,
} from '../fit/fit-stages.js'
import { checkBrought } from '../../runs/brought.js'
import { checkOptions } from '../fit/run.js'
import { openFitting } from '../fit/fitting.js'
import { picturesStage } from '../pictures-stage.js'
import { asFit, type PrepareOptions } from './prepare-options.js'

export interface PrepareResult {
  readonly images: number
  readonly labelled: number
  /** Numbers of one image's features. */
  readonly columns: number
}

/** `space` is the one of the learned features that labelling goes by as long as there is no fit. */
const neighboursSchema = z.object({ columns: z.int(), space: z.int() })

/** @throws HandfulError for options or images that do not suit; the error of a stage that fails, or the signal's reason */
export async function runPrepare(options: PrepareOptions, given: RunContext): Promise<PrepareResult> {
  const { run } = given
  const context = { ...given, ...checkBrought(given, 'runPrepare') }
  await checkDevice(options.device)
  const asked = asFit(options, context)
  const early = knownShape(options)
  // A wrong setting is said before images are read, where their shape is known beforehand.
  checkOptions(asked, context, early)
  const dataset = await readDataset(options, context, 'optional')
  const train = options.dataset === undefined ? withOwnLabels(dataset.train) : withoutLabels(dataset.train)
  const fitting = await openFitting(asked, { ...dataset, train }, context)
  const { learning } = fitting
  const patches = asked.patches === 0 ? undefined : patchesStage(fitting)
  const features = featuresStage(fitting, { patches, encoder: encoderSource(fitting, patches) })
  const neighbours = neighboursStage(run, features, { images: train.count, seed: options.seed })
  const stages = [
    ...partsBeside(fitting).map(({ stage }) => stage),
    ...(learning ? [learning.train] : []),
    ...(patches ? [patches] : []),
    features,
    neighbours,
    ...(learning ? [picturesStage(train, { ...learning, run })] : []),
  ]
  await runJobStages(stages, { ...context, ...options, store: run.store, before: [READING_STAGE] })
  await writeRunImages(run, { ...dataset, train })
  const { columns } = await run.store.result(neighbours)
  return { images: train.count, labelled: train.labels.filter((label) => label >= 0).length, columns }
}

/** All images of a known set have labels: whoever prepares one wants to see what labelling it takes. */
const withoutLabels = (train: ImageSet): ImageSet => ({
  ...train,
  labels: new Int32Array(train.count).fill(-1),
})

/** Where all images lie in one folder, its name is no class. */
const withOwnLabels = (train: ImageSet): ImageSet =>
  train.classNames.length === 1 && train.labels.every((label) => label === 0)
    ? { ...withoutLabels(train), classNames: [] }
    : train

/** The nearest neighbours of each image, which refits and suggestions go by, in the space that labels are likely to follow. */
function neighboursStage(
  run: RunFolder,
  features: FeaturesStage,
  { images, seed }: { readonly images: number; readonly seed: number },
): Stage<z.infer<typeof neighboursSchema>> {
  const settings = { kind: 'neighbours', features: features.key, of: 'the likeliest space', seed }
  return {
    kind: 'neighbours',
    name: 'find neighbours',
    group: 'find neighbours',
    settings,
    key: contentKey(settings),
    seconds: 60 * (images / 60_000) ** 2,
    needs: [features],
    unit: 'images',
    total: images,
    schema: neighboursSchema,
    work: async ({ linearAlgebra, signal, onProgress }) => {
      const { learned } = await run.store.result(features)
      const spaces: FeatureSpace[] = []
      for (const [i, record] of learned.entries()) {
        const onEach = (done: number, total: number): void =>
          onProgress?.(Math.floor((i + done / total) * (images / learned.length)), images)
        const space = await readSpace(run.folder, record, { linearAlgebra, signal, onProgress: onEach })
        await keepGraph(run.folder, record, space)
        spaces.push(space)
      }
      const space = await likeliestSpace(spaces, new Random(seed, 'space of the neighbours'))
      return { columns: spaces[space].train.columns, space }
    },
  }
}
