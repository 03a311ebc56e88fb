/** Which features of a model: layers, how they are pooled, and the noise they are seen through. */
import { z } from 'zod'
import { POOLINGS } from '../names.js'

/** Of the noise, at most. */
const MOST_DRAWS = 100

const level = z.number().min(0).max(1000)

export const featureFields = {
  /** Names among the model's layers; their outputs carry these names. */
  layers: z.array(z.string().min(1)).min(1).readonly(),
  pooling: z.enum(POOLINGS),
  /** Noise level on the scale 0..1000, for models that have one. */
  noiseLevel: level.optional(),
  /** Several of them in its place, each seen with the same noise. `featureOutputs` says how the outputs are called then. */
  noiseLevels: z.array(level).readonly().optional(),
  /** Whether several levels give an output each (unless said otherwise), or their means one under the layer's own name. */
  combineLevels: z.enum(['concatenate', 'average']).optional(),
  /** So many draws of the noise, for models that have one: 1 unless said otherwise. */
  draws: z.number().int().min(1).max(MOST_DRAWS).optional(),
  /** The mirrored image too, its layers mirrored back. */
  mirror: z.boolean().optional(),
  /** Whether draws and the mirrored image give their means (unless said otherwise), or stand beside each other in a row. */
  combineViews: z.enum(['average', 'concatenate']).optional(),
}

export const featureRequestSchema = z.object(featureFields).readonly()

/** Which layers features are taken from, how they are pooled, and what noise and mirroring the images get first. */
export type FeatureRequest = z.infer<typeof featureRequestSchema>

/** Which features; what is left out is what the model does best with. */
export type FeatureChoice = Partial<FeatureRequest>

/** Names of the outputs that a request asks for: the layers, or `layer@level` for each layer and level in turn. */
export const featureOutputs = ({ layers, noiseLevels, combineLevels }: FeatureRequest): string[] =>
  noiseLevels === undefined || combineLevels === 'average'
    ? [...layers]
    : layers.flatMap((layer) => noiseLevels.map((level) => `${layer}@${level}`))

/** `pooling 2x2, noise levels 50, 200`. */
export function requestInWords(request: FeatureRequest): string {
  const { pooling, noiseLevel, noiseLevels, combineLevels, draws = 1, mirror = false, combineViews } = request
  const levels = noiseLevels ?? (noiseLevel === undefined ? [] : [noiseLevel])
  const noise = `noise level${levels.length > 1 ? 's' : ''} ${levels.join(', ')}`
  return [
    `pooling ${pooling}`,
    ...(levels.length > 0 ? [noise] : []),
    ...(levels.length > 1 && combineLevels === 'average' ? ['averaged'] : []),
    ...(draws > 1 ? [`${draws} draws`] : []),
    ...(mirror ? ['mirrored too'] : []),
    ...(combineViews === 'concatenate' ? ['these beside each other'] : []),
  ].join(', ')
}
