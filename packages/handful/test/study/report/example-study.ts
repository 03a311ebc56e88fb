/**
 * A made-up study for tests: every section is there, and none of its numbers were measured. Accuracies rise with the
 * logarithm of the label count as measured ones do; pictures are rings and noise.
 */
import { Random } from 'onnx-autodiff'
import { thumbnail } from '../../../src/draw/thumbnails.js'
import type { z } from 'zod'
import { type FullStudy as Study, studySchema } from '../../../src/study/all-sections.js'
import type { LabelCount } from '../../../src/study/result.js'

type StudyInput = z.input<typeof studySchema>

export interface ExampleStudyOptions {
  readonly dataset?: 'mnist' | 'cifar10' | 'cifar100' | 'folder'
  readonly classes?: readonly string[]
  readonly labelCounts?: readonly LabelCount[]
  readonly methods?: readonly string[]
  readonly heads?: readonly string[]
  readonly draws?: number
  readonly networkDraws?: number
}

const SIDE = 28

/** Accuracy at 1 label a class and at 256, as a share of what lies above guessing; for methods with the first head. */
const METHODS: Readonly<
  Record<
    string,
    { title: string; kind: Study['methods'][number]['kind']; from: number; to: number; parts?: string[] }
  >
> = {
  diffusion: { title: 'diffusion', kind: 'generative', from: 0.5, to: 0.97 },
  vae: { title: 'VAE', kind: 'generative', from: 0.62, to: 0.955 },
  vqvae: { title: 'VQ-VAE', kind: 'generative', from: 0.66, to: 0.968 },
  gan: { title: 'GAN', kind: 'generative', from: 0.6, to: 0.95 },
  resnet18: { title: 'ResNet-18', kind: 'supervised', from: 0.28, to: 0.985 },
  'resnet18-small': { title: 'ResNet-18, 3x3 stem', kind: 'supervised', from: 0.33, to: 0.992 },
  pixels: { title: 'raw pixels', kind: 'baseline', from: 0.42, to: 0.92 },
  pca: { title: 'PCA', kind: 'baseline', from: 0.44, to: 0.93 },
  patches: { title: 'whitened patches', kind: 'baseline', from: 0.55, to: 0.975 },
  'vae+patches': {
    title: 'VAE + whitened patches',
    kind: 'combination',
    from: 0.68,
    to: 0.982,
    parts: ['vae', 'patches'],
  },
  'diffusion+vqvae+patches': {
    title: 'diffusion + VQ-VAE + whitened patches',
    kind: 'combination',
    from: 0.71,
    to: 0.984,
    parts: ['diffusion', 'vqvae', 'patches'],
  },
}

const HEADS: Readonly<Record<string, { title: string; reference?: boolean; few: number; many: number }>> = {
  mlp: { title: 'small network', reference: true, few: -0.08, many: -0.004 },
  propagation: { title: 'label propagation', few: 0.12, many: -0.03 },
  linear: { title: 'logistic regression', few: -0.05, many: 0 },
}

const CEILING = { mnist: 1, cifar10: 0.62, cifar100: 0.36, folder: 0.9 }
const COUNTS: readonly LabelCount[] = [1, 2, 4, 8, 12, 16, 32, 64, 128, 256, 'all']

function ring(random: Random, noise: number): Uint8Array {
  const pixels = new Uint8Array(SIDE * SIDE)
  const radius = random.between(5, 10)
  for (let i = 0; i < pixels.length; i++) {
    const [x, y] = [(i % SIDE) - SIDE / 2, Math.floor(i / SIDE) - SIDE / 2]
    const ink = Math.max(0, 1 - Math.abs(Math.hypot(x, y) - radius) / 2)
    pixels[i] = Math.max(0, Math.min(255, 255 * (ink * (1 - noise) + noise * (0.5 + 0.3 * random.normal()))))
  }
  return pixels
}

const picture = (random: Random, noise = 0): Promise<string> =>
  thumbnail({ height: SIDE, width: SIDE, channels: 1, pixels: ring(random, noise) })

export async function exampleStudy(options: ExampleStudyOptions = {}): Promise<Study> {
  return studySchema.parse(await exampleStudyInput(options))
}

export async function exampleStudyInput(options: ExampleStudyOptions = {}): Promise<StudyInput> {
  const name = options.dataset ?? 'mnist'
  const classes =
    options.classes ?? Array.from({ length: name === 'cifar100' ? 100 : 10 }, (_, i) => `class ${i}`)
  const chance = 1 / classes.length
  const labelCounts = options.labelCounts ?? COUNTS
  const methodIds = options.methods ?? Object.keys(METHODS)
  const headIds = options.heads ?? Object.keys(HEADS)
  const random = new Random(3, 'example study')
  const share = (value: number): number => Math.max(0, Math.min(1, value))
  const level = (from: number, to: number, count: LabelCount): number => {
    const place = Math.log2(count === 'all' ? 1024 : count) / 8
    const raw = from + (to - from) * (1 - (1 - Math.min(1, place)) ** 1.7) + (count === 'all' ? 0.006 : 0)
    return chance + (raw * CEILING[name] - chance) * (0.6 + 0.4 * Math.min(1, raw))
  }
  const draws = (mean: number, count: LabelCount, length: number): number[] =>
    Array.from({ length }, () =>
      share(mean + (0.05 * random.normal()) / Math.sqrt(count === 'all' ? 2000 : count)),
    )
  const cells: StudyInput['cells'] = methodIds.flatMap((id) => {
    const { from, to, kind } = METHODS[id]
    if (kind === 'supervised') {
      return labelCounts
        .filter((count) => id === 'resnet18' || (count !== 'all' && count <= 32))
        .map((count) => ({
          method: id,
          head: 'network',
          labelsPerClass: count,
          accuracies: draws(level(from, to, count), count, options.networkDraws ?? 5),
          seconds: 60 + 40 * Math.log2(count === 'all' ? 4096 : count),
        }))
    }
    return headIds.flatMap((head) =>
      labelCounts
        .filter((count) => head !== 'propagation' || count !== 'all')
        .map((count) => {
          const { few, many } = HEADS[head]
          const fade = 0.75 ** Math.log2(count === 'all' ? 1024 : count)
          const mean = level(from, to, count) + (few * fade + many * (1 - fade)) * CEILING[name]
          return {
            method: id,
            head,
            labelsPerClass: count,
            accuracies: draws(mean, count, options.draws ?? 20),
            seconds: random.between(2, 30),
          }
        }),
    )
  })
  const generative = methodIds.filter((id) => METHODS[id].kind === 'generative')
  const steps = Array.from({ length: 200 }, (_, i) => (i + 1) * 20)
  return {
    version: 1,
    title:
      name === 'folder'
        ? 'leaves: generative features and few labels'
        : `${name}: generative features and few labels`,
    createdAt: '2026-05-04T09:12:44.000Z',
    command: `handful study ${name === 'folder' ? "'my leaves'" : name} --seed 7`,
    complete: false,
    dataset: {
      name: name === 'folder' ? 'leaves' : name,
      title: { mnist: 'MNIST', cifar10: 'CIFAR-10', cifar100: 'CIFAR-100', folder: 'leaves' }[name],
      classes: [...classes],
      trainImages: name === 'folder' ? 600 : 60_000,
      testImages: name === 'folder' ? 150 : 10_000,
      size: SIDE,
      channels: 1,
    },
    setting: 'inductive',
    labelCounts: [...labelCounts],
    methods: methodIds.map((id) => ({
      id,
      title: METHODS[id].title,
      kind: METHODS[id].kind,
      parts: METHODS[id].parts ?? [],
      dimension: METHODS[id].kind === 'supervised' ? undefined : 256,
      detail: METHODS[id].kind === 'generative' ? 'encoder.3, pooled 2x2' : undefined,
      imagesPerSecond: METHODS[id].kind === 'supervised' ? undefined : random.between(400, 5000),
      training:
        METHODS[id].kind === 'generative'
          ? {
              model: `${METHODS[id].title} of the example`,
              parameters: 400_000 + random.integer(2_000_000),
              steps: 4000,
              batch: 128,
              seconds: random.between(200, 1500),
              curves: [
                {
                  name: 'loss',
                  step: steps,
                  value: steps.map((step) => 20 + 300 * Math.exp(-step / 500) + random.between(-3, 3)),
                },
                ...(id === 'gan'
                  ? [
                      {
                        name: 'discriminator',
                        step: steps,
                        value: steps.map(() => 30 + random.between(-12, 12)),
                      },
                    ]
                  : []),
                {
                  name: 'held-out images',
                  step: steps.filter((_, i) => i % 10 === 9),
                  value: steps.filter((_, i) => i % 10 === 9).map((step) => 24 + 300 * Math.exp(-step / 500)),
                },
              ],
            }
          : undefined,
    })),
    heads: [
      ...headIds.map((id) => ({ id, title: HEADS[id].title, reference: HEADS[id].reference ?? false })),
      ...(methodIds.some((id) => METHODS[id].kind === 'supervised')
        ? [{ id: 'network', title: 'the network itself' }]
        : []),
    ],
    cells,
    missing: [
      ...(methodIds.includes('resnet18-small')
        ? ([64, 128, 256] as const).map((labelsPerClass) => ({
            what: `ResNet-18, 3x3 stem at ${labelsPerClass} labels per class`,
            method: 'resnet18-small',
            head: 'network',
            labelsPerClass,
            reason: 'budget' as const,
            message: 'would have taken 2 h 10 min, 40 min were left',
          }))
        : []),
      {
        what: 'label propagation at all labels',
        head: 'propagation',
        labelsPerClass: 'all',
        reason: 'failed',
        message: 'label propagation (graph): got no unlabelled image, expected 1 at least',
      },
    ],
    sweep: generative.includes('diffusion') ? await exampleSweep(random, draws) : undefined,
    parts: generative
      .filter((id) => id === 'vae' || id === 'vqvae')
      .flatMap((method, m) =>
        (['encoder', 'decoder', 'stacked'] as const).flatMap((part, p) =>
          [2, 4, 8, 16, 128].map((labelsPerClass) => ({
            method,
            part,
            layers: part === 'stacked' ? ['encoder.2', 'decoder.1'] : [`${part}.2`],
            dimension: part === 'stacked' ? 512 : 256,
            head: headIds[0],
            labelsPerClass,
            accuracies: draws(
              level(0.5 + 0.04 * m + 0.03 * p, 0.95, labelsPerClass) - 0.05,
              labelsPerClass,
              options.draws ?? 20,
            ),
          })),
        ),
      ),
    maps: await Promise.all(
      [...generative, 'pixels'].slice(0, 4).map(async (method, m) => {
        const label = Array.from({ length: 600 }, (_, i) => i % classes.length)
        return {
          method,
          x: label.map(
            (place) => 8 * Math.cos(place * 2.4 + m) * (0.3 + (place % 5) / 5) + 0.7 * random.normal(),
          ),
          y: label.map(
            (place) => 8 * Math.sin(place * 2.4 + m) * (0.3 + (place % 5) / 5) + 0.7 * random.normal(),
          ),
          label,
          purity: 0.9 - 0.08 * m,
          purityByChance: chance,
          silhouette: 0.31 - 0.11 * m,
          thumbnails: await Promise.all(
            Array.from({ length: 24 }, async (_, i) => ({ point: i * 23, image: await picture(random) })),
          ),
        }
      }),
    ),
    generation: await Promise.all(
      generative.map(async (method, i) => ({
        method,
        samples: await picture(random),
        reconstructions: method === 'diffusion' ? undefined : await picture(random),
        imagesPerSecond: [2.4, 900, 420, 310][i % 4],
        scores: {
          images: 10_000,
          frechet: 14.2 + 9 * i,
          frechetOfTraining: 1.3,
          kernel: 0.012 * (i + 1),
          precision: 0.8 - 0.07 * i,
          recall: 0.61 - 0.1 * i,
          nearestTraining: 0.94,
        },
      })),
    ),
    stages: [
      { stage: 'open the images', seconds: 8.2 },
      { stage: 'train the models', seconds: 3181 },
      { stage: 'cells', seconds: 1250 },
    ],
    notes: ['These numbers are made up: this page is an example for tests.'],
    config: { dataset: name, seed: 7, draws: options.draws ?? 20, heads: headIds },
    environment: {
      handful: '0.1.0',
      node: '20.20.2',
      onnxruntime: '1.30.0',
      processor: 'Example CPU',
      processors: 2,
      memoryBytes: 8 * 2 ** 30,
      device: 'cpu',
      threads: 2,
      seed: 7,
    },
  }
}

const LEVELS = [1, 10, 50, 100, 200, 350, 500, 700, 900]
const LAYERS = ['down.2', 'middle', 'up.1', 'up.2']

async function exampleSweep(
  random: Random,
  draws: (mean: number, count: LabelCount, length: number) => number[],
): Promise<StudyInput['sweep']> {
  const height = (layer: number, noise: number): number =>
    0.35 +
    0.45 * Math.exp(-(((Math.log10(noise) - 2.1 - 0.1 * layer) / 0.9) ** 2)) -
    0.04 * Math.abs(layer - 2)
  const points = LAYERS.flatMap((layer, l) =>
    LEVELS.map((noiseLevel) => ({
      layer,
      noiseLevel,
      accuracies: draws(height(l, noiseLevel), 16, 5),
      crossValidated: Array.from(
        { length: 5 },
        () => -2.2 + 1.9 * height(l, noiseLevel) + 0.03 * random.normal(),
      ),
      labelFree: 0.2 + 0.5 * height(l, noiseLevel * 1.5) + 0.01 * random.normal(),
    })),
  )
  return {
    method: 'diffusion',
    head: 'linear',
    labelsPerClass: 16,
    points,
    chosen: [
      { by: 'cross-validation', layer: 'up.1', noiseLevel: 200 },
      { by: 'label-free', layer: 'up.1', noiseLevel: 100 },
    ],
    fixedBadly: { layer: 'up.1', noiseLevel: 1 },
    beforeAfter: [2, 4, 8, 16, 128].map((labelsPerClass) => ({
      labelsPerClass,
      before: draws(0.3 + 0.05 * Math.log2(labelsPerClass), labelsPerClass, 5),
      after: draws(0.5 + 0.06 * Math.log2(labelsPerClass), labelsPerClass, 5),
    })),
    pictures: await Promise.all(
      LEVELS.map(async (noiseLevel) => ({
        noiseLevel,
        image: await picture(new Random(1, 'one image'), noiseLevel / 1000),
      })),
    ),
  }
}
