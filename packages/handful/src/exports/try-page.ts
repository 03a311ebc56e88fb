/**
 * The page that classifies images with the model inside it (packages/try), made for one model. The page's own interpreter
 * runs the model on the test images first: what it cannot run, or runs to other probabilities, gets no page.
 */
import { readFile } from 'node:fs/promises'
import { PROBABILITIES, type ModelMetadata } from './model-format.js'
import { systemCode } from '../errors.js'
import type { FeatureMatrix } from '../numerics/matrix.js'

export interface MadePage {
  /** None where the page cannot run the model. */
  readonly page?: string
  /** Why not. */
  readonly note?: string
}

/** What packages/try is built to, from here and from what this is built to. */
const BUILT = new URL('../../dist/try/', import.meta.url)

/** As packages/try/src/page/classifier.ts has it. */
interface PageModule {
  openClassifier(bytes: Uint8Array): {
    probabilitiesOf(squares: Readonly<Record<string, Uint8Array>>): Float32Array
  }
}

/** Where the page's model goes. */
const PLACE = '<!-- model -->'
const LARGEST_DIFFERENCE = 1e-4
/** What the page can compute in no time a person would wait for is told by a few images. */
const CHECKED_IMAGES = 4
/** Pages of more are slow to open. */
const LIMIT_BYTES = 200 * 2 ** 20

/**
 * @param pixels of the test images by the model's inputs
 * @param expected `[images, classes]` probabilities of these
 */
export async function tryPage(
  model: Uint8Array,
  { inputs }: ModelMetadata,
  pixels: Readonly<Record<string, Uint8Array>>,
  expected: FeatureMatrix,
): Promise<MadePage> {
  if (model.length > LIMIT_BYTES)
    return { note: `no page: a model of ${Math.round(model.length / 2 ** 20)} MiB is too large for one` }
  const template = await readFile(new URL('try.html', BUILT), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (template === undefined) return { note: 'no page: it is not built here (npm run build)' }
  try {
    const { openClassifier } = (await import(new URL('classifier.js', BUILT).href)) as PageModule
    const classifier = openClassifier(model)
    for (let image = 0; image < Math.min(expected.rows, CHECKED_IMAGES); image++) {
      const squares = Object.fromEntries(
        inputs.map(({ name, size, channels }) => {
          const bytes = size * size * channels
          return [name, pixels[name].slice(image * bytes, (image + 1) * bytes)]
        }),
      )
      const found = classifier.probabilitiesOf(squares)
      const own = expected.data.subarray(image * expected.columns, (image + 1) * expected.columns)
      const difference = own.reduce((most, p, c) => Math.max(most, Math.abs(p - found[c])), 0)
      if (!(difference <= LARGEST_DIFFERENCE))
        return { note: `no page: its ${PROBABILITIES} would differ by ${difference.toPrecision(1)}` }
    }
  } catch (error) {
    return { note: `no page: ${(error as Error).message.split('\n')[0]}` }
  }
  const data = `<script id="model" type="application/octet-stream">${Buffer.from(model).toString('base64')}</script>`
  return { page: template.replace(PLACE, () => data) }
}
