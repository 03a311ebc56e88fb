/**
 * The side that a folder's images are brought to where none is asked for: what most of them have, from 32 to 96 pixels. A
 * training step costs about the same at every size (models/patching.ts), and with as many steps photographs gain by their
 * pixels or lose nothing (docs/results.md).
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
  const [smallest] = SIDES
  if (sides.length === 0) return { size: smallest }
  const usual = [...sides].sort((a, b) => a - b)[sides.length >> 1]
  const fitting = SIDES.filter((side) => side <= usual && side * side * 3 * count <= MOST_BYTES)
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
