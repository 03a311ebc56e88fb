/**
 * A run with its labels, its features and its predictions together: what the studio's page and `handful labels`, `suggest`
 * and `refit` work on. Nothing here trains: features and their neighbour graph stay as they are, and what follows a label is
 * found again in a fraction of a second.
 */
import { availableThreads } from 'onnx-autodiff/threads'
import type { By, Change, Journal, Label } from '../labels/journal.js'
import type { NeighbourGraph } from '../features/neighbour-graph.js'
import type { FeatureSpace } from '../features/feature-space.js'
import { featureMatrix, type FeatureMatrix, selectRows, unitRows } from '../numerics/matrix.js'
import { type OnnxLinearAlgebra, onnxLinearAlgebra } from '../numerics/onnx-linear-algebra.js'
import { readRunConfig } from '../runs/run-files.js'
import { assess, type Assessment } from './assessment.js'
import { type Clusters, findClusters } from './clusters.js'
import { ContentHashes } from './content-hashes.js'
import { type EstimatePoint, EstimateHistory } from './estimate-history.js'
import { openRunFeatures, type RunFeatures } from './features.js'
import { imageFolderOf } from './image-folder.js'
import { labelledImages, type RunLabels } from './labelled-images.js'
import { keptMap, makeMap, type Positions, quickMap } from './layout.js'
import { type QuickFit, quickFit } from './quick-fit.js'
import { Propagation } from './responses.js'
import { openRunJournal } from './run-journal.js'
import { NearDuplicates } from './suggest/near-duplicates.js'
import { auditStream, suggestNext } from './suggest/suggest.js'

export type { Clusters } from './clusters.js'
export type { Estimate, Suspect } from './assessment.js'
export type { Positions } from './layout.js'

export interface WorkbenchOptions {
  readonly signal?: AbortSignal
  /** Of the engine; all by default. */
  readonly threads?: number
  /** Of suggestions, the audit and the map; the run's own by default. */
  readonly seed?: number
  /** Follows labels that other processes give. Default false. */
  readonly watch?: boolean
  /** Told of what takes long: `neighbours`, where they are not kept yet. */
  readonly onProgress?: (done: number, total: number, note: string) => void
}

/** Labels of fewer than two classes: there is nothing to predict yet. */
export interface Waiting {
  readonly kind: 'waiting'
  readonly why: string
}

export interface Fitted extends Assessment {
  readonly kind: 'fitted'
  /** Of the journal that it is made from. */
  readonly revision: number
  readonly seconds: number
  /** Whether all labels that are to be judged are: if not, a better estimate follows. */
  readonly settled: boolean
  /** Numbers of the classes that have labels, ascending: the columns. */
  readonly classes: readonly number[]
  /** `[images]` number of the class; its own of a labelled image, -1 of one that is of no class. */
  readonly predicted: Int32Array
  /** `[images]` of that class, 0 to 1. */
  readonly probability: Float32Array
  /** `[images, classes]` */
  readonly probabilities: Float32Array
  /** The estimate after so many labels, oldest first. */
  readonly history: readonly EstimatePoint[]
}

export interface RefitOptions {
  readonly signal?: AbortSignal
  /**
   * With it, refit gives what it has within the time of a key press; where many labels are new and their judgement takes
   * longer, the whole follows here, once. Without it refit gives the whole.
   */
  readonly onBetter?: (fitted: Fitted) => void
}

export interface WorkbenchSuggestion {
  readonly image: number
  /** Number of the class that is predicted; none before there are predictions, and none for the audit. */
  readonly label?: number
  readonly probability?: number
  readonly why: string
}

export type SuggestionKind = 'next' | 'check' | 'audit'

export interface Suggesting {
  readonly count: number
  readonly kind: SuggestionKind
  /** Not these. */
  readonly except?: Iterable<number>
  /** Of `next`: a name of `suggest/registry.ts`; as suits the labels by default. */
  readonly strategy?: string
}

/** New labels that are judged before a key press is answered: as many as one more solution holds. */
const QUICK_PATIENCE = 16

interface Parts {
  readonly folder: string
  readonly features: RunFeatures
  readonly journal: Journal
  readonly linearAlgebra: OnnxLinearAlgebra
  readonly seed: number
  readonly imageFolder: string | undefined
  readonly history: EstimateHistory
}

export class Workbench {
  readonly folder: string
  readonly name: string
  /** Sorted by code units; images are positions in it. */
  readonly paths: readonly string[]
  readonly journal: Journal
  /** Where the image files lie; undefined for known data sets, archives and tables. */
  readonly imageFolder: string | undefined
  readonly seed: number
  readonly space: FeatureSpace
  readonly graph: NeighbourGraph
  readonly #parts: Parts
  readonly #places: ReadonlyMap<string, number>
  readonly #hashes: ContentHashes
  #propagation?: Propagation
  #alike?: NearDuplicates
  #clusters?: Promise<Clusters>
  #map?: Promise<Positions>
  #fitted?: Fitted
  readonly #ended = new AbortController()

  private constructor(parts: Parts) {
    const { folder, features, journal, imageFolder, seed } = parts
    this.folder = folder
    this.name = features.name
    this.paths = features.paths
    this.journal = journal
    this.imageFolder = imageFolder
    this.seed = seed
    this.space = features.space
    this.graph = features.graph
    this.#parts = parts
    this.#places = new Map(features.paths.map((path, i) => [path, i]))
    this.#hashes = new ContentHashes(journal, imageFolder)
  }

  /**
   * Opens a run of `handful fit` or `handful prepare`. Labels that it was made with are the journal's first step.
   * @throws HandfulError where its features are not made yet
   */
  static async open(
    folder: string,
    { signal, threads = availableThreads(), seed, watch, onProgress }: WorkbenchOptions = {},
  ): Promise<Workbench> {
    const config = await readRunConfig(folder)
    const linearAlgebra = onnxLinearAlgebra({ threads, device: 'cpu' })
    try {
      const features = await openRunFeatures(folder, { linearAlgebra, signal, onProgress })
      const journal = await openRunJournal(folder, features, { watch })
      return new Workbench({
        folder,
        features,
        journal,
        linearAlgebra,
        seed: seed ?? (typeof config.seed === 'number' ? config.seed : 0),
        imageFolder: await imageFolderOf(folder, config),
        history: await EstimateHistory.open(folder),
      })
    } catch (error) {
      await linearAlgebra.close()
      throw error
    }
  }

  get images(): number {
    return this.paths.length
  }

  indexOf(path: string): number | undefined {
    return this.#places.get(path)
  }

  labelOf(image: number): Label {
    return this.journal.labelOf(this.paths[image])
  }

  /** One step; what the images' files hold is written beside the labels. */
  async label(
    decisions: readonly { readonly image: number; readonly label: Label }[],
    by: By,
  ): Promise<Change> {
    const named = decisions.map(({ image, label }) => ({ image: this.paths[image], label }))
    return this.journal.label(await this.#hashes.withHashes(named), by)
  }

  /** Images and classes that carry labels now. */
  labels(): RunLabels {
    return labelledImages(this.journal, (path) => this.#places.get(path))
  }

  /** The last result of `refit`. */
  get fitted(): Fitted | undefined {
    return this.#fitted
  }

  /** Predictions, probabilities and what labels say of them. The same labels and seed give the same, whatever came before. */
  async refit({ signal, onBetter }: RefitOptions = {}): Promise<Fitted | Waiting> {
    const { revision } = this.journal
    const labels = this.labels()
    if (labels.classes.length < 2) {
      this.#fitted = undefined
      return { kind: 'waiting', why: whyWaiting(labels, this.journal) }
    }
    const first = await this.#fit(
      labels,
      revision,
      onBetter === undefined ? Infinity : QUICK_PATIENCE,
      signal,
    )
    if (onBetter !== undefined && !first.settled) {
      const both = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal])
      void this.#fit(labels, revision, Infinity, both).then(onBetter, () => {})
    }
    return first
  }

  async #fit(
    labels: RunLabels,
    revision: number,
    patience: number,
    signal: AbortSignal | undefined,
  ): Promise<Fitted> {
    const started = performance.now()
    this.#propagation ??= new Propagation(this.graph, this.space.train)
    const options = { seed: this.seed, patience, signal }
    const { linearAlgebra } = this.#parts
    const of = { features: this.space.train, propagation: this.#propagation, linearAlgebra }
    const found = await quickFit(of, labels, options)
    const assessment = assess(labels, found.judged, labels.auditOfNone)
    const { estimate } = assessment
    if (found.settled && estimate !== undefined)
      await this.#parts.history.add({ labels: labels.decided.length, accuracy: estimate.accuracy })
    const fitted: Fitted = {
      kind: 'fitted',
      revision,
      seconds: (performance.now() - started) / 1000,
      settled: found.settled,
      classes: labels.classes,
      ...predictionsOf(found, labels),
      ...assessment,
      history: this.#parts.history.points,
    }
    if (this.#fitted === undefined || this.#fitted.revision <= revision) this.#fitted = fitted
    return fitted
  }

  /** Predictions of the labels as they are now, if there can be any. */
  async #current(): Promise<Fitted | undefined> {
    if (this.#fitted?.revision === this.journal.revision) return this.#fitted
    const found = await this.refit()
    return found.kind === 'fitted' ? found : undefined
  }

  /**
   * What to label next, labels to look at again, or the next of the audit.
   * @throws HandfulError for a strategy that is not there or has no predictions to go by
   */
  async suggest({ count, kind, except = [], strategy }: Suggesting): Promise<WorkbenchSuggestion[]> {
    const labels = this.labels()
    const decided = new Set(labels.decided)
    const without = new Set(except)
    if (kind === 'audit')
      return auditStream(this.images, this.seed, {
        count,
        closed: (image) => decided.has(image) || without.has(image),
      })
    const fitted = await this.#current()
    if (kind === 'check') return this.#toCheck(fitted, count, without)
    this.#alike ??= new NearDuplicates(this.graph, this.space.train)
    const found = await suggestNext(
      {
        features: this.space.train,
        graph: this.graph,
        labelled: labels.decided,
        probabilities: fitted && matrixOfFitted(fitted),
        classNames: fitted?.classes.map((id) => this.journal.nameOf(id) ?? `class ${id}`) ?? [],
        linearAlgebra: this.#parts.linearAlgebra,
      },
      this.#alike,
      { count, except: without, strategy, seed: this.seed },
    )
    return found.map(({ image, why }) =>
      fitted === undefined
        ? { image, why }
        : { image, label: fitted.predicted[image], probability: fitted.probability[image], why },
    )
  }

  #toCheck(fitted: Fitted | undefined, count: number, without: ReadonlySet<number>): WorkbenchSuggestion[] {
    const { journal } = this
    return (fitted?.suspects ?? [])
      .filter(({ image }) => !without.has(image))
      .slice(0, count)
      .map(({ image, label, predicted, probability }) => ({
        image,
        label: predicted,
        probability,
        why: `labelled ${journal.nameOf(label) ?? label}, looks like ${journal.nameOf(predicted) ?? predicted}`,
      }))
  }

  /** The images nearest to one, itself left out. */
  async neighbours(image: number, count: number): Promise<{ image: number; similarity: number }[]> {
    const { k, indices, similarities } = this.graph
    if (count <= k)
      return Array.from({ length: count }, (_, j) => ({
        image: indices[image * k + j],
        similarity: similarities[image * k + j],
      }))
    const query = unitRows(selectRows(this.space.train, [image]))
    const found = await this.#parts.linearAlgebra.nearest(query, this.space.references(), count + 1)
    return Array.from(found.indices, (other, j) => ({ image: other, similarity: found.similarities[j] }))
      .filter((each) => each.image !== image)
      .slice(0, count)
  }

  /** Where images lie on the map: the kept one; before there is one something at once, and `onBetter` is told of the map. */
  async positions({
    signal,
    onBetter,
  }: {
    readonly signal?: AbortSignal
    readonly onBetter?: (map: Positions) => void
  } = {}): Promise<Positions> {
    const place = { folder: this.folder, key: this.#parts.features.key, seed: this.seed }
    const kept = await keptMap(place, this.images)
    if (kept !== undefined) return kept
    const both = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal])
    this.#map ??= makeMap(place, this.graph, both).finally(() => (this.#map = undefined))
    if (onBetter === undefined) return this.#map
    this.#map.then(onBetter, () => {})
    return quickMap(this.space.train)
  }

  /** Groups of images that are alike, and the most typical image of each. */
  clusters(): Promise<Clusters> {
    return (this.#clusters ??= findClusters(this.space.train, this.graph, {
      seed: this.seed,
      linearAlgebra: this.#parts.linearAlgebra,
    }))
  }

  async close(): Promise<void> {
    this.#ended.abort()
    await this.#map?.catch(() => {})
    await this.#hashes.settle()
    await this.journal.close()
    await this.#parts.linearAlgebra.close()
  }
}

const matrixOfFitted = ({ predicted, classes, probabilities }: Fitted): FeatureMatrix =>
  featureMatrix(predicted.length, classes.length, probabilities)

function predictionsOf(
  { probabilities }: QuickFit,
  { images, targets, classes, decided }: RunLabels,
): Pick<Fitted, 'predicted' | 'probability' | 'probabilities'> {
  const { rows, columns, data } = probabilities
  const predicted = new Int32Array(rows)
  const probability = new Float32Array(rows)
  const set = (image: number, c: number): void => {
    predicted[image] = classes[c]
    probability[image] = Math.min(1, data[image * columns + c])
  }
  for (let image = 0; image < rows; image++) {
    let best = 0
    for (let c = 1; c < columns; c++) if (data[image * columns + c] > data[image * columns + best]) best = c
    set(image, best)
  }
  for (const image of decided) {
    predicted[image] = -1
    probability[image] = 0
  }
  images.forEach((image, i) => set(image, targets[i]))
  return { predicted, probability, probabilities: data }
}

function whyWaiting({ classes, images }: RunLabels, journal: Journal): string {
  if (classes.length === 0) return 'no image is labelled yet: label some of two classes'
  const name = journal.nameOf(classes[0]) ?? `class ${classes[0]}`
  return `all ${images.length} labelled images are ${name}: label one of another class`
}
