/** Features of a diffusion model: outputs of its blocks for images with noise of a chosen level. */
import {
  add,
  BATCH_MARKER,
  concat,
  constant,
  flipImage,
  input,
  inputName,
  mul,
  Parameters,
  type Tensor,
} from 'onnx-autodiff'
import { usageError } from '../../errors.js'
import { checkLayers, imageInput, pooledRows } from '../common.js'
import type { DiffusionConfig } from './config.js'
import { exportedShape, floats, imageNumbers, standardised } from './inputs.js'
import { HIGHEST_LEVEL, noiseSchedule } from './schedule.js'
import { denoiser, embeddingSize, embedNoise, planBlocks } from './unet.js'
import {
  type FeatureNetwork,
  featureOutputs,
  type FeatureRequest,
  type ImageShape,
  type Weights,
} from '../model.js'

/**
 * Features of images with noise of the level or levels asked for. The noise of an image comes from its place in the set
 * alone, and is the same at every level: one among several gives what it gives on its own.
 */
export function features(
  config: DiffusionConfig,
  image: ImageShape,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork {
  const { layers, pooling, noiseLevel = config.featureLevel, draws = 1, mirror = false } = request
  const levels = request.noiseLevels ?? [noiseLevel]
  checkRequest(config, image, { layers, levels, draws })
  const denoise = denoiser(new Parameters('evaluate'), config, image)
  const pixels = imageInput(image)
  const noises = Array.from({ length: draws }, (_, i) =>
    input(`noise ${i}`, [image.size, image.size, BATCH_MARKER, image.channels]),
  )
  const clean = standardised(pixels, config)
  const flipped = (x: Tensor): Tensor => flipImage(x, { width: true })
  /** The layers as rows at one level, in the order of the request. */
  const atLevel = (level: number): Tensor[] => {
    const { alpha, sigma, ...told } = noiseSchedule(config.schedule).at(level)
    const embedding = constant(embedNoise(config, { alpha, sigma, ...told }), [1, embeddingSize(config)])
    const dimmed = mul(clean, alpha)
    const seen = noises.flatMap((noise): Record<string, Tensor>[] => {
      const added = mul(noise, sigma)
      const own = denoise(add(dimmed, added), embedding).layers
      if (!mirror) return [own]
      const mirrored = denoise(add(flipped(dimmed), added), embedding).layers
      return [own, Object.fromEntries(layers.map((name) => [name, flipped(mirrored[name])]))]
    })
    return layers.map((name) => {
      const views = seen.map((each) => pooledRows(each[name], pooling))
      return request.combineViews === 'concatenate' ? concat(views, 1) : meanOf(views)
    })
  }
  const rows = levels.map(atLevel)
  const found = layers.flatMap((_, i) => {
    const own = rows.map((row) => row[i])
    return request.combineLevels === 'average' ? [meanOf(own)] : own
  })
  const names = featureOutputs(request)
  const numbers = imageNumbers(image)
  return {
    program: {
      inputs: [pixels, ...noises],
      outputs: Object.fromEntries(names.map((name, i) => [name, found[i]])),
      parameters: weights,
    },
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

const meanOf = (rows: readonly Tensor[]): Tensor =>
  mul(
    rows.reduce((a, b) => add(a, b)),
    1 / rows.length,
  )

function checkRequest(
  config: DiffusionConfig,
  image: ImageShape,
  { layers, levels, draws }: { layers: readonly string[]; levels: readonly number[]; draws: number },
): void {
  const known = planBlocks(config, image).map(({ name }) => name)
  checkLayers('diffusion features', known, layers)
  if (levels.length === 0 || new Set(levels).size < levels.length) {
    throw usageError({
      what: 'noise levels',
      where: 'diffusion features',
      got: levels.length === 0 ? 'none' : levels.join(', '),
      expected: 'each level once',
    })
  }
  const wrong = levels.find((level) => !(level >= 0 && level <= HIGHEST_LEVEL))
  if (wrong !== undefined) {
    throw usageError({
      what: 'noise level',
      where: 'diffusion features',
      got: String(wrong),
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
