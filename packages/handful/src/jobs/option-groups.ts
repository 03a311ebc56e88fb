/** The options that several commands have, each spelled out in one place. */
import {
  AUGMENTATIONS,
  currentPreset,
  DATASETS,
  ENCODER_COLOURS,
  ENCODER_LAYOUTS,
  ENCODER_POOLINGS,
  ENCODER_RANGES,
  FRAMES,
  MIRROR_CHOICES,
  MODELS,
  type Pooling,
  POOLINGS,
  type PresetName,
  PRESETS,
  RESIZE_MODES,
  STRETCHES,
} from '../names.js'
import {
  assignments,
  channelNumbers,
  choiceOf,
  flag,
  names,
  numberBetween,
  numbers,
  oneOf,
  oneOfOrOwn,
  type Option,
  positive,
  repeated,
  stretchChoice,
  text,
  whole,
  withDefault,
} from './option.js'

export const TRAINED_RUN = 'a folder that "handful pretrain" or "handful fit" has written'

/** @param what the data set is, such as `images of a known data set` */
export const datasetOption = (what: string) => oneOf('<name>', `${what}: ${DATASETS.join(', ')}`, DATASETS)

/** @param about whose features they are */
export function embeddingsOption(about: string): Option<string | undefined> {
  return text('<file>', about)
}

/** Where data sets lie; else where the environment says. */
export const dataDirOption: Option<string | undefined> = {
  ...text('<folder>', 'where data sets lie or are downloaded to (HANDFUL_DATA)'),
  or: ({ environment }) => environment.HANDFUL_DATA,
}

/** How often each class comes, where that is known. */
export const proportions = text(
  '<numbers>',
  'how often each class comes, where that is known: cat=200,dog=50 in any unit, or equal; predictions are made to agree with it',
)

const seed = (what: string) => whole('<n>', what, 0, Number.MAX_SAFE_INTEGER)

/** @param what it is the seed of, such as `of draws and noise` */
export const seedOption = (what: string): Option<number> => withDefault(seed(what), 0)

/** Where a run has its own. */
export const ownSeedOption = (what: string): Option<number | undefined> => seed(`${what} (the run's)`)

export const sizeOption = (about: string) => whole('<pixels>', about, 8, 256)

function sizeOrAuto(about: string): Option<number | 'auto' | undefined> {
  const size = sizeOption(about)
  return { ...size, read: (flag, text) => (text === 'auto' ? text : size.read?.(flag, text)) }
}

export const resizeOption = (about: string) => oneOf('<how>', about, RESIZE_MODES)

export const setOption = (about: string) => assignments('<name=value>', about)

/** How a folder and its table are understood, where that is not found out. */
export const collectionOptions = {
  fileColumn: text('<name>', 'the column of labels.csv that names the files (found out)'),
  labelColumn: text('<name>', 'the column of labels.csv that holds the labels (found out)'),
  splits: oneOf(
    '<how>',
    'auto, or none: folders called train, test and so on are classes too, no column is a split (auto)',
    ['auto', 'none'] as const,
  ),
}

/** @param otherwise what is taken where nothing is said */
export const framesOption = (otherwise: string) =>
  oneOf('<which>', `of animations and stacks: first, or all, each as an image (${otherwise})`, FRAMES)

/**
 * How images become pixels, beside their size.
 * @param otherwise what is done where nothing is said, if it is one thing for all
 */
export const readingOptions = (otherwise?: string) => ({
  channels: channelNumbers(
    '<n,n>',
    `channels that are taken, up to three, counted from 1: grey, or red, green and blue (${otherwise ?? 'the first three'})`,
  ),
  stretch: stretchChoice(
    '<how>',
    `numbers beyond 8 bits become bytes by one stretch for the data set, one for each image, none (by their type), or black,white such as 100,4000 (${otherwise ?? 'data'})`,
    STRETCHES,
  ),
  frames: framesOption(otherwise ?? 'first'),
})

/** How images become squares of pixels where no run says it. */
export const ownReadingOptions = {
  fit: resizeOption('how such an image becomes a square: cover, pad, stretch; a run has its own'),
  ...readingOptions(),
}

export const countOption = whole('<n>', 'training images of a generated set (strokes)', 20, 1_000_000)

export const imageOptions = {
  dataset: datasetOption('a known data set'),
  size: sizeOrAuto('side of the square that images become, or auto: chosen from their own sizes (auto)'),
  fit: resizeOption('how an image becomes a square: cover (cut to its middle), pad (white bars), stretch'),
  ...collectionOptions,
  ...readingOptions(),
  count: countOption,
  memory: positive(
    '<GiB>',
    'memory that a folder of images may take; a scratch file holds more (a quarter of all)',
    '4',
  ),
}

/** An encoder made elsewhere, and what its file may not say of itself. */
export const encoderOptions = {
  encoder: text('<model.onnx>', 'features of an encoder made elsewhere: an ONNX file with one image input'),
  encoderSize: whole('<pixels>', 'side of its images (as the file says, else 224)', 8, 1024),
  encoderRange: oneOf(
    '<range>',
    `what numbers it takes for dark and bright: ${ENCODER_RANGES.join(' or ')} (as the file says, else imagenet)`,
    ENCODER_RANGES,
  ),
  encoderOutput: text(
    '<name>',
    'the value of its graph that is the feature (the output that looks like one)',
  ),
  encoderPooling: oneOf(
    '<how>',
    'tokens as their mean or the first (the class token, if any)',
    ENCODER_POOLINGS,
  ),
  encoderLayout: oneOf('<axes>', 'order of its input: nchw or nhwc (as the file says)', ENCODER_LAYOUTS),
  encoderColours: oneOf('<order>', 'order of its colours: rgb or bgr (rgb)', ENCODER_COLOURS),
  encoderInput: text('<name>', 'the input that takes images, to be sure'),
}

/** The same, and a table of features made elsewhere. */
export const outsideOptions = {
  ...encoderOptions,
  embeddings: embeddingsOption(
    'features made elsewhere: .parquet, .npy or .csv with a row for each image, by file name',
  ),
}

/** Which labelled images, of those that there are. */
export const labelOptions = (most: number) => ({
  labelsPerClass: whole(
    '<n>',
    'labelled images of each class; 4 for known data sets, all labels for a folder',
    1,
    most,
  ),
  draws: whole('<n>', 'times that the labelled images are drawn (5)', 1, 100),
})

const modelWords = 'what learns from the unlabelled images'

/** With `none`, where other features may stand in its place. */
export const modelOrNoneOption = oneOfOrOwn(
  '<name>',
  `${modelWords}: ${MODELS.join(', ')}; none for other features alone (contrastive)`,
  [...MODELS, 'none'],
  'models',
)

/** @param preset which one is taken unless said otherwise */
export const modelOptions = (preset = 'fast') => ({
  model: oneOfOrOwn('<name>', `${modelWords}: ${MODELS.join(', ')} (vae)`, MODELS, 'models'),
  preset: {
    ...oneOf(
      '<name>',
      `its settings: fast (minutes on two cores), paper (the reference's own), ddpm (diffusion only), contrastive (VAE only) (${preset})`,
      PRESETS,
    ),
    read: (flag: string, typed: string): PresetName => choiceOf(flag, currentPreset(typed), PRESETS),
  },
  set: setOption(
    'another value for a setting that --print-config shows, such as codebook.decay=0.99; again for more',
  ),
})

export const trainingOptions = (minutes: string, steps: string) => ({
  augment: oneOf(
    '<how>',
    `how training images are distorted: ${AUGMENTATIONS.join(', ')} (as suits model and images)`,
    AUGMENTATIONS,
  ),
  minutes: positive('<n>', minutes, '10'),
  steps: whole('<n>', steps, 1, 100_000_000),
})

export const mirrorOption = oneOf(
  '<when>',
  "means of an image's features, or a network's probabilities, and its mirrored image's: yes, no, or auto: where mirrored images " +
    'look like the others (auto)',
  MIRROR_CHOICES,
)

/** What features are learned by, and what stands beside them. */
export const learningOptions = {
  ...modelOptions('the best of the model with few labels'),
  model: modelOrNoneOption,
  patches: whole(
    '<n>',
    "whitened patches beside the model's features; 0 for none (256, without a model 0)",
    0,
    4096,
  ),
  mirror: mirrorOption,
  ...outsideOptions,
  ...trainingOptions('time for training (3)', 'train for so many steps instead'),
}

export const jsonOption = flag('print the result as JSON on stdout')
export const quietOption = flag('no progress')
export const progressOption = oneOf(
  '<form>',
  'on stderr: text, or json for programs, an object a line (text)',
  ['text', 'json'] as const,
)

/** Where other machines are found, and what all of them share. */
export const queueOptions = {
  queue: text('<redis://host:6379>', 'other machines do it, by this Redis server; rediss:// with TLS'),
  store: text('<folder>', 'that all machines share: the study lies in it'),
}

export const pluginOption = repeated(
  '<file.js>',
  'heads, models and sources of features of your own (docs/plugins.md); again for more',
)

/** Where the engine runs, and how the result is told: of commands that have no use for a plugin. */
export const plainMachineOptions = {
  threads: {
    ...whole('<n>', '', 1, 1024),
    about: ({ cores }) => `of the engine (${cores} here)`,
    or: ({ cores }) => cores,
  } as Option<number>,
  device: withDefault(text('<name>', 'where the engine runs'), 'cpu'),
  json: jsonOption,
  quiet: quietOption,
  progress: progressOption,
}

export const machineOptions = { ...plainMachineOptions, plugin: pluginOption }

export const printConfigOption = flag('print all options as they are resolved, and do nothing')

/** The same of commands that have no use for a plugin. */
export const plainRunOptions = {
  out: text('<folder>', 'the run folder (runs/<date>-<name>); never overwritten'),
  resume: { ...text('[run]', 'go on with a run that was stopped') } as Option<string | true | undefined>,
  dataDir: dataDirOption,
  seed: seedOption('of all random numbers'),
  ...plainMachineOptions,
  printConfig: printConfigOption,
}

/** Of commands that work in a run folder of their own. */
export const runOptions = { ...plainRunOptions, plugin: pluginOption }

/** How a model draws images; each is refused for a model that has no use for it. */
export const samplerOptions = {
  steps: whole('<n>', 'steps of a diffusion sampler (as its model says)', 1, 1000),
  eta: numberBetween('<n>', 'fresh noise in each of them: 0 none (DDIM), 1 ancestral', 0, 1),
  truncation: numberBetween(
    '<n>',
    "how far a GAN's styles lie from their mean: 1 as drawn, less for more typical images",
    0,
    2,
  ),
}

/** @param whose choice it is that is taken unless said otherwise: the run's, the model's */
export const layersOption = (whose: 'model' | 'run') =>
  names('<a,b>', `"handful layers <run>" lists them (as suits the ${whose})`)

export const poolingOption = (about: string): Option<Pooling | undefined> => oneOf('<how>', about, POOLINGS)

/** @param range how 0 and 1000 are explained */
export const noiseLevelOption = (range: string) =>
  numbers('<t>', `of a diffusion model, ${range}; several such as 50,200 stand side by side`, 0, 1000)

/** What was typed for `noiseLevelOption`, as jobs take it. */
export const noiseLevels = (
  typed: readonly number[] | undefined,
): { readonly noiseLevel: number } | { readonly noiseLevels: readonly number[] | undefined } =>
  typed?.length === 1 ? { noiseLevel: typed[0] } : { noiseLevels: typed }
