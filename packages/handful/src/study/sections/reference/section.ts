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
import { INITIAL_WEIGHTS, modelByProtocol, networkByProtocol, requestOf } from './like-for-like.js'
import { isOfReference, referenceHead, referenceNetwork } from './protocol.js'
import { type LikeForLike, likeForLikeSchema } from './schema.js'

const PROTOCOL = 1
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
  const fits = counts.map((count, i) => fitSeconds(count * scale.classCount, heads[i], scale.classCount))
  return [
    {
      ...described(`reference protocol: ${name}`, settings, name),
      needs: [model],
      seconds:
        featureSeconds(name, scale) * share + INITIAL_WEIGHTS * fits.reduce((sum, each) => sum + each, 0),
      work: async (context) => {
        const trained = await workshop.trainedModel(model)
        const asked = requestOf(trained, set, published, { features })
        return modelByProtocol({ method: name, trained, ...asked, set, data, counts }, context)
      },
    },
  ]
}

/** Steps of a head on some hundreds of numbers, on one thread. */
const fitSeconds = (
  labelled: number,
  { hidden, batch, epochs }: ReturnType<typeof referenceHead>,
  classCount: number,
): number =>
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
  const methods = study.methods.filter(({ id }) => found.some(({ method }) => method === id))
  const at = (method: string, count: unknown): LikeForLike | undefined =>
    found.find((one) => one.method === method && one.labelsPerClass === count)
  const figureOf = (method: (typeof methods)[number], count: (typeof counts)[number]) =>
    publishedFigure(set, publishedId(method), count)?.percent
  const cell = (method: (typeof methods)[number], count: (typeof counts)[number]): TableCell => {
    const one = at(method.id, count)
    const theirs = figureOf(method, count)
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
    rows: methods.map((method) => [
      {
        text: method.title,
        below:
          found.find((one) => one.method === method.id)?.part === undefined ? [] : [partOf(found, method.id)],
      },
      ...counts.map((count) => cell(method, count)),
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
          'labels_per_class',
          'accuracy',
          'lowest',
          'highest',
          'initial_weights',
          'published',
        ],
        rows: methods.flatMap((method) =>
          counts.flatMap((count) => {
            const one = at(method.id, count)
            if (one === undefined) return []
            const theirs = figureOf(method, count)
            const { accuracies, part } = one
            return [
              [
                ...[method.id, part, count, average(accuracies), Math.min(...accuracies)],
                ...[
                  Math.max(...accuracies),
                  accuracies.length,
                  theirs === undefined ? undefined : theirs / 100,
                ],
              ],
            ]
          }),
        ),
      },
    },
  }
}

const partOf = (found: readonly LikeForLike[], method: string): string =>
  found.find((one) => one.method === method)?.part ?? ''

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
