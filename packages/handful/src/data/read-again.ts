/** Images at another size: decoded from their files again, a few at a time, else made from the pixels that are known. */
import sharp from 'sharp'
import { HandfulError, quoted } from '../errors.js'
import { decodeContents, type DecodeOptions, type ImageContent, toGrey } from './decode.js'
import { imageAt, type Images } from './image-set.js'
import type { OriginalBlock, Originals, ReadAgain, ReadAgainOptions } from './originals.js'

type Contents = (numbers: readonly number[], signal?: AbortSignal) => AsyncIterable<ImageContent>

/**
 * @param contents as in ImageCollection
 * @param decoding how they were decoded, but for their size
 */
export const readAgain = (contents: Contents, decoding: Omit<DecodeOptions, 'size'>): ReadAgain =>
  async function* (numbers, options) {
    let waiting: ImageContent[] = []
    for await (const content of contents(numbers, options.signal)) {
      waiting.push(content)
      if (waiting.length < options.block) continue
      yield await decodeBlock(waiting, decoding, options)
      waiting = []
    }
    if (waiting.length > 0) yield await decodeBlock(waiting, decoding, options)
  }

/** @throws HandfulError where an image cannot be read any more */
async function decodeBlock(
  contents: readonly ImageContent[],
  decoding: Omit<DecodeOptions, 'size'>,
  { size, channels, signal }: ReadAgainOptions,
): Promise<OriginalBlock> {
  const { pixels, skipped } = await decodeContents(contents.length, inTurn(contents), {
    ...decoding,
    onProgress: undefined,
    inspect: undefined,
    size,
    signal,
  })
  if (skipped.length > 0) {
    throw new HandfulError({
      what: 'image',
      where: quoted(skipped[0].path),
      got: `${skipped[0].reason}, when it was read again`,
      expected: 'the image as it was',
      hint: 'leave the images in place until the run is done',
    })
  }
  return {
    places: contents.map(({ index }) => index),
    pixels: channels === 1 ? toGrey(pixels.subarray()) : pixels.subarray(),
  }
}

async function* inTurn(contents: readonly ImageContent[]): AsyncGenerator<ImageContent> {
  for (const [index, content] of contents.entries()) yield await Promise.resolve({ ...content, index })
}

/**
 * All images at a size, each with its place.
 *
 * @param known the same images as they are in memory
 * @throws HandfulError where a file cannot be read any more
 */
export async function* readOriginals(
  originals: Originals,
  known: Images,
  options: ReadAgainOptions,
): AsyncGenerator<OriginalBlock> {
  if (originals.haveFiles) {
    yield* originals.read(options)
    return
  }
  const { block, signal } = options
  for (let start = 0; start < known.count; start += block) {
    signal?.throwIfAborted()
    const places = Array.from({ length: Math.min(block, known.count - start) }, (_, i) => start + i)
    yield { places, pixels: await resizePixels(known, places, options) }
  }
}

/** `[places, size, size, channels]`; colours from grey are three times the same. */
async function resizePixels(
  images: Images,
  places: readonly number[],
  { size, channels }: ReadAgainOptions,
): Promise<Uint8Array> {
  const { height, width } = images
  const bytes = size * size * channels
  const pixels = new Uint8Array(places.length * bytes)
  const resize = async (place: number, i: number): Promise<void> => {
    const raw = { width, height, channels: images.channels }
    const data = await sharp(imageAt(images, place), { raw })
      .resize(size, size, { fit: 'fill', kernel: 'cubic' })
      .toColourspace(images.channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer()
    const same = images.channels === channels
    pixels.set(same ? data : channels === 3 ? tripled(data) : toGrey(data), i * bytes)
  }
  await Promise.all(places.map(resize))
  return pixels
}

function tripled(grey: Uint8Array): Uint8Array {
  const colours = new Uint8Array(3 * grey.length)
  for (let i = 0; i < grey.length; i++) colours.fill(grey[i], 3 * i, 3 * i + 3)
  return colours
}
