/** What the models generate: samples and reconstructions as pictures, scores of the samples as a table. */
import path from 'node:path'
import { contentKey } from '../../../files/content-key.js'
import { formatCount, formatDuration } from '../../../draw/format.js'
import { modelNamed } from '../../../models/registry.js'
import { scoreNetworkFor } from '../../../scores/network-cache.js'
import { type Block, numberColumns, type TableBlock } from '../../report/blocks.js'
import { methodTitle, points } from '../../results.js'
import type { Study } from '../../result.js'
import type { StudyStage } from '../../study-stage.js'
import type { TrainedRecord } from '../../training.js'
import { defineSection, type Planning } from '../section-entry.js'
import { studyGeneration } from './generation.js'
import { generationSchema, type StudyGeneration } from './schema.js'
import { SCORE_MEANING } from '../../../scores/meaning.js'

/** 2: styles as drawn, and the score network's own accuracy. */
const PROTOCOL = 2
const KIND = 'generation'
/** Images drawn and scored, at most. */
const SCORED_IMAGES = 2000
/** Of distances in the space of an encoder, which has a thousand numbers and more. */
const ENCODER_SECONDS = 60

export const generationSection = defineSection({
  id: 'generation',
  title: 'What the models generate',
  files: ['generation', 'samples-', 'reconstructions-'],
  fields: { generation: generationSchema.array().default([]) },
  stages: (planning) => [...planning.models].map(([name, model]) => generationStage(name, model, planning)),
  gather: (finished) => ({ fields: { generation: finished.all(KIND, generationSchema) } }),
  report: (study) =>
    study.generation.length === 0
      ? []
      : [
          scoreTable(study, study.generation),
          ...encoderTable(study, study.generation),
          ...study.generation.flatMap((one) => picturesOf(one, methodTitle(study, one.method))),
        ],
})

function generationStage(
  method: string,
  model: StudyStage<TrainedRecord>,
  { workshop, scale }: Planning,
): StudyStage<StudyGeneration> {
  const { data, place, encoder } = workshop
  const count = Math.min(SCORED_IMAGES, data.test.count)
  const { labels, test } = data.keys
  const settings = { PROTOCOL, kind: KIND, model: model.key, labels, test, count, encoder: encoder?.key }
  const { samplesPerSecond } = modelNamed(method, workshop.brought.models).cost
  return {
    kind: KIND,
    name: `generation: ${method}`,
    settings,
    key: contentKey(settings),
    needs: [model],
    seconds:
      40 +
      (count / samplesPerSecond) * (scale.size / 32) ** 2 +
      // Samples, and of the first model the real images of both kinds.
      (encoder === undefined ? 0 : ENCODER_SECONDS + 2 * count * encoder.secondsPerImage),
    group: 'generation',
    method,
    schema: generationSchema,
    work: async (context) => {
      const { images: train, test, classNames } = data
      // All labels are for the network that scores generated images, never for methods.
      const network = await scoreNetworkFor(
        { train: { ...train, labels: data.labels, classNames } },
        context,
        path.join(place.folder, 'score-network'),
      )
      const trained = await workshop.trainedModel(model)
      return studyGeneration({ trained, method, train, test, network }, context, { count, encoder })
    },
  }
}

type ModelScores = NonNullable<StudyGeneration['scores']>
type SpaceScores = Pick<ModelScores, 'frechet' | 'frechetOfTraining' | 'kernel' | 'precision' | 'recall'>

/** Scores in one feature space: as columns of a table, of its file, and in words. */
const SPACE_COLUMNS = ['Fréchet', 'its floor', 'Kernel', 'Precision', 'Recall']
const SPACE_FIELDS = ['frechet', 'frechet_of_training', 'kernel', 'precision', 'recall']
const SPACE_DIGITS = [2, 2, 4, 3, 3]
const SPACE_MEANING = `Fréchet: ${SCORE_MEANING.frechet}, whose own is its floor. Kernel distance: ${SCORE_MEANING.kernel}. Precision: ${SCORE_MEANING.precision}. Recall: ${SCORE_MEANING.recall}.`

const spaceNumbers = (scores: SpaceScores | undefined): (number | undefined)[] => [
  scores?.frechet,
  scores?.frechetOfTraining,
  scores?.kernel,
  scores?.precision,
  scores?.recall,
]

const shown = (value: number | undefined, format: (value: number) => string): string =>
  value === undefined ? '–' : format(value)

const spaceWords = (scores: SpaceScores | undefined): string[] =>
  spaceNumbers(scores).map((value, i) => shown(value, (number) => number.toFixed(SPACE_DIGITS[i])))

/** The same samples in the space of the study's encoder, which is nobody's training here. */
function encoderTable(study: Study, generation: readonly StudyGeneration[]): TableBlock[] {
  const rows = generation.flatMap(({ method, scores }) =>
    scores?.encoder === undefined ? [] : [{ method, images: scores.images, ...scores.encoder }],
  )
  if (rows.length === 0) return []
  const images = Math.max(...rows.map((row) => row.images))
  return [
    {
      kind: 'table',
      columns: [{ title: 'Model' }, ...numberColumns(...SPACE_COLUMNS)],
      rows: rows.map((row) => [methodTitle(study, row.method), ...spaceWords(row)]),
      caption: `The same ${formatCount(images)} generated images and as many test images in the features of an encoder made elsewhere: ${rows[0].space}, to which all were enlarged from the study's size. ${SPACE_MEANING}`,
      file: {
        name: 'generation-encoder',
        data: {
          columns: ['method', 'images', 'space', ...SPACE_FIELDS],
          rows: rows.map((row) => [row.method, row.images, row.space, ...spaceNumbers(row)]),
        },
      },
    },
  ]
}

function scoreTable(study: Study, generation: readonly StudyGeneration[]): TableBlock {
  const images = Math.max(0, ...generation.map(({ scores }) => scores?.images ?? 0))
  const accuracy = generation.find(({ scores }) => scores?.networkAccuracy !== undefined)?.scores
  const network =
    accuracy?.networkAccuracy === undefined
      ? ''
      : `, which itself classifies ${points(accuracy.networkAccuracy)} % of them right`
  const rows = generation.map(({ method, scores, imagesPerSecond }) => {
    const training = study.methods.find(({ id }) => id === method)?.training
    return { method, scores, imagesPerSecond, training }
  })
  return {
    kind: 'table',
    columns: [
      { title: 'Model' },
      ...numberColumns(...SPACE_COLUMNS, 'Nearest training'),
      ...numberColumns('Images a second', 'Parameters', 'Training'),
    ],
    rows: rows.map(({ method, scores, imagesPerSecond, training }) => [
      methodTitle(study, method),
      ...spaceWords(scores),
      shown(scores?.nearestTraining, (number) => number.toFixed(2)),
      shown(imagesPerSecond, formatCount),
      shown(training?.parameters, formatCount),
      shown(training?.seconds, formatDuration),
    ]),
    caption: `${images > 0 ? `${formatCount(images)} generated images against the test images, in the features of one score network${network}. ` : ''}${SPACE_MEANING} Nearest training, its distance over that of test images: ${SCORE_MEANING.ratio}.`,
    file: {
      name: 'generation',
      data: {
        columns: [
          'method',
          'images',
          ...SPACE_FIELDS,
          'nearest_training',
          'images_per_second',
          'parameters',
          'training_seconds',
        ],
        rows: rows.map(({ method, scores, imagesPerSecond, training }) => [
          method,
          scores?.images,
          ...spaceNumbers(scores),
          scores?.nearestTraining,
          imagesPerSecond,
          training?.parameters,
          training?.seconds,
        ]),
      },
    },
  }
}

function picturesOf({ method, samples, reconstructions }: StudyGeneration, title: string): Block[] {
  const picture = (name: string, words: string, image: string | undefined): Block[] =>
    image === undefined
      ? []
      : [{ kind: 'picture', name: `${name}-${method}`, title: `${title}: ${words}`, image }]
  return [
    ...picture('samples', 'samples', samples),
    ...picture('reconstructions', 'images above, what the model makes of them below', reconstructions),
  ]
}
