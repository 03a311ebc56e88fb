/**
 * The figures that the reference study published, for comparison: kzGarifullin/GenerativeClassification at commit 2760702
 * (May 2024) and the slides that go with it. One run each, no repeats, so without intervals. Curves are the numbers
 * behind its plots, in per cent; where its final table says something else, both are kept.
 */

export type PublishedSet = 'mnist' | 'cifar10' | 'cifar100'

export interface PublishedCurve {
  readonly set: PublishedSet
  /** Id of the method here that compares with it. */
  readonly method: string
  readonly title: string
  readonly part?: 'encoder' | 'decoder' | 'stacked'
  /** The form that stands for its method: the one in the study's own table where there is one. */
  readonly main: boolean
  readonly labelsPerClass: readonly number[]
  readonly percent: readonly number[]
  readonly source: string
  readonly note?: string
}

export interface PublishedCell {
  readonly set: PublishedSet
  readonly method: string
  readonly labelsPerClass: number
  readonly percent: number
}

export interface PublishedCrossover {
  readonly set: PublishedSet
  readonly method: string
  /** Up to so many labels per class ahead of ResNet-18, as the slides say. */
  readonly claim: string
  readonly labelsPerClass: number
  /** What the published curves themselves say. */
  readonly check: string
}

export const REFERENCE_STUDY =
  'the reference study (kzGarifullin/GenerativeClassification at 2760702, May 2024: single runs on the first images of each class, without intervals)'

const PLOTS = 'notebooks/plots/article_plots.ipynb'
const VAE_NOTE = 'tested on 640 images of the training split'

const MNIST_SIZES = [2, 4, 8, 16, 32, 64, 128, 256, 512]
const CIFAR10_SIZES = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
const CIFAR100_SIZES = [2, 4, 8, 16, 32, 64, 128, 256]

type Row = readonly [
  method: string,
  title: string,
  part: PublishedCurve['part'],
  main: boolean,
  source: string,
  percent: readonly number[],
  note?: string,
]

const curves = (set: PublishedSet, sizes: readonly number[], rows: readonly Row[]): PublishedCurve[] =>
  rows.map(([method, title, part, main, source, percent, note]) => ({
    set,
    method,
    title,
    part,
    main,
    labelsPerClass: sizes,
    percent,
    source,
    note,
  }))

// prettier-ignore
const mnist = curves('mnist', MNIST_SIZES, [
  ['resnet18', 'ResNet-18', undefined, true, `${PLOTS}, cells 2 and 4`, [56, 72, 81, 91, 95, 97, 97, 98, 99], 'best epoch on the test set'],
  ['gan', 'GAN', undefined, true, `${PLOTS}, cells 2 and 4`, [81.81, 87.83, 90.68, 95.74, 96.31, 97.25, 97.83, 98.48, 99.4]],
  ['diffusion', 'diffusion', undefined, true, `${PLOTS}, cell 13`, [61.09, 80.83, 87.61, 93.27, 95.4, 96.8, 97.4, 97.87, 97.77], 't = 350 of 1000, chosen on the test set; its plot (cell 4) shows 97.40 and 97.87 at 256 and 512'],
  ['diffusion', 'diffusion, t not chosen', undefined, false, `${PLOTS}, cells 2 and 4`, [44.5, 59.91, 67.61, 73.12, 81.35, 88.22, 90.5, 92.32, 92.24], 't unknown'],
  ['vae', 'VAE', 'encoder', false, `${PLOTS}, cells 2 and 4`, [72.81, 79.22, 85.94, 86.41, 88.91, 88.91, 94.84, 95.78, 95.78], VAE_NOTE],
  ['vae', 'VAE', 'decoder', true, `${PLOTS}, cells 2 and 4`, [80.31, 82.97, 86.41, 86.88, 89.53, 89.06, 95.78, 94.69, 94.53], VAE_NOTE],
  ['vae', 'VAE', 'stacked', false, `${PLOTS}, cells 2 and 4`, [79.06, 81.72, 86.25, 87.34, 89.06, 87.97, 96.09, 95.47, 95.63], VAE_NOTE],
  ['vae', 'VAE, linear head', 'encoder', false, `${PLOTS}, cells 2 and 4`, [65.94, 67.34, 80.16, 79.53, 85.16, 87.66, 95.63, 94.69, 94.53], VAE_NOTE],
  ['vae', 'VAE, linear head', 'decoder', false, `${PLOTS}, cells 2 and 4`, [78.28, 82.66, 83.59, 85.31, 88.13, 89.06, 95.78, 94.06, 94.84], VAE_NOTE],
  ['vae', 'VAE, linear head', 'stacked', false, `${PLOTS}, cells 2 and 4`, [76.72, 80.47, 85.16, 84.84, 89.06, 90.31, 96.88, 95.78, 95.63], VAE_NOTE],
  ['vqvae', 'VQ-VAE', 'encoder', false, `${PLOTS}, cells 2 and 4`, [33.08, 42.98, 41.01, 51.04, 66.35, 75.63, 84.52, 88.38, 92.36]],
  ['vqvae', 'VQ-VAE', 'decoder', false, `${PLOTS}, cells 2 and 4`, [30.66, 34.09, 29.63, 38.18, 48.43, 59.67, 70.97, 78.31, 85.71]],
  ['vqvae', 'VQ-VAE', 'stacked', true, `${PLOTS}, cells 2 and 4`, [36.18, 45.4, 40.92, 56.22, 67.01, 74.83, 83.91, 89.49, 92.16]],
])

// prettier-ignore
const cifar10 = curves('cifar10', CIFAR10_SIZES, [
  ['resnet18', 'ResNet-18', undefined, true, `${PLOTS}, cells 7 and 9`, [15, 18, 22, 27, 35, 40, 46, 59, 66, 71]],
  ['diffusion', 'diffusion', undefined, true, `${PLOTS}, cells 7 and 9`, [28.91, 32.76, 36.87, 42.5, 47.94, 50.78, 54.55, 56.82, 58.45, 59.71], 't = 50 of 1000, chosen on the test set'],
  ['gan', 'GAN', undefined, true, 'notebooks/GAN/gan_cifar_10.ipynb, cells 35-37', [26.68, 31.27, 33.16, 38.88, 43.55, 47.45, 50.66, 55.65, 55.36, 58.79], 'features depend on the other images of a batch'],
  ['vqvae', 'VQ-VAE', 'encoder', false, 'notebooks/VAE/VQ-VAE.ipynb, cell 18', [20.53, 18.43, 23.11, 26.9, 31.19, 33.16, 38.2, 42.73, 42.86, 45.92]],
  ['vqvae', 'VQ-VAE', 'decoder', false, 'notebooks/VAE/VQ-VAE.ipynb, cell 18', [22.46, 21.98, 25.5, 32.18, 34.65, 36.56, 41.17, 45.33, 47.25, 49.29]],
  ['vqvae', 'VQ-VAE', 'stacked', true, 'notebooks/VAE/VQ-VAE.ipynb, cell 18', [22.5, 21.52, 25.74, 31.14, 35.53, 37.6, 41.76, 45.32, 46.75, 50.8]],
  ['vae', 'VAE', 'encoder', false, `${PLOTS}, cells 7 and 9`, [19.38, 19.53, 22.81, 25.78, 30.16, 31.88, 36.72, 39.69, 36.09, 45.16], VAE_NOTE],
  ['vae', 'VAE', 'decoder', false, `${PLOTS}, cells 7 and 9`, [19.53, 20, 21.25, 22.97, 23.91, 22.97, 26.41, 27.97, 30.31, 31.72], VAE_NOTE],
  ['vae', 'VAE', 'stacked', true, `${PLOTS}, cells 7 and 9`, [21.41, 21.41, 22.66, 24.69, 26.88, 29.06, 34.38, 34.22, 34.84, 39.69], VAE_NOTE],
])

// prettier-ignore
const cifar100 = curves('cifar100', CIFAR100_SIZES, [
  ['resnet18', 'ResNet-18', undefined, true, 'notebooks/VAE/VQ-VAE.ipynb, cell 29', [3.43, 4.86, 7.5, 11.03, 15.4, 22.19, 28.84, 37.04]],
  ['diffusion', 'diffusion', undefined, true, `${PLOTS}, cell 11`, [7.96, 10.91, 15, 21.08, 25.95, 30.78, 34.45, 38.54], 't = 50 of 1000, chosen on the test set'],
  ['gan', 'GAN', undefined, true, 'notebooks/GAN/gan_cifar_100.ipynb, cells 36-39', [5.75, 6.78, 9.88, 14.32, 18.85, 19.37, 18.22, 23.48], 'its plot shows 21.22 at 128'],
  ['vqvae', 'VQ-VAE', 'encoder', false, 'notebooks/VAE/VQ-VAE.ipynb, cell 33', [4.36, 5.23, 7.85, 10.2, 13.23, 16.55, 19.35, 21.95]],
  ['vqvae', 'VQ-VAE', 'decoder', true, 'notebooks/VAE/VQ-VAE.ipynb, cell 33', [4.25, 5.91, 8.91, 11.1, 15.58, 18.84, 22.49, 24.37]],
  ['vqvae', 'VQ-VAE', 'stacked', false, 'notebooks/VAE/VQ-VAE.ipynb, cell 33', [4.28, 6.01, 8.05, 10.62, 14.88, 16.9, 19.96, 24.66]],
])

export const PUBLISHED_CURVES: readonly PublishedCurve[] = [...mnist, ...cifar10, ...cifar100]

const tableRows: readonly (readonly [PublishedSet, number, Readonly<Record<string, number>>])[] = [
  ['mnist', 2, { resnet18: 56, diffusion: 32, vae: 80, gan: 82 }],
  ['mnist', 4, { resnet18: 72, diffusion: 36, vae: 83, gan: 88 }],
  ['mnist', 8, { resnet18: 81, diffusion: 36, vae: 86, gan: 90 }],
  ['cifar10', 2, { resnet18: 15, diffusion: 29, vqvae: 22, gan: 27 }],
  ['cifar10', 4, { resnet18: 18, diffusion: 33, vqvae: 22, gan: 31 }],
  ['cifar10', 128, { resnet18: 46, diffusion: 54, vqvae: 42, gan: 51 }],
  ['cifar100', 2, { resnet18: 3, diffusion: 8, vqvae: 4, gan: 6 }],
  ['cifar100', 8, { resnet18: 8, diffusion: 15, vqvae: 9, gan: 10 }],
  ['cifar100', 16, { resnet18: 11, diffusion: 21, vqvae: 11, gan: 14 }],
]

/** The final table of the slides, in whole per cent. */
export const PUBLISHED_TABLE: readonly PublishedCell[] = tableRows.flatMap(([set, labelsPerClass, cells]) =>
  Object.entries(cells).map(([method, percent]) => ({ set, method, labelsPerClass, percent })),
)

// prettier-ignore
/** The slides' "ahead of ResNet-18 up to" and what their own curves say. */
export const PUBLISHED_CROSSOVERS: readonly PublishedCrossover[] = [
  { set: 'mnist', method: 'gan', claim: 'up to 64', labelsPerClass: 64, check: 'ahead at every size of its curve, up to 512' },
  { set: 'mnist', method: 'diffusion', claim: 'up to 32', labelsPerClass: 32, check: 'ahead again at 128, by 0.4 points' },
  { set: 'mnist', method: 'vae', claim: 'up to 12', labelsPerClass: 12, check: 'read off by eye between 8 and 16' },
  { set: 'cifar10', method: 'diffusion', claim: 'up to 220', labelsPerClass: 220, check: 'between 128 and 256' },
  { set: 'cifar10', method: 'gan', claim: 'up to 190', labelsPerClass: 190, check: 'between 128 and 256' },
  { set: 'cifar10', method: 'vqvae', claim: 'up to 32', labelsPerClass: 32, check: 'ahead at 32 by 0.5 points, behind at 64' },
  { set: 'cifar100', method: 'diffusion', claim: 'up to 256', labelsPerClass: 256, check: 'still ahead at 256, its largest size' },
  { set: 'cifar100', method: 'gan', claim: 'up to 50', labelsPerClass: 50, check: 'between 32 and 64' },
  { set: 'cifar100', method: 'vqvae', claim: 'up to 16', labelsPerClass: 16, check: 'decoder still ahead at 32 by 0.2 points' },
]

/** The published data set of that name (`CIFAR-10` and `cifar10` are one), undefined for any other. */
export function publishedSet(name: string): PublishedSet | undefined {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  return plain === 'mnist' || plain === 'cifar10' || plain === 'cifar100' ? plain : undefined
}

/** Label counts of the published table, undefined for a data set without one. */
export function publishedSizes(set: PublishedSet | undefined): number[] | undefined {
  if (set === undefined) return undefined
  return [
    ...new Set(
      PUBLISHED_TABLE.filter((cell) => cell.set === set).map(({ labelsPerClass }) => labelsPerClass),
    ),
  ]
}

/**
 * The method that a published figure compares with: none of the reference study's models compared views.
 */
export const publishedId = ({
  id,
  kind,
}: {
  readonly id: string
  readonly kind: string
}): string | undefined => (kind === 'contrastive' ? undefined : id)

/** The curve that stands for a method on a data set. */
export function publishedCurve(
  set: PublishedSet | undefined,
  method: string | undefined,
): PublishedCurve | undefined {
  return PUBLISHED_CURVES.find((curve) => curve.set === set && curve.method === method && curve.main)
}

export interface PublishedFigure {
  /** From the numbers behind the plots. */
  readonly percent: number
  /** What the published table says, where that is no rounding of it. */
  readonly contradicting?: number
}

/** What was published for a method at a label count. */
export function publishedFigure(
  set: PublishedSet | undefined,
  method: string | undefined,
  labelsPerClass: number | 'all',
): PublishedFigure | undefined {
  const curve = publishedCurve(set, method)
  const place = curve?.labelsPerClass.indexOf(Number(labelsPerClass)) ?? -1
  if (curve === undefined || place < 0) return undefined
  const percent = curve.percent[place]
  const stated = PUBLISHED_TABLE.find(
    (cell) => cell.set === set && cell.method === method && cell.labelsPerClass === labelsPerClass,
  )?.percent
  return stated !== undefined && Math.abs(stated - percent) >= 1
    ? { percent, contradicting: stated }
    : { percent }
}
