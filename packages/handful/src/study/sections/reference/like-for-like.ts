/**
 * A method by the reference's protocol: the first images of each class are labelled, no other image takes part in
 * classification, features are as the model gives them, neither normalised nor smoothed, and the head is the reference's.
 */
import { Random } from 'onnx-autodiff'
import { type Images, imagesAt } from '../../../data/image-set.js'
import { besideEachOther, openExtractor, rawPixels } from '../../../features/extract.js'
import { applyStandardisation, fitStandardisation } from '../../../features/normalise.js'
import { smallNetwork } from '../../../heads/small-network.js'
import { featureOutputs, type FeatureRequest } from '../../../models/feature-request.js'
import { featureRequest } from '../../../models/choose-features.js'
import type { WeightedModel } from '../../../models/model.js'
import { resnet18, resnet18Presets } from '../../../models/resnet18/resnet18.js'
import { argmaxRows, type FeatureMatrix, selectRows } from '../../../numerics/matrix.js'
import type { StageContext } from '../../../stages/stage.js'
import { shiftedCrops, trainSupervised } from '../../../training/supervised.js'
import { silentProgress } from '../../../training/progress.js'
import { publishedCurve, type PublishedSet } from '../../published.js'
import type { StudyData } from '../../study-data.js'
import type { ModelSettings } from '../../study-options.js'
import { referenceHead, referenceNetwork } from './protocol.js'
import type { LikeForLike } from './schema.js'

/** Initial weights of the head that are tried: the reference has one. */
export const INITIAL_WEIGHTS = 5
/**
 * Features as they come, as the reference has them, and standardised by the labelled images: Adam's rate of 1e-3 was found for the
 * scale of the reference's networks, and of numbers that are small or hardly differ the head learns little in so few epochs.
 */
export const STANDARDISED = [undefined, true] as const
/** What a fit of the head takes, in images seen by a network, about. */
const FIT = 500
/** Images that a head is shown, at most, as in all cells. */
const MOST_SHOWN = 640_000

/**
 * The labels of the first images of each class in the order of their files.
 * @returns `[images]`, -1 where hidden
 */
export function firstOfEachClass(
  { labels, places, classNames }: Pick<StudyData, 'labels' | 'places' | 'classNames'>,
  perClass: number,
): Int32Array {
  const inOrder = Int32Array.from(labels.keys()).sort((a, b) => places[a] - places[b])
  const left = new Array<number>(classNames.length).fill(perClass)
  const kept = new Int32Array(labels.length).fill(-1)
  for (const image of inOrder) {
    const label = labels[image]
    if (label >= 0 && left[label]-- > 0) kept[image] = label
  }
  return kept
}

/** Which features: those that the published figure is of where the model has the part, else the study's own. */
export function requestOf(
  { model }: WeightedModel,
  set: PublishedSet | undefined,
  method: string | undefined,
  { features }: Pick<ModelSettings, 'features'>,
): { readonly request: FeatureRequest; readonly part?: LikeForLike['part'] } {
  const own = featureRequest(model, features)
  const part = publishedCurve(set, method)?.part
  const parts = part === undefined ? undefined : model.parts()
  if (part === undefined || parts === undefined) return { request: own }
  const layers = part === 'stacked' ? [...parts.encoder, ...parts.decoder] : parts[part]
  // The reference takes means over each map.
  return { request: { ...own, layers, pooling: 'mean' }, part }
}

interface Protocol {
  readonly method: string
  readonly set: PublishedSet | undefined
  readonly data: StudyData
  /** Labels per class, ascending. */
  readonly counts: readonly number[]
}

export interface ModelProtocol extends Protocol {
  readonly trained: WeightedModel
  readonly request: FeatureRequest
  readonly part?: LikeForLike['part']
}

/** A trained model's features, or those of one of its parts. */
export async function modelByProtocol(
  { trained, request, part, ...protocol }: ModelProtocol,
  context: StageContext,
): Promise<LikeForLike[]> {
  const { seed, threads, device, signal } = context
  const outputs = featureOutputs(request)
  const network = trained.model.features(trained.weights, request)
  const extractor = await openExtractor(network, outputs, { seed, threads, device, signal })
  try {
    // Noise of an image goes by its place: test images have other noise than labelled ones.
    const layersOf: LayersOf = async (images, place, onImage) => {
      const found = await extractor.extract(images, place, onImage)
      return outputs.map((name) => found[name])
    }
    return (await headsByProtocol(trained.model.name, layersOf, protocol, context)).map((one) => ({
      ...one,
      part,
    }))
  } finally {
    await extractor.close()
  }
}

/** The images' own numbers: what the head makes of no features at all. */
export const pixelsByProtocol = (protocol: Protocol, context: StageContext): Promise<LikeForLike[]> =>
  headsByProtocol(protocol.method, (images) => Promise.resolve([rawPixels(images)]), protocol, context)

/** The layers of images, the first of which has this place among all. */
type LayersOf = (images: Images, place: number, onImage: (done: number) => void) => Promise<FeatureMatrix[]>

async function headsByProtocol(
  model: string,
  layersOf: LayersOf,
  { method, set, data, counts }: Protocol,
  { linearAlgebra, seed, signal, onProgress }: StageContext,
): Promise<LikeForLike[]> {
  const { images, test, classNames } = data
  const most = firstOfEachClass(data, counts[counts.length - 1])
  const labelled = Int32Array.from(most.keys()).filter((image) => most[image] >= 0)
  const total = labelled.length + test.count + FIT * counts.length * STANDARDISED.length * INITIAL_WEIGHTS
  let done = labelled.length + test.count
  const rowsOf = (some: Images, place: number): Promise<FeatureMatrix[]> =>
    layersOf(some, place, (image) => onProgress?.(place + image, total))
  const ofLabelled = await rowsOf(imagesAt(images, labelled), 0)
  const ofTest = await rowsOf(test.images, labelled.length)
  const results: LikeForLike[] = []
  for (const labelsPerClass of counts) {
    const kept = firstOfEachClass(data, labelsPerClass)
    const rows = Int32Array.from(labelled.keys()).filter((row) => kept[labelled[row]] >= 0)
    const labels = rows.map((row) => kept[labelled[row]])
    const own = ofLabelled.map((layer) => selectRows(layer, rows))
    const { hidden, batch, epochs, source } = referenceHead(model, set, images.channels, labelsPerClass)
    const shown = Math.min(epochs, Math.max(1, Math.floor(MOST_SHOWN / rows.length)))
    const head = smallNetwork({ hidden, batchSize: batch, epochs: shown, inputScale: 1 })
    for (const standardised of STANDARDISED) {
      const forms = standardised === undefined ? undefined : own.map(fitStandardisation)
      const inForm = (layers: readonly FeatureMatrix[]): FeatureMatrix =>
        besideEachOther(
          layers.map((layer, i) => (forms === undefined ? layer : applyStandardisation(forms[i], layer))),
        )
      const [features, judged] = [inForm(own), inForm(ofTest)]
      const accuracies: number[] = []
      for (let again = 0; again < INITIAL_WEIGHTS; again++) {
        signal.throwIfAborted()
        const random = new Random(seed, `reference protocol/${method}/${labelsPerClass}/${again}`)
        const problem = { features, labels, classCount: classNames.length }
        const fitted = await head.fit({ ...problem, random, linearAlgebra })
        accuracies.push(test.score(argmaxRows(await fitted.predict(judged))).accuracy)
        done += FIT
        onProgress?.(done, total)
      }
      results.push({
        ...{ method, labelsPerClass, standardised, dimension: features.columns, source, accuracies },
        setting: `${hidden} hidden units, batches of ${batch}, ${shown} epochs`,
      })
    }
  }
  return results
}

export interface NetworkProtocol {
  readonly method: string
  readonly set: PublishedSet | undefined
  readonly data: StudyData
  readonly labelsPerClass: number
  readonly width?: number
  readonly checkpoints: { readonly folder: string; readonly key: string }
}

/** The reference's ResNet-18 on the first images of each class, once as there. */
export async function networkByProtocol(
  { method, set, data, labelsPerClass, width, checkpoints }: NetworkProtocol,
  { seed, threads, device, signal, onProgress }: StageContext,
): Promise<LikeForLike[]> {
  const { images, test, classNames } = data
  const { epochs, shift, source } = referenceNetwork(set, images.channels)
  const { stem, width: usual, ...optimiser } = resnet18Presets.study
  const { predict, steps } = await trainSupervised({
    images,
    labels: firstOfEachClass(data, labelsPerClass),
    classCount: classNames.length,
    options: {
      ...optimiser,
      network: resnet18({ stem, width: width ?? usual }),
      augmentation: shift === null ? null : { ...shiftedCrops({ mirror: true }), shift },
      ...{ batch: 32, epochs, fewestSteps: 1 },
    },
    seed: new Random(seed, `reference protocol/${method}`).integer(2 ** 31),
    threads,
    device,
    signal,
    checkpoints,
    progress: { ...silentProgress, report: ({ done, total }) => onProgress?.(done, total) },
  })
  const accuracy = test.score(argmaxRows(await predict(test.images))).accuracy
  const setting = `Adam at a constant 1e-3, batches of 32, ${epochs} epochs (${steps} steps)`
  return [{ method, labelsPerClass, setting, source, accuracies: [accuracy] }]
}
