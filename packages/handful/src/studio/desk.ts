/** The studio behind the routes: one place is open at a time, and all pages see the same. */
import { HandfulError, quoted } from '../errors.js'
import { listAlternatives } from '../errors/suggest.js'
import { currentPreset, MODELS, PRESETS } from '../names.js'
import { adviceFor, trainable } from './advice.js'
import { browse } from './browse.js'
import { EventHub } from './event-hub.js'
import { FoundImages } from './found-images.js'
import { forThePage } from './page-words.js'
import type { Place, PlaceListeners, PlaceOptions } from './place.js'
import type { StudioState } from './protocol.js'
import type { Answering, Handlers, Served, Viewers } from './routes.js'
import type { OpenedStudy } from './study-place.js'
import { NoThumbnail } from './thumbnails.js'
import { holds, Uploads } from './uploads.js'
import type { TrainingRuns } from './training-runs.js'

/** A thumbnail's address is its number in the catalogue, which may be another image's tomorrow: its tag is asked for again. */
const ASK_AGAIN_SECONDS = 0
const PICTURE_SECONDS = 24 * 3600

export interface DeskOptions extends Omit<PlaceOptions, 'signal'> {
  /** Where runs go unless a run is opened. */
  readonly runs: string
  /** Told of faults of the program itself. */
  readonly onFault: (error: Error) => void
}

export class Desk implements Answering {
  readonly events = new EventHub(() => this.state())
  readonly requests: Handlers
  readonly views: Viewers
  readonly #options: DeskOptions
  readonly #uploads: Uploads
  readonly #ended = new AbortController()
  /** Of places that were left: their processes go on, and end with the studio. */
  readonly #left: TrainingRuns[] = []
  #place: Place | undefined
  #study: OpenedStudy | undefined
  #catalogueRevision = 0
  #revision = 0
  #reading = false
  #found = new FoundImages('')
  #trouble: string | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: DeskOptions) {
    this.#options = options
    this.#uploads = new Uploads(options.runs)
    this.requests = this.#requests()
    this.views = this.#views()
  }

  state(): StudioState {
    const common = {
      catalogueRevision: this.#catalogueRevision,
      ...(this.#reading && { reading: this.#found.count }),
      trouble: this.#trouble,
      ...(this.#study && { study: { name: this.#study.name, hasReport: this.#study.hasReport() } }),
    }
    if (this.#place !== undefined) return { ...this.#place.facts, ...common }
    return {
      ...common,
      images: 0,
      skipped: [],
      skippedCount: 0,
      notes: [],
      classes: [],
      labelled: 0,
      canUndo: false,
      canRedo: false,
      labelsRevision: 0,
      runs: [],
      predictionsRevision: 0,
      advice: adviceFor(0, undefined),
      models: trainable,
    }
  }

  /** Opens a place that was named before there was a page; what goes wrong is shown there. */
  async openFirst(place: string): Promise<void> {
    await this.#open(place).catch((error: unknown) => this.#troubled(messageOf(error)))
  }

  async thumbnail(image: number): Promise<Served | undefined> {
    const place = this.#place
    if (place === undefined || image >= place.source.paths.length) return undefined
    try {
      const { body, etag } = await place.thumbnails.of(image)
      return { body, etag, type: 'image/webp', maxAge: ASK_AGAIN_SECONDS }
    } catch (error) {
      if (error instanceof NoThumbnail) return undefined
      throw error
    }
  }

  found(index: number): Promise<Served | undefined> {
    return this.#found.thumbnail(index)
  }

  async original(image: number): Promise<Served | undefined> {
    const place = this.#place
    if (place === undefined || image >= place.source.paths.length) return undefined
    const { wholePicture } = await import('./pictures.js')
    const loaded = await place.source.load(image).catch(() => undefined)
    return loaded === undefined ? undefined : wholePicture(loaded).catch(() => undefined)
  }

  async picture(id: string): Promise<Served | undefined> {
    const body = this.#place?.predicting.picture(id) ?? (await this.#place?.metrics.picture(id))
    return body === undefined ? undefined : { body, type: 'image/png', maxAge: PICTURE_SECONDS }
  }

  async download(id: string): Promise<Served | undefined> {
    return this.#place?.download(id)
  }

  async page(id: string): Promise<Served | undefined> {
    if (id !== 'study') return this.#place?.page(id)
    const body = await this.#study?.report()
    return body && { body, type: 'text/html; charset=utf-8' }
  }

  upload(id: string, pack: Buffer): Promise<void> {
    return this.#uploads.take(id, pack)
  }

  failed(error: Error): void {
    this.#options.onFault(error)
  }

  /** Saves what trains and ends it all. */
  async close(): Promise<void> {
    this.#ended.abort()
    this.events.close()
    await this.#uploads.close()
    await this.#turn.catch(() => {})
    await this.#place?.leave()
    const trainings = [...this.#left, ...(this.#place === undefined ? [] : [this.#place.training])]
    await Promise.all(trainings.map((each) => each.close()))
  }

  #requests(): Handlers {
    const state = async (work: Promise<unknown>): Promise<StudioState> => {
      await work
      return this.state()
    }
    const labelling = () => this.#opened().labelling
    const training = () => this.#opened().training
    return this.#withoutTrouble({
      open: ({ path }) => state(this.#open(path)),
      browse: ({ path }) => browse(path),
      holds,
      startUpload: (asked) => this.#uploads.start(asked),
      finishUpload: ({ id }) => this.#uploads.finish(id),
      cancelUpload: async ({ id }) => {
        await this.#uploads.cancel(id)
        return {}
      },
      train: (asked) => {
        expectOneOf('model', asked.model, MODELS)
        if (asked.preset !== undefined) expectOneOf('preset', currentPreset(asked.preset), PRESETS)
        return state(training().train(asked))
      },
      pauseTraining: ({ run }) => state(training().pause(run)),
      resumeTraining: ({ run }) => state(training().resume(run)),
      stopTraining: ({ run }) => state(training().stop(run)),
      selectRun: ({ run }) => state(this.#opened().show(run)),
      label: ({ decisions, seen }) => labelling().label(decisions, seen),
      undo: () => labelling().step('undo'),
      redo: () => labelling().step('redo'),
      addClass: ({ name }) => state(labelling().addClass(name)),
      renameClass: ({ id, name }) => state(labelling().renameClass(id, name)),
      mergeClasses: ({ from, into }) => state(labelling().mergeClasses(from, into)),
      deleteClass: ({ id }) => state(labelling().deleteClass(id)),
      suggest: (asked) => this.#opened().predicting.suggest(asked),
      neighbours: ({ image, count }) => {
        labelling().pathOf(image)
        return this.#opened().predicting.neighbours(image, count)
      },
      noise: ({ images }) => {
        for (const image of images) labelling().pathOf(image)
        return this.#opened().predicting.noise(images)
      },
      export: ({ what }) => this.#opened().export(what),
    })
  }

  /** What went wrong is shown until the next request. Labels come by the second and need no state of their own. */
  #withoutTrouble(handlers: Handlers): Handlers {
    const wrapped = Object.entries(handlers).map(([name, handle]) => {
      const answer = async (body: never): Promise<unknown> => {
        if (this.#trouble !== undefined) this.#troubled(undefined)
        return (handle as (body: never) => Promise<unknown>)(body)
      }
      return [name, answer]
    })
    return Object.fromEntries(wrapped) as Handlers
  }

  #views(): Viewers {
    return {
      state: () => this.state(),
      catalogue: () => ({ revision: this.#catalogueRevision, paths: this.#place?.source.paths ?? [] }),
      labels: () => this.#place?.labelling.labels() ?? { revision: 0, labels: [] },
      predictions: () => this.#opened().predicting.predictions(),
      map: () => this.#opened().predicting.map(),
      results: () => this.#opened().predicting.results(),
      metrics: ({ run }) => {
        const { metrics, training } = this.#opened()
        return metrics.of(run, training.folderOf(run))
      },
    }
  }

  #opened(): Place {
    if (this.#place !== undefined) return this.#place
    const [got, expected] = ['none opened yet', 'a folder of images']
    throw new HandfulError({ what: 'images', got, expected, hint: 'open one first' })
  }

  /** What was open stays so where the new place cannot be opened. */
  #open(place: string): Promise<void> {
    const opening = this.#turn.then(async () => {
      this.#reading = true
      this.#found = new FoundImages(this.#options.cache)
      this.events.stateChanged()
      try {
        // What reads images takes a second to load: the page is there before.
        const [{ whereIs }, { Place }, { studyAt }] = await Promise.all([
          import('./where.js'),
          import('./place.js'),
          import('./study-place.js'),
        ])
        const study = await studyAt(place)
        const before = this.#place
        const options = { ...this.#options, signal: this.#ended.signal }
        const images = study === undefined ? place : study.images
        const opened =
          images === undefined
            ? undefined
            : await Place.open(await whereIs(images, this.#options.runs), options, this.#listeners())
        this.#place = opened
        this.#study = study
        this.#catalogueRevision++
        if (before === undefined) return
        await before.leave()
        this.#left.push(before.training)
      } finally {
        this.#reading = false
        this.#found.close()
        this.events.stateChanged()
      }
    })
    this.#turn = opening.catch(() => {})
    return opening
  }

  /** Of a place that was left nobody is told. */
  #listeners(): PlaceListeners {
    const revision = this.#catalogueRevision + 1
    const isCurrent = (): boolean => this.#catalogueRevision === revision
    return {
      nextRevision: () => ++this.#revision,
      found: (place, found) => {
        this.#found.take(place, found)
        this.events.stateChanged()
      },
      changed: () => {
        if (isCurrent()) this.events.stateChanged()
      },
      labels: (change) => {
        if (isCurrent()) this.events.tell('labels', change)
      },
      predictions: (predictions) => {
        if (isCurrent()) this.events.tell('predictions', { revision: predictions })
      },
      noise: (run) => {
        if (isCurrent()) this.events.tell('noise', { run })
      },
      metrics: (run) => {
        if (isCurrent()) this.events.tell('metrics', { run })
      },
      trouble: (trouble) => {
        if (this.#catalogueRevision <= revision) this.#troubled(trouble)
      },
    }
  }

  #troubled(trouble: string | undefined): void {
    this.#trouble = trouble === undefined ? undefined : forThePage(trouble)
    this.events.stateChanged()
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function expectOneOf(what: string, got: string, names: readonly string[]): void {
  if (names.includes(got)) return
  throw new HandfulError({ what, got: quoted(got), expected: `one of ${listAlternatives(names)}` })
}
