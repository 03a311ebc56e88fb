/** Features of a model of noise: outputs of its blocks for images with noise of a chosen level. */
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
import { featureOutputs, type FeatureRequest } from '../feature-request.js'
import type { FeatureNetwork, LayerDescription, Weights } from '../model.js'
import {
  type DenoisingModel,
  exportedShape,
  floats,
  HIGHEST_LEVEL,
  imageNumbers,
  standardised,
} from './inputs.js'
import { denoiser, embeddingSize, embedNoise, planBlocks } from './unet.js'

/** Every block, in the order of computation. */
export const blockLayers = ({ config, image }: DenoisingModel): LayerDescription[] =>
  planBlocks(config, image).map(({ name, side, outChannels }) => ({ name, shape: [side, side, outChannels] }))

/**
 * Features of images with noise of the level or levels asked for. The noise of an image comes from its place in the set
 * alone, and is the same at every level: one among several gives what it gives on its own.
 */
export function levelFeatures(
  model: DenoisingModel & { readonly config: { readonly featureLevel: number } },
  where: string,
  weights: Weights,
  request: FeatureRequest,
): FeatureNetwork {
  const { config, image, noiseAt } = model
  const { layers, pooling, noiseLevel = config.featureLevel, draws = 1, mirror = false } = request
  const levels = request.noiseLevels ?? [noiseLevel]
  checkRequest(model, where, { layers, levels, draws })
  const denoise = denoiser(new Parameters('evaluate'), config, image)
  const pixels = imageInput(image)
  const noises = Array.from({ length: draws }, (_, i) =>
    input(`noise ${i}`, [image.size, image.size, BATCH_MARKER, image.channels]),
  )
  const clean = standardised(pixels, config)
  const flipped = (x: Tensor): Tensor => flipImage(x, { width: true })
  /** The layers as rows at one level, in the order of the request. */
  const atLevel = (level: number): Tensor[] => {
    const noise = noiseAt(level)
    const { alpha, sigma } = noise
    const embedding = constant(embedNoise(config, noise), [1, embeddingSize(config)])
    const dimmed = mul(clean, alpha)
    const seen = noises.flatMap((drawn): Record<string, Tensor>[] => {
      const added = mul(drawn, sigma)
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
  { config, image }: DenoisingModel,
  where: string,
  { layers, levels, draws }: { layers: readonly string[]; levels: readonly number[]; draws: number },
): void {
  const known = planBlocks(config, image).map(({ name }) => name)
  checkLayers(where, known, layers)
  const wrong = (what: string, got: string, expected: string): Error =>
    usageError({ what, where, got, expected })
  if (levels.length === 0 || new Set(levels).size < levels.length) {
    throw wrong('noise levels', levels.length === 0 ? 'none' : levels.join(', '), 'each level once')
  }
  const outside = levels.find((level) => !(level >= 0 && level <= HIGHEST_LEVEL))
  if (outside !== undefined) {
    throw wrong('noise level', String(outside), `a number from 0 (clean) to ${HIGHEST_LEVEL} (noise)`)
  }
  if (!Number.isInteger(draws) || draws < 1) {
    throw wrong('draws', String(draws), 'a whole number of at least 1')
  }
}
