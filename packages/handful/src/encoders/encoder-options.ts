/** What can be said of an encoder made elsewhere where its file does not say it, as fields of schemas. */
import { z } from 'zod'
import { ENCODER_COLOURS, ENCODER_LAYOUTS, ENCODER_POOLINGS, ENCODER_RANGES } from '../names.js'

/** Side of an encoder's images in pixels. */
export const ENCODER_SIDE = { least: 8, most: 1024 } as const

export const encoderFields = {
  /** An ONNX file with one image input. */
  encoder: z.string().min(1).optional(),
  /** Names in its graph; an output may be any value of it. */
  encoderInput: z.string().min(1).optional(),
  encoderOutput: z.string().min(1).optional(),
  encoderSize: z.int().min(ENCODER_SIDE.least).max(ENCODER_SIDE.most).optional(),
  encoderRange: z.enum(ENCODER_RANGES).optional(),
  encoderLayout: z.enum(ENCODER_LAYOUTS).optional(),
  encoderColours: z.enum(ENCODER_COLOURS).optional(),
  encoderPooling: z.enum(ENCODER_POOLINGS).optional(),
}

const fieldsSchema = z.object(encoderFields)

/** Of options that may hold more. */
export type EncoderOptions = z.output<typeof fieldsSchema>

/** These fields of a job's options, and no others: what an encoder is opened by. */
export const encoderOptionsOf = (options: EncoderOptions): EncoderOptions => fieldsSchema.parse(options)

/** Options that say how an encoder is to be taken, without one: each is told rather than passed over. */
export const encoderDetails = (options: EncoderOptions): (keyof EncoderOptions)[] =>
  (Object.keys(encoderFields) as (keyof EncoderOptions)[]).filter(
    (name) => name !== 'encoder' && options[name] !== undefined,
  )
