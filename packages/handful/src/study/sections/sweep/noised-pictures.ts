/** One image as a model of noise sees it at several noise levels, by its own schedule. */
import { Random } from 'onnx-autodiff'
import { type Images, imageAt } from '../../../data/image-set.js'
import type { Mixture } from '../../../models/model.js'
import { thumbnail } from '../../../draw/thumbnails.js'

export interface NoisedPicture {
  readonly noiseLevel: number
  /** A PNG data URI. */
  readonly image: string
}

/** The image at `index` with the same noise, weaker or stronger; values beyond black and white are cut off. */
export async function noisedPictures(
  noiseAt: (level: number) => Mixture,
  images: Images,
  index: number,
  noiseLevels: readonly number[],
  seed: number,
): Promise<NoisedPicture[]> {
  const clean = imageAt(images, index)
  const noise = new Random(seed, 'sweep/picture').fillNormal(new Float32Array(clean.length))
  const pictures: NoisedPicture[] = []
  for (const noiseLevel of noiseLevels) {
    const { alpha, sigma, mean, deviation } = noiseAt(noiseLevel)
    const pixels = Uint8Array.from(clean, (value, i) => {
      const seen = alpha * ((value / 255 - mean) / deviation) + sigma * noise[i]
      return Math.min(Math.max(Math.round((seen * deviation + mean) * 255), 0), 255)
    })
    const { height, width, channels } = images
    pictures.push({ noiseLevel, image: await thumbnail({ height, width, channels, pixels }) })
  }
  return pictures
}
