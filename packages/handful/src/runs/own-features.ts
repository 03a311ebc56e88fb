/**
 * Sources of features that a caller brings to `fit`, as stages of a run:
 *
 *     features/<id>-<hash>.safetensors        rows of all images
 *     model/source-<id>-<hash>.safetensors    what the source was fitted to, for new images
 */
import path from 'node:path'
import { type Arrays } from 'onnx-autodiff'
import { z } from 'zod'
import { readArrays, writeArrays } from '../files/array-file.js'
import { imageBytes, type Images } from '../data/image-set.js'
import { HandfulError, printable, quoted } from '../errors.js'
import type { FeatureSource } from '../features/feature-sources.js'
import { makeFolders } from '../files/atomic.js'
import { contentKey } from '../files/content-key.js'
import { filesPresent } from '../files/present.js'
import { type FeatureMatrix, featureMatrix } from '../numerics/matrix.js'
import type { Stage, StageContext } from '../stages/stage.js'
import { type Brought, contentOf, missingPlugin } from './brought.js'
import type { FeatureMethod } from './feature-method.js'
import { type OutsidePart, type OutsidePlace, writeRows } from './outside-features.js'

export const ownSourceSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  columns: z.int().min(1),
  /** Of what was fitted, below the run folder. */
  fitted: z.string(),
  /** The plugin that had it, where it came from one. */
  plugin: z.strictObject({ file: z.string(), sha256: z.string() }).optional(),
})

/** What a classifier has to know of a source. */
export type OwnSource = z.infer<typeof ownSourceSchema>

const resultSchema = z.object({ file: z.string(), source: ownSourceSchema })

export type OwnStage = Stage<z.infer<typeof resultSchema>>

export interface OwnPart extends Pick<OutsidePart, 'title' | 'notes'> {
  readonly id: string
  readonly stage: OwnStage
}

interface Opening {
  readonly place: OutsidePlace
  readonly sets: { readonly train: Images; readonly test?: Images }
  /** Of the images' content. */
  readonly imagesKey: string
  readonly seed: number
}

/** @throws HandfulError for a source that cannot be opened again for new images */
export function ownParts(brought: Brought, opening: Opening): OwnPart[] {
  return (brought.methods ?? []).map((method) => ownPart(method, brought, opening))
}

function ownPart(method: FeatureMethod, brought: Brought, opening: Opening): OwnPart {
  const { id, title } = method
  const { place, sets, imagesKey, seed } = opening
  const plugin = brought.plugins?.find(({ methods }) => methods.includes(id))
  if (method.reopen === undefined)
    throw new HandfulError({
      what: `method ${quoted(id)}`,
      where: plugin?.file,
      got: 'no reopen',
      expected: 'a function that opens the source again from what open gave as fitted',
      hint: 'a run classifies new images by it; a study can do without',
    })
  const settings = {
    kind: 'own features',
    id,
    settings: method.settings,
    plugin: contentOf(brought, 'methods', id),
    images: imagesKey,
    seed,
  }
  const key = contentKey(settings)
  const short = `${id}-${key.slice(0, 8)}.safetensors`
  const [file, fitted] = [path.join('features', short), path.join('model', `source-${short}`)]
  const name = `features: ${id}`
  return {
    id,
    title,
    notes: [],
    stage: {
      kind: 'own-features',
      name,
      group: name,
      settings,
      key,
      needs: [],
      seconds: 5,
      unit: 'images',
      total: sets.train.count + (sets.test?.count ?? 0),
      schema: resultSchema,
      present: (result) => filesPresent(place.folder, [result.file, result.source.fitted]),
      work: async (context) => {
        const source = await method.open(unnamed(sets.train), context)
        try {
          const rows: FeatureMatrix[] = []
          for (const images of sets.test === undefined ? [sets.train] : [sets.train, sets.test]) {
            const before = rows.reduce((sum, each) => sum + each.rows, 0)
            rows.push(
              await extracted(source, images, {
                ...context,
                onProgress: (done) =>
                  context.onProgress?.(before + done, sets.train.count + (sets.test?.count ?? 0)),
              }),
            )
          }
          await writeRows(place.folder, file, rows)
          await makeFolders(path.join(place.folder, 'model'))
          await writeArrays(path.join(place.folder, fitted), source.fitted ?? {})
          const from = plugin && { file: plugin.file, sha256: plugin.sha256 }
          return { file, source: { id, title, columns: source.columns, fitted, plugin: from } }
        } finally {
          await source.close?.()
        }
      },
    },
  }
}

/** Without names and order of a folder, which say something of labels. */
const unnamed = (images: Images): Images => ({ ...images, paths: images.paths.map((_, i) => String(i)) })

/** Images that are asked for at once. */
const BLOCK = 500

async function extracted(
  source: FeatureSource,
  images: Images,
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void },
): Promise<FeatureMatrix> {
  const bytes = imageBytes(images)
  const { height, width, channels } = images
  const rows = featureMatrix(images.count, source.columns)
  for (let first = 0; first < images.count; first += BLOCK) {
    signal?.throwIfAborted()
    const end = Math.min(first + BLOCK, images.count)
    const pixels = images.pixels.slice(first * bytes, end * bytes)
    const found = await source.extract({ count: end - first, height, width, channels, pixels }, first)
    rows.data.set(found.data, first * source.columns)
    onProgress?.(end)
  }
  return rows
}

/**
 * A kept source's features of new images.
 *
 * @param run the folder that it was kept in
 * @throws HandfulError naming the plugin, where nothing that was brought has the source, or has another with its name
 */
export async function ownRows(
  run: string,
  kept: OwnSource,
  images: Images,
  brought: Brought,
  context: Pick<StageContext, 'threads' | 'device'> & {
    readonly signal?: AbortSignal
    readonly onProgress?: (done: number) => void
  },
): Promise<FeatureMatrix> {
  const method = sourceOf(run, kept, brought)
  const { arrays } = await readArrays(path.join(run, kept.fitted))
  const { signal = new AbortController().signal } = context
  const source = await method(arrays, { ...context, signal })
  try {
    if (source.columns !== kept.columns)
      throw new HandfulError({
        what: `method ${quoted(kept.id)}`,
        where: printable(kept.plugin?.file ?? run),
        got: `${source.columns} numbers an image`,
        expected: `${kept.columns}, as the run was fitted with`,
        hint: 'give the plugin that the run was made with',
      })
    return await extracted(source, images, context)
  } finally {
    await source.close?.()
  }
}

type Reopen = NonNullable<FeatureMethod['reopen']>

function sourceOf(run: string, { id, plugin }: OwnSource, brought: Brought): Reopen {
  const found = brought.methods?.find((method) => method.id === id)
  if (found?.reopen !== undefined)
    return (fitted: Arrays, context) => found.reopen?.(fitted, context) as ReturnType<Reopen>
  if (plugin !== undefined) throw missingPlugin(run, [`method ${id}`], plugin)
  throw new HandfulError({
    what: 'method',
    where: printable(run),
    got: `none called ${id}`,
    expected: 'the source of features that the run was made with, with reopen',
    hint: 'give it as methods of the call, or by --plugin <file.js>',
    exitCode: 2,
  })
}

/** Says what a classifier needs and is not there, before images are read. */
export function checkSources(
  run: string,
  sources: readonly OwnSource[] | undefined,
  brought: Brought,
): string[] {
  return (sources ?? []).flatMap((source) => {
    sourceOf(run, source, brought)
    const now = contentOf(brought, 'methods', source.id)
    if (source.plugin === undefined || now === undefined || now === source.plugin.sha256) return []
    return [
      `The plugin with method ${source.id} has changed since ${printable(run)} was made with it (${source.plugin.sha256.slice(0, 12)} then, ${now.slice(0, 12)} now).`,
    ]
  })
}
