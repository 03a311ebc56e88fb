/** What contrastive learning can be told: its settings with their meaning, and the presets. */
import { z } from 'zod'
import type { ImageShape } from '../model.js'
import { optimiserFields, quickOptimiser } from '../optimise.js'
import { patchSetting } from '../patching.js'
import { contrastive as contrastiveVae, patchedVaeSchema } from '../vae/config.js'

const pyramid = z.strictObject({
  /** Residual blocks at the resolution of squares of pixels, at a half and at a quarter of it, and no decoder. */
  network: z.literal('pyramid'),
  /** Side of the squares of pixels that become channels before anything else; 2 where left out. */
  patch: z.int().min(1).optional(),
  /** Channels at the squares' resolution; twice and four times as many below. */
  width: z.int().min(1),
  /** Residual blocks of each level. */
  blocks: z.int().min(1),
  /**
   * Side of the views as a share of the images': smaller views are cheaper, so that more of them fit into the same minutes, and what
   * is cut out and enlarged in training is about as large in them as things are in whole images (Touvron et al., arXiv 1906.06423).
   */
  views: z.number().positive().max(1),
  /**
   * What two views of an image are to be beside being alike: told from those of all others (`contrast`, view-disagreement.ts; where left
   * out, as in older runs), or part of a batch that takes as much room as it can (`coding-rate`, coding-rate.ts).
   */
  objective: z.enum(['contrast', 'coding-rate']).optional(),
  /** Of `contrast`: what cosines of two views are divided by. The lower, the more the likest other images count. */
  temperature: z.number().positive(),
  /** Numbers of the projection that views are compared in. */
  projection: z.int().min(1),
  ...optimiserFields,
})

/** Views alone, or beside them what the VAE of the network `patched` learns by. */
export const contrastiveSchema = z.discriminatedUnion('network', [patchedVaeSchema, pyramid])

export type ContrastiveConfig = z.infer<typeof contrastiveSchema>
/** The configuration of views alone. */
export type ViewsConfig = Extract<ContrastiveConfig, { network: 'pyramid' }>

/**
 * The best with few labels in minutes on two cores. On written characters, grey and small, reconstructing the image beside
 * comparing views pays (docs/results.md), and on photographs it does not.
 */
export const fast = (image: ImageShape): ContrastiveConfig =>
  image.channels === 1
    ? contrastiveSchema.parse(contrastiveVae(image))
    : {
        network: 'pyramid',
        ...patchSetting(image),
        width: 64,
        blocks: 1,
        views: 0.75,
        objective: 'coding-rate',
        temperature: 0.2,
        projection: 128,
        ...quickOptimiser,
      }

/** Squares a side that a pyramid's levels divide into. */
const MULTIPLE = 4

/** Side of the views in pixels: whole squares, and no more than the images have. */
export function viewSize({ views, patch = 2 }: ViewsConfig, { size }: ImageShape): number {
  if (views === 1) return size
  const unit = MULTIPLE * patch
  return Math.min(size, unit * Math.max(1, Math.round((views * size) / unit)))
}
