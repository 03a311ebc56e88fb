/**
 * Features of the encoder, of the decoder and of both, compared: for models that have the two. What the decoder is given
 * (the latent, the quantised map) counts as its own, as in the reference study.
 */
import { modelsWith } from '../../../models/registry.js'
import type { BoundModel, WeightedModel } from '../../../models/model.js'
import type { HeadName, Pooling } from '../../../names.js'
import { Random } from 'onnx-autodiff'
import { type Images, imageBytes, imagesAt } from '../../../data/image-set.js'
import type { TestSet } from '../../../data/test-set.js'
import { usageError } from '../../../errors.js'
import { listAlternatives } from '../../../errors/suggest.js'
import { besideEachOther, type Extractor, openExtractor } from '../../../features/extract.js'
import type { LinearAlgebra } from '../../../numerics/linear-algebra.js'
import { featureMatrix, type FeatureMatrix, storedUnitRows, type UnitRows } from '../../../numerics/matrix.js'
import { applyNormalisation, fitNormalisation, type Normalisation } from '../../../features/normalise.js'
import type { StudyPart } from './schema.js'
import { compareHeads } from '../../../heads/compare-heads.js'
import { FeatureSpace } from '../../../features/feature-space.js'
import type { StageContext } from '../../../stages/stage.js'
import type { LabelledDraws } from '../labelled-draws.js'

export interface PartsOptions {
  readonly trained: WeightedModel
  /** As the study calls it. Default the model's name. */
  readonly method?: string
  readonly train: Images
  readonly test: TestSet
  readonly classCount: number
  readonly drawsByLabels: readonly LabelledDraws[]
  readonly heads: readonly HeadName[]
  /** Default as the model's own features, or 2x2 where those are not pooled. */
  readonly pooling?: Pooling
  /** Training images that normalisation is fitted to, drawn at random. Default 10,000. */
  readonly normalisedBy?: number
}

export interface ModelPart {
  readonly part: StudyPart['part']
  readonly layers: readonly string[]
}

/**
 * The layers of each part, in the order of the network: those that the model's own features name where both parts are
 * among them, as in the study's networks, else all.
 * @throws HandfulError (wrong use) for a model without a decoder to take features from
 */
export function modelParts(model: BoundModel): ModelPart[] {
  const parts = model.parts()
  if (parts === undefined) {
    throw usageError({
      what: 'encoder and decoder',
      where: 'model',
      got: model.name,
      expected: `a model with layers in both, such as ${listAlternatives(modelsWith('hasDecoder'))}`,
    })
  }
  return [
    { part: 'encoder', layers: parts.encoder },
    { part: 'decoder', layers: parts.decoder },
    { part: 'stacked', layers: [...parts.encoder, ...parts.decoder] },
  ]
}

/**
 * Accuracies on the whole test set of each head on each part, for each draw. One session gives all layers; of the features
 * of all images only what normalisation keeps is held.
 */
export async function compareParts(options: PartsOptions, context: StageContext): Promise<StudyPart[]> {
  const { trained, test, drawsByLabels, heads, classCount, method = trained.model.name } = options
  const parts = modelParts(trained.model)
  const spaces = await partFeatures(parts, options, context)
  const draws = drawsByLabels.flatMap((each) => each.draws)
  const results: StudyPart[] = []
  for (const [index, { part, layers }] of parts.entries()) {
    const { space, dimension } = spaces[index]
    const compared = await compareHeads({
      spaces: [space],
      draws,
      heads,
      classCount,
      test,
      seed: context.seed,
      signal: context.signal,
      onFit: (fit, fits) => context.onProgress?.(index * fits + fit, parts.length * fits, `heads: ${part}`),
    })
    for (const { key, accuracies } of compared) {
      let before = 0
      for (const { labelsPerClass, draws: own } of drawsByLabels) {
        results.push({
          method,
          part,
          layers: [...layers],
          dimension,
          head: key,
          labelsPerClass,
          accuracies: accuracies.slice(before, before + own.length),
        })
        before += own.length
      }
    }
  }
  return results
}

/** Images whose features are held before they are normalised. */
const BLOCK = 1000
const NORMALISED_BY = 10_000

async function partFeatures(
  parts: readonly ModelPart[],
  { trained, train, test, pooling, normalisedBy = NORMALISED_BY }: PartsOptions,
  { linearAlgebra, seed, threads, device, signal, onProgress }: StageContext,
): Promise<{ readonly space: FeatureSpace; readonly dimension: number }[]> {
  const { model, weights } = trained
  const usual = model.defaultFeatures
  const layers = parts[parts.length - 1].layers
  const request = {
    ...usual,
    layers,
    pooling: pooling ?? (usual.pooling === 'none' ? '2x2' : usual.pooling),
  }
  const network = model.features(weights, request)
  const extractor = await openExtractor(network, layers, { seed, threads, device, signal })
  try {
    const drawn = new Random(seed, 'parts/normalisation')
      .permutation(train.count)
      .slice(0, normalisedBy)
      .sort()
    const total = drawn.length + train.count + test.count
    let done = 0
    const told = (images: number): void => onProgress?.((done += images), total, 'features')
    const some = await extractor.extract(imagesAt(train, drawn), 0)
    told(drawn.length)
    const normalisations: Normalisation[] = []
    for (const part of parts) {
      const blocks = part.layers.map((layer) => some[layer].columns)
      normalisations.push(await fitNormalisation(joined(some, part), linearAlgebra, { blocks }))
    }
    const normalised = (images: Images): Promise<UnitRows[]> =>
      normalisedFeatures(extractor, parts, normalisations, images, linearAlgebra, told)
    const [ofTrain, ofTest] = [await normalised(train), await normalised(test.images)]
    return parts.map(({ part }, i) => ({
      space: new FeatureSpace(
        { name: part, train: ofTrain[i], test: ofTest[i] },
        {
          linearAlgebra,
          signal,
          onProgress: (row, rows, note) => onProgress?.(row, rows, `${note}: ${part}`),
        },
      ),
      dimension: normalisations[i].centre.length,
    }))
  } finally {
    await extractor.close()
  }
}

const joined = (found: Readonly<Record<string, FeatureMatrix>>, { layers }: ModelPart): FeatureMatrix =>
  besideEachOther(layers.map((layer) => found[layer]))

/** Of all images, block by block; a matrix for each part. */
async function normalisedFeatures(
  extractor: Extractor,
  parts: readonly ModelPart[],
  normalisations: readonly Normalisation[],
  images: Images,
  linearAlgebra: LinearAlgebra,
  onBlock: (images: number) => void,
): Promise<UnitRows[]> {
  const results = normalisations.map(({ projection }) => featureMatrix(images.count, projection.columns))
  const bytes = imageBytes(images)
  for (let start = 0; start < images.count; start += BLOCK) {
    const end = Math.min(start + BLOCK, images.count)
    const pixels = images.pixels.subarray(start * bytes, end * bytes)
    const found = await extractor.extract({ ...images, count: end - start, pixels }, start)
    for (const [i, part] of parts.entries()) {
      const rows = await applyNormalisation(normalisations[i], joined(found, part), linearAlgebra)
      results[i].data.set(rows.data, start * rows.columns)
    }
    onBlock(end - start)
  }
  return results.map(storedUnitRows)
}
