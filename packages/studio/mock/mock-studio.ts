/**
 * A studio that lives in the page, over made-up images: to build the page on and to test it with. It keeps a journal as the
 * real one does, can be made slow or cut off, and plays training.
 */
import type {
  Answers,
  Asked,
  Events,
  Label,
  MapView,
  RequestName,
  Studio,
  StudioState,
  Views,
} from '../../handful/src/studio/protocol.js'
import { OutOfReach, Refused } from '../src/studio/failures.js'
import { kindOf, KINDS, pathOf, pictureOf, sheetOf } from './images.js'
import { fakeMap, fakePredictions, fakeResults, suggestions, type Guess } from './guesses.js'
import { finished, metricsOf, started, ticked, TICK_MS, type PlayedRun } from './training.js'

export interface MockOptions {
  readonly images: number
  /** `empty`: nothing opened; `reading`: a folder is gone through; `untrained`: opened, no run yet; `ready`: trained, no labels; `labelled`: both. */
  readonly stage: 'empty' | 'reading' | 'untrained' | 'ready' | 'labelled'
  readonly latencyMs: number
  /** Classes in the last two stages. */
  readonly classes: number
  /** Of runs and classes. */
  readonly longNames?: boolean
  /** Address of an exported model to try; without one the view Use has none. */
  readonly model?: string
}

export interface JournalRow {
  readonly image: number
  readonly label: number
  readonly seen: string
  readonly step: number
  readonly undo: boolean
}

interface UndoStep {
  readonly before: readonly { image: number; label: number }[]
  readonly after: readonly { image: number; label: number }[]
  readonly classes?: { readonly before: readonly MockClass[]; readonly after: readonly MockClass[] }
}

interface MockClass {
  readonly id: number
  readonly name: string
}

/** As cameras and people give them. */
const LONG = '-of-the-holidays-in-Northern-Scotland-with-everyone-2026-11-30_(copy-2)'

const NO_PICTURE = 'data:image/png;base64,'

export class MockStudio implements Studio {
  readonly journal: JournalRow[] = []
  /** True: every request fails as if the server were gone. */
  private cutOff = false
  /** Images whose files turned out to be none. */
  private readonly spoilt = new Set<number>()
  private readonly labels: Int32Array
  private labelsRevision = 0
  private predictionsRevision = 0
  private classes: readonly MockClass[] = []
  private nextClass = 0
  private undoSteps: UndoStep[] = []
  private redoSteps: UndoStep[] = []
  private steps = 0
  private opened: boolean
  private runs: PlayedRun[] = []
  private run: string | undefined
  private readonly layout: MapView
  private guess: Guess
  private refit: ReturnType<typeof setTimeout> | undefined
  private readonly heard = new Map<keyof Events, Set<(value: never) => void>>()
  private readonly followers = new Set<(connected: boolean) => void>()

  constructor(private readonly options: MockOptions) {
    this.labels = new Int32Array(options.images).fill(-1)
    this.layout = fakeMap(options.images)
    this.opened = options.stage !== 'empty' && options.stage !== 'reading'
    if (options.stage === 'ready' || options.stage === 'labelled') this.trained('vae', 1)
    if (options.stage === 'labelled') this.labelSome()
    this.guess = fakePredictions(this.labels, this.layout)
    if (options.stage === 'labelled') this.predictionsRevision = 1
    setInterval(() => this.tick(), TICK_MS)
  }

  readonly connected = {
    subscribe: (listener: (connected: boolean) => void) => {
      this.followers.add(listener)
      listener(!this.cutOff)
      return () => this.followers.delete(listener)
    },
  }

  /** Cuts the connection, or mends it. */
  cut(off: boolean): void {
    this.cutOff = off
    for (const follower of this.followers) follower(!off)
  }

  /** The file of an image turns out to be none. */
  spoil(image: number): void {
    this.spoilt.add(image)
    this.changed()
  }

  /** A training has come to its end, and its features are read. */
  finishTraining(): void {
    this.trained('vae', 1)
    this.changed()
  }

  on<N extends keyof Events>(name: N, listener: (value: Events[N]) => void): () => void {
    const set = this.heard.get(name) ?? new Set()
    this.heard.set(name, set)
    set.add(listener)
    return () => set.delete(listener)
  }

  thumbnail = (image: number): string => (this.spoilt.has(image) ? NO_PICTURE : pictureOf(image, 128))
  original = (image: number): string => (this.spoilt.has(image) ? NO_PICTURE : pictureOf(image, 800))
  found = (index: number): string => pictureOf(index, 128)
  download = (id: string): string =>
    id === 'model' && this.options.model !== undefined
      ? this.options.model
      : `data:text/plain,${encodeURIComponent(id)}`
  upload = (): Promise<void> => this.travel()
  page = (): string => 'about:blank'
  picture = (id: string): string => {
    const [kind, seed, at] = id.split('-')
    if (kind === 'noise') return pictureOf(Number(seed), 128, Number(at))
    const step = Number(at)
    const images = Array.from({ length: 32 }, (_, k) =>
      kind === 'samples' ? k * 31 + Number(seed) * 7 : k + 5,
    )
    return sheetOf(images, 8, Math.max(0.04, 0.95 * Math.exp(-step / 2500)))
  }

  async view<N extends keyof Views>(
    name: N,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<Views[N]> {
    await this.travel()
    const views: { [K in keyof Views]: () => Views[K] } = {
      state: () => this.state(),
      catalogue: () => ({
        revision: this.opened ? 1 : 0,
        paths: this.opened ? Array.from(this.labels, (_, image) => pathOf(image)) : [],
      }),
      labels: () => ({ revision: this.labelsRevision, labels: [...this.labels] }),
      predictions: () => ({
        revision: this.predictionsRevision,
        classes: [...this.guess.classes],
        probabilities: [...this.guess.probabilities],
        seconds: 0.12,
      }),
      map: () => {
        if (this.run === undefined) throw new Refused('map: got no trained run; train one first')
        return this.layout
      },
      results: () => fakeResults(this.predictionsRevision, this.labels, this.guess, this.classes),
      metrics: () => {
        const run = this.runs.find(({ card }) => card.name === parameters.run)
        if (run === undefined)
          throw new Refused(`metrics: got ${parameters.run}, expected a run of this folder`)
        return metricsOf(run)
      },
    }
    return views[name]()
  }

  async ask<N extends RequestName>(name: N, body: Asked<N>): Promise<Answers[N]> {
    await this.travel()
    const answers: { [K in RequestName]: (asked: Asked<K>) => Answers[K] } = {
      open: () => {
        this.opened = true
        return this.changed()
      },
      browse: ({ path }) => browse(path),
      holds: () => ({ same: false }),
      startUpload: () => ({ id: '0'.repeat(32) }),
      finishUpload: () => ({ path: '/home/ada/runs/finds-images' }),
      cancelUpload: () => ({}),
      train: ({ model, minutes, size }) => {
        const seed = this.runs.length + 1
        const side = size === undefined || size === 'auto' ? 32 : size
        this.runs = [...this.runs, started(`${model}-${seed}`, model, minutes, side, seed)]
        this.run ??= `${model}-${seed}`
        return this.changed()
      },
      pauseTraining: ({ run }) => this.put(run, { state: 'paused' }),
      resumeTraining: ({ run }) => this.put(run, { state: 'training' }),
      stopTraining: ({ run }) => {
        this.runs = this.runs.map((r) => (r.card.name === run ? { ...r, card: finished(r.card) } : r))
        return this.changed()
      },
      selectRun: ({ run }) => {
        this.run = run
        return this.changed()
      },
      label: ({ decisions, seen }) => {
        const asked = decisions.map(({ image, label }) => ({ image, label: fromLabel(label) }))
        this.store(asked, seen)
        return { labelsRevision: this.labelsRevision, changed: asked.length }
      },
      undo: () => this.step(this.undoSteps, this.redoSteps, 'before'),
      redo: () => this.step(this.redoSteps, this.undoSteps, 'after'),
      addClass: ({ name: className }) => {
        if (this.classes.some((entry) => entry.name === className))
          throw new Refused(`addClass: got ${className}, which exists already`)
        return this.reclass([...this.classes, { id: this.nextClass++, name: className }])
      },
      renameClass: ({ id, name: className }) => {
        return this.reclass(this.classes.map((entry) => (entry.id === id ? { id, name: className } : entry)))
      },
      mergeClasses: ({ from, into }) => this.drop(from, into),
      deleteClass: ({ id }) => this.drop(id, -1),
      suggest: (asked) => {
        const kind = this.run === undefined ? 'audit' : asked.kind
        return suggestions({ ...asked, kind }, this.labels, this.guess, this.layout, this.classes)
      },
      neighbours: ({ image, count }) => this.neighbours(image, count),
      noise: ({ images }) => ({
        levels: Array.from({ length: 11 }, (_, k) => ({
          t: k / 10,
          accuracy: 0.86 - 0.5 * Math.abs(k / 10 - 0.3) - 0.2 * (k / 10) ** 3,
          pictures: images.map((image) => `noise-${image}-${(k / 10) * 0.95}`),
        })),
      }),
      export: ({ what }) => ({
        id: what,
        file: {
          model: 'model.onnx',
          package: 'model.zip',
          predictions: 'predictions.csv',
          labels: 'labels.csv',
          report: 'report.html',
        }[what],
        bytes: 1_240_000,
      }),
    }
    return answers[name](body)
  }

  private state(): StudioState {
    const labelled = this.labels.reduce((sum, label) => sum + (label === -1 ? 0 : 1), 0)
    return {
      place: this.opened ? { path: '/home/ada/pictures/finds', name: 'finds' } : undefined,
      reading:
        this.options.stage === 'reading' && !this.opened
          ? { done: 12_300, total: 0, skipped: 14, found: 24 }
          : undefined,
      catalogueRevision: this.opened ? 1 : 0,
      images: this.opened ? this.options.images : 0,
      skipped: this.opened
        ? [
            ...[...this.spoilt].map((image) => ({ path: pathOf(image), reason: 'not an image' })),
            { path: 'folder a/IMG_00412.jpg', reason: 'the file ends in the middle of the image' },
            { path: 'notes.txt', reason: 'not an image' },
            { path: 'folder b/<img src=x onerror=alert(1)>.png', reason: 'empty file' },
          ]
        : [],
      skippedCount: this.opened ? 3 + this.spoilt.size : 0,
      understood: this.opened
        ? 'Five folders whose names look like places to keep files, not like classes: no labels were taken from them.'
        : undefined,
      notes: this.opened ? ['12 images are there twice; one label serves both.'] : [],
      classes: this.classes.map(({ id, name }) => ({
        id,
        name,
        count: this.labels.reduce((sum, label) => sum + (label === id ? 1 : 0), 0),
      })),
      labelled,
      canUndo: this.undoSteps.length > 0,
      canRedo: this.redoSteps.length > 0,
      labelsRevision: this.labelsRevision,
      runs: this.runs.map(({ card }) => card),
      run: this.run,
      suggestsBy: this.run,
      predictionsRevision: this.predictionsRevision,
      estimate:
        this.predictionsRevision > 0
          ? { accuracy: 0.87, low: 0.79, high: 0.92, labels: 48, from: 'audit' }
          : undefined,
      advice: {
        model: 'vae',
        minutes: 5,
        size: 32,
        why: `${this.options.images} images of 32 pixels: the autoencoder gives the best features for its time here, and more than 5 minutes brought less than a point in our measurements.`,
      },
      models: [
        { name: 'vae', about: 'Autoencoder: quick, good features of small images', hasNoiseLevels: false },
        { name: 'diffusion', about: 'Diffusion: the sharpest samples, takes longest', hasNoiseLevels: true },
        { name: 'flow', about: 'Flow matching: as diffusion, with fewer steps', hasNoiseLevels: true },
        { name: 'vqvae', about: 'Codebook: images as words of a small alphabet', hasNoiseLevels: false },
        { name: 'gan', about: 'Adversarial: two networks against each other', hasNoiseLevels: false },
      ],
    }
  }

  private async travel(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.options.latencyMs))
    if (this.cutOff) throw new OutOfReach('the studio does not answer')
  }

  private emit<N extends keyof Events>(name: N, value: Events[N]): void {
    if (this.cutOff) return
    setTimeout(() => {
      for (const listener of this.heard.get(name) ?? []) (listener as (value: Events[N]) => void)(value)
    }, this.options.latencyMs)
  }

  private changed(): StudioState {
    const state = this.state()
    this.emit('state', state)
    return state
  }

  private store(
    decisions: readonly { image: number; label: number }[],
    seen: string,
    classes?: UndoStep['classes'],
  ): void {
    const before = decisions.map(({ image }) => ({ image, label: this.labels[image] }))
    this.undoSteps.push({ before, after: decisions, classes })
    this.redoSteps = []
    this.write(decisions, seen, false)
  }

  private write(decisions: readonly { image: number; label: number }[], seen: string, undo: boolean): void {
    const step = this.steps++
    for (const { image, label } of decisions) {
      this.labels[image] = label
      this.journal.push({ image, label, seen, step, undo })
    }
    this.labelsRevision++
    this.emit('labels', {
      revision: this.labelsRevision,
      changed: decisions.map(({ image, label }) => [image, label] as const),
    })
    clearTimeout(this.refit)
    this.refit = setTimeout(() => {
      if (this.run === undefined) return
      this.guess = fakePredictions(this.labels, this.layout)
      this.predictionsRevision++
      this.emit('predictions', { revision: this.predictionsRevision })
      this.changed()
    }, 150)
  }

  private step(from: UndoStep[], to: UndoStep[], side: 'before' | 'after') {
    const step = from.pop()
    if (step === undefined) throw new Refused('nothing to undo')
    to.push(step)
    if (step.classes !== undefined) this.classes = step.classes[side]
    this.write(step[side], 'picked', true)
    this.changed()
    return {
      labelsRevision: this.labelsRevision,
      images: step[side].map(({ image }) => image),
      classes: step.classes !== undefined,
    }
  }

  private drop(id: number, into: number): StudioState {
    const changed = [...this.labels.keys()].filter((image) => this.labels[image] === id)
    return this.reclass(
      this.classes.filter((entry) => entry.id !== id),
      changed.map((image) => ({ image, label: into })),
    )
  }

  /** A change of classes, with the labels that it changes: one step. */
  private reclass(
    after: readonly MockClass[],
    decisions: readonly { image: number; label: number }[] = [],
  ): StudioState {
    const before = this.classes
    this.classes = after
    this.store(decisions, 'picked', { before, after })
    return this.changed()
  }

  private put(run: string, card: Partial<PlayedRun['card']>): StudioState {
    this.runs = this.runs.map((r) => (r.card.name === run ? { ...r, card: { ...r.card, ...card } } : r))
    return this.changed()
  }

  private neighbours(image: number, count: number) {
    const { positions } = this.layout
    const distances = Array.from(this.labels, (_, other) => ({
      image: other,
      similarity:
        1 -
        Math.hypot(
          positions[2 * image] - positions[2 * other],
          positions[2 * image + 1] - positions[2 * other + 1],
        ) /
          2,
    }))
    return distances
      .filter((entry) => entry.image !== image)
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count)
  }

  private tick(): void {
    if (!this.runs.some(({ card }) => card.state === 'training')) return
    this.runs = this.runs.map((run) => ticked(run, 6))
    this.changed()
    for (const { card } of this.runs) this.emit('metrics', { run: card.name })
  }

  private trained(model: string, seed: number): void {
    const name = `${model}-${seed}${this.options.longNames ? LONG : ''}`
    const run = started(name, model, 5, 32, seed)
    this.runs.push({ ...run, card: { ...finished(run.card), seconds: 300, steps: 12_000 } })
    this.run = run.card.name
  }

  private labelSome(): void {
    this.trained('diffusion', 2)
    this.runs[1] = { ...this.runs[1], card: { ...this.runs[1].card, state: 'paused', seconds: 140, secondsLeft: 160, steps: 5600, done: 0.47 } } // prettier-ignore
    this.trained('flow', 3)
    this.run = this.runs[0].card.name
    this.classes = KINDS.slice(0, this.options.classes).map((name) => ({
      id: this.nextClass++,
      name: this.options.longNames ? `${name}${LONG}` : name,
    }))
    for (
      let image = 0;
      image < this.labels.length;
      image += Math.max(7, Math.floor(this.labels.length / 260))
    )
      this.labels[image] =
        kindOf(image) < this.options.classes
          ? image % 16 === 0
            ? (kindOf(image) + 1) % this.options.classes
            : kindOf(image)
          : -2
    this.labelsRevision = 1
  }
}

const fromLabel = (label: Label): number => (label === null ? -1 : label === 'none' ? -2 : label)

function browse(path: string | undefined): Answers['browse'] {
  const here = path === undefined || path === '' ? '/home/ada' : path.replace(/(.)\/$/, '$1')
  if (!here.startsWith('/')) throw new Refused(`browse (${here}): no such folder; a path begins with /`)
  const names: Record<string, readonly (readonly [string, number, boolean])[]> = {
    '/home/ada': [['pictures', 0, false], ['runs', 0, false], ['music', 0, false]],
    '/home/ada/pictures': [['finds', 3000, false], ['holidays', 842, false], ['shells', 260, false]],
    '/home/ada/runs': [['finds-vae', 0, true]],
  } // prettier-ignore
  return {
    path: here,
    parent: here === '/' ? undefined : here.slice(0, Math.max(1, here.lastIndexOf('/'))),
    folders: (names[here] ?? []).map(([name, images, isRun]) => ({
      path: `${here}/${name}`,
      name,
      images,
      isRun,
    })),
  }
}
