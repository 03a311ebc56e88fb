/**
 * A method by the reference's protocol: the first images of each class are labelled, no other image takes part in
 * classification, features are as the model gives them, neither normalised nor smoothed, and the head is the reference's.
 */
import { Random } from 'onnx-autodiff'
import { imagesAt } from '../../../data/image-set.js'
import { besideEachOther, openExtractor } from '../../../features/extract.js'
import { smallNetwork } from '../../../heads/small-network.js'
import { featureOutputs, type FeatureRequest } from '../../../models/feature-request.js'
import { featureRequest } from '../../../models/choose-features.js'
import type { WeightedModel } from '../../../models/model.js'
import { resnet18, resnet18Presets } from '../../../models/resnet18/resnet18.js'
import { argmaxRows, selectRows } from '../../../numerics/matrix.js'
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

export interface ModelProtocol {
  readonly method: string
  readonly trained: WeightedModel
  readonly request: FeatureRequest
  readonly part?: LikeForLike['part']
  readonly set: PublishedSet | undefined
  readonly data: StudyData
  /** Labels per class, ascending. */
  readonly counts: readonly number[]
}

export async function modelByProtocol(
  { method, trained, request, part, set, data, counts }: ModelProtocol,
  { linearAlgebra, seed, threads, device, signal, onProgress }: StageContext,
): Promise<LikeForLike[]> {
  const { images, test, classNames } = data
  const most = firstOfEachClass(data, counts[counts.length - 1])
  const labelled = Int32Array.from(most.keys()).filter((image) => most[image] >= 0)
  const outputs = featureOutputs(request)
  const network = trained.model.features(trained.weights, request)
  const extractor = await openExtractor(network, outputs, { seed, threads, device, signal })
  const total = labelled.length + test.count + counts.length * INITIAL_WEIGHTS
  try {
    const rowsOf = async (some: Parameters<typeof extractor.extract>[0], place: number) => {
      const found = await extractor.extract(some, place, (done) => onProgress?.(place + done, total))
      return besideEachOther(outputs.map((name) => found[name]))
    }
    const features = await rowsOf(imagesAt(images, labelled), 0)
    // Noise of an image goes by its place: test images have other noise than labelled ones.
    const ofTest = await rowsOf(test.images, labelled.length)
    const results: LikeForLike[] = []
    for (const [at, labelsPerClass] of counts.entries()) {
      const kept = firstOfEachClass(data, labelsPerClass)
      const own = Int32Array.from(labelled.keys()).filter((row) => kept[labelled[row]] >= 0)
      const { hidden, batch, epochs, source } = referenceHead(
        trained.model.name,
        set,
        images.channels,
        labelsPerClass,
      )
      const shown = Math.min(epochs, Math.max(1, Math.floor(MOST_SHOWN / own.length)))
      const head = smallNetwork({ hidden, batchSize: batch, epochs: shown, inputScale: 1 })
      const accuracies: number[] = []
      for (let again = 0; again < INITIAL_WEIGHTS; again++) {
        signal.throwIfAborted()
        const random = new Random(seed, `reference protocol/${method}/${labelsPerClass}/${again}`)
        const labels = Int32Array.from(own, (row) => kept[labelled[row]])
        const problem = { features: selectRows(features, own), labels, classCount: classNames.length }
        const fitted = await head.fit({ ...problem, random, linearAlgebra })
        accuracies.push(test.score(argmaxRows(await fitted.predict(ofTest))).accuracy)
        onProgress?.(labelled.length + test.count + at * INITIAL_WEIGHTS + again + 1, total)
      }
      results.push({
        ...{ method, labelsPerClass, part, dimension: features.columns, source, accuracies },
        setting: `${hidden} hidden units, batches of ${batch}, ${shown} epochs`,
      })
    }
    return results
  } finally {
    await extractor.close()
  }
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
