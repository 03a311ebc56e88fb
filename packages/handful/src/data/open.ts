/**
 * The one way in: a data set by name or a folder of the user's own images, with every option checked.
 */

import { z } from 'zod'
import { usageError } from '../errors.js'
import { RESIZE_MODES } from '../names.js'
import type { Dataset } from './dataset.js'
import { openFolder } from './folder.js'
import type { OpenProgress } from './known-set.js'
import { dataFolders } from './locate.js'
import { channelNumbersSchema, framesSchema, stretchSchema } from './reading.js'
import { datasetEntry } from './registry.js'
import type { FoundSoFar } from './walk.js'

/** Side of the square that a folder's images were brought to in older runs, which say none. */
export const DEFAULT_SIZE = 32

/** How an image that is not square becomes one: `cover`, `pad` or `stretch`. */
export const fitSchema = z.enum(RESIZE_MODES)
/** Side of the square images in pixels, 4 to 1024. */
export const sizeSchema = z.int().min(4).max(1024)

export const splitsSchema = z.enum(['auto', 'none'])

const specSchema = z.strictObject({
  dataset: z.string().min(1).optional(),
  folder: z.string().min(1).optional(),
  dataDir: z.string().min(1).optional(),
  size: z.union([sizeSchema, z.literal('auto')]).optional(),
  fit: fitSchema.optional(),
  channels: z.union([z.literal(1), z.literal(3)]).optional(),
  /** Which channels of a folder's images are taken, counted from 1: up to three. */
  bands: channelNumbersSchema.optional(),
  /** Whether each frame of an animation or a stack is an image. */
  frames: framesSchema.optional(),
  /** How a folder's numbers of more than 8 bits become bytes. */
  stretch: stretchSchema.optional(),
  labels: z.enum(['required', 'optional']).optional(),
  seed: z.int().min(0).default(0),
  fileColumn: z.string().min(1).optional(),
  labelColumn: z.string().min(1).optional(),
  splits: splitsSchema.optional(),
  passOver: z.array(z.string()).optional(),
  /** GiB that a folder's pixels may take in memory. */
  memory: z.number().positive().optional(),
  count: z.int().min(1).optional(),
  testCount: z.int().min(0).optional(),
})

/** What to open: either `dataset` or `folder`. A folder's images get the size that suits them, and seed is 0, unless said otherwise. */
export type DatasetSpec = z.input<typeof specSchema>

type CheckedSpec = z.output<typeof specSchema>

/** What opening a data set reports to, is stopped by, and takes from outside. */
export interface OpenOptions {
  readonly onProgress?: OpenProgress
  /** Told how many files a folder is known to have so far, while it is gone through. */
  readonly onFound?: (found: FoundSoFar) => void
  readonly signal?: AbortSignal
  /** Where `HANDFUL_DATA`, `HANDFUL_CACHE` and `XDG_CACHE_HOME` are looked up; the process's own where left out. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** What downloads; the process's own where left out. */
  readonly fetch?: typeof globalThis.fetch
}

/**
 * Opens a data set.
 *
 * @example
 *     const { train, test } = await openDataset({ dataset: 'mnist' })
 *     const own = await openDataset({ folder: 'cells', size: 48, fit: 'pad' })
 *
 * @returns training images `[count, size, size, channels]` with the labels that are known, and a test split without
 * @throws HandfulError in one line; exit code 2 where the spec itself is wrong
 */
export async function openDataset(
  spec: DatasetSpec & { readonly onProgress?: OpenProgress },
  options: OpenOptions = {},
): Promise<Dataset> {
  const { onProgress = options.onProgress, ...rest } = spec
  const checked = checkDatasetSpec(rest)
  const { dataset, folder, seed, count, testCount } = checked
  const { onFound, signal, environment = process.env, fetch } = options
  if (folder !== undefined) {
    return openFolder({
      folder,
      size: checked.size ?? 'auto',
      fit: checked.fit ?? 'cover',
      channels: checked.channels,
      bands: checked.bands,
      frames: checked.frames,
      stretch: checked.stretch,
      labels: checked.labels ?? 'required',
      fileColumn: checked.fileColumn,
      labelColumn: checked.labelColumn,
      splits: checked.splits,
      passOver: checked.passOver,
      memory: checked.memory === undefined ? undefined : checked.memory * 2 ** 30,
      seed,
      onProgress: (done, total, skipped) => onProgress?.(done, total, 'decoding', skipped),
      onFound,
      signal,
    })
  }
  const folders = dataFolders(checked.dataDir, environment)
  return datasetEntry(dataset ?? '').open({ folders, seed, count, testCount, onProgress, signal, fetch })
}

/** @throws HandfulError (wrong use) for what a known data set has no choice in */
function checkKnownSet(checked: CheckedSpec): void {
  const { count, testCount } = checked
  const entry = datasetEntry(checked.dataset ?? '')
  refuse(checked.size !== undefined && checked.size !== entry.size, 'size', `${checked.size}`, {
    expected: `${entry.size}, the size of ${entry.title}`,
  })
  refuse(
    checked.channels !== undefined && checked.channels !== entry.channels,
    'channels',
    `${checked.channels}`,
    {
      expected: `${entry.channels}, the channels of ${entry.title}`,
    },
  )
  const { bands, stretch, frames, fileColumn, labelColumn, splits } = checked
  const choices = {
    channels: bands?.join(','),
    stretch,
    frames,
    'file-column': fileColumn,
    'label-column': labelColumn,
    splits,
  }
  for (const [name, choice] of Object.entries(choices)) {
    refuse(choice !== undefined, name, String(choice), { expected: 'it with a folder of images' })
  }
  refuse(!entry.generated && (count ?? testCount) !== undefined, 'count', `${count ?? testCount}`, {
    expected: 'none: only generated sets have a choice',
  })
}

/**
 * Checks what to open without looking at any file.
 * @throws HandfulError (wrong use) naming the option
 */
export function checkDatasetSpec(spec: unknown): CheckedSpec {
  const parsed = specSchema.safeParse(spec)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw usageError({ what: 'option', where: issue.path.join('.') || 'data set', got: issue.message })
  }
  const { dataset, folder } = parsed.data
  if ((dataset === undefined) === (folder === undefined)) {
    throw usageError({
      what: 'images',
      got: dataset === undefined ? 'neither a folder nor a data set' : 'both a folder and a data set',
      expected: 'one of them',
      hint: 'give the folder of your images, or --dataset strokes to try',
    })
  }
  if (dataset !== undefined) checkKnownSet(parsed.data)
  const { count, testCount } = parsed.data
  refuse(folder !== undefined && (count ?? testCount) !== undefined, 'count', `${count ?? testCount}`, {
    expected: 'none with a folder, of which all images are taken',
  })
  return parsed.data
}

function refuse(wrong: boolean, what: string, got: string, parts: { expected: string }): void {
  if (wrong) throw usageError({ what, where: `--${what}`, got, ...parts, hint: 'leave it out' })
}
