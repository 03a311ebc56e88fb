/**
 * The reference study's protocol, model by model: its head `Linear - ReLU - Linear` on features as the model gives them, its
 * sizes of batches and numbers of epochs, which differ between models and sets (kzGarifullin/GenerativeClassification at
 * 2760702; DC: its predecessor, David-cripto/DiffClassification at 05c3f81). Adam at 1e-3, no weight decay, last epoch.
 */
import { type PublishedSet } from '../../published.js'

export interface ReferenceHead {
  readonly hidden: number
  readonly batch: number
  readonly epochs: number
  /** Where it stands, or what it was taken over from. */
  readonly source: string
}

/** Epochs of a head up to 32 labels per class and beyond, at so many. */
const GAN_CIFAR100: readonly (readonly [labels: number, epochs: number])[] = [
  [32, 200],
  [64, 50],
  [128, 30],
  [Infinity, 20],
]

/** Whether the reference study has anything of a model's kind: nothing in it compares views of an image. */
export const isOfReference = (model: string): boolean => model !== 'contrastive'

/**
 * The head of a model at a number of labels per class. Sets that the reference did not have get its settings for MNIST where
 * images are grey, for CIFAR-10 where they have colours; flow matching those of diffusion.
 */
export function referenceHead(
  model: string,
  set: PublishedSet | undefined,
  channels: 1 | 3,
  labelsPerClass: number,
): ReferenceHead {
  const like = set ?? (channels === 1 ? 'mnist' : 'cifar10')
  switch (model) {
    case 'gan':
      return ganHead(like, labelsPerClass)
    case 'vqvae':
      return { hidden: 128, batch: 32, epochs: 90, source: 'VQ-VAE.ipynb, cells 17 and 33' }
    case 'vae':
      return like === 'mnist'
        ? { hidden: 128, batch: 32, epochs: 200, source: 'DC expirements_mnist.ipynb, cells 13-18' }
        : { hidden: 128, batch: 32, epochs: 90, source: 'DC experiments_cifar.ipynb, cell 17' }
    default:
      return like === 'cifar100'
        ? { hidden: 128, batch: 128, epochs: 100, source: 'diffusion_CIFAR_100.ipynb, cell 59' }
        : {
            ...{ hidden: 128, batch: Math.min(128, labelsPerClass), epochs: 100 },
            source: `diffclassification_for_mnist.ipynb, cell 54${like === 'mnist' ? '' : '; for CIFAR-10 there is no code'}`,
          }
  }
}

function ganHead(like: PublishedSet, labelsPerClass: number): ReferenceHead {
  const head = { hidden: 32, batch: 4 }
  if (like === 'cifar100') {
    const epochs = GAN_CIFAR100.find(([most]) => labelsPerClass <= most)?.[1] ?? 20
    return { ...head, epochs, source: 'gan_cifar_100.ipynb, cells 33-39' }
  }
  const source = `gan_cifar_10.ipynb, cells 32-37${like === 'mnist' ? '; for MNIST there is no code' : ''}`
  return { ...head, epochs: labelsPerClass <= 32 ? 300 : 200, source }
}

/** Of its ResNet-18: Adam at a constant 1e-3, batches of 32. */
export interface ReferenceNetwork {
  readonly epochs: number
  /** Mirrored at random and shifted by at most so much of the images' side; null: images as they are. */
  readonly shift: number | null
  readonly source: string
}

/** How its ResNet-18 was trained on a set. */
export function referenceNetwork(set: PublishedSet | undefined, channels: 1 | 3): ReferenceNetwork {
  const like = set ?? (channels === 1 ? 'mnist' : 'cifar10')
  if (like === 'cifar100') return { epochs: 15, shift: null, source: 'VQ-VAE.ipynb, cells 27-29' }
  return like === 'mnist'
    ? { epochs: 40, shift: null, source: 'DC supervised.ipynb, cells 11-30' }
    : { epochs: 40, shift: 2 / 32, source: 'DC supervised.ipynb, cells 5-8' }
}
