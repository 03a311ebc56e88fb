/** What `handful pretrain` can be told; a study's models are runs of it, too. */
import { z } from 'zod'
import { modelFields } from '../training/model-options.js'
import { imageFields, oneLimit, oneSource, trainingFields } from './run-options.js'

export const pretrainOptionsSchema = z
  .strictObject({
    /** Tells a run's configuration from that of `handful fit`. */
    command: z.literal('pretrain').default('pretrain'),
    ...imageFields,
    ...modelFields,
    ...trainingFields,
  })
  .refine((options) => (options.folder === undefined) !== (options.dataset === undefined), { ...oneSource })
  .refine((options) => options.minutes === undefined || options.steps === undefined, { ...oneLimit })

export type PretrainJobOptions = z.output<typeof pretrainOptionsSchema>
