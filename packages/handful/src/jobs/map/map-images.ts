/** The images of a map: those that the user names, or those that the run was trained on, drawn where there are more. */
import { Random } from 'onnx-autodiff'
import type { ImageSource } from '../../data/image-blocks.js'
import { imageBytes, type Images, type SkippedFile } from '../../data/image-set.js'
import { holdsCollection } from '../../data/open-collection.js'
import { openImages } from '../../data/open-images.js'
import { HandfulError, printable } from '../../errors.js'
import { Reservoir } from '../../numerics/reservoir.js'
import { Originals } from '../../data/originals.js'
import type { JobContext } from '../../training/progress.js'
import { type ImageTaker, imageSource } from '../features/run.js'
import type { CollectionChoice } from '../../runs/read-dataset.js'

export interface MapImages extends CollectionChoice {
  /** A run; of features made elsewhere alone, none. */
  readonly run?: string
  /** Files, folders, archives; with none, and without a data set, the images that the run was trained on. */
  readonly images: readonly string[]
  readonly dataset?: string
  readonly dataDir?: string
  /** Images on the map, drawn where there are more. */
  readonly count: number
}

/** As progress names it. */
export const CHOOSING = 'choose the images'

const BLOCK = 500
const FEWEST = 4

export interface ChosenImages {
  readonly images: Images
  readonly originals: Originals
  /** Class of each, '' where unknown. */
  readonly labels: readonly string[]
  readonly splits: readonly string[]
  readonly skipped: readonly SkippedFile[]
}

/**
 * The images asked for, drawn where there are more than fit; of the run's own, the training images.
 * @throws HandfulError where there are too few
 */
export async function chooseImages(
  taker: ImageTaker,
  { images: inputs, dataset, dataDir, count, fileColumn, labelColumn, splits }: MapImages,
  seed: number,
  { signal, progress }: JobContext,
): Promise<ChosenImages> {
  const random = new Random(seed, 'map/images')
  const [folder] = inputs
  if (inputs.length > 1 || (folder !== undefined && !(await holdsCollection(folder)))) {
    const { size, channels } = taker.model.image
    const opened = await openImages(inputs, {
      size,
      channels,
      fit: taker.fit,
      reading: taker.reading,
      sampleSeed: taker.choice && seed,
      signal,
      onProgress: (done, total) => progress.report({ stage: CHOOSING, done, total, unit: 'images' }),
    })
    for (const note of opened.notes) progress.message(note)
    const blank = Array.from(opened.images.paths, () => '')
    const source = oneBlock(opened, blank)
    return checked(await drawImages(source, count, random, () => true), taker.run)
  }
  const source = await imageSource(
    taker,
    { folder, dataset, dataDir, seed, fileColumn, labelColumn, splits },
    { signal, progress },
  )
  const drawn = await drawImages(
    source,
    count,
    random,
    (split) => split === 'train' || folder !== undefined || dataset !== undefined,
    (done) => {
      signal.throwIfAborted()
      progress.report({ stage: CHOOSING, done, total: source.limit, unit: 'images' })
    },
  )
  for (const note of source.notes) progress.message(note)
  return checked(drawn, taker.run)
}

const oneBlock = (
  { images, originals, skipped }: Awaited<ReturnType<typeof openImages>>,
  labels: readonly string[],
): ImageSource => ({
  name: images.name,
  limit: images.count,
  notes: [],
  skipped,
  originals: (paths) => {
    const places = new Map(images.paths.map((name, place) => [name, place]))
    return originals.at(paths.map((name) => places.get(name) ?? -1))
  },
  async *blocks() {
    yield await Promise.resolve({ ...images, split: 'train' as const, firstPlace: 0, labels })
  },
})

/** At most `count` of all images, each as likely as any other, with no more of them in memory. */
async function drawImages(
  source: ImageSource,
  count: number,
  random: Random,
  wanted: (split: string) => boolean,
  onRead?: (done: number) => void,
): Promise<ChosenImages> {
  const drawn: { place: number; pixels: Uint8Array; path: string; label: string; split: string }[] = []
  let form: Pick<Images, 'height' | 'width' | 'channels'> = { height: 1, width: 1, channels: 1 }
  const reservoir = new Reservoir(count, random)
  let read = 0
  for await (const block of source.blocks(BLOCK)) {
    onRead?.((read += block.count))
    if (!wanted(block.split)) continue
    form = block
    const bytes = imageBytes(block)
    for (let i = 0; i < block.count; i++) {
      const place = reservoir.seen
      const slot = reservoir.next()
      if (slot === undefined) continue
      drawn[slot] = {
        place,
        pixels: block.pixels.slice(i * bytes, (i + 1) * bytes),
        path: block.paths[i],
        label: block.labels[i],
        split: block.split,
      }
    }
  }
  drawn.sort((a, b) => a.place - b.place)
  const { height, width, channels } = form
  const pixels = new Uint8Array(drawn.length * height * width * channels)
  drawn.forEach((each, i) => pixels.set(each.pixels, i * height * width * channels))
  const paths = drawn.map((each) => each.path)
  return {
    originals: source.originals?.(paths) ?? new Originals({ names: paths }),
    images: {
      name: source.name,
      count: drawn.length,
      height,
      width,
      channels,
      pixels,
      paths,
    },
    labels: drawn.map(({ label }) => label),
    splits: drawn.map(({ split }) => split),
    skipped: source.skipped,
  }
}

function checked(chosen: ChosenImages, run: string): ChosenImages {
  const { count } = chosen.images
  if (count >= FEWEST) return chosen
  throw new HandfulError({
    what: 'images',
    where: `map of ${printable(run)}`,
    got: String(count),
    expected: `at least ${FEWEST}`,
    hint: 'give more images',
  })
}
