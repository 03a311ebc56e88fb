/**
 * Features that are fitted rather than trained (patch dictionaries, principal components), kept in one safetensors file:
 * its arrays, and as JSON in its metadata what they are and which images they are for.
 */
import { readFile } from 'node:fs/promises'
import { decodeSafetensors, encodeSafetensors } from 'onnx-autodiff'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import { HandfulError, printable, systemError } from '../errors.js'
import type { ImageShape, Weights } from '../models/model.js'
import { pcaSchema } from './pca.js'
import { type PatchDictionary, patchOptionsSchema } from './patches.js'

export type FittedFeatures =
  | {
      readonly kind: 'patches'
      /** The images that it was fitted to. */
      readonly image: ImageShape
      readonly dictionary: PatchDictionary
    }
  | { readonly kind: 'pca'; readonly image: ImageShape; readonly weights: Weights }

const imageSchema = z.strictObject({
  size: z.int().min(1).max(4096),
  channels: z.union([z.literal(1), z.literal(3)]),
})

const formSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    version: z.literal(1),
    kind: z.literal('patches'),
    image: imageSchema,
    options: patchOptionsSchema,
  }),
  z.strictObject({
    version: z.literal(1),
    kind: z.literal('pca'),
    image: imageSchema,
    options: pcaSchema.pick({ components: true }),
  }),
])

type Form = z.infer<typeof formSchema>

/** Name of the metadata entry. */
const ENTRY = 'handful'

/** @throws HandfulError if the file cannot be written */
export async function saveFittedFeatures(file: string, fitted: FittedFeatures): Promise<void> {
  const { image } = fitted
  const [form, arrays]: [Form, Weights] =
    fitted.kind === 'patches'
      ? [
          { version: 1, kind: 'patches', image, options: fitted.dictionary.options },
          fitted.dictionary.weights,
        ]
      : [
          { version: 1, kind: 'pca', image, options: { components: fitted.weights.projection.shape[1] } },
          fitted.weights,
        ]
  await writeFileAtomic(file, encodeSafetensors(arrays, { [ENTRY]: JSON.stringify(form) }))
}

/** @throws HandfulError in one line for a file that is missing, damaged or something else */
export async function loadFittedFeatures(file: string): Promise<FittedFeatures> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw systemError('reading fitted features', file, error)
  })
  try {
    const { arrays, metadata } = decodeSafetensors(bytes)
    const form = formSchema.parse(JSON.parse(metadata[ENTRY] ?? 'null'))
    const { image } = form
    if (form.kind === 'pca') {
      const numbers = image.size ** 2 * image.channels
      const { components } = form.options
      return {
        kind: 'pca',
        image,
        weights: checked(arrays, { centre: [numbers], projection: [numbers, components] }),
      }
    }
    const { options } = form
    const weights = checked(arrays, {
      filter: [options.atoms, options.size ** 2 * image.channels + 1],
    })
    return { kind: 'patches', image, dictionary: { options, channels: image.channels, weights } }
  } catch (error) {
    throw new HandfulError({
      what: 'fitted features',
      where: printable(file),
      got: reason(error),
      expected: 'a file that handful features --save-dictionary has written',
      hint: 'restore it, or fit it again',
      cause: error,
    })
  }
}

/** The arrays named, each of its shape, of numbers. */
function checked(arrays: Weights, shapes: Readonly<Record<string, readonly number[]>>): Weights {
  for (const [name, shape] of Object.entries(shapes)) {
    const found = Object.hasOwn(arrays, name) ? arrays[name] : undefined
    const [got, expected] = [found?.shape.join(', '), shape.join(', ')]
    if (found === undefined || found.dtype !== 'float32' || got !== expected)
      throw new Error(`"${name}" of ${found?.dtype ?? 'nothing'} [${got ?? ''}], not float32 [${expected}]`)
  }
  return Object.fromEntries(Object.keys(shapes).map((name) => [name, arrays[name]]))
}

function reason(error: unknown): string {
  if (error instanceof z.ZodError) return 'another kind of safetensors file'
  return printable(String((error as Error).message).split('\n')[0])
}
