/**
 * The few images that an exported model is tested with: of the run's own where they can still be found, else the small
 * pictures in its report, else a pattern.
 */
import path from 'node:path'
import sharp from 'sharp'
import { toGrey } from '../data/decode.js'
import { openImages } from '../data/open-images.js'
import { Originals } from '../data/originals.js'
import type { Encodable } from '../encoders/encode-images.js'
import { HandfulError } from '../errors.js'
import type { Classifier } from '../runs/classifier.js'
import { locateImages } from '../runs/image-record.js'
import type { RunFacts } from './run-facts.js'

/** Images of a test, at most. */
const TEST_IMAGES = 12

export interface TestImages extends Encodable {
  readonly source: 'images of the run' | 'pictures of its report' | 'a pattern'
}

export async function testImages(
  run: string,
  classifier: Classifier,
  facts: RunFacts,
  signal: AbortSignal,
): Promise<TestImages> {
  return (
    (await fromFolder(run, classifier, facts, signal)) ??
    (await fromReport(classifier, facts)) ??
    patterns(classifier)
  )
}

async function fromFolder(
  run: string,
  { size, channels, fit, reading }: Classifier,
  { options, pictures }: RunFacts,
  signal: AbortSignal,
): Promise<TestImages | undefined> {
  if (typeof options.folder !== 'string') return undefined
  try {
    const folder = await locateImages(run, options.folder, 'put them back where they were')
    const files = pictures.flatMap((picture) =>
      picture.path === undefined ? [] : [path.join(folder, picture.path)],
    )
    const opening = { size, channels, fit, reading, limit: TEST_IMAGES, signal }
    // Paths inside an archive or a table are no files: its first images are taken then.
    const found =
      (files.length > 0 && (await unlessMissing(openImages(spread(files, TEST_IMAGES), opening)))) ||
      (await openImages([folder], opening))
    return { images: found.images, originals: found.originals, source: 'images of the run' }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof HandfulError) return undefined
    throw error
  }
}

async function unlessMissing<T>(opening: Promise<T>): Promise<T | undefined> {
  try {
    return await opening
  } catch (error) {
    if (error instanceof HandfulError) return undefined
    throw error
  }
}

/** So many of a list at most, from all over it. */
function spread<T>(list: readonly T[], most: number): T[] {
  const count = Math.min(most, list.length)
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)])
}

/** Pictures of a report are the model's own squares, unless these were too large for it. */
async function fromReport(classifier: Classifier, { pictures }: RunFacts): Promise<TestImages | undefined> {
  const { size, channels } = classifier
  const found: Uint8Array[] = []
  for (const { image } of spread(pictures, TEST_IMAGES)) {
    const content = Buffer.from(image.slice(image.indexOf(',') + 1), 'base64')
    const { data, info } = await sharp(content)
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    if (info.width !== size || info.height !== size || info.channels !== 3) return undefined
    found.push(channels === 1 ? toGrey(data) : new Uint8Array(data))
  }
  return found.length === 0 ? undefined : fromPixels(classifier, found, 'pictures of its report')
}

/** Waves of every direction. */
function patterns(classifier: Classifier): TestImages {
  const { size, channels } = classifier
  const images = Array.from({ length: 4 }, (_, image) =>
    Uint8Array.from({ length: size * size * channels }, (__, at) => {
      const [x, y, c] = [Math.floor(at / channels) % size, Math.floor(at / channels / size), at % channels]
      const wave = Math.sin((2 * Math.PI * ((1 + image) * x + (3 - image) * y)) / size + c)
      return Math.round(127.5 + 120 * wave)
    }),
  )
  return fromPixels(classifier, images, 'a pattern')
}

function fromPixels(
  { size, channels }: Classifier,
  each: readonly Uint8Array[],
  source: TestImages['source'],
): TestImages {
  const paths = each.map((_, i) => `test ${i}`)
  const pixels = new Uint8Array(Buffer.concat(each))
  const images = { name: 'test', count: each.length, height: size, width: size, channels, pixels, paths }
  return { images, originals: new Originals({ names: paths }), source }
}
