/**
 * The side that a folder's images are brought to where none is asked for: 96 pixels where most of them have so many, else half
 * of what they have, 32 at least. A training step costs about the same at every size (models/patching.ts), but with as many
 * steps only photographs of 96 pixels gained by all of their pixels, and pictures of 64 lost a little (docs/results.md).
 */
import { Random } from 'onnx-autodiff/random'
import sharp from 'sharp'
import type { ImageCollection } from './collection.js'

/**
 * What is chosen from. Features come from a grid of 16 squares a side whatever the size; what lies within a square is seen by
 * one layer alone.
 */
const SIDES = [32, 48, 64, 96]
/** Images looked at. */
const SAMPLE = 60
/** Bytes of all images together that a larger side must not exceed. */
const MOST_BYTES = 2 ** 30

export interface ChosenSize {
  /** In pixels. */
  readonly size: number
  /** For the user; nothing where it is the usual one. */
  readonly sentence?: string
}

/** @param seed of the draw of images that are looked at */
export async function chooseSize(
  { files, contents }: Pick<ImageCollection, 'files' | 'contents'>,
  seed: number,
  signal?: AbortSignal,
): Promise<ChosenSize> {
  const drawn = new Random(seed, 'data/size')
    .permutation(files.length)
    .slice(0, SAMPLE)
    .sort((a, b) => a - b)
  const sides: number[] = []
  for await (const { load } of contents(Array.from(drawn), signal)) {
    const side = await shorterSide(load)
    if (side !== undefined) sides.push(side)
  }
  return sizeFor(sides, files.length)
}

/** @param sides the shorter one of each image looked at */
export function sizeFor(sides: readonly number[], count: number): ChosenSize {
  const [smallest, largest] = [SIDES[0], SIDES[SIDES.length - 1]]
  if (sides.length === 0) return { size: smallest }
  const usual = [...sides].sort((a, b) => a - b)[sides.length >> 1]
  const wanted = usual >= largest ? usual : usual / 2
  const fitting = SIDES.filter((side) => side <= wanted && side * side * 3 * count <= MOST_BYTES)
  const size = Math.max(smallest, ...fitting)
  if (size === smallest) return { size }
  return {
    size,
    sentence: `Images are brought to ${size}x${size} pixels (${usual} is the shorter side of most); --size takes another.`,
  }
}

/** Undefined for what sharp cannot read; it is told when its turn comes to be decoded. */
async function shorterSide(load: () => Promise<Uint8Array>): Promise<number | undefined> {
  try {
    const { width, height } = await sharp(await load()).metadata()
    return Math.min(width, height)
  } catch {
    return undefined
  }
}
