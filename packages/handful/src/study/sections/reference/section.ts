/** Like for like with the published figures: the reference's head and protocol, beside what is published. */
import path from 'node:path'
import { z } from 'zod'
import { formatCount } from '../../../draw/format.js'
import { contentKey } from '../../../files/content-key.js'
import { featureSeconds, networkSeconds } from '../../estimate.js'
import { type Block, type TableBlock, type TableCell, text } from '../../report/blocks.js'
import {
  publishedCurve,
  publishedFigure,
  publishedId,
  type PublishedSet,
  publishedSet,
} from '../../published.js'
import type { PlannedMethod } from '../../methods.js'
import type { Study } from '../../result.js'
import { average } from '../../../numerics/statistics.js'
import { points, sortedCounts } from '../../results.js'
import type { StudyStage } from '../../study-stage.js'
import { numbersOf } from '../labelled-draws.js'
import { defineSection, type Planning } from '../section-entry.js'
import {
  INITIAL_WEIGHTS,
  modelByProtocol,
  networkByProtocol,
  pixelsByProtocol,
  requestOf,
  STANDARDISED,
} from './like-for-like.js'
import { isOfReference, referenceHead, referenceNetwork } from './protocol.js'
import { type LikeForLike, likeForLikeSchema } from './schema.js'

/** 2: with standardised features beside those as they come, and without places in a codebook. */
const PROTOCOL = 2
const KIND = 'reference protocol'
/** Of a set that nothing is published of. */
const FEW_LABELS = 16

const resultSchema = z.array(likeForLikeSchema)

export const referenceSection = defineSection({
  id: 'like-for-like',
  title: 'Like for like with the published figures',
  files: ['like-for-like'],
  fields: { likeForLike: resultSchema.default([]) },
  stages: (planning) => [
    ...pixelStages(planning),
    ...[...planning.models.keys()].flatMap((name) => modelStages(name, planning)),
    ...planning.methods
      .filter(({ stem }) => stem === 'imagenet')
      .flatMap((method) => countsOf(method, planning).map((count) => networkStage(method, count, planning))),
  ],
  gather: (finished) => ({ fields: { likeForLike: finished.all(KIND, resultSchema).flat() } }),
  report: reportBlocks,
})

const setOf = ({ workshop }: Planning): PublishedSet | undefined => publishedSet(workshop.data.name)

/** Those that were published, as far as the study has them; of other sets the few. */
function countsOf(method: Pick<PlannedMethod, 'id' | 'kind'>, planning: Planning): number[] {
  const own = numbersOf(planning.sizes)
  const curve = publishedCurve(setOf(planning), method.id)
  return curve === undefined
    ? own.filter((count) => count <= FEW_LABELS)
    : own.filter((count) => curve.labelsPerClass.includes(count))
}

function modelStages(name: string, planning: Planning): StudyStage<LikeForLike[]>[] {
  const { workshop, models, methods, scale } = planning
  const { data, options } = workshop
  const model = models.get(name)
  const counts = countsOf({ id: name, kind: 'generative' }, planning)
  if (model === undefined || counts.length === 0 || !isOfReference(name)) return []
  const method = methods.find(({ id }) => id === name)
  const published = publishedId({ id: name, kind: method?.kind ?? 'generative' })
  const set = setOf(planning)
  const { channels } = data.images
  const heads = counts.map((count) => referenceHead(name, set, channels, count))
  const features = options.models[name].features
  const settings = {
    ...{ PROTOCOL, kind: KIND, model: model.key, features, published, counts, heads, seed: options.seed },
    ...{ labels: data.keys.labels, test: data.keys.test },
  }
  const share =
    (counts[counts.length - 1] * scale.classCount + scale.testImages) / (scale.trainImages + scale.testImages)
  return [
    {
      ...described(`reference protocol: ${name}`, settings, name),
      needs: [model],
      seconds: featureSeconds(name, scale) * share + headSeconds(counts, heads, scale.classCount),
      work: async (context) => {
        const trained = await workshop.trainedModel(model)
        const asked = requestOf(trained, set, published, { features })
        return modelByProtocol({ method: name, trained, ...asked, set, data, counts }, context)
      },
    },
  ]
}

/** Beside anything else that is measured so: what the head makes of the images as they are. */
function pixelStages(planning: Planning): StudyStage<LikeForLike[]>[] {
  const { workshop, scale, models } = planning
  const { data, options } = workshop
  const method = 'pixels'
  const measured = [...models.keys()].filter(isOfReference)
  const counted = measured.map((id) => countsOf({ id, kind: 'generative' }, planning))
  const counts = numbersOf(planning.sizes).filter((count) => counted.some((own) => own.includes(count)))
  if (counts.length === 0) return []
  const set = setOf(planning)
  const heads = counts.map((count) => referenceHead(method, set, data.images.channels, count))
  const settings = {
    ...{ PROTOCOL, kind: KIND, method, counts, heads, seed: options.seed },
    ...{ images: data.keys.images, labels: data.keys.labels, test: data.keys.test },
  }
  return [
    {
      ...described('reference protocol: raw pixels', settings, method),
      needs: [],
      seconds: headSeconds(counts, heads, scale.classCount),
      work: (context) => pixelsByProtocol({ method, set, data, counts }, context),
    },
  ]
}

type Head = ReturnType<typeof referenceHead>

const headSeconds = (counts: readonly number[], heads: readonly Head[], classCount: number): number =>
  counts.reduce(
    (sum, count, i) =>
      sum + STANDARDISED.length * INITIAL_WEIGHTS * fitSeconds(count * classCount, heads[i], classCount),
    0,
  )

/** Steps of a head on some hundreds of numbers, on one thread. */
const fitSeconds = (labelled: number, { hidden, batch, epochs }: Head, classCount: number): number =>
  0.05 +
  epochs * Math.ceil(labelled / batch) * (1e-4 + batch * hidden * (500 + classCount) * 4e-10 + hidden * 5e-6)

function networkStage(
  method: PlannedMethod,
  labelsPerClass: number,
  planning: Planning,
): StudyStage<LikeForLike[]> {
  const { workshop, scale } = planning
  const { data, options, place } = workshop
  const set = setOf(planning)
  const { width } = options.supervised
  const training = referenceNetwork(set, data.images.channels)
  const settings = {
    ...{ PROTOCOL, kind: KIND, training, width, labelsPerClass, seed: options.seed },
    ...{ images: data.keys.images, labels: data.keys.labels, test: data.keys.test },
  }
  const fields = described(
    `reference protocol: ${method.id}, ${labelsPerClass} per class`,
    settings,
    method.id,
  )
  const labelled = labelsPerClass * scale.classCount
  const batch = Math.min(32, labelled)
  const steps = Math.ceil((training.epochs * labelled) / batch)
  return {
    ...fields,
    labelsPerClass,
    needs: [],
    seconds: networkSeconds('imagenet', { steps, batch, width: width ?? 64 }, scale),
    work: (context) => {
      const { key } = fields
      const checkpoints = { folder: path.join(place.folder, 'checkpoints', key.slice(0, 12)), key }
      return networkByProtocol({ method: method.id, set, data, labelsPerClass, width, checkpoints }, context)
    },
  }
}

const described = (name: string, settings: object, method: string) => ({
  kind: KIND,
  name,
  group: 'reference protocol',
  settings,
  key: contentKey(settings),
  method,
  schema: resultSchema,
})

function reportBlocks(study: Study & { readonly likeForLike: readonly LikeForLike[] }): Block[] {
  const { likeForLike } = study
  if (likeForLike.length === 0) return []
  return [
    text(
      "The reference study's own way, beside its figures: the first images of each class are labelled, and nothing else takes part in classification. " +
        'Features are as the model gives them, neither normalised, reduced nor smoothed; its head of two layers has the settings that it had for that model; the last epoch counts. ' +
        'Rows called standardised have each number at mean 0 and variance 1 over the labelled images, and differ in nothing else: what the head learns in so few epochs hangs on the scale of the numbers. ' +
        'The tables above have more draws, and heads that make more of the same features.',
    ),
    table(study, likeForLike),
    {
      kind: 'settings',
      title: 'Heads and networks as the reference has them',
      values: settingsOf(study, likeForLike),
    },
  ]
}

function table(study: Study, found: readonly LikeForLike[]): TableBlock {
  const set = publishedSet(study.dataset.name)
  const counts = sortedCounts(found.map(({ labelsPerClass }) => labelsPerClass))
  const rows = study.methods.flatMap((method) =>
    STANDARDISED.map((standardised) => ({
      method,
      found: found.filter((one) => one.method === method.id && one.standardised === standardised),
    })).filter((row) => row.found.length > 0),
  )
  type Row = (typeof rows)[number]
  const at = (row: Row, count: unknown): LikeForLike | undefined =>
    row.found.find(({ labelsPerClass }) => labelsPerClass === count)
  const figureOf = ({ method }: Row, count: (typeof counts)[number]) =>
    publishedFigure(set, publishedId(method), count)?.percent
  const cell = (row: Row, count: (typeof counts)[number]): TableCell => {
    const one = at(row, count)
    const theirs = figureOf(row, count)
    const published = theirs === undefined ? [] : [`published ${theirs.toFixed(1)}`]
    if (one === undefined) return { text: '–', below: published }
    const { accuracies } = one
    const range =
      accuracies.length > 1
        ? [`${points(Math.min(...accuracies))} to ${points(Math.max(...accuracies))}`]
        : []
    return { text: points(average(accuracies)), below: [...range, ...published] }
  }
  return {
    kind: 'table',
    columns: [{ title: 'Method' }, ...counts.map((count) => ({ title: `${count} per class`, number: true }))],
    rows: rows.map((row) => [
      { text: row.method.title, below: formOf(row.found[0]) },
      ...counts.map((count) => cell(row, count)),
    ]),
    caption:
      `Accuracy on all ${formatCount(study.dataset.testImages)} test images in per cent: the mean over ${INITIAL_WEIGHTS} initial weights of the head, with the lowest and the highest; networks once. ` +
      'The labelled images are always the first, as published, so no interval over draws is in it; each model is trained once. ' +
      "The reference's VAEs were tested on 640 training images, its ResNet-18 of MNIST at its best epoch on the test set and on images of 224 pixels.",
    file: {
      name: 'like-for-like',
      data: {
        columns: [
          'method',
          'part',
          'standardised',
          'labels_per_class',
          'accuracy',
          'lowest',
          'highest',
          'initial_weights',
          'published',
        ],
        rows: rows.flatMap((row) =>
          row.found.map(({ method, labelsPerClass, accuracies, part, standardised }) => {
            const theirs = figureOf(row, labelsPerClass)
            return [
              method,
              part,
              standardised === true ? 'yes' : 'no',
              labelsPerClass,
              average(accuracies),
              Math.min(...accuracies),
              Math.max(...accuracies),
              accuracies.length,
              theirs === undefined ? undefined : theirs / 100,
            ]
          }),
        ),
      },
    },
  }
}

/** What tells a row from others of its method. */
const formOf = ({ part, standardised }: LikeForLike): string[] => [
  ...(part === undefined ? [] : [part]),
  ...(standardised === undefined ? [] : ['standardised']),
]

/** What each head was, with its source. */
function settingsOf({ methods }: Study, found: readonly LikeForLike[]): Record<string, string> {
  const titled = (id: string): string => methods.find((method) => method.id === id)?.title ?? id
  return Object.fromEntries(
    found.map(({ method, labelsPerClass, setting, source, dimension }) => [
      `${titled(method)}, ${labelsPerClass} per class`,
      [dimension === undefined ? undefined : `${formatCount(dimension)} numbers`, setting, source]
        .filter((part) => part !== undefined)
        .join('; '),
    ]),
  )
}
