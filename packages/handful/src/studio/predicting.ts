/**
 * What follows from labels: predictions, results, suggestions, neighbours and the map of the run that is shown. All of it is
 * computed in the workbench's own process (workbench-process.ts), which is opened in the background and again after a crash.
 * Before there is one, images to label are drawn at random.
 */
import { HandfulError } from '../errors.js'
import { KeptPictures } from './kept-pictures.js'
import type { Asked, Estimate, MapView, NoiseView, Predictions, Results, Suggestion } from './protocol.js'
import { WorkbenchClient } from './workbench-client.js'
import type { FittedForPage } from './workbench-messages.js'

/** Keys come faster than anybody looks: so long after a label its refit begins. */
const DEBOUNCE_MS = 40
/** A workbench that ends so often before it has done anything is not opened again by itself. */
const MOST_CRASHES = 3
const NO_PREDICTION = -1

export interface PredictingOptions {
  /** Sorted, as the page shows them. */
  readonly paths: readonly string[]
  readonly isLabelled: (image: number) => boolean
  readonly threads: number
  /** The number of a new revision, which is no other's. */
  readonly nextRevision: () => number
  /** Told of new predictions. */
  readonly onPredictions: (revision: number) => void
  /** Told when more is known of the run's noise levels. */
  readonly onNoise: () => void
  /** Told when something that the state says has changed. */
  readonly onChange: () => void
  readonly onTrouble: (trouble: string) => void
}

interface Current {
  readonly revision: number
  /** Undefined where labels of two classes are missing. */
  readonly fitted: FittedForPage | undefined
}

export class Predicting {
  readonly #options: PredictingOptions
  #run: string | undefined
  #client: WorkbenchClient | undefined
  #opening: Promise<WorkbenchClient | undefined> | undefined
  #current: Current | undefined
  #timer: NodeJS.Timeout | undefined
  #fitting = false
  #again = false
  #crashes = 0
  #order: Promise<Uint32Array> | undefined
  readonly #pictures = new KeptPictures()

  constructor(options: PredictingOptions) {
    this.#options = options
  }

  /** 0 before the first. */
  get revision(): number {
    return this.#current?.revision ?? 0
  }

  /** Whether the features of the run that is shown are read. */
  get isOpen(): boolean {
    return this.#client !== undefined
  }

  get estimate(): Estimate | undefined {
    return this.#current?.fitted?.estimate
  }

  /** @param run full path of a run whose features are made; undefined for none */
  show(run: string | undefined): void {
    if (run === this.#run) return
    this.close()
    this.#run = run
    this.#crashes = 0
    void this.#open().catch(() => {})
  }

  /** Predicts again, soon; what comes together is done together. */
  labelsChanged(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#refit()
    }, DEBOUNCE_MS)
  }

  predictions(): Predictions {
    const { fitted, revision } = this.#current ?? { revision: 0 }
    const { paths } = this.#options
    if (fitted === undefined || this.#client === undefined) {
      const classes = new Array<number>(paths.length).fill(NO_PREDICTION)
      return { revision, classes, probabilities: new Array<number>(paths.length).fill(0), seconds: 0 }
    }
    const places = Array.from(this.#client.places)
    return {
      revision,
      classes: places.map((place) => (place < 0 ? NO_PREDICTION : fitted.predicted[place])),
      probabilities: places.map((place) => (place < 0 ? 0 : toDigits(fitted.probability[place]))),
      seconds: fitted.seconds,
    }
  }

  /** @throws HandfulError where there is nothing to tell yet */
  results(): Results {
    const { fitted, revision } = this.#current ?? { revision: 0 }
    if (fitted === undefined || this.#client === undefined) throw nothingYet('results')
    const { images } = this.#client
    const shown = (places: readonly number[]) => places.map((place) => images[place]).filter((i) => i >= 0)
    const { confusion, classes, reliability, history } = fitted
    const cells = Object.entries(fitted.cells).map(([name, places]) => [name, shown(places)] as const)
    return { revision, confusion, classes, cells: Object.fromEntries(cells), reliability, history }
  }

  async suggest({ count, kind = 'next', except = [] }: Asked<'suggest'>): Promise<readonly Suggestion[]> {
    if (this.#client !== undefined) {
      const found = await this.#client.suggest({ count, kind, except })
      return found.map(({ image, label, probability, why }) =>
        kind === 'audit' || label === undefined || label < 0
          ? { image, why }
          : { image, label, probability, why },
      )
    }
    if (kind === 'check') return []
    const without = new Set(except)
    const why = kind === 'audit' ? 'drawn at random, to measure by' : this.#whyDrawn()
    const found: Suggestion[] = []
    for (const image of await this.#drawn()) {
      if (found.length >= count) break
      if (!without.has(image) && !this.#options.isLabelled(image)) found.push({ image, why })
    }
    return found
  }

  async neighbours(image: number, count: number): Promise<readonly { image: number; similarity: number }[]> {
    return (await this.#opened('neighbours')).neighbours(image, count)
  }

  async map(): Promise<MapView> {
    return (await this.#opened('map')).map()
  }

  /** @throws HandfulError where no run is shown, or its model knows no noise */
  async noise(images: readonly number[]): Promise<NoiseView> {
    const levels = await (await this.#opened('noise levels')).noise(images)
    return {
      levels: levels.map(({ level, accuracy, pictures }) => ({
        t: level / 1000,
        accuracy,
        pictures: pictures.map((picture) => this.#pictures.keep(picture)),
      })),
    }
  }

  /** A picture of `noise`; undefined for an id that there is not. */
  picture(id: string): Uint8Array | undefined {
    return this.#pictures.of(id)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#client?.close()
    this.#client = undefined
    this.#opening = undefined
    this.#run = undefined
    if (this.#current?.fitted !== undefined) this.#take(undefined)
    this.#current = undefined
  }

  async #opened(what: string): Promise<WorkbenchClient> {
    const client = await this.#open()
    if (client === undefined) throw nothingYet(what)
    return client
  }

  /** @throws HandfulError where the run cannot be opened */
  async #open(): Promise<WorkbenchClient | undefined> {
    const run = this.#run
    if (run === undefined || this.#client !== undefined) return this.#client
    this.#opening ??= this.#openRun(run).finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #openRun(run: string): Promise<WorkbenchClient | undefined> {
    const { paths, threads, onTrouble, onChange, onNoise } = this.#options
    try {
      const client = await WorkbenchClient.open({ run, threads }, paths, {
        onMap: onChange,
        onNoise: () => {
          if (this.#run === run) onNoise()
        },
        onFitted: (fitted) => {
          if (this.#run === run) this.#take(fitted)
        },
        onEnd: (reason) => this.#crashed(run, reason),
      })
      if (this.#run !== run) {
        client.close()
        return undefined
      }
      this.#client = client
      onChange()
      this.labelsChanged()
      return client
    } catch (error) {
      if (this.#run === run) onTrouble(error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  #crashed(run: string, reason: string): void {
    if (this.#run !== run) return
    this.#client = undefined
    this.#fitting = false
    this.#crashes++
    const goesOn = this.#crashes < MOST_CRASHES
    const hint = goesOn ? 'it is opened again' : 'no label is lost; open the run again to try once more'
    this.#options.onTrouble(`predictions: ${reason}; ${hint}`)
    if (goesOn) void this.#open().catch(() => {})
  }

  async #refit(): Promise<void> {
    if (this.#fitting) {
      this.#again = true
      return
    }
    this.#fitting = true
    const client = this.#client
    try {
      do {
        this.#again = false
        if (client === undefined || client !== this.#client) return
        const found = await client.refit()
        if (client === this.#client) this.#take(found.kind === 'waiting' ? undefined : found)
      } while (this.#again)
      this.#crashes = 0
    } catch (error) {
      // Of one that has ended `onEnd` tells.
      if (client === this.#client) this.#options.onTrouble(`predictions: ${String((error as Error).message)}`)
    } finally {
      this.#fitting = false
    }
  }

  #take(fitted: FittedForPage | undefined): void {
    if (fitted === undefined && this.#current?.fitted === undefined) return
    if (fitted !== undefined && (this.#current?.fitted?.revision ?? 0) > fitted.revision) return
    this.#current = { revision: this.#options.nextRevision(), fitted }
    this.#options.onPredictions(this.#current.revision)
    this.#options.onChange()
  }

  #whyDrawn(): string {
    return this.#run === undefined
      ? 'drawn at random: nothing is trained yet'
      : 'drawn at random while the features are read'
  }

  #drawn(): Promise<Uint32Array> {
    return (this.#order ??= import('onnx-autodiff').then(({ Random }) =>
      Uint32Array.from(new Random(0, 'studio/drawn').permutation(this.#options.paths.length)),
    ))
  }
}

const toDigits = (value: number): number => Math.round(value * 1000) / 1000

const nothingYet = (what: string): HandfulError =>
  new HandfulError({
    what,
    got: 'no trained run that has them',
    expected: 'a run whose training has come to its end, and labels of two classes',
    hint: 'train a model first',
  })
