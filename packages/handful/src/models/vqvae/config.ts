/** What a VQ-VAE can be told: every setting with its meaning, and the two presets. */
import { z } from 'zod'
import { HandfulError } from '../../errors.js'
import type { ImageShape } from '../model.js'
import { optimiserFields, quickOptimiser } from '../optimise.js'
import { patchSetting } from '../patching.js'

const schema = z.strictObject({
  /**
   * How the image comes down to the map of codes: `strided`, by two 4x4 convolutions with stride 2, the study's way;
   * `patches`, by squares of pixels as channels and pooling, which a CPU does faster.
   */
  stem: z.enum(['strided', 'patches']),
  /** Side of those squares; left out, as in older runs, 2. */
  patch: z.int().min(1).optional(),
  /** Channels of the encoder at the resolution of the codes; half as many before. */
  encoderWidth: z.int().min(2),
  decoderWidth: z.int().min(2),
  /** Residual blocks of the encoder, and of the decoder. */
  residuals: z.int().min(0),
  /** Vectors in the codebook, and numbers of each. */
  codes: z.int().min(2),
  codeSize: z.int().min(1),
  codebook: z.discriminatedUnion('update', [
    /** The vectors are trained like everything else, by their distance to what they stand for. */
    z.strictObject({ update: z.literal('gradient') }),
    /**
     * Each vector is the running mean of what it stands for. One whose use falls below a share of even use starts again
     * at what the encoder gives somewhere in the batch (Dhariwal et al., arXiv 2005.00341); 0: none does.
     */
    z.strictObject({
      update: z.literal('average'),
      decay: z.number().min(0).lt(1),
      restartBelow: z.number().min(0).lt(1),
    }),
  ]),
  /** Weight of the encoder's distance to the codes, beta in the paper. */
  commitment: z.number().min(0),
  /** Of pixels 0..1, for each channel: what is taken off, and what the rest is divided by. */
  mean: z.array(z.number()).min(1).max(3),
  deviation: z.array(z.number().positive()).min(1).max(3),
  ...optimiserFields,
})

export const vqVaeSchema = schema.refine(({ stem, patch }) => stem === 'patches' || patch === undefined, {
  path: ['patch'],
  message: 'the strided stem has no squares; expected none',
})

export type VqVaeConfig = z.infer<typeof vqVaeSchema>

/** CIFAR-100's and MNIST's, as in the study. */
const COLOUR = { mean: [0.5071, 0.4865, 0.4409], deviation: [0.2673, 0.2564, 0.2762] }
const GREY = { mean: [0.1307], deviation: [0.3081] }

/** REFERENCE 1.4, with the notebook's optimiser. */
export const paper = ({ channels }: ImageShape): VqVaeConfig => ({
  stem: 'strided',
  encoderWidth: 128,
  decoderWidth: 64,
  residuals: 3,
  codes: 512,
  codeSize: 64,
  codebook: { update: 'gradient' },
  commitment: 0.25,
  ...(channels === 3 ? COLOUR : GREY),
  batch: 64,
  learningRate: 1e-3,
  schedule: 'constant',
  weightDecay: 0,
  warmUpSteps: 0,
  emaHalfLife: 0,
})

/** Minutes on two cores. */
export const fast = (image: ImageShape): VqVaeConfig => ({
  ...paper(image),
  stem: 'patches',
  ...patchSetting(image),
  encoderWidth: 128,
  decoderWidth: 128,
  residuals: 2,
  codes: 256,
  codeSize: 32,
  codebook: { update: 'average', decay: 0.95, restartBelow: 0.05 },
  ...quickOptimiser,
})

/** @throws HandfulError if the statistics of the pixels are of another kind of image */
export function checkChannels({ mean, deviation }: VqVaeConfig, { channels }: ImageShape): void {
  for (const [what, values] of Object.entries({ mean, deviation })) {
    if (values.length === channels) continue
    throw new HandfulError({
      what,
      where: 'VQ-VAE configuration',
      got: `${values.length} numbers`,
      expected: `${channels}, one for each channel of the image`,
    })
  }
}
