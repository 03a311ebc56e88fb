/**
 * `handful features --baseline`: features without a trained model. What needs fitting is fitted to the training images,
 * or to some of a large folder; then features are written block by block, as those of a model are.
 */
import { Reservoir } from '../../numerics/reservoir.js'
import type { BaselineName, ResizeMode } from '../../names.js'
import { type FeatureChoice } from '../../models/feature-request.js'
import { Random } from 'onnx-autodiff'
import { isGrey, toGrey } from '../../data/decode.js'
import { datasetBlocks, folderBlocks, type ImageSource } from '../../data/image-blocks.js'
import type { Images } from '../../data/image-set.js'
import { DEFAULT_SIZE, openDataset } from '../../data/open.js'
import { readingOf } from '../../data/reading.js'
import { usageError } from '../../errors.js'
import {
  checkKind,
  type FittedFeatures,
  loadFittedFeatures,
  saveFittedFeatures,
} from '../../features/fitted.js'
import { onnxLinearAlgebra } from '../../numerics/onnx-linear-algebra.js'
import type { ImageShape } from '../../models/model.js'
import type { BaselineNetwork } from '../../features/baselines/baseline.js'
import { baselines, fittedNetwork } from '../../features/baselines/registry.js'
import { checkOutput, type FeatureOutput, type FeaturesResult, featuresToFile } from './run.js'
import { choiceOf, type ImageChoice } from '../../runs/read-dataset.js'
import type { JobContext } from '../../training/progress.js'

export interface BaselineFeaturesOptions extends FeatureChoice, FeatureOutput, ImageChoice {
  readonly baseline: BaselineName
  /** The images: a folder or a known data set. */
  readonly folder?: string
  readonly dataset?: string
  readonly dataDir?: string
  /** Of a folder's images; 32 where left out, or what `dictionary` was fitted to. */
  readonly size?: number
  readonly fit?: ResizeMode
  /** Settings that differ from the baseline's own. */
  readonly set?: Readonly<Record<string, unknown>>
  /** A file of patches or components fitted before, in place of fitting. */
  readonly dictionary?: string
  /** Where to keep what is fitted. */
  readonly saveDictionary?: string
  readonly seed: number
}

const STAGES = { read: 'read the images', look: 'look at the images', fit: 'fit' }

/** Images of a folder that are kept for fitting, at most, and the bytes that they may take. */
const FITTED_IMAGES = 20_000
const FITTED_BYTES = 2 ** 28

/** Images in memory at once when a folder is looked at. */
const BLOCK = 500

/** @throws HandfulError as fitBaseline, and for images or files that can't be read */
export async function runBaselineFeatures(
  options: BaselineFeaturesOptions,
  context: JobContext,
): Promise<FeaturesResult> {
  const { baseline: name, set, dictionary, saveDictionary, seed, threads, device } = options
  const { signal, progress } = context
  await checkOutput(options)
  const settings = baselines[name].configure(set)
  checkFiles(options)
  const fitted = dictionary === undefined ? undefined : await loadFittedFeatures(dictionary)
  if (fitted !== undefined && dictionary !== undefined) checkKind(fitted, name, dictionary)
  const { images, source } = await openSource(options, fitted, context)
  const linearAlgebra = onnxLinearAlgebra({ threads, device })
  try {
    const baseline =
      fitted === undefined
        ? await settings.fit(
            images,
            {
              seed,
              linearAlgebra,
              signal,
              onProgress: (done, total) =>
                progress.report({ stage: STAGES.fit, done, total, unit: 'rounds' }),
            },
            options,
          )
        : fittedNetwork(fitted, { size: images.height, channels: images.channels })
    if (saveDictionary !== undefined && baseline.fitted !== undefined)
      await saveFittedFeatures(saveDictionary, baseline.fitted)
    const written = await featuresToFile(
      { ...baseline, seed, metadata: metadataOf(options, baseline), source: () => Promise.resolve(source) },
      options,
      context,
    )
    return { ...written, detail: baseline.detail }
  } finally {
    await linearAlgebra.close()
  }
}

/** What can be fitted beforehand and kept, and what can't. */
function checkFiles({ baseline, set, dictionary, saveDictionary }: BaselineFeaturesOptions): void {
  const flag =
    dictionary !== undefined ? '--dictionary' : saveDictionary !== undefined ? '--save-dictionary' : undefined
  if (flag === undefined) return
  if (baselines[baseline].fitted === undefined) {
    const expected = `none for baseline ${baseline}, which is not fitted`
    throw usageError({ what: flag, got: 'a file', expected, hint: 'leave it out' })
  }
  if (dictionary === undefined) return
  const other = set !== undefined ? '--set' : saveDictionary !== undefined ? '--save-dictionary' : undefined
  if (other === undefined) return
  const expected = 'one of them: what is in the file stays as it was fitted'
  throw usageError({ what: other, got: 'it and --dictionary', expected })
}

const metadataOf = (
  { baseline, seed, dataset, folder }: BaselineFeaturesOptions,
  { detail }: BaselineNetwork,
): Record<string, string> => ({
  baseline,
  detail,
  seed: String(seed),
  images: dataset ?? folder ?? '',
})

interface Opened {
  /** Training images, all or some, without labels. */
  readonly images: Images
  readonly source: ImageSource
}

async function openSource(
  options: BaselineFeaturesOptions,
  fitted: FittedFeatures | undefined,
  context: JobContext,
): Promise<Opened> {
  const { folder, dataset, dataDir, size, fit = 'cover', seed } = options
  const chosen = choiceOf(options)
  const { signal, progress } = context
  if (dataset !== undefined) {
    const opened = await openDataset(
      { dataset, dataDir, seed, size, ...chosen },
      {
        signal,
        onProgress: (done, total) => progress.report({ stage: STAGES.read, done, total, unit: 'images' }),
      },
    )
    return { images: opened.train, source: datasetBlocks(opened) }
  }
  if (folder === undefined)
    throw usageError({ what: 'images', got: 'neither a folder nor --dataset', expected: 'one of them' })
  const side = size ?? fitted?.image.size ?? DEFAULT_SIZE
  const reading = readingOf(chosen)
  const blocks = (channels: 1 | 3): Promise<ImageSource> =>
    folderBlocks({ ...chosen, folder, size: side, fit, channels, reading, sampleSeed: seed, signal })
  if (fitted === undefined) return lookAt(blocks, side, seed, context)
  const source = await blocks(fitted.image.channels)
  return { images: emptyImages(source.name, { size: side, channels: fitted.image.channels }), source }
}

/**
 * Goes through a folder once, a block at a time: are all images grey, and some of those for training, each as likely as any
 * other.
 */
async function lookAt(
  blocks: (channels: 1 | 3) => Promise<ImageSource>,
  size: number,
  seed: number,
  { signal, progress }: JobContext,
): Promise<Opened> {
  const coloured = await blocks(3)
  const bytes = 3 * size * size
  const most = Math.min(FITTED_IMAGES, Math.max(2, Math.floor(FITTED_BYTES / bytes)), coloured.limit)
  const reservoir = new Reservoir(most, new Random(seed, 'fitted images'))
  const kept = new Uint8Array(most * bytes)
  const paths: string[] = []
  let [grey, looked] = [true, 0]
  for await (const block of coloured.blocks(BLOCK)) {
    signal.throwIfAborted()
    grey &&= isGrey(block.pixels)
    looked += block.count
    progress.report({ stage: STAGES.look, done: looked, total: coloured.limit, unit: 'images' })
    if (block.split === 'test') continue
    for (let i = 0; i < block.count; i++) {
      const place = reservoir.next()
      if (place === undefined) continue
      kept.set(block.pixels.subarray(i * bytes, (i + 1) * bytes), place * bytes)
      paths[place] = block.paths[i]
    }
  }
  const channels = grey ? 1 : 3
  const colours = kept.subarray(0, paths.length * bytes)
  const empty = emptyImages(coloured.name, { size, channels })
  const pixels = grey ? toGrey(colours) : colours
  return { images: { ...empty, count: paths.length, pixels, paths }, source: await blocks(channels) }
}

const emptyImages = (name: string, { size, channels }: ImageShape): Images => ({
  name,
  count: 0,
  height: size,
  width: size,
  channels,
  pixels: new Uint8Array(0),
  paths: [],
})
