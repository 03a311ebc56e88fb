/** Settings of each preset so small that training takes a second, and the options that all commands here share. */
import { sets } from './run.js'

/** Where nothing is said of threads, all cores are taken: the number is part of what is written down. */
export const ONE = '--threads 1'
export const GREY = `grey --size 12 ${ONE}`
export const PHOTOS = `photos --size 16 ${ONE}`

const optimiser = ['batch=8']
const patched = sets('width=4', 'hidden=16', 'latent=4', ...optimiser)
const vqVae = ['encoderWidth=8', 'decoderWidth=8', 'residuals=1', 'codes=8', 'codeSize=4', ...optimiser]
const diffusion = ['width=8', 'groups=2', 'multipliers=[1,2]', 'blocks=1', 'samplingSteps=3', ...optimiser]
const gan = ['mappingLayers=2', 'hidden=16', 'latent=8', ...optimiser]
/** Small and often, so that both penalties come within a few steps. */
const penalties = ['r1={"gamma":1,"every":4}', 'pathLength={"weight":2,"every":3}']

export const SMALL = {
  vae: `--model vae --preset fast ${patched}`,
  invariant: `--model vae --preset invariant ${patched}`,
  pyramid: `--model vae --preset invariant ${sets('width=4', 'decoderWidth=4', 'latent=4', ...optimiser)}`,
  dense: `--model vae --preset paper ${sets('width=2', 'hidden=16', ...optimiser)}`,
  residual: `--model vae --preset paper ${sets('encoderChannels=[4,8]', 'decoderChannels=[8,8,4]', 'latent=8', ...optimiser)}`,
  vqvae: `--model vqvae --preset fast ${sets(...vqVae)}`,
  vqvaePaper: `--model vqvae --preset paper ${sets(...vqVae)}`,
  diffusion: `--model diffusion --preset fast ${sets(...diffusion)}`,
  diffusionPaper: `--model diffusion --preset paper ${sets('width=4', 'multipliers=[1,2]', 'blocks=1', 'samplingSteps=3', ...optimiser)}`,
  ddpm: `--model diffusion --preset ddpm ${sets(...diffusion, 'attention=1')}`,
  gan: `--model gan --preset fast ${sets('channels=[8]', ...gan)}`,
  ganColour: `--model gan --preset fast ${sets('channels=[8]', ...gan)}`,
  ganPaper: `--model gan --preset paper ${sets('channels=[8,8,4]', ...gan, ...penalties)}`,
} as const

export type SmallModel = keyof typeof SMALL
