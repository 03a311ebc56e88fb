/**
 * Features that are fitted rather than trained (patch dictionaries, principal components), kept in one safetensors file:
 * its arrays, and as JSON in its metadata what they are and which images they are for.
 */
import { readFile } from 'node:fs/promises'
import { decodeSafetensors } from 'onnx-autodiff'
import { z } from 'zod'
import { writeArrays } from '../files/array-file.js'
import { HandfulError, printable, systemError } from '../errors.js'
import { listAlternatives } from '../errors/suggest.js'
import type { Weights } from '../models/model.js'
import { type BaselineName, BASELINES } from '../names.js'
import type { FittedFeatures } from './baselines/baseline.js'
import { baselines } from './baselines/registry.js'

export type { FittedFeatures }

const formSchema = z.strictObject({
  version: z.literal(1),
  kind: z.enum(BASELINES).refine((kind) => baselines[kind].fitted !== undefined),
  image: z.strictObject({
    size: z.int().min(1).max(4096),
    channels: z.union([z.literal(1), z.literal(3)]),
  }),
  options: z.record(z.string(), z.unknown()),
})

type Form = z.infer<typeof formSchema>

/** Name of the metadata entry. */
const ENTRY = 'handful'

/** @throws HandfulError if the file cannot be written */
export async function saveFittedFeatures(
  file: string,
  { kind, image, options, weights }: FittedFeatures,
): Promise<void> {
  const form: Form = { version: 1, kind, image, options }
  await writeArrays(file, weights, { [ENTRY]: JSON.stringify(form) })
}

/** @throws HandfulError in one line for a file that is missing, damaged or something else */
export async function loadFittedFeatures(file: string): Promise<FittedFeatures> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw systemError('reading fitted features', file, error)
  })
  try {
    const { arrays, metadata } = decodeSafetensors(bytes)
    const { kind, image, options } = formSchema.parse(JSON.parse(metadata[ENTRY] ?? 'null'))
    const shapes = baselines[kind].fitted?.shapes(options, image) ?? {}
    return { kind, image, options, weights: checked(arrays, shapes) }
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

/** @throws HandfulError where features fitted before are of another kind than asked for */
export function checkKind({ kind }: FittedFeatures, asked: BaselineName, file: string): void {
  if (kind === asked) return
  throw new HandfulError({
    what: '--dictionary',
    where: file,
    got: `fitted features of baseline ${kind}`,
    expected: `those of ${listAlternatives([asked])}`,
    hint: `use --baseline ${kind}`,
    exitCode: 2,
  })
}
