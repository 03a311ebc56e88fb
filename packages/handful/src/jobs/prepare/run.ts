/**
 * What labelling stands on: the first stages of `handful fit` (`jobs/fit/fit-stages.ts`), and the neighbours of all images.
 *
 *   read the images -> run an encoder made elsewhere -> train the model -> patches -> features -> neighbours -> pictures
 *
 * A refit of the run finds them done.
 */
import { z } from 'zod'
import type { ImageSet } from '../../data/image-set.js'
import { contentKey } from '../../files/content-key.js'
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

const neighboursSchema = z.object({ columns: z.int() })

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
  const neighbours = neighboursStage(run, features, train.count)
  const stages = [
    ...partsBeside(fitting).map(({ stage }) => stage),
    ...(learning ? [learning.train] : []),
    ...(patches ? [patches] : []),
    features,
    neighbours,
    ...(learning ? [picturesStage(train, { ...learning, run })] : []),
  ]
  await runJobStages(stages, { ...context, ...options, store: run.store, before: [READING_STAGE] })
  await writeRunImages(run, train)
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

/** The nearest neighbours of each image, which refits and suggestions go by. */
function neighboursStage(
  run: RunFolder,
  features: FeaturesStage,
  images: number,
): Stage<z.infer<typeof neighboursSchema>> {
  const settings = { kind: 'neighbours', features: features.key }
  return {
    kind: 'neighbours',
    name: 'find neighbours',
    group: 'find neighbours',
    settings,
    key: contentKey(settings),
    seconds: 30 * (images / 60_000) ** 2,
    needs: [features],
    unit: 'images',
    total: images,
    schema: neighboursSchema,
    work: async ({ linearAlgebra, signal, onProgress }) => {
      const [all] = (await run.store.result(features)).learned
      const space = await readSpace(run.folder, all, {
        linearAlgebra,
        signal,
        onProgress: (done, total) => onProgress?.(done, total),
      })
      await keepGraph(run.folder, all, space)
      return { columns: space.train.columns }
    },
  }
}
