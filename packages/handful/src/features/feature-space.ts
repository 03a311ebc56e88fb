/**
 * One kind of features of all images as everything works on them: rows normalised by the training images alone, and what
 * follows from them, each computed once, when it is first asked for, and kept: the neighbour graph, smoothed features, the
 * test images' neighbours, the one normalisation that new images need.
 *
 *     source -> reduce (features/reduce.ts) -> normalise -> graph -> smoothed
 *                                                        -> neighbours of test images
 *
 * `fit`, `study`, `map` and `sweep` make theirs with the functions of feature-sources.ts; a study keeps them in files
 * (space-files.ts). `features` has none: it writes raw features of images that pass block by block, and a space is normalised
 * by all of them.
 */
import type { LinearAlgebra, Neighbours } from '../numerics/linear-algebra.js'
import { type FeatureMatrix, type UnitRows, unitRows } from '../numerics/matrix.js'
import { neighbourGraph, type NeighbourGraph, NEIGHBOURS } from './neighbour-graph.js'
import {
  applyNormalisation,
  fitNormalisation,
  type Normalisation,
  type NormalisationOptions,
} from './normalise.js'
import { composedNormalisation } from './reduce.js'
import { smoothedFeatures } from './smoothing.js'

/** What a space computes with. */
export interface SpaceContext {
  readonly linearAlgebra: LinearAlgebra
  readonly signal?: AbortSignal
  /** Told of what takes long: `neighbours`, `smoothing`. */
  readonly onProgress?: (done: number, total: number, note: string) => void
}

export interface SpaceRows {
  /** As reports name it: `learned features`, `raw pixels`. */
  readonly name?: string
  /** Whether no model has learned them. */
  readonly baseline?: boolean
  readonly train: UnitRows
  readonly test?: UnitRows
  /** Rows that neighbours are searched among, where they are not `train` itself. */
  readonly searched?: UnitRows
  /** What new images need to go the same way; composed when it is first asked for. */
  readonly normalisation?: () => Promise<Normalisation>
}

/** What is known of a space already. */
export interface SpaceParts {
  readonly graph?: NeighbourGraph
  readonly testNeighbours?: Neighbours
  readonly smoothed?: UnitRows
}

/**
 * Features scaled to length 1, with what heads ask of them found when first asked for and once: neighbour graph,
 * smoothed features, neighbours of test images.
 */
export class FeatureSpace {
  readonly name: string
  readonly baseline: boolean
  readonly train: UnitRows
  readonly test?: UnitRows
  readonly linearAlgebra: LinearAlgebra
  readonly #rows: SpaceRows
  readonly #context: SpaceContext
  #references?: UnitRows
  #normalisation?: Promise<Normalisation>
  #graph?: Promise<NeighbourGraph>
  #smoothed?: Promise<UnitRows>
  #testNeighbours?: Promise<Neighbours>

  constructor(rows: SpaceRows, context: SpaceContext, known: SpaceParts = {}) {
    this.name = rows.name ?? 'features'
    this.baseline = rows.baseline ?? false
    this.train = rows.train
    this.test = rows.test
    this.linearAlgebra = context.linearAlgebra
    this.#rows = rows
    this.#context = context
    this.#graph = known.graph && Promise.resolve(known.graph)
    this.#smoothed = known.smoothed && Promise.resolve(known.smoothed)
    this.#testNeighbours = known.testNeighbours && Promise.resolve(known.testNeighbours)
  }

  /**
   * What neighbours of new rows are searched among, and what a fitted head keeps of the training rows. Scaled once more:
   * float32 rows are of length 1 to seven digits, and every stored predictor holds them so.
   */
  references(): UnitRows {
    return (this.#references ??= this.#rows.searched ?? unitRows(this.train))
  }

  /** @throws HandfulError for a space that was given as rows */
  normalisation(): Promise<Normalisation> {
    if (this.#rows.normalisation === undefined)
      throw new Error(`internal: feature space (${this.name}): got rows alone, expected their normalisation`)
    return (this.#normalisation ??= this.#rows.normalisation())
  }

  /** Raw features of other images, normalised as those of the space were. */
  async normalise(features: FeatureMatrix): Promise<UnitRows> {
    return applyNormalisation(await this.normalisation(), features, this.linearAlgebra)
  }

  /** The nearest other training rows of each training row. */
  graph(): Promise<NeighbourGraph> {
    return (this.#graph ??= neighbourGraph(this.#rows.searched ?? this.train, this.linearAlgebra, {
      signal: this.#context.signal,
      onProgress: this.#told('neighbours'),
    }))
  }

  /** Training rows smoothed by the graph. */
  smoothed(): Promise<UnitRows> {
    const smooth = async (): Promise<UnitRows> =>
      smoothedFeatures(this.train, await this.graph(), this.linearAlgebra, {
        signal: this.#context.signal,
        onProgress: this.#told('smoothing'),
      })
    return (this.#smoothed ??= smooth())
  }

  /** The nearest training rows of each test row. */
  testNeighbours(): Promise<Neighbours> {
    const { test } = this
    if (test === undefined)
      throw new Error(`internal: feature space (${this.name}): got no test rows, expected some`)
    return (this.#testNeighbours ??= this.#search(unitRows(test), NEIGHBOURS))
  }

  /** The nearest training rows of any rows; those of the space's own test rows are searched once. */
  async neighboursOf(rows: FeatureMatrix, k: number): Promise<Neighbours> {
    if (rows !== this.test) return this.#search(unitRows(rows), k)
    const known = await this.testNeighbours()
    if (k > known.k && known.k < this.train.rows) return this.#search(unitRows(rows), k)
    return firstNeighbours(known, Math.min(k, known.k))
  }

  #search(queries: UnitRows, k: number): Promise<Neighbours> {
    return this.linearAlgebra.nearest(queries, this.references(), k, { onProgress: this.#told('neighbours') })
  }

  #told(note: string): ((done: number, total: number) => void) | undefined {
    const { onProgress } = this.#context
    return onProgress && ((done, total) => onProgress(done, total, note))
  }
}

/** Features before they are normalised. */
export interface RawSpace extends Pick<SpaceRows, 'name' | 'baseline'> {
  readonly train: FeatureMatrix
  readonly test?: FeatureMatrix
  /** What raw features were reduced by to these. */
  readonly reductions?: readonly Normalisation[]
  /** Rows that the normalisation is fitted to; `train` unless said otherwise. */
  readonly fittedTo?: FeatureMatrix
}

/** A space of features that are normalised here. */
export async function normalisedSpace(
  { train, test, reductions, fittedTo = train, ...rest }: RawSpace,
  options: NormalisationOptions & {
    /** Search neighbours among rows that are scaled once more, as banks of a study always were. */
    readonly rescaled?: boolean
  },
  context: SpaceContext,
): Promise<FeatureSpace> {
  const { linearAlgebra } = context
  const last = await fitNormalisation(fittedTo, linearAlgebra, options)
  const normalised = await applyNormalisation(last, train, linearAlgebra)
  const rows: SpaceRows = {
    ...rest,
    train: normalised,
    test: test && (await applyNormalisation(last, test, linearAlgebra)),
    searched: options.rescaled === true ? unitRows(normalised) : undefined,
    normalisation: async () =>
      reductions === undefined ? last : composedNormalisation(reductions, last, linearAlgebra),
  }
  return new FeatureSpace(rows, context)
}

function firstNeighbours({ rows, k: stride, indices, similarities }: Neighbours, k: number): Neighbours {
  if (k === stride) return { rows, k, indices, similarities }
  const nearest = { rows, k, indices: new Int32Array(rows * k), similarities: new Float32Array(rows * k) }
  for (let row = 0; row < rows; row++) {
    nearest.indices.set(indices.subarray(row * stride, row * stride + k), row * k)
    nearest.similarities.set(similarities.subarray(row * stride, row * stride + k), row * k)
  }
  return nearest
}
