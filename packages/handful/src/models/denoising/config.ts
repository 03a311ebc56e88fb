/** What can be said of the denoising network (unet.ts), whichever model trains it. */
import { z } from 'zod'

export const unetFields = {
  /** Channels of the first level. */
  width: z.int().min(2).multipleOf(2),
  /** Channels of each level in units of the width, finest first; each level halves the resolution. */
  multipliers: z.array(z.int().min(1)).min(2),
  /** Blocks of a level on the way down and again on the way up; twice as many at the lowest one. */
  blocks: z.int().min(1),
  /** Side of the squares of pixels that become channels before anything else. `residual` only. */
  patch: z.int().min(1),
  /** Kernel of the convolutions that these enter and leave by; left out, as in older runs, 3. `residual` only. */
  patchKernel: z.union([z.literal(1), z.literal(3)]).optional(),
  /** Groups of the group norm. `residual` only. */
  groups: z.int().min(1),
  /** Self-attention behind each block of so many of the lowest levels. `residual` only. */
  attention: z.int().min(0),
}
