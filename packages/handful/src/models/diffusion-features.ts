/** Features of a diffusion model: outputs of its blocks for images with noise of a chosen level. */
import {
  add,
  BATCH_MARKER,
  constant,
  exportProgram,
  flipImage,
  input,
  inputName,
  mul,
  Parameters,
  type Tensor,
} from 'onnx-autodiff'
import { usageError } from '../errors.js'
import { checkLayers, imageInput, pooledRows } from './common.js'
import type { DiffusionConfig } from './diffusion-config.js'
import { exportedShape, floats, imageNumbers, standardised } from './diffusion-inputs.js'
import { HIGHEST_LEVEL, noiseSchedule } from './diffusion-schedule.js'
import { denoiser, embeddingSize, embedNoise, planBlocks } from './diffusion-unet.js'
import type { FeatureNetwork, FeatureRequest, ImageShape, Weights } from './model.js'

/** Features of images with noise of the level asked for; the noise of an image comes from its place in the set alone. */
export function features(
  config: DiffusionConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork {
  const { layers, pooling, noiseLevel = config.featureLevel, draws = 1, mirror = false } = request
  checkRequest(config, image, { layers, noiseLevel, draws })
  const { alpha, sigma, ...told } = noiseSchedule(config.schedule).at(noiseLevel)
  const denoise = denoiser(new Parameters('evaluate'), config, image)
  const embedding = constant(embedNoise(config, { alpha, sigma, ...told }), [1, embeddingSize(config)])
  const pixels = imageInput(image)
  const noises = Array.from({ length: draws }, (_, i) =>
    input(`noise ${i}`, [image.size, image.size, BATCH_MARKER, image.channels]),
  )
  const clean = mul(standardised(pixels, config), alpha)
  const flipped = (x: Tensor): Tensor => flipImage(x, { width: true })
  const seen = noises.flatMap((noise): Record<string, Tensor>[] => {
    const added = mul(noise, sigma)
    const own = denoise(add(clean, added), embedding).layers
    if (!mirror) return [own]
    const mirrored = denoise(add(flipped(clean), added), embedding).layers
    return [own, Object.fromEntries(layers.map((name) => [name, flipped(mirrored[name])]))]
  })
  const averaged = (name: string): Tensor =>
    mul(
      seen.map((each) => pooledRows(each[name], pooling)).reduce((a, b) => add(a, b)),
      1 / seen.length,
    )
  const numbers = imageNumbers(image)
  return {
    program: exportProgram({
      inputs: [pixels, ...noises],
      outputs: Object.fromEntries(layers.map((name) => [name, averaged(name)])),
      parameters: weights,
    }),
    drawInputs: (streams, indices) =>
      Object.fromEntries(
        noises.map((noise, draw) => {
          const data = new Float32Array(indices.length * numbers)
          for (let i = 0; i < indices.length; i++) {
            streams(`noise/${indices[i]}/${draw}`).fillNormal(data.subarray(i * numbers, (i + 1) * numbers))
          }
          return [inputName(noise), floats(exportedShape(indices.length, image), data)]
        }),
      ),
  }
}

function checkRequest(
  config: DiffusionConfig,
  image: ImageShape,
  { layers, noiseLevel, draws }: { layers: readonly string[]; noiseLevel: number; draws: number },
): void {
  const known = planBlocks(config, image).map(({ name }) => name)
  checkLayers('diffusion features', known, layers)
  if (!(noiseLevel >= 0 && noiseLevel <= HIGHEST_LEVEL)) {
    throw usageError({
      what: 'noise level',
      where: 'diffusion features',
      got: String(noiseLevel),
      expected: `a number from 0 (clean) to ${HIGHEST_LEVEL} (noise)`,
    })
  }
  if (!Number.isInteger(draws) || draws < 1) {
    throw usageError({
      what: 'draws',
      where: 'diffusion features',
      got: String(draws),
      expected: 'a whole number of at least 1',
    })
  }
}
