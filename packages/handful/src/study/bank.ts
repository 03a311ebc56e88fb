/**
 * Features on disk, `features/<method>-<hash>`: a method's features of all images as a stored feature space. Combinations
 * are made of the reduced features of each method beside each other, each weighing the same or one leading. Everything is
 * fitted to training images alone.
 */
import path from 'node:path'
import { z } from 'zod'
import type { Images } from '../data/image-set.js'
import { besideEachOther } from '../features/extract.js'
import { normalisedSpace } from '../features/feature-space.js'
import { leadingWeights, reducedSpace, withMirrored } from '../features/feature-sources.js'
import { loadReduced, saveSpace } from '../features/space-files.js'
import { rowRange } from '../numerics/matrix.js'
import type { StudyFeatures } from './sources.js'
import type { StageContext } from '../stages/stage.js'

export const bankSchema = z.strictObject({
  /** Below the study's folder. */
  file: z.string(),
  graph: z.string(),
  trainRows: z.number().int().positive(),
  testRows: z.number().int().positive(),
  /** Numbers of a feature as the method gives it, and as heads see it. */
  dimension: z.number().int().positive(),
  columns: z.number().int().positive(),
  detail: z.string().optional(),
  imagesPerSecond: z.number().positive().optional(),
})

export type BankRecord = z.infer<typeof bankSchema>

export interface BankOptions {
  /** The study's folder. */
  readonly folder: string
  /** Of the files, without ending. */
  readonly name: string
  readonly components: number
  readonly whitening: number
  readonly seed: number
  /** Whether a head works on smoothed features. */
  readonly smooth?: boolean
  /** Means of an image's features and its mirrored one's, of what is computed from images. */
  readonly mirror?: boolean
}

export interface Splits {
  readonly train: Images
  readonly test: Images
}

/** Neighbours in a bank's files were always searched among rows scaled once more. */
export const RESCALED = { rescaled: true }

/** Computes a method's features of all images and writes them. */
export async function makeBank(
  method: StudyFeatures,
  splits: Splits,
  options: BankOptions,
  context: StageContext,
): Promise<BankRecord> {
  const rows = await method.rows?.read()
  const opened = rows === undefined ? await method.open(splits.train, context) : undefined
  const source = opened && options.mirror === true ? withMirrored(opened) : opened
  try {
    const started = performance.now()
    const { space, reduced } = await reducedSpace(
      source,
      splits,
      { ...options, ...RESCALED, beside: rows && [rows] },
      context,
    )
    const seconds = reduced.extractSeconds || (performance.now() - started) / 1000
    const stored = await saveSpace(
      space,
      { train: reduced.train, test: reduced.others[0] },
      filesOf(options),
      context.signal,
    )
    return {
      dimension: source?.columns ?? rows?.train.columns ?? 0,
      detail: source === undefined ? 'made elsewhere' : source.detail,
      imagesPerSecond: source && (splits.train.count + splits.test.count) / Math.max(1e-3, seconds),
      ...stored,
    }
  } finally {
    await source?.close?.()
  }
}

/**
 * The features of several methods beside each other.
 * @param leader position of the method that leads; undefined: all weigh the same
 */
export async function combineBanks(
  parts: readonly BankRecord[],
  leader: number | undefined,
  options: BankOptions,
  context: StageContext,
): Promise<BankRecord> {
  const each = await Promise.all(parts.map((part) => loadReduced(options.folder, part)))
  const all = besideEachOther(each)
  const { trainRows } = parts[0]
  const reduced = { train: rowRange(all, 0, trainRows), test: rowRange(all, trainRows, all.rows) }
  const { components, whitening } = options
  const blocks = each.map(({ columns }) => columns)
  const weights = leader === undefined ? undefined : leadingWeights(parts.length, leader)
  const normalised = { components, whitening, blocks, weights, ...RESCALED }
  const space = await normalisedSpace(reduced, normalised, context)
  return {
    dimension: parts.reduce((sum, { dimension }) => sum + dimension, 0),
    detail: `beside each other, ${leader === undefined ? 'each weighing the same' : `number ${leader + 1} leading`}`,
    ...(await saveSpace(space, reduced, filesOf(options), context.signal)),
  }
}

const filesOf = ({ folder, name, smooth }: BankOptions) => ({
  folder,
  name: path.join('features', name),
  smooth,
})
