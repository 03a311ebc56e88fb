/** What to train where nothing else is said, in words for a person who has trained nothing yet. */
import type { ModelName } from '../names.js'
import type { StudioState } from './protocol.js'

type About = Omit<StudioState['models'][number], 'name'>

const ABOUT: Readonly<Record<ModelName, About>> = {
  contrastive: { about: 'Compares views of an image: the best features for its time', hasNoiseLevels: false },
  vae: { about: 'Autoencoder: quick, and draws what it has learned', hasNoiseLevels: false },
  vqvae: { about: 'Codebook: images as words of a small alphabet', hasNoiseLevels: false },
  diffusion: { about: 'Diffusion: sharp samples, takes longest', hasNoiseLevels: true },
  gan: { about: 'Adversarial: two networks against each other', hasNoiseLevels: false },
  flow: { about: 'Flow matching: as diffusion, sampled in fewer steps', hasNoiseLevels: true },
}

export const trainable: StudioState['models'] = Object.entries(ABOUT).map(([name, about]) => ({
  name,
  ...about,
}))

/** Of very many images the features gain from more time, of few they do not. */
const MANY_IMAGES = 20_000
const USUAL_SIZE = 32

/** @param size in pixels, as `--size auto` would choose it; undefined where it is not known */
export function adviceFor(images: number, size: number | undefined): StudioState['advice'] {
  const minutes = images > MANY_IMAGES ? 5 : 3
  const many = `${images.toLocaleString('en')} ${images === 1 ? 'image' : 'images'}`
  const sized = size === undefined ? many : `${many}, brought to ${size} pixels`
  return {
    model: 'contrastive',
    minutes,
    size: size ?? USUAL_SIZE,
    why: `${sized}: comparing views of each image gives the best features for its time, and ${minutes} minutes are enough to begin labelling with.`,
  }
}
