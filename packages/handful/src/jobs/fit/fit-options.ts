/**
 * What `handful fit` can be told, as plain data: checked here whether it came from the command line, from a saved
 * config.yaml or from a library call, and written to the run folder with every value resolved.
 */
import { modelNamed, modelNames, type OwnModels } from '../../models/registry.js'
import { availableThreads } from 'onnx-autodiff/threads'
import { z } from 'zod'
import { usageErrorOf } from '../../errors/usage-of-options.js'
import { encoderDetails, encoderFields } from '../../encoders/encoder-options.js'
import {
  FEATURE_CHOICES,
  FIT_METHODS,
  FIXMATCH_NETWORKS,
  HEADS,
  MIRROR_CHOICES,
  type PresetName,
} from '../../names.js'
import { type Brought, pluginsField } from '../../runs/brought.js'
import { imageFields, oneLimit, oneSource, trainingFields } from '../../runs/run-options.js'
import { modelFieldsWith, presetField } from '../../training/model-options.js'

export const DEFAULT_MINUTES = 3
/** In the place of a model: features that need no training. */
export const NO_MODEL = 'none'
/** A quarter of those that the study compares: most of the gain in a quarter of the time. */
export const DEFAULT_PATCHES = 256

const DEFAULT_MODEL = 'contrastive'
const modelField = (models?: OwnModels) => z.enum([...modelNames(models), NO_MODEL])

/** What features are made by: all that a fit is told but of its labels and heads. */
export const featureFieldsWith = (models?: OwnModels) => ({
  ...imageFields,
  ...modelFieldsWith(models),
  /** `none`: no model is trained, and features are those of an encoder, a table, patches or a source that is brought. */
  model: modelField(models).default(DEFAULT_MODEL),
  ...encoderFields,
  /** A table of features made elsewhere, a row for each image by its file name. */
  embeddings: z.string().min(1).optional(),
  /** Default `bestPreset`. */
  preset: presetField.optional(),
  ...trainingFields,
  /** Whitened patches that stand beside the model's features (`features/baselines/patches.ts`); 0 for none. */
  patches: z.number().int().min(0).max(4096).optional(),
  /** Means of an image's features, or a network's probabilities, and its mirrored image's, the baseline's too (`features/mirror.ts`). */
  mirror: z.enum(MIRROR_CHOICES).default('auto'),
  /** The files that heads, models and methods of these names came from, for whoever reads the configuration. */
  ...pluginsField,
})

interface FeatureOptions {
  readonly folder?: string
  readonly dataset?: string
  readonly minutes?: number
  readonly steps?: number
  readonly model: string
  readonly preset?: string
  readonly augment?: string
  readonly encoder?: string
  readonly embeddings?: string
  readonly patches?: number
  readonly set: object
}

const refuserOf =
  (context: z.RefinementCtx) =>
  (name: string, message: string): void =>
    void context.addIssue({ code: 'custom', path: [name], message })

/** Refuses what does not go together. @param brought beside what is built in */
export const checkFeatureOptions =
  ({ methods = [] }: Brought) =>
  (options: FeatureOptions, context: z.RefinementCtx): void => {
    const refuse = refuserOf(context)
    checkSource(options, context)
    if (options.encoder === undefined)
      for (const name of encoderDetails(options)) refuse(name, 'an --encoder that it says something of')
    if (options.model !== NO_MODEL) return
    if (
      options.encoder === undefined &&
      options.embeddings === undefined &&
      !options.patches &&
      methods.length === 0
    )
      refuse('model', 'a model, or features without one: --encoder, --embeddings or --patches')
    const { minutes, steps, preset, augment } = options
    for (const [name, value] of Object.entries({ minutes, steps, preset, augment }))
      if (value !== undefined) refuse(name, 'none with --model none, which trains nothing')
    if (Object.keys(options.set).length > 0) refuse('set', 'none with --model none, which trains nothing')
  }

/** One source of images, and one limit of training. */
function checkSource(
  { folder, dataset, minutes, steps }: Pick<FeatureOptions, 'folder' | 'dataset' | 'minutes' | 'steps'>,
  context: z.RefinementCtx,
): void {
  const refuse = refuserOf(context)
  if ((folder === undefined) === (dataset === undefined)) refuse('dataset', oneSource.message)
  if (minutes !== undefined && steps !== undefined) refuse('steps', oneLimit.message)
}

interface Defaulted {
  readonly model: string
  readonly minutes?: number
  readonly steps?: number
  readonly preset?: PresetName
  readonly patches?: number
}

/** With a model exactly one of `minutes` and `steps` is set. */
export const withFeatureDefaults =
  (models?: OwnModels) =>
  <O extends Defaulted>(options: O) => {
    const { model } = options
    const bounded = options.minutes !== undefined || options.steps !== undefined
    if (model === NO_MODEL) return { ...options, model, patches: options.patches ?? 0 }
    const preset = options.preset ?? modelNamed(model, models).bestPreset
    const minutes = bounded ? options.minutes : DEFAULT_MINUTES
    const patches = options.patches ?? DEFAULT_PATCHES
    return { ...options, model, preset, patches, minutes }
  }

const fitFieldsWith = (brought: Brought) => ({
  ...featureFieldsWith(brought.models),
  model: modelField(brought.models).optional(),
  mirror: z.enum(MIRROR_CHOICES).optional(),
  /** Labelled images of each class; drawn at random where more are labelled. Own folders: all labels by default. */
  labelsPerClass: z.number().int().min(1).max(10_000).optional(),
  /** How many times the labelled images are drawn, to tell how much the result depends on which ones they are. */
  draws: z.number().int().min(1).max(100).optional(),
  /** Whose predictions are written; label propagation and logistic regression are compared all the same. */
  head: z.enum([...HEADS, ...Object.keys(brought.heads ?? {})]).optional(),
  /** `auto`: the labelled few choose which kind of features leads, or that all weigh the same; `all`: all the same. */
  features: z.enum(FEATURE_CHOICES).optional(),
  /** How often each class comes, where that is known: see proportions.ts. */
  proportions: z.string().min(1).optional(),
  /**
   * `features` unless said otherwise. `fixmatch`: one network from the labelled and the unlabelled images, and no features.
   * `self-training`: the model's encoder learns on from the labels and from what its features make of the other images.
   */
  method: z.enum(FIT_METHODS).optional(),
  /** What FixMatch trains: the contrastive network's encoder unless said otherwise. */
  network: z.enum(FIXMATCH_NETWORKS).optional(),
})

/** What a fit by features alone can be told, each with why FixMatch has no use for it. */
const FEATURES_ALONE = {
  model: 'none: the network itself learns from the unlabelled images',
  preset: 'none: --set changes its settings',
  augment: 'none: its views are distorted by its own two ways',
  encoder: 'none: the network sees pixels alone',
  embeddings: 'none: the network sees pixels alone',
  patches: 'none: the network sees pixels alone',
  head: 'none: the network has its own last layer',
  features: 'none: there is nothing to choose between',
  proportions: 'none: what the network says is left as it is',
} as const

/** What self-training has no use for. */
const WITHOUT_SELF_TRAINING = ['encoder', 'embeddings', 'head', 'proportions'] as const

const DEFAULT_DRAWS = 5
/** What FixMatch trains. */
export const DEFAULT_NETWORK = 'contrastive'

/** @param brought whose heads, models and methods may be named beside those that are built in */
export const fitOptionsSchemaWith = (brought: Brought) =>
  z
    .strictObject(fitFieldsWith(brought))
    .superRefine((options, context) => {
      const { method, model = DEFAULT_MODEL } = options
      const refuse = refuserOf(context)
      if (options.network !== undefined && method !== 'fixmatch')
        refuse('network', 'none without --method fixmatch, which trains it')
      if (method !== 'fixmatch' && method !== 'self-training')
        return checkFeatureOptions(brought)({ ...options, model }, context)
      checkSource(options, context)
      const without = method === 'fixmatch' ? Object.keys(FEATURES_ALONE) : WITHOUT_SELF_TRAINING
      for (const name of without as (keyof typeof FEATURES_ALONE)[])
        if (options[name] !== undefined) refuse(name, `${FEATURES_ALONE[name]} (--method ${method})`)
      for (const name of encoderDetails(options))
        refuse(name, `${FEATURES_ALONE.encoder} (--method ${method})`)
      if (method === 'self-training' && model === NO_MODEL)
        refuse('model', 'a model: its encoder is what learns on (--method self-training)')
    })
    .transform((options) => {
      const labelsPerClass = options.labelsPerClass ?? (options.dataset === undefined ? undefined : 4)
      const { method } = options
      if (method === 'fixmatch') return fixMatchOptions({ ...options, method, labelsPerClass })
      if (method === 'self-training')
        return selfTrainingOptions({ ...options, method, labelsPerClass }, brought)
      return featureOptions({ ...options, labelsPerClass }, brought)
    })

/** Options of `runFit` with the command line's defaults and checks; `parseFitOptions` has its errors too. */
export const fitOptionsSchema = fitOptionsSchemaWith({})

type Given = z.output<z.ZodObject<ReturnType<typeof fitFieldsWith>>>

function featureOptions({ method: _, network: _network, ...options }: Given, { models }: Brought) {
  const {
    model = DEFAULT_MODEL,
    draws = DEFAULT_DRAWS,
    head = 'auto',
    features = 'auto',
    mirror = 'auto',
  } = options
  const whole = { ...options, model, draws, head, features, mirror }
  return { ...withFeatureDefaults(models)(whole), method: undefined }
}

/** One draw unless said otherwise: each is a training. */
function fixMatchOptions({
  minutes,
  steps,
  draws = 1,
  mirror = 'auto',
  network = DEFAULT_NETWORK,
  ...options
}: Given & { readonly method: 'fixmatch' }) {
  const { model, preset, augment, head, features, patches, encoder, embeddings, proportions, ...own } =
    options
  const without = {
    ...{ model, preset, augment, head, features, patches, encoder, embeddings, proportions },
  } as Record<keyof typeof FEATURES_ALONE, undefined>
  return {
    ...own,
    ...without,
    draws,
    mirror,
    network,
    steps,
    minutes: steps === undefined ? (minutes ?? DEFAULT_MINUTES) : undefined,
  }
}

/** The model as in a fit by features; one draw unless said otherwise. */
function selfTrainingOptions(
  {
    method,
    network: _network,
    draws = 1,
    features = 'auto',
    mirror = 'auto',
    model = DEFAULT_MODEL,
    ...options
  }: Given & { readonly method: 'self-training' },
  { models }: Brought,
) {
  const whole = { ...options, model, draws, features, mirror }
  return { ...withFeatureDefaults(models)(whole), method, head: undefined, proportions: undefined }
}

/** Options as a caller may give them. */
export type FitInput = z.input<typeof fitOptionsSchema>

/**
 * Options with every default filled in; where something is trained exactly one of `minutes` and `steps` is set, and one of
 * `folder` and `dataset`.
 */
export type FitOptions = z.output<typeof fitOptionsSchema>

/** Of a fit by features and a head. */
export type FeatureFitOptions = Extract<FitOptions, { readonly method?: undefined }>
/** Of a fit by FixMatch. */
export type FixMatchFitOptions = Extract<FitOptions, { readonly method: 'fixmatch' }>
/** Of a fit whose model's encoder learns on from labels. */
export type SelfTrainingFitOptions = Extract<FitOptions, { readonly method: 'self-training' }>
/** Of a fit by one network. */
export type NetworkFitOptions = FixMatchFitOptions | SelfTrainingFitOptions

/**
 * Options of a fit with the command line's defaults: all cores, a size that suits the images of a folder, data sets where
 * `HANDFUL_DATA` says.
 *
 * @example
 *     const options = parseFitOptions({ folder: 'photos', minutes: 10 })
 *
 * @param brought heads, models and methods that `runFit` is given too: their names may stand in the options
 * @throws HandfulError (wrong use) naming the option
 */
export function parseFitOptions(
  input: Partial<FitInput>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  brought: Brought = {},
): FitOptions {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
  const parsed = fitOptionsSchemaWith(brought).safeParse({
    threads: availableThreads(),
    ...(environment.HANDFUL_DATA ? { dataDir: environment.HANDFUL_DATA } : {}),
    ...(input.folder === undefined ? {} : { size: 'auto' }),
    ...given,
  })
  if (!parsed.success) throw usageErrorOf(parsed.error, 'handful fit --help')
  return parsed.data
}
