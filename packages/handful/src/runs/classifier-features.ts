/** What a run's classifier sees of new images: the run's own features, and beside them those made elsewhere. */
import type { Encodable } from '../encoders/encode-images.js'
import { encodeSets } from '../encoders/encode-images.js'
import { newEmbeddings } from '../encoders/embeddings.js'
import { usageError } from '../errors.js'
import { besideEachOther, type Extractable, extractFeatures } from '../features/extract.js'
import { applyNormalisation } from '../features/normalise.js'
import type { LinearAlgebra } from '../numerics/linear-algebra.js'
import type { FeatureMatrix } from '../numerics/matrix.js'
import type { Classifier } from './classifier.js'
import type { Brought } from './brought.js'
import { checkSources, ownRows } from './own-features.js'
import { readKeptEncoder } from './outside-features.js'
import { loadTrainedModel } from './trained-model.js'

export interface ClassifierFeaturesOptions extends Brought {
  /** A table of the new images' features, for a run that has some from one. */
  readonly embeddings?: string
  readonly threads: number
  readonly device: string
  readonly signal?: AbortSignal
  /** Of the first image among all that are asked for, where they come in blocks: its noise is drawn by its place. */
  readonly firstPlace?: number
  /** Counts images; `stage` says of what. */
  readonly onProgress?: (done: number, total: number, stage: string) => void
}

/** @throws HandfulError (wrong use) for a table where the run takes none, and for none where it does */
export function checkEmbeddings(
  run: string,
  { outside }: Pick<Classifier, 'outside'>,
  embeddings: string | undefined,
): void {
  const title = outside?.embeddings?.title
  if ((title === undefined) === (embeddings === undefined)) return
  throw usageError({
    what: '--embeddings',
    where: run,
    got: embeddings === undefined ? 'no table' : embeddings,
    expected:
      title === undefined
        ? 'none: the run has no features from a table'
        : `a table of the new images, made as that of ${title} was, which the run was fitted with`,
  })
}

/** `[images, columns]` in the order that the run's normalisation takes. */
export async function classifierFeatures(
  run: string,
  classifier: Classifier,
  { images, originals }: Encodable,
  { embeddings, threads, device, signal, firstPlace, onProgress, ...brought }: ClassifierFeaturesOptions,
): Promise<FeatureMatrix> {
  const { outputs, outside, drawn } = classifier
  const told = (stage: string) => (done: number, total: number) => onProgress?.(done, total, stage)
  const parts: FeatureMatrix[] = []
  const network = await featureNetwork(run, classifier, brought)
  if (network !== undefined) {
    const seed = drawn?.seed ?? 0
    const options = { threads, device, signal, seed, firstPlace, onProgress: told('compute features') }
    const features = await extractFeatures(network, images, outputs, options)
    parts.push(...outputs.map((name) => features[name]))
  }
  if (outside?.encoder !== undefined) {
    const encoder = await readKeptEncoder(run, outside.encoder)
    const options = { threads, device, signal, onProgress: told('run the encoder') }
    parts.push(...(await encodeSets(encoder, [{ images, originals }], options)))
  }
  if (outside?.embeddings !== undefined && embeddings !== undefined)
    parts.push(await newEmbeddings(embeddings, originals, outside.embeddings))
  for (const source of outside?.sources ?? [])
    parts.push(
      await ownRows(run, source, images, brought, {
        threads,
        device,
        signal,
        onProgress: (done) => onProgress?.(done, images.count, `features: ${source.id}`),
      }),
    )
  return besideEachOther(parts)
}

/** @returns what is to be told before the run's own sources are used. @throws HandfulError where they are not there */
export const checkBroughtFor = (
  run: string,
  { outside }: Pick<Classifier, 'outside'>,
  brought: Brought,
): string[] => checkSources(run, outside?.sources, brought)
/** Features as the run's head takes them. */
export const headRows = async (
  { normalisation }: Pick<Classifier, 'normalisation'>,
  features: FeatureMatrix,
  linearAlgebra: LinearAlgebra,
): Promise<FeatureMatrix> =>
  normalisation === undefined ? features : applyNormalisation(normalisation, features, linearAlgebra)

/** The run's own encoder as it was saved; where its features take drawn noise, the model knows how to draw it. */
export async function featureNetwork(
  run: string,
  { drawn, encoder: program, batch }: Pick<Classifier, 'drawn' | 'encoder' | 'batch'>,
  brought: Brought = {},
): Promise<Extractable | undefined> {
  if (program === undefined) return undefined
  if (drawn === undefined) return { program, batch }
  const { model, weights } = await loadTrainedModel(run, brought)
  const { drawInputs } = model.features(weights, drawn.request)
  return { program, drawInputs, batch }
}
