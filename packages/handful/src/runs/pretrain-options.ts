/** What `handful pretrain` can be told; a study's models are runs of it, too. */
import { z } from 'zod'
import { modelFieldsWith } from '../training/model-options.js'
import type { OwnModels } from '../models/registry.js'
import { pluginsField } from './brought.js'
import { imageFields, oneLimit, oneSource, trainingFields } from './run-options.js'

/** @param models beside those that are built in */
export const pretrainOptionsSchemaWith = (models?: OwnModels) =>
  z
    .strictObject({
      /** Tells a run's configuration from that of `handful fit`. */
      command: z.literal('pretrain').default('pretrain'),
      ...imageFields,
      ...modelFieldsWith(models),
      ...pluginsField,
      ...trainingFields,
    })
    .refine((options) => (options.folder === undefined) !== (options.dataset === undefined), { ...oneSource })
    .refine((options) => options.minutes === undefined || options.steps === undefined, { ...oneLimit })

export type PretrainJobOptions = z.output<ReturnType<typeof pretrainOptionsSchemaWith>>
