/**
 * One network that scores images for each data set, trained once and kept: scores of two models compare only within one
 * network. What it is kept under says which images and labels it was trained on.
 */
import { createHash } from 'node:crypto'
import { filesPresent } from '../files/present.js'
import path from 'node:path'
import { makeFolders } from '../files/atomic.js'
import type { Dataset } from '../data/dataset.js'
import { countLabels, type ImageSet } from '../data/image-set.js'
import { partsOf } from '../data/pixel-store.js'
import { HandfulError, systemError } from '../errors.js'
import type { StageContext } from '../stages/stage.js'
import {
  loadScoreNetwork,
  saveScoreNetwork,
  SCORE_DESCRIPTION,
  type ScoreNetwork,
  type ScoreNetworkOptions,
  trainScoreNetwork,
} from './score-network.js'

/** Whatever the seeds of the models: those of one data set are scored by one network. */
const SEED = 0

/**
 * The network for a data set, out of `cacheFolder` or trained on the labels of its training images and kept there. Test
 * images take no part in it.
 *
 * @param context progress counts training steps; nothing is reported where the network is there
 * @throws HandfulError if fewer than two classes are labelled, or the files that are there are damaged
 */
export async function scoreNetworkFor(
  { train }: Pick<Dataset, 'train'>,
  { threads, device, signal, onProgress }: Omit<StageContext, 'linearAlgebra' | 'seed'>,
  cacheFolder: string,
  size: Pick<ScoreNetworkOptions, 'width' | 'features' | 'steps'> = {},
): Promise<ScoreNetwork> {
  checkClasses(train)
  const folder = scoreNetworkFolder(train, cacheFolder, size)
  if (await filesPresent(folder, [SCORE_DESCRIPTION])) return loadScoreNetwork(folder)
  const network = await trainScoreNetwork(train, {
    ...size,
    seed: SEED,
    threads,
    device,
    signal,
    progress: {
      plan: () => {},
      message: () => {},
      aside: () => {},
      report: ({ done, total, note }) => onProgress?.(done, total, note),
    },
  })
  await makeFolders(folder).catch((error: unknown) => {
    throw systemError('keeping the network that scores images', folder, error)
  })
  await saveScoreNetwork(folder, network)
  return network
}

/** Where the network for some images and labels is kept. */
export const scoreNetworkFolder = (
  train: ImageSet,
  cacheFolder: string,
  size: Pick<ScoreNetworkOptions, 'width' | 'features' | 'steps'> = {},
): string => path.join(cacheFolder, networkName(train, size))

/** Classes of which some image is labelled. */
const labelledClasses = ({ labels, classNames }: Pick<ImageSet, 'labels' | 'classNames'>): number =>
  countLabels(labels, classNames.length).filter((count) => count > 0).length

/** Whether its labels can train a network that scores. */
export const canTrainScoreNetwork = (train: Pick<ImageSet, 'labels' | 'classNames'>): boolean =>
  labelledClasses(train) > 1

function checkClasses(train: ImageSet): void {
  if (canTrainScoreNetwork(train)) return
  const { name } = train
  const labelled = labelledClasses(train)
  throw new HandfulError({
    what: 'generation scores',
    where: name,
    got: labelled === 0 ? 'images without labels' : 'labels of one class only',
    expected:
      'training images labelled with at least two classes: a small classifier of them scores the images',
    hint: 'sort images of each class into a folder of their own, or list them in labels.csv as file_name,label; a hundred of each class make a good one; or give an encoder (--encoder), which needs no labels',
  })
}

/** `mnist-1a2b3c4d5e6f`: changed images, labels or settings make another network. */
function networkName(train: ImageSet, size: object): string {
  const { name, height, channels, pixels, labels, classNames } = train
  const hash = createHash('sha256')
  hash.update(JSON.stringify([height, channels, classNames, size]))
  for (const { bytes } of partsOf(pixels)) hash.update(bytes)
  hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength))
  const word = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '') || 'images'
  return `${word}-${hash.digest('hex').slice(0, 12)}`
}
