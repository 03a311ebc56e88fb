/**
 * What `handful study` can be told, as plain data: checked here whether it came from the command line, from study.yaml or
 * from a library call.
 */
import {
  AUGMENTATIONS,
  BASELINES,
  byName,
  FEATURE_CHOICES,
  FIXMATCH_NETWORKS,
  HEADS,
  MIRROR_CHOICES,
  MODELS,
  type SectionName,
  SECTIONS,
  SEMI_SUPERVISED,
  STEMS,
  SUPERVISED_AUGMENTATIONS,
  SUPERVISED_CHOICES,
  SUPERVISED_MODELS,
} from '../names.js'
import { baselines } from '../features/baselines/registry.js'
import { encoderDetails, encoderFields } from '../encoders/encoder-options.js'
import { modelNamed, modelNames, type OwnModels } from '../models/registry.js'
import { featureFields } from '../models/feature-request.js'
import { z } from 'zod'
import { type HandfulError, printable, usageError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import { labelCountSchema } from './result.js'
import { modelFields, presetField } from '../training/model-options.js'
import { type Brought, pluginsField } from '../runs/brought.js'
import { imageFields, oneLimit, oneSource } from '../runs/run-options.js'

/** What can stand in `methods`, alone or joined by `+`. */
export const STUDY_METHODS = [...MODELS, ...SUPERVISED_MODELS, ...SEMI_SUPERVISED, ...BASELINES] as const

export const DEFAULT_METHODS = [
  'pixels',
  'pca',
  'patches',
  'contrastive',
  'vae',
  'vqvae',
  'diffusion',
  'gan',
  'contrastive+patches',
  'resnet18',
  'fixmatch',
]
export const DEFAULT_LABELS = [1, 2, 4, 8, 12, 16, 32, 64, 128, 256, 'all'] as const

/** Of one number of labels. */
export const MOST_DRAWS = 100
/** Trainings of a model. */
export const MOST_SEEDS = 10

const most = z.number().int().min(1)

const modelSettings = (model: string, own: OwnModels) =>
  z
    .strictObject({
      preset: presetField.default(modelNamed(model, own).bestPreset),
      set: modelFields.set,
      augment: z.enum(AUGMENTATIONS).optional(),
      /** Of training; `minutesPerModel` unless given here. */
      minutes: z.number().positive().max(10_080).optional(),
      steps: most.max(100_000_000).optional(),
      /** A run of `handful pretrain` or `handful fit` whose model is taken instead of training one. */
      run: z.string().min(1).optional(),
      /** Which features; what is left out is what the model does best with. */
      features: z
        .strictObject(featureFields)
        .omit({ noiseLevels: true, combineLevels: true })
        .partial()
        .prefault({}),
    })
    .refine(({ minutes, steps }) => minutes === undefined || steps === undefined, { ...oneLimit })

export type ModelSettings = z.output<ReturnType<typeof modelSettings>>

/** A switch for each section that can be left out. */
const sectionSwitches = z.strictObject(
  Object.fromEntries(SECTIONS.map((name) => [name, z.boolean().default(true)])) as Record<
    SectionName,
    z.ZodDefault<z.ZodBoolean>
  >,
)

/** What can be said of baselines, as each of them says it. */
const baselineFields = Object.fromEntries(
  BASELINES.flatMap((name) => Object.entries(baselines[name].studyFields)),
)

/** Of networks that learn from labelled and unlabelled images anew for each draw. */
const trainedAnew = {
  draws: most.max(MOST_DRAWS).default(3),
  /** Of each training. */
  minutes: z.number().positive().max(10_080).optional(),
  steps: most.max(100_000_000).optional(),
  /** Of all of them together: label counts beyond it are left out. */
  totalMinutes: z.number().positive().default(120),
}

/** Whose names may stand in options beside those that are built in. */
type Own = Pick<Brought, 'heads' | 'models'>

export const studyOptionsSchemaWith = (brought: Own) => {
  const { models: own = {} } = brought
  return z
    .strictObject({
      /** Tells a study's configuration from that of a run. */
      command: z.literal('study').default('study'),
      ...imageFields,
      /** Images of a generated set; its own numbers unless given. */
      count: z.number().int().min(20).max(1_000_000).optional(),
      testCount: z.number().int().min(10).max(1_000_000).optional(),
      /** Share of a folder's labelled images that is held out for scoring, where the folder has no test split. */
      testShare: z.number().min(0.05).max(0.8).default(0.25),
      ...encoderFields,
      /** A table of features made elsewhere, a row for each image by its file name. */
      embeddings: z.string().min(1).optional(),
      methods: z.array(z.string().min(1)).min(1).default(DEFAULT_METHODS),
      models: z
        .strictObject(byName(modelNames(own), (name) => modelSettings(name, own).prefault({})))
        .prefault({}),
      minutesPerModel: z.number().positive().max(10_080).default(10),
      /** Labelled images of each class. Those that the smallest class does not have are left out. */
      labels: z
        .array(labelCountSchema)
        .min(1)
        .default([...DEFAULT_LABELS]),
      heads: z
        .array(z.enum(HEADS))
        .min(1)
        .default(['auto', 'mlp', 'compact-mlp', 'smoothed-mlp', 'propagation', 'linear']),
      /** The head that headlines are with, of `heads` or one that is brought; the first of `heads` unless given. */
      headline: z.enum([...HEADS, ...Object.keys(brought.heads ?? {})]).optional(),
      /** Draws of the labelled images, for the heads. */
      draws: most.max(MOST_DRAWS).default(20),
      /**
       * Trainings of each generative model, each from another seed: the features of each are classified from the same draws. A
       * model that is given as a run has one.
       */
      seeds: most.max(MOST_SEEDS).default(1),
      /** Beyond 16 labels per class, and where one fit is expected to take more than 5 seconds. */
      dearDraws: most.max(MOST_DRAWS).default(5),
      supervised: z
        .strictObject({
          draws: most.max(MOST_DRAWS).default(5),
          /** `imagenet`: the reference study's network. `small`: a stronger one, as far as `strongMinutes` go. */
          stems: z.array(z.enum(STEMS)).min(1).default(['imagenet', 'small']),
          strongMinutes: z.number().positive().default(60),
          /** `folds`: rate and length of the stronger one by halves of each label count's first draw, from 4 labels per class on. */
          choose: z.enum(SUPERVISED_CHOICES).default('folds'),
          /** Those of each stem unless given: 64 and 24, and `crops`. */
          width: most.optional(),
          augment: z.enum(SUPERVISED_AUGMENTATIONS).optional(),
          batch: z.number().int().min(2).default(64),
          epochs: z.number().min(0).default(40),
          fewestSteps: most.default(500),
          /** Fewer epochs than asked for where they would take more steps than these. */
          mostSteps: most.default(6000),
        })
        .prefault({}),
      /**
       * FixMatch: the backbone of the contrastive network or of the stronger supervised one, from random weights, and as many
       * minutes for each training as the model that is trained longest.
       */
      fixmatch: z
        .strictObject({
          /** Unless given here, those of the model with most; `minutesPerModel` where none is trained for a time. */
          ...trainedAnew,
          network: z.enum(FIXMATCH_NETWORKS).default('contrastive'),
          /** The network's own unless given. */
          width: most.optional(),
          batch: z.number().int().min(2).default(64),
        })
        .refine(({ minutes, steps }) => minutes === undefined || steps === undefined, { ...oneLimit })
        .prefault({}),
      /** Self-training: the encoder of `contrastive` learns on from the labels and from what its features and patches make of the others. */
      selfTraining: z
        .strictObject({
          /** Beside the model's own minutes; two thirds of `minutesPerModel` unless given here. */
          ...trainedAnew,
        })
        .refine(({ minutes, steps }) => minutes === undefined || steps === undefined, { ...oneLimit })
        .prefault({}),
      baselines: z.strictObject(baselineFields).prefault({}),
      /** Dimensions that features are brought to, for all methods alike; unless given, as many as `headComponents` finds right for the images. */
      components: most.max(4096).optional(),
      whitening: z.number().min(0).max(1).default(0.5),
      /** `auto`: of methods beside each other the labels of each draw choose which leads; `all`: all weigh the same. */
      features: z.enum(FEATURE_CHOICES).default('auto'),
      /**
       * Features are means of those of an image and of its mirrored one, for all methods alike, and so are the probabilities of
       * networks: `auto`, where mirrored images look like the others, as `handful fit` has it.
       */
      mirror: z
        .union([z.enum(MIRROR_CHOICES), z.boolean().transform((both) => (both ? 'yes' : 'no'))])
        .default('auto'),
      sections: sectionSwitches.prefault({}),
      /** Time for all of it, such as `30m` or `1h30m`: what does not fit is left out and listed. */
      budget: z
        .string()
        .refine((text) => parseDuration(text) !== undefined, { message: 'a time such as 90s, 30m or 1h30m' })
        .optional(),
      seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
      threads: most.max(1024),
      device: z.string().min(1).default('cpu'),
      /** The files that heads, models and methods of these names came from, for whoever reads the options. */
      ...pluginsField,
    })
    .superRefine((options, context) => {
      if (options.encoder !== undefined) return
      for (const name of encoderDetails(options))
        context.addIssue({ code: 'custom', path: [name], message: 'an encoder that it says something of' })
    })
    .refine(
      ({ heads, headline }) =>
        // Heads that are brought are compared whether they are named or not.
        headline === undefined ||
        [...heads, ...Object.keys(brought.heads ?? {})].some((head) => head === headline),
      { path: ['headline'], message: 'one of heads' },
    )
    .refine((options) => (options.folder === undefined) !== (options.dataset === undefined), { ...oneSource })
}

export const studyOptionsSchema = studyOptionsSchemaWith({})

/** Options of a study as they are given, defaults left out. */
export type StudyInput = z.input<typeof studyOptionsSchema>
/** Options of a study after their check, defaults filled in. */
export type StudyOptions = z.output<typeof studyOptionsSchema>

/** `90s`, `30m`, `2h`, `1h30m` in seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text.trim())
  if (match === null) return undefined
  const [hours, minutes, seconds] = match.slice(1).map((part: string | undefined) => Number(part ?? 0))
  const total = hours * 3600 + minutes * 60 + seconds
  return total > 0 ? total : undefined
}

/**
 * Checks options.
 *
 * @param where they come from, for messages: `study.yaml`, `handful study`
 * @param brought heads and models that `runStudy` is given too: their names may stand in the options
 * @throws HandfulError (wrong use) naming the field, with the name that was probably meant
 */
export function parseStudyOptions(value: unknown, where: string, brought: Own = {}): StudyOptions {
  const schema = studyOptionsSchemaWith(brought)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw optionError(parsed.error.issues[0], value, where, schema)
}

function optionError(
  issue: z.core.$ZodIssue,
  value: unknown,
  where: string,
  schema: z.core.$ZodType,
): HandfulError {
  const name = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    const known = knownKeys(issue.path, schema)
    const near = closest(key, known)
    return usageError({
      what: `option ${printable([...issue.path, key].map(String).join('.'))}`,
      where,
      got: 'an unknown name',
      expected: near === undefined ? `one of ${known.join(', ')}` : undefined,
      hint: near === undefined ? undefined : `did you mean ${near}?`,
    })
  }
  const found = issue.path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[part] : undefined,
    value,
  )
  const choices = issue.code === 'invalid_value' ? issue.values.map(String) : []
  const near = typeof found === 'string' ? closest(found, choices) : undefined
  return usageError({
    what: name === '' ? 'options' : `option ${printable(name)}`,
    where,
    got: issue.code === 'custom' && typeof found === 'object' ? undefined : shown(found),
    expected:
      choices.length > 0 ? choices.join(', ') : issue.message.replace(/^Invalid input: expected /, ''),
    hint: near === undefined ? undefined : `did you mean ${near}?`,
  })
}

const shown = (value: unknown): string =>
  value === undefined ? 'nothing' : printable(JSON.stringify(value) ?? 'nothing')

/** Names of the fields at a path of the schema. */
function knownKeys(path: readonly PropertyKey[], schema: z.core.$ZodType): string[] {
  let at = schema
  const bare = (schema: z.core.$ZodType): z.core.$ZodType =>
    schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault
      ? bare(schema.def.innerType)
      : schema
  for (const part of path) {
    const object = bare(at)
    if (!(object instanceof z.ZodObject)) return []
    at = object.shape[String(part)] as z.core.$ZodType
  }
  const object = bare(at)
  return object instanceof z.ZodObject ? Object.keys(object.shape) : []
}
