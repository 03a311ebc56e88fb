/**
 * The vocabulary: every name that commands, configurations and registries share, each spelled once. Imports nothing, so
 * that help and schemas can list names without loading what stands behind them; the registries are typed by these lists,
 * and the compiler says which entry is missing.
 */

/** Models that learn from images without labels, each a folder of `models/`: all generative but the first. */
export const MODELS = ['contrastive', 'vae', 'vqvae', 'diffusion', 'gan', 'flow'] as const
/** The name of a model that is built in. */
export type ModelName = (typeof MODELS)[number]

/** A model in a sentence: its name, with a noun where that is none. */
export const modelInWords = (name: string): string => (name === 'contrastive' ? 'contrastive network' : name)

/**
 * Settings of a model. `paper`: the reference's own. `fast`: the best in minutes on two cores. `ddpm`: the standard form of
 * a diffusion model. `contrastive`: of the VAE, two views of an image are asked for like features beside reconstructing it.
 */
export const PRESETS = ['fast', 'paper', 'ddpm', 'contrastive'] as const
/** The name of a model's settings. */
export type PresetName = (typeof PRESETS)[number]

/** Names that presets had, in commands, runs and studies of before. */
export const FORMER_PRESETS = ['invariant'] as const

/** What a preset is called now; any other name as it is. */
export const currentPreset = <N extends string>(
  name: N,
): Exclude<N, (typeof FORMER_PRESETS)[number]> | 'contrastive' =>
  name === 'invariant' ? 'contrastive' : (name as Exclude<N, 'invariant'>)

/** How training images of a generative model are distorted. */
export const AUGMENTATIONS = ['shapes', 'photos', 'crops', 'covered', 'none'] as const
export type AugmentationName = (typeof AUGMENTATIONS)[number]

/** Networks that are trained on labels alone. */
export const SUPERVISED_MODELS = ['resnet18'] as const
export type SupervisedName = (typeof SUPERVISED_MODELS)[number]

/** Ways to train a network on the labelled images and the unlabelled ones together. */
export const SEMI_SUPERVISED = ['fixmatch', 'self-training'] as const
export type SemiSupervisedName = (typeof SEMI_SUPERVISED)[number]

/** What FixMatch trains from random weights: the encoder of the contrastive network, or the stronger supervised network. */
export const FIXMATCH_NETWORKS = ['contrastive', 'resnet18'] as const
export type FixMatchNetworkName = (typeof FIXMATCH_NETWORKS)[number]

/** The supervised network's stems, and how its training images are distorted. */
export const STEMS = ['imagenet', 'small'] as const
export type StemName = (typeof STEMS)[number]
/** `reference`: the published network and crops. `strong`: the best of labels alone on few cores. `fixmatch`: that and unlabelled images. */
export const SUPERVISED_PRESETS = ['strong', 'fixmatch', 'reference'] as const
export type SupervisedPresetName = (typeof SUPERVISED_PRESETS)[number]
export const SUPERVISED_AUGMENTATIONS = ['strong', 'crops', 'none'] as const
export type SupervisedAugmentationName = (typeof SUPERVISED_AUGMENTATIONS)[number]

/** Whether rate and length of a supervised network are chosen by halves of the labelled images, or fixed beforehand. */
export const SUPERVISED_CHOICES = ['folds', 'none'] as const

/** Features that no model is trained for. */
export const BASELINES = ['pixels', 'pca', 'patches', 'random'] as const
export type BaselineName = (typeof BASELINES)[number]

/** How a spatial layer becomes a row of numbers: the mean, means over a grid of cells, or everything. */
export const POOLINGS = ['mean', '2x2', '4x4', 'none'] as const
/** How a spatial layer becomes a row of numbers, as `POOLINGS` explains. */
export type Pooling = (typeof POOLINGS)[number]

/** Few-label heads, each a file of `heads/`. */
export const HEADS = [
  'auto',
  'propagation',
  'propagation-plain',
  'balanced',
  'poisson',
  'graph',
  'linear',
  'ridge',
  'prototypes',
  'mixture',
  'neighbours',
  'mlp',
  'linear-network',
  'compact-linear',
  'compact-mlp',
  'smoothed-linear',
  'smoothed-mlp',
] as const
/** The name of a head that is built in. */
export type HeadName = (typeof HEADS)[number]

/** Which frames of animations and stacks are images. */
export const FRAMES = ['first', 'all'] as const

/** How numbers of more than 8 bits become bytes: one stretch for the data set, one for each image, or by their type. */
export const STRETCHES = ['data', 'each', 'none'] as const

/** How `fit` learns: from features and a head, or one network from labelled and unlabelled images together. */
export const FIT_METHODS = ['features', 'fixmatch', 'self-training'] as const

/** Which of the features that there are a classifier takes. */
export const FEATURE_CHOICES = ['auto', 'all'] as const

/** Whether features are means over an image and its mirrored image; `auto`: where mirrored images look like the others. */
export const MIRROR_CHOICES = ['auto', 'yes', 'no'] as const
export type MirrorChoice = (typeof MIRROR_CHOICES)[number]

/** Known data sets. */
export const DATASETS = ['strokes', 'mnist', 'cifar10', 'cifar100'] as const
/** The name of a known data set. */
export type DatasetName = (typeof DATASETS)[number]

/** How an image that is not square becomes one: cut to its middle, with bars, or distorted. */
export const RESIZE_MODES = ['cover', 'pad', 'stretch'] as const
/** One of `RESIZE_MODES`. */
export type ResizeMode = (typeof RESIZE_MODES)[number]

/** What numbers an encoder made elsewhere takes for dark and bright: as such, or less ImageNet's or CLIP's mean over the deviation. */
export const ENCODER_RANGES = ['0,1', '0,255', '-1,1', 'imagenet', 'clip'] as const
export type EncoderRange = (typeof ENCODER_RANGES)[number]

/** Order of its input's axes, batch, height, width and channels, and of its colours. */
export const ENCODER_LAYOUTS = ['nchw', 'nhwc'] as const
export type EncoderLayout = (typeof ENCODER_LAYOUTS)[number]
export const ENCODER_COLOURS = ['rgb', 'bgr'] as const
export type EncoderColours = (typeof ENCODER_COLOURS)[number]

/** How tokens become one row: their mean, or the first of them. */
export const ENCODER_POOLINGS = ['mean', 'first'] as const
export type EncoderPooling = (typeof ENCODER_POOLINGS)[number]

/** Parts of a study beside its cells that can be left out, each a folder of `study/sections/`. */
export const SECTIONS = ['reference', 'sweep', 'parts', 'maps', 'atlas', 'generation'] as const
export type SectionName = (typeof SECTIONS)[number]

/** An entry for each of some names. */
export const byName = <K extends string, V>(names: readonly K[], entry: (name: K) => V): Record<K, V> =>
  Object.fromEntries(names.map((name) => [name, entry(name)])) as Record<K, V>

/** What tables and other tools are told of an image that is known to be of none of the classes; no class is called so. */
export const NONE_OF_THESE = 'none of these'

/** Commands that make runs with features, and a classifier once there are labels. */
export const CLASSIFYING_RUNS = ['fit', 'prepare'] as const

/** How names of image files end that are read. What a file is, its content decides; a name says what is likely one. */
export const IMAGE_ENDINGS = [
  ...['png', 'jpg', 'jpeg', 'jpe', 'jfif', 'webp', 'gif', 'tif', 'tiff', 'avif', 'heic', 'heif', 'hif'],
  ...['bmp', 'dib', 'pbm', 'pgm', 'ppm', 'pnm', 'pam', 'pfm'],
] as const

/** How names of files end that hold many images. */
export const COLLECTION_ENDINGS = [
  ...['zip', 'tar', 'tar.gz', 'tgz', 'tar.bz2', 'tbz', 'tbz2', 'tar.xz', 'txz', 'tar.zst', 'tzst'],
  'parquet',
] as const

/** How names of tables of labels end, and of annotations beside images. */
export const TABLE_ENDINGS = [
  ...['csv', 'tsv', 'jsonl', 'json', 'txt', 'lst'],
  ...['xml', 'yaml', 'yml', 'names'],
] as const

/** Whether a name ends in a dot and one of these, in capitals or not. */
export function endsIn(name: string, endings: readonly string[]): boolean {
  const lower = name.toLowerCase()
  return endings.some((ending) => lower.endsWith(`.${ending}`))
}

/** Whether a file is an image by its name, or a frame of one (`stack.tif#3`). */
export const isImageName = (name: string): boolean => endsIn(name.replace(/#\d+$/, ''), IMAGE_ENDINGS)
