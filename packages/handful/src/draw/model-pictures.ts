/** What a trained model makes of images and out of nothing, as pictures: for reports, run folders and the commands. */
import { imageBytes, type Images } from '../data/image-set.js'
import type { ImageShape, RunOptions, WeightedModel } from '../models/model.js'
import { alikeImages, showsAlike } from './alike-images.js'
import { imageGrid } from './grid.js'
import type { PixelImage } from '../data/given-image.js'
import type { RunFolder } from '../runs/run-folder.js'

export interface ModelPictures {
  readonly inputs: readonly PixelImage[]
  /** One for each input; empty where the model reconstructs nothing. */
  readonly outputs: readonly PixelImage[]
  readonly samples: readonly PixelImage[]
  /** Rows of an image each and those most like it to the model; empty where it makes pictures of its own. */
  readonly alike: readonly (readonly PixelImage[])[]
}

/** In a run folder. */
export const PICTURE_FILES = {
  reconstructions: 'samples/reconstructions.png',
  samples: 'samples/samples.png',
  neighbours: 'samples/neighbours.png',
} as const

const RECONSTRUCTIONS = 12
const SAMPLES = 24
const SAMPLE_COLUMNS = 8
const [ALIKE_ROWS, ALIKE_COLUMNS] = [4, 8]
const PAPER = 255

/** Pixels [n, size, size, channels] as n images. */
export function splitImages(pixels: Uint8Array, { size, channels }: ImageShape): PixelImage[] {
  const bytes = size * size * channels
  return Array.from({ length: pixels.length / bytes }, (_, i) => ({
    height: size,
    width: size,
    channels,
    pixels: pixels.subarray(i * bytes, (i + 1) * bytes),
  }))
}

/** Inputs and, in the row below, outputs, in as many double rows as it takes. */
export function pairedGrid(
  inputs: readonly PixelImage[],
  outputs: readonly PixelImage[],
  columns: number,
  scale?: number,
): Promise<Buffer> {
  const across = Math.min(columns, inputs.length)
  const blank = { ...inputs[0], pixels: new Uint8Array(inputs[0].pixels.length).fill(PAPER) }
  const row = (images: readonly PixelImage[], from: number): PixelImage[] =>
    Array.from({ length: across }, (_, i) => images[from + i] ?? blank)
  const rows: PixelImage[] = []
  for (let from = 0; from < inputs.length; from += across)
    rows.push(...row(inputs, from), ...row(outputs, from))
  return imageGrid(rows, across, scale)
}

/** Reconstructions of the first images and samples, or what is alike to a model that makes neither, as files in the run's samples/ and for a report. */
export async function drawPictures(
  run: RunFolder,
  trained: WeightedModel,
  images: Images,
  { seed, onProgress, ...open }: RunOptions & { readonly seed: number },
): Promise<ModelPictures> {
  const { model, weights } = trained
  const count = Math.min(RECONSTRUCTIONS, images.count)
  const seen = images.pixels.slice(0, count * imageBytes(images))
  const inputs = splitImages(seen, model.image)
  // Each of the two is half of the work, whatever it counts.
  const half = (which: 0 | 1): RunOptions => ({
    ...open,
    onProgress: (done, total) =>
      onProgress?.(Math.min(which * 50 + Math.floor((50 * done) / total), 99), 100),
  })
  const reconstructed = await model.reconstruct?.(weights, seen, half(0))
  const sampled = await model.sample?.(weights, { ...half(1), count: SAMPLES, seed })
  const alike = showsAlike(trained)
    ? await alikeImages(trained, images, { ...open, seed, rows: ALIKE_ROWS, across: ALIKE_COLUMNS })
    : []
  onProgress?.(100, 100)
  const outputs = reconstructed === undefined ? [] : splitImages(reconstructed, model.image)
  const samples = sampled === undefined ? [] : splitImages(sampled, model.image)
  if (outputs.length > 0)
    await run.writeFile(PICTURE_FILES.reconstructions, await pairedGrid(inputs, outputs, count))
  if (samples.length > 0) await run.writeFile(PICTURE_FILES.samples, await imageGrid(samples, SAMPLE_COLUMNS))
  if (alike.length > 0)
    await run.writeFile(PICTURE_FILES.neighbours, await imageGrid(alike.flat(), alike[0].length))
  return { inputs, outputs, samples, alike }
}
