/**
 * What the page knows, as signals. All of it comes from the studio; what is the page's own is only how one looks at it:
 * filters, selection, sizes.
 */
import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type {
  Asked,
  Catalogue,
  MapView,
  Predictions,
  RequestName,
  Seen,
  Studio,
  Stepped,
  StudioState,
} from '../../handful/src/studio/protocol.js'
import { type ClassChange, DecisionQueue, type QueueStatus, type Step } from './logic/decision-queue.js'
import { counted } from './logic/format.js'
import { NO_FILTERS, shownImages, type Filters } from './logic/filters.js'
import { START, type History } from './logic/history.js'
import { LabelBook, type Decision } from './logic/label-book.js'
import { NOTHING, type Selection } from './logic/selection.js'
import { viewOf, type ViewName } from './logic/route.js'
import { messageOf, OutOfReach, Refused } from './studio/failures.js'

export interface Notice {
  readonly text: string
  readonly kind: 'note' | 'trouble'
  readonly id: number
}

/** The order of the images in a grid. */
export type Order = 'path' | 'unsure' | 'sure'

const NOTICE_MS = 6000

export class Store {
  readonly state = signal<StudioState | undefined>(undefined)
  readonly connected = signal(true)
  readonly catalogue = signal<Catalogue>({ revision: -1, paths: [] })
  readonly predictions = signal<Predictions | undefined>(undefined)
  readonly map = signal<MapView | undefined>(undefined)
  readonly queue = signal<QueueStatus>({ waiting: 0, stored: 0, outOfReach: false })
  readonly view: Signal<ViewName>
  readonly filters = signal<Filters>(NO_FILTERS)
  readonly order = signal<Order>('path')
  /**
   * What the order goes by. It stays while new predictions come, or images would change places under the hands of whoever
   * labels them.
   */
  private readonly orderedBy = signal<Predictions | undefined>(undefined)
  readonly orderIsOld = computed(() => this.orderedBy.value !== this.predictions.value)
  readonly selection = signal<Selection>(NOTHING)
  readonly history = signal<History>(START)
  readonly cellSize = signal(96)
  readonly threshold = signal(0.9)
  readonly notice = signal<Notice | undefined>(undefined)
  readonly helpOpen = signal(false)
  readonly opened = signal<number | undefined>(undefined)
  /** Grows with every change of a label; the labels themselves are `labels`. */
  readonly labelsVersion = signal(0)

  /** Images that the audit has shown: as long as they have no label, nothing says what is predicted of them. */
  readonly shownBlind = new Set<number>()

  private readonly book = new LabelBook()
  private readonly decisions: DecisionQueue
  private noticeId = 0
  private loadingMap: string | undefined
  private loadingLabels: Promise<void> | undefined
  /** Told of undone images, to look at them again. */
  readonly undone = signal<readonly number[]>([])

  constructor(readonly studio: Studio) {
    this.view = signal(viewOf(location.hash))
    addEventListener('hashchange', () => {
      this.view.value = viewOf(location.hash)
    })
    this.decisions = new DecisionQueue(
      {
        label: async (decisions, seen) =>
          (await studio.ask('label', { decisions: [...decisions], seen })).labelsRevision,
        classNamed: (name) => this.classNamed(name),
        changeClass: (change) => this.sendClassChange(change),
        undo: async () => this.stepped('taken back', await studio.ask('undo', {})),
        redo: async () => this.stepped('done again', await studio.ask('redo', {})),
        kept: () => studio.view('labels'),
      },
      {
        changed: (status) => {
          this.queue.value = status
        },
        stored: (id, step, revision, images) => this.stored(id, step, revision, images),
        refused: (id, step, reason) => this.refused(id, step, reason),
      },
    )
    this.listen()
    effect(() => {
      // The first predictions give an order where there is none.
      if (this.predictions.value === undefined || this.orderedBy.peek() === undefined) this.sortAgain()
    })
    effect(() => {
      void this.order.value
      this.orderedBy.value = this.predictions.peek()
    })
    effect(() => {
      // What the filters let through is another thing to label than the image that keys had come to.
      void this.filters.value
      const { steered, ...rest } = this.selection.peek()
      if (steered === true) this.selection.value = rest
    })
    addEventListener('beforeunload', (event) => {
      if (this.queue.value.waiting > 0) event.preventDefault()
    })
  }

  get labels(): ArrayLike<number> {
    return this.book.values
  }

  /** Images whose decisions the studio does not know yet. */
  get onTheirWay(): readonly number[] {
    return this.book.onTheirWay()
  }

  readonly images = computed(() => this.catalogue.value.paths.length)

  /** Files in the list of images that turned out to be none, by their paths, and why. */
  readonly unreadable: ReadonlySignal<ReadonlyMap<string, string>> = computed(
    () => new Map(this.state.value?.skipped.map(({ path, reason }) => [path, reason])),
  )

  /** Images by label, decisions on their way included. */
  readonly counts = computed(() => {
    void this.labelsVersion.value
    return this.book.counts()
  })

  readonly className: ReadonlySignal<(id: number) => string> = computed(() => {
    const names = new Map(this.state.value?.classes.map(({ id, name }) => [id, name]))
    return (id: number) =>
      names.get(id) ?? (id === -2 ? 'none of these' : id === -1 ? 'no label' : 'a deleted class')
  })

  /** The images that the filters let through, in the chosen order. */
  readonly shown = computed(() => {
    void this.labelsVersion.value
    const predictions = this.predictions.value
    const shown = shownImages(this.images.value, this.filters.value, {
      paths: this.catalogue.value.paths,
      labels: this.book.values,
      predicted: predictions?.classes ?? [],
      confidence: predictions?.probabilities ?? [],
      clusters: this.map.value?.clusters ?? [],
    })
    const order = this.order.value
    const sure = this.orderedBy.value?.probabilities
    if (order === 'path' || sure === undefined) return shown
    const sign = order === 'unsure' ? 1 : -1
    return shown.sort((a, b) => sign * ((sure[a] ?? 0) - (sure[b] ?? 0)) || a - b)
  })

  /** Orders the images by what is predicted now. */
  sortAgain(): void {
    this.orderedBy.value = this.predictions.value
  }

  /** Why an image cannot be shown; undefined for one that can, as far as is known. */
  whyUnreadable(image: number): string | undefined {
    const path = this.catalogue.value.paths[image]
    return path === undefined ? undefined : this.unreadable.value.get(path)
  }

  /** Whether the audit waits for its label: a prediction would sway it. */
  isBlind(image: number): boolean {
    return this.shownBlind.has(image) && (this.labels[image] ?? -1) === -1
  }

  /** First reads; goes on trying while the studio is out of reach. */
  async start(): Promise<void> {
    for (;;) {
      try {
        this.take(await this.studio.view('state'))
        return
      } catch (failure) {
        this.trouble(messageOf(failure))
        if (!(failure instanceof OutOfReach)) return
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
  }

  /** Asks for something whose failure the person has to hear of; undefined where it failed. */
  async ask<N extends RequestName>(name: N, body: Asked<N>) {
    try {
      const answer = await this.studio.ask(name, body)
      if (isState(answer)) this.take(answer)
      return answer
    } catch (failure) {
      this.trouble(messageOf(failure))
      return undefined
    }
  }

  /** Labels images: shown at once, sent in order. */
  label(decisions: readonly Decision[], seen: Seen): void {
    if (decisions.length === 0) return
    const id = this.decisions.push({ kind: 'label', decisions, seen })
    this.book.propose(id, decisions)
    this.labelsVersion.value++
    if (decisions.length > 1)
      this.say(
        `${counted(decisions.length, 'image')}: ${this.className.value(decisions[0].label)}. Z undoes.`,
      )
  }

  /** Makes a class, or finds the one of that name, and labels images with it. */
  labelNew(name: string, images: readonly number[], seen: Seen): void {
    const known = this.state.value?.classes.find((entry) => entry.name === name)
    if (known === undefined) this.decisions.push({ kind: 'newClass', name, images, seen })
    else this.label(images.map((image) => ({ image, label: known.id })), seen) // prettier-ignore
  }

  /** Renames, merges or deletes a class: a step like any other, in its turn. */
  changeClass(change: ClassChange): void {
    this.book.forgetPast()
    this.decisions.push({ kind: 'classes', change })
  }

  undo(): void {
    const back = this.book.takeBack()
    const id = this.decisions.push({ kind: 'undo' })
    if (back === undefined) return
    this.book.propose(id, back, false)
    batch(() => {
      this.labelsVersion.value++
      this.undone.value = back.map(({ image }) => image)
    })
  }

  redo(): void {
    this.decisions.push({ kind: 'redo' })
  }

  say(text: string): void {
    this.show({ text, kind: 'note', id: ++this.noticeId })
  }

  trouble(text: string): void {
    this.show({ text, kind: 'trouble', id: ++this.noticeId })
  }

  /** Reads the map of the current run, where it is not here yet. */
  async loadMap(): Promise<void> {
    const state = this.state.value
    if (state === undefined || state.run === undefined) return
    const key = `${state.catalogueRevision} ${state.run}`
    if (this.loadingMap === key) return
    this.loadingMap = key
    try {
      this.map.value = await this.studio.view('map')
    } catch (failure) {
      this.loadingMap = undefined
      if (!(failure instanceof Refused)) this.trouble(messageOf(failure))
      this.map.value = undefined
    }
  }

  private show(notice: Notice): void {
    this.notice.value = notice
    if (notice.kind === 'note')
      setTimeout(() => {
        if (this.notice.value?.id === notice.id) this.notice.value = undefined
      }, NOTICE_MS)
  }

  private listen(): void {
    this.studio.connected.subscribe((connected) => {
      const again = connected && !this.connected.value
      this.connected.value = connected
      if (!again) return
      this.decisions.hurry()
      void this.start().then(() => this.loadLabels())
    })
    this.studio.on('state', (state) => this.take(state))
    this.studio.on('labels', ({ revision, changed }) => {
      if (this.book.apply(revision, changed)) this.labelsVersion.value++
      else void this.loadLabels()
    })
    this.studio.on('predictions', () => void this.loadPredictions())
  }

  /** Takes a new state in and reads what it says is new. */
  private take(state: StudioState): void {
    const before = this.state.value
    const otherImages = state.catalogueRevision !== this.catalogue.value.revision
    batch(() => {
      this.state.value = state
      if (state.trouble !== undefined && state.trouble !== before?.trouble) this.trouble(state.trouble)
    })
    if (otherImages) void this.loadCatalogue(state.catalogueRevision)
    else if (state.labelsRevision > this.book.revision) this.catchUp()
    if (before?.run !== state.run || otherImages) {
      this.map.value = undefined
      this.loadingMap = undefined
      this.predictions.value = undefined
    }
    if (state.predictionsRevision > 0 && state.predictionsRevision !== this.predictions.value?.revision)
      void this.loadPredictions()
  }

  private async loadCatalogue(revision: number): Promise<void> {
    try {
      const [catalogue, labels] = await Promise.all([
        this.studio.view('catalogue'),
        this.studio.view('labels'),
      ])
      if (catalogue.revision < revision) return
      const other =
        this.catalogue.value.paths.length === 0 || catalogue.paths[0] !== this.catalogue.value.paths[0]
      batch(() => {
        this.catalogue.value = catalogue
        this.book.load(labels.revision, labels.labels)
        this.labelsVersion.value++
        if (!other) return
        this.shownBlind.clear()
        this.filters.value = NO_FILTERS
        this.selection.value = NOTHING
        this.history.value = START
      })
    } catch (failure) {
      if (!(failure instanceof OutOfReach)) this.trouble(messageOf(failure))
    }
  }

  private loadLabels(): Promise<void> {
    this.loadingLabels ??= this.studio
      .view('labels')
      .then(({ revision, labels }) => {
        this.book.load(revision, labels)
        this.labelsVersion.value++
      })
      .catch((failure: unknown) => {
        if (!(failure instanceof OutOfReach)) this.trouble(messageOf(failure))
      })
      .finally(() => {
        this.loadingLabels = undefined
      })
    return this.loadingLabels
  }

  private async loadPredictions(): Promise<void> {
    try {
      const predictions = await this.studio.view('predictions')
      if (predictions.revision >= (this.predictions.value?.revision ?? 0))
        this.predictions.value = predictions
    } catch (failure) {
      if (!(failure instanceof OutOfReach)) this.trouble(messageOf(failure))
    }
  }

  /** Events come soon after; where they do not, the labels are read anew. */
  private catchUp(): void {
    setTimeout(() => {
      if (this.book.isBehind || (this.state.value?.labelsRevision ?? 0) > this.book.revision)
        void this.loadLabels()
    }, 800)
  }

  private async classNamed(name: string): Promise<number> {
    const find = (state: StudioState | undefined) => state?.classes.find((entry) => entry.name === name)?.id
    const known = find(this.state.value)
    if (known !== undefined) return known
    try {
      this.take(await this.studio.ask('addClass', { name }))
    } catch (failure) {
      if (failure instanceof OutOfReach) throw failure
      // Made after all, by an answer that was lost or by someone else?
      this.take(await this.studio.view('state'))
      if (find(this.state.value) === undefined) throw failure
    }
    const made = find(this.state.value)
    if (made === undefined) throw new Refused(`the class ${name} was not made`)
    return made
  }

  private async sendClassChange(change: ClassChange): Promise<number> {
    const { id } = change
    const state =
      change.kind === 'rename'
        ? await this.studio.ask('renameClass', { id, name: change.name })
        : change.kind === 'merge'
          ? await this.studio.ask('mergeClasses', { from: id, into: change.into })
          : await this.studio.ask('deleteClass', { id })
    this.take(state)
    return state.labelsRevision
  }

  private stepped(how: string, { labelsRevision, images, classes }: Stepped) {
    if (classes) this.say(`Change of classes ${how}.`)
    return { revision: labelsRevision, images }
  }

  private stored(id: number, step: Step, revision: number, images: readonly number[]): void {
    this.book.acknowledge(id, revision)
    batch(() => {
      this.labelsVersion.value++
      if ((step.kind === 'undo' || step.kind === 'redo') && images.length > 0) this.undone.value = images
    })
    if (this.book.isBehind) this.catchUp()
    if (step.kind === 'undo' || step.kind === 'redo' || step.kind === 'classes') this.catchUp()
  }

  private refused(id: number, step: Step, reason: string): void {
    this.book.withdraw(id)
    this.labelsVersion.value++
    const ofLabels = step.kind === 'label' || step.kind === 'newClass'
    this.trouble(ofLabels ? `Not stored: ${reason}` : reason)
  }
}

function isState(answer: unknown): answer is StudioState {
  return typeof answer === 'object' && answer !== null && 'catalogueRevision' in answer
}
