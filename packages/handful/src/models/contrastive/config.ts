/** What contrastive learning can be told: its settings with their meaning, and the presets. */
import { z } from 'zod'
import type { ImageShape } from '../model.js'
import { optimiserFields } from '../optimise.js'
import { patchSetting } from '../patching.js'

const shared = {
  ...optimiserFields,
  /** What cosines of two views are divided by: the lower, the more the likest other images count. */
  temperature: z.number().positive(),
  /** Numbers of the projection that views are compared in. */
  projection: z.int().min(1),
  /** Side of the squares of pixels that become channels before anything else; 2 where left out. */
  patch: z.int().min(1).optional(),
}

const patched = z.strictObject({
  /** Two levels and a layer that sees where things are: written characters and small shapes. */
  network: z.literal('patched'),
  /** Channels at the patches' resolution; twice as many at half of it. */
  width: z.int().min(1),
  /** Units of the layer that sees the whole image: the features. */
  hidden: z.int().min(1),
  ...shared,
})

const pyramid = z.strictObject({
  /** Residual blocks at the resolution of patches, at a half and at a quarter of it: photographs. */
  network: z.literal('pyramid'),
  /** Channels at the patches' resolution; twice and four times as many below. */
  width: z.int().min(1),
  /** Residual blocks of each level. */
  blocks: z.int().min(1),
  /**
   * Side of the views as a share of the images': smaller views are cheaper, so that more of them fit into the same minutes, and what
   * is cut out and enlarged in training is about as large in them as things are in whole images (Touvron et al., arXiv 1906.06423).
   */
  views: z.number().positive().max(1),
  ...shared,
})

export const contrastiveSchema = z.discriminatedUnion('network', [patched, pyramid])

export type ContrastiveConfig = z.infer<typeof contrastiveSchema>
/** The configuration of one kind of network. */
export type ContrastiveConfigOf<K extends ContrastiveConfig['network']> = Extract<
  ContrastiveConfig,
  { network: K }
>

const quick = {
  temperature: 0.2,
  projection: 128,
  batch: 128,
  learningRate: 2e-3,
  schedule: 'cosine',
  weightDecay: 1e-4,
  warmUpSteps: 50,
  emaHalfLife: 0.02,
} as const

/** The best with few labels in minutes on two cores. */
export const fast = (image: ImageShape): ContrastiveConfig =>
  image.channels === 1
    ? { network: 'patched', width: 32, hidden: 256, ...quick, ...patchSetting(image) }
    : { network: 'pyramid', width: 64, blocks: 1, views: 0.75, ...quick, ...patchSetting(image) }

/** Squares a side that a pyramid's levels divide into. */
const MULTIPLE = 4

/** Side of the views in pixels: whole squares, and no more than the images have. */
export function viewSize(config: ContrastiveConfig, { size }: ImageShape): number {
  if (config.network === 'patched' || config.views === 1) return size
  const unit = MULTIPLE * (config.patch ?? 2)
  return Math.min(size, unit * Math.max(1, Math.round((config.views * size) / unit)))
}
