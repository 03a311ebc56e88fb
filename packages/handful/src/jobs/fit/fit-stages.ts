/** The stages of `handful fit` after training, each with what it keeps in the run folder. */
import { readArrays } from '../../files/array-file.js'
import { judgesOf } from '../../heads/judges.js'
import { referencesOf } from '../../heads/predictor.js'
import { described, imagesOf } from './stage-titles.js'
import { DEFAULT_READING } from '../../data/reading.js'
import { z } from 'zod'
import { predictionParts, writePredictions } from '../../data/predictions.js'
import { type RunReport, runReportSchema } from '../../draw/run-report.js'
import {
  type Encoder,
  encoderOf,
  fitDictionary,
  mirroredEncoder,
  patchEncoder,
} from '../../features/encoder.js'
import { pixelFeatures } from '../../features/baselines/pixels.js'
import { componentsBeside, learnedSpaces } from '../../features/feature-sources.js'
import { type PatchDictionary, patchOptionsSchema } from '../../features/baselines/patches.js'
import { filesPresent } from '../../files/present.js'
import { type Classifier, CLASSIFIER_FILE, saveClassifier } from '../../runs/classifier.js'
import type { OwnSource } from '../../runs/own-features.js'
import { type OutsidePart, outsideRows } from '../../runs/outside-features.js'
import { readSpace, type SpaceRecord, spacesSchema, writeSpace } from '../../runs/space-file.js'
import { headOf } from '../../runs/fitted-arrays.js'
import { RUN_FILES } from '../../runs/run-files.js'
import type { Stage } from '../../stages/stage.js'
import type { ReportPictures } from '../pictures-stage.js'
import { fitReport, type ReportedFit } from './fit-report.js'
import { FEATURES, type Fitting, mirroredNote } from './fitting.js'
import { proportionsNote } from './proportions.js'
import { judgingLabels } from './judging.js'
import { type HeadsStage, probabilitiesOf } from './given-by-head.js'

const dictionarySchema = z.object({
  file: z.string(),
  options: patchOptionsSchema,
  channels: z.union([z.literal(1), z.literal(3)]),
})

export type PatchesStage = Stage<z.infer<typeof dictionarySchema>>

/** Whitened patches that stand beside the model's features. */
export function patchesStage(fitting: Fitting): PatchesStage {
  const { options, run, dataset, keys } = fitting
  const fields = described(fitting, 'patches', {
    images: keys.images,
    patches: options.patches,
    seed: options.seed,
  })
  const file = `features/patches-${fields.key.slice(0, 8)}.safetensors`
  return {
    ...fields,
    needs: [],
    unit: 'rounds',
    schema: dictionarySchema,
    present: (result) => filesPresent(run.folder, [result.file]),
    work: async (context) => {
      const dictionary = await fitDictionary(dataset.train, options.patches, context)
      await run.makeFolder('features')
      await run.writeArrays(file, dictionary.weights)
      return { file, options: dictionary.options, channels: dictionary.channels }
    },
  }
}

/** The network that features are taken from, put together when it is first asked for; none where all were made elsewhere. */
export function encoderSource(
  { run, learning, image, mirror }: Fitting,
  patches?: PatchesStage,
): () => Promise<Encoder | undefined> {
  const dictionary = async (): Promise<PatchDictionary | undefined> => {
    if (patches === undefined) return undefined
    const { file, ...rest } = await run.store.result(patches)
    return { ...rest, weights: (await readArrays(run.path(file))).arrays }
  }
  let encoder: Promise<Encoder | undefined> | undefined
  const open = async (): Promise<Encoder | undefined> => {
    const found = await dictionary()
    const plain =
      learning === undefined
        ? found && patchEncoder(found, image)
        : encoderOf(await learning.trained(), learning.model.defaultFeatures, found)
    return plain && mirror ? mirroredEncoder(plain) : plain
  }
  return () => (encoder ??= open())
}

/** What stands beside features of our own, in the order of its columns. */
export const partsBeside = ({
  outside,
  own,
}: Pick<Fitting, 'outside' | 'own'>): Pick<OutsidePart, 'title' | 'notes' | 'stage'>[] => [
  ...outside.parts,
  ...own,
]

export type FeaturesStage = Stage<z.infer<typeof spacesSchema>>

const USUAL_COMPONENTS = 128

/** Learned features and raw pixels of all images, normalised. */
export function featuresStage(
  fitting: Fitting,
  { patches, encoder }: Pick<FitStages, 'patches' | 'encoder'>,
): FeaturesStage {
  const { options, run, dataset, learning, mirror, keys } = fitting
  const parts = partsBeside(fitting)
  const pixelComponents = componentsBeside(dataset.train, parts.length)
  const rows = parts.map(({ stage }) => stage)
  const fields = described(fitting, 'features', {
    train: learning?.train.key,
    patches: patches?.key,
    images: keys.images,
    request: learning?.model.defaultFeatures,
    outside: rows.length > 0 ? rows.map(({ key }) => key) : undefined,
    // `auto` was parts alone before.
    parts: options.features === 'auto' ? 'each leading too' : options.features,
    // Of raw pixels: as many as of learned features. Runs of before had the usual number whatever these had.
    pixels: pixelComponents === USUAL_COMPONENTS ? undefined : pixelComponents,
    mirror: mirror ? true : undefined,
    seed: options.seed,
  })
  const file = (name: string): string => `features/${name}-${fields.key.slice(0, 8)}.safetensors`
  return {
    ...fields,
    needs: [...(learning ? [learning.train] : []), ...(patches ? [patches] : []), ...rows],
    unit: 'images',
    total: imagesOf(fitting),
    schema: spacesSchema,
    present: ({ learned, pixels }) =>
      filesPresent(
        run.folder,
        [...learned, pixels].map((space) => space.file),
      ),
    work: async ({ linearAlgebra, onProgress, ...context }) => {
      const writeLearned = async (): Promise<SpaceRecord[]> => {
        const beside = await outsideRows(run, parts)
        const told = (done: number, total: number): void => onProgress?.(done, total)
        const spaces = await learnedSpaces(
          dataset,
          await encoder(),
          linearAlgebra,
          { ...context, beside, onProgress: told },
          options.features === 'auto' ? 'each leading too' : 'alike',
        )
        const records: SpaceRecord[] = []
        for (const [i, space] of spaces.entries())
          records.push(await writeSpace(run.folder, file(i === 0 ? 'learned' : `learned-${i}`), space))
        return records
      }
      // Nothing holds their rows any more when those of raw pixels are made: of very many images each take a gigabyte.
      const learned = await writeLearned()
      const rows = await pixelFeatures(dataset, linearAlgebra, { components: pixelComponents, mirror })
      return { learned, pixels: await writeSpace(run.folder, file('pixels'), rows) }
    },
  }
}

const filesSchema = z.object({ files: z.array(z.string()) })

/** What `handful predict` needs, and the predictions for all images. */
export function classifierStage(
  fitting: Fitting,
  { patches, encoder, features, heads }: Pick<FitStages, 'patches' | 'encoder' | 'features' | 'heads'>,
): Stage<z.infer<typeof filesSchema>> {
  const { options, run, dataset, image, keys, learning } = fitting
  const { fit, seed } = options
  const { classNames } = dataset.train
  return {
    ...described(fitting, 'classifier', { heads: heads.key, names: keys.names, fit }),
    needs: [...(learning ? [learning.train] : []), ...(patches ? [patches] : []), features, heads],
    schema: filesSchema,
    present: ({ files }) => filesPresent(run.folder, files),
    work: async ({ linearAlgebra }) => {
      const own = await encoder()
      const { learned } = await run.store.result(features)
      const { compared, space: place } = await run.store.result(heads)
      const space = await readSpace(run.folder, learned[place], { linearAlgebra })
      const { head: kept, arrays, ...probabilities } = await probabilitiesOf(fitting, heads)
      const head = headOf(kept, classNames.length, arrays)
      await saveClassifier(run, {
        classNames,
        size: image.size,
        channels: image.channels,
        fit,
        reading: dataset.reading ?? DEFAULT_READING,
        outputs: own?.groups.flatMap(({ outputs }) => outputs) ?? [],
        // What `predict` has to know to draw the same kind of noise; nothing where features need none.
        drawn: own?.network.drawInputs && learning && { request: learning.model.defaultFeatures, seed },
        encoder: own?.network.program,
        batch: own?.network.batch,
        outside: await outsideOf(fitting),
        normalisation: await space.normalisation(),
        head,
        unlike: probabilities.unlike && {
          parameters: probabilities.unlike.parameters,
          // Most heads keep these rows themselves.
          references: referencesOf(head) ?? space.references(),
        },
        labelsKey: keys.fitted,
      })
      const source = `${learned[place].name}, ${compared.find(({ chosen }) => chosen)?.head}`
      const parts = predictionParts(dataset, fitting.draws[0], probabilities, source)
      await writePredictions(run.path(RUN_FILES.predictions), parts)
      return { files: [CLASSIFIER_FILE, RUN_FILES.predictions] }
    },
  }
}

async function outsideOf({ outside, own, run }: Fitting): Promise<Classifier['outside']> {
  const { encoder, embeddings } = outside
  if (encoder === undefined && embeddings === undefined && own.length === 0) return undefined
  const sources: OwnSource[] = []
  for (const { stage } of own) sources.push((await run.store.result(stage)).source)
  return {
    encoder: encoder && { file: encoder.file, description: encoder.description },
    embeddings: embeddings?.description,
    sources: sources.length > 0 ? sources : undefined,
  }
}

export interface FitStages {
  readonly patches?: PatchesStage
  /** The network of these features. */
  readonly encoder: () => Promise<Encoder | undefined>
  readonly features: FeaturesStage
  readonly heads: HeadsStage
  readonly classifier: Stage
  /** None without a model that draws. */
  readonly pictures?: Stage<ReportPictures>
}

/** @param readingSeconds that the images took to be read, which is no stage */
export function reportStage(
  fitting: Fitting,
  stages: Omit<FitStages, 'encoder'>,
  readingSeconds: { readonly stage: string; readonly seconds: number },
): Stage<RunReport> {
  const { options, run, keys, learning } = fitting
  const { patches, features, heads, classifier, pictures } = stages
  const learned = learning ? [learning.train] : []
  const drawn = pictures ? [pictures] : []
  const needs = [...learned, heads, ...drawn]
  const rows = partsBeside(fitting).map(({ stage }) => stage)
  const timed = [...rows, ...learned, ...(patches ? [patches] : []), features, heads, classifier, ...drawn]
  const settings = { needs: needs.map(({ key }) => key), options, names: keys.names }
  return {
    ...described(fitting, 'report', settings),
    needs,
    unit: 'report',
    total: 1,
    schema: runReportSchema,
    work: async () => {
      const { compared, space } = await run.store.result(heads)
      const { learned: spaces } = await run.store.result(features)
      const seconds = [readingSeconds]
      for (const stage of timed) {
        const record = await run.store.read(stage)
        if (record !== undefined) seconds.push({ stage: record.name, seconds: record.seconds })
      }
      const { train, unlike } = await probabilitiesOf(fitting, heads)
      return fitReport({
        fitting: reported(fitting),
        pictures: pictures && (await run.store.result(pictures)),
        pretrained: learning && (await run.store.result(learning.train)),
        compared,
        recall: (await run.store.result(heads)).recall,
        chosenFeatures: spaces.length > 1 ? spaces[space].name : undefined,
        probabilities: train,
        unlike: unlike?.train,
        seconds,
      })
    },
  }
}

/** @returns what a report says of it */
const INDUCTIVE =
  'Test images were seen neither by training nor by propagation: they are classified from their nearest neighbours.'

/** Where no test set and no label that a draw left out judges. */
const JUDGED_BY_CHOOSERS =
  'The labels that judge have also chosen: which features lead, how much heads weigh, the strength of logistic regression. What had most of this to choose, the classifier that predicts, may look better than it is; a test split, or labels that --labels-per-class leaves out, judge without having chosen.'

function reported({
  options,
  run,
  dataset,
  draws,
  shares,
  learning,
  mirror,
  outside,
  keys,
}: Fitting): ReportedFit {
  return {
    options,
    run,
    dataset,
    draws,
    labelsKey: keys.fitted,
    learning: learning && {
      title: learning.model.title,
      config: { augment: learning.augment, config: learning.model.config },
    },
    notes: [
      ...outside.parts.flatMap((part) => part.notes),
      ...(dataset.test ? [INDUCTIVE] : []),
      ...(dataset.test === undefined && judgesOf(draws[0], judgingLabels(dataset)).leftOut
        ? [JUDGED_BY_CHOOSERS]
        : []),
      ...mirroredNote(FEATURES, { options, mirror }),
      ...proportionsNote(shares, dataset.train.classNames),
    ],
  }
}
