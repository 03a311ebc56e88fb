/** What is opened: images, their labels, what is trained on them and what follows from both. */
import path from 'node:path'
import type { FoundSoFar } from '../data/walk.js'
import { HandfulError } from '../errors.js'
import { adviceFor, trainable } from './advice.js'
import { Downloads } from './downloads.js'
import { type ImageSource, openImageSource } from './image-source.js'
import { Labelling } from './labelling.js'
import { noteForThePage } from './page-words.js'
import { Predicting } from './predicting.js'
import type { Asked, Events, Exported, RunCard, StudioState } from './protocol.js'
import { findRuns } from './run-list.js'
import { RunMetrics } from './run-metrics.js'
import { makeHome } from './studio-home.js'
import { Thumbnails } from './thumbnails.js'
import { TrainingRuns } from './training-runs.js'
import { labelsOf, shareLabels, type Where } from './where.js'

/** Images that a page shows first, at the size that thumbnails have until someone changes it. */
const FIRST_SCREENFUL = 60
/** Files that could not be used, told by name. */
const MOST_SKIPPED = 500

export interface PlaceOptions {
  /** What is said to run the command line: node and its file. */
  readonly program: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Of each process that computes. */
  readonly threads: number
  /** Where thumbnails are kept. */
  readonly cache: string
  readonly signal: AbortSignal
}

export interface PlaceListeners {
  readonly nextRevision: () => number
  /** While the images of a place are listed. */
  readonly found: (place: string, found: FoundSoFar) => void
  readonly changed: () => void
  readonly labels: (change: Events['labels']) => void
  readonly predictions: (revision: number) => void
  readonly metrics: (run: string) => void
  readonly noise: (run: string) => void
  readonly trouble: (trouble: string) => void
}

type Facts = Omit<StudioState, 'catalogueRevision' | 'reading' | 'trouble'>

interface Parts {
  readonly source: ImageSource
  readonly labels: string
  readonly labelling: Labelling
  readonly training: TrainingRuns
  readonly downloads: Downloads
}

export class Place {
  readonly metrics = new RunMetrics()
  readonly source: ImageSource
  readonly labelling: Labelling
  readonly training: TrainingRuns
  readonly predicting: Predicting
  readonly thumbnails: Thumbnails
  readonly #parts: Parts
  readonly #listeners: PlaceListeners
  readonly #unusable: { path: string; reason: string }[] = []
  #run: string | undefined
  #size: number | undefined

  private constructor(parts: Parts, { cache, threads }: PlaceOptions, listeners: PlaceListeners) {
    const { source, labelling, training } = parts
    this.#parts = parts
    this.#listeners = listeners
    this.source = source
    this.labelling = labelling
    this.training = training
    this.thumbnails = new Thumbnails(source, cache, (image, reason) => {
      this.#unusable.push({ path: source.paths[image], reason })
      listeners.changed()
    })
    this.predicting = new Predicting({
      paths: source.paths,
      isLabelled: (image) => labelling.isLabelled(image),
      threads,
      nextRevision: listeners.nextRevision,
      onPredictions: listeners.predictions,
      onNoise: () => listeners.noise(this.#run ?? ''),
      onChange: listeners.changed,
      onTrouble: listeners.trouble,
    })
  }

  /** @throws HandfulError where there are no images, or nothing can be written beside the runs */
  static async open(where: Where, options: PlaceOptions, listeners: PlaceListeners): Promise<Place> {
    const source = await openImageSource(where.images, options.signal, (found) =>
      listeners.found(where.images, found),
    )
    const home = await makeHome(where.runs, source.place)
    const found = await findRuns(where.runs, source.place)
    const labels = await labelsOf(where, home, found)
    // Told of changes once there is a place to change.
    const opened: { place?: Place } = {}
    const labelling = await Labelling.open(source, labels, (change) => {
      listeners.labels(change)
      listeners.changed()
      opened.place?.predicting.labelsChanged()
    })
    const training = await TrainingRuns.open({
      images: source.place,
      runs: where.runs,
      home,
      program: options.program,
      threads: options.threads,
      environment: options.environment,
      onChange: listeners.changed,
      onMetrics: listeners.metrics,
      onReady: (run) => void opened.place?.becameReady(run),
    })
    const { program, threads, environment } = options
    const downloads = new Downloads({ folder: path.join(home, 'exports'), program, threads, environment })
    const place = new Place({ source, labels, labelling, training, downloads }, options, listeners)
    opened.place = place
    place.thumbnails.ahead(FIRST_SCREENFUL)
    place.#lookAtSizes(options.signal)
    await place.#showFirst(where.run)
    return place
  }

  get facts(): Facts {
    const { source } = this.#parts
    // First those that stand among the images, for the page to know them.
    const skipped = [...this.#unusable, ...source.skipped]
      .slice(0, MOST_SKIPPED)
      .map(({ path, reason }) => ({ path, reason: noteForThePage(reason) }))
    return {
      place: { path: source.place, name: source.name },
      images: source.paths.length,
      skipped,
      skippedCount: this.#unusable.length + source.skipped.length,
      understood: source.understood,
      notes: source.notes,
      ...this.labelling.facts,
      runs: this.training.cards,
      run: this.#run,
      suggestsBy: this.predicting.isOpen ? this.#run : undefined,
      predictionsRevision: this.predicting.revision,
      estimate: this.predicting.estimate,
      advice: adviceFor(source.paths.length, this.#size),
      models: trainable,
    }
  }

  /** @throws HandfulError for a run that is not there, not ready, or has labels of its own */
  async show(run: string): Promise<void> {
    const folder = this.training.folderOf(run)
    const { state } = this.#card(run)
    if (state !== 'ready') {
      throw new HandfulError({
        what: 'run',
        where: run,
        got: `one that is ${state}`,
        expected: 'one whose training has come to its end',
      })
    }
    await shareLabels(folder, this.#parts.labels)
    this.#run = run
    this.predicting.show(folder)
    this.#listeners.changed()
  }

  export(what: Asked<'export'>['what']): Promise<Exported> {
    const { downloads, labelling, source } = this.#parts
    switch (what) {
      case 'labels':
        return downloads.labels(labelling)
      case 'predictions':
        return downloads.predictions(source.paths, this.predicting.predictions(), labelling)
      case 'model':
        return downloads.model(this.#shown())
      case 'package':
        return downloads.package(this.#shown())
      case 'report':
        return downloads.report(this.#shown())
    }
  }

  download(id: string) {
    return this.#parts.downloads.open(id)
  }

  page(id: string) {
    return this.#parts.downloads.page(id)
  }

  /** A run that was trained becomes the one that is shown, where there is none yet. */
  async becameReady(run: string): Promise<void> {
    try {
      if (this.#run === undefined) await this.show(run)
      else await shareLabels(this.training.folderOf(run), this.#parts.labels)
    } catch (error) {
      this.#listeners.trouble(error instanceof Error ? error.message : String(error))
    }
  }

  /** Ends all of it but the processes that train, which `training` has. */
  async leave(): Promise<void> {
    this.predicting.close()
    await this.thumbnails.close()
    await this.labelling.close()
  }

  /** Advice follows, since it reads images: the page comes first. */
  #lookAtSizes(signal: AbortSignal): void {
    this.source.usualSize(signal).then(
      (size) => {
        this.#size = size
        this.#listeners.changed()
      },
      () => {},
    )
  }

  async #showFirst(asked: string | undefined): Promise<void> {
    const ready = this.training.cards.filter(({ state }) => state === 'ready').map(({ name }) => name)
    const first = asked !== undefined && ready.includes(asked) ? asked : ready.at(-1)
    if (first !== undefined) await this.becameReady(first)
  }

  #card(run: string): RunCard {
    const card = this.training.cards.find(({ name }) => name === run)
    if (card === undefined) throw new Error(`internal: place: got the run ${run}, expected one of its cards`)
    return card
  }

  /** Full path. */
  #shown(): string {
    if (this.#run !== undefined) return this.training.folderOf(this.#run)
    const [got, expected] = ['none', 'one whose training has come to its end']
    throw new HandfulError({ what: 'run', got, expected, hint: 'train a model first' })
  }
}
