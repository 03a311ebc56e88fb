/** Keeps suggestions coming: asked for ahead of time, anew after every refit, their images fetched before they are shown. */
import { computed, effect, signal } from '@preact/signals'
import type { Suggestion } from '../../../../handful/src/studio/protocol.js'
import { refreshed, upcoming, without, type Next, type Streams } from '../../logic/upcoming.js'
import type { Store } from '../../store.js'
import { messageOf, OutOfReach } from '../../studio/failures.js'

const ASKED = 40
const LOW = 20
/** Shown or about to be: these stay when suggestions are renewed. */
const KEPT = 3
const FETCHED_AHEAD = 10
const MOST_EXCEPTIONS = 5000
const RETRY_MS = 1500

export class Feed {
  private readonly streams = signal<Streams>({ suggested: [], audit: [], sinceBlind: 0 })
  readonly next = computed(() => upcoming(this.streams.value, FETCHED_AHEAD))
  /** True while nothing is known yet. */
  readonly waiting = signal(true)
  private readonly skipped = new Set<number>()
  private fetched: { readonly image: number; readonly picture: HTMLImageElement }[] = []
  private kept = KEPT
  private asking = false
  private askAgain = false
  private readonly ends: (() => void)[]

  constructor(private readonly store: Store) {
    let predictions: number | undefined
    let catalogue: number | undefined
    let chosenBy: string | undefined
    this.ends = [
      effect(() => {
        const now = store.predictions.value?.revision
        const images = store.catalogue.value.revision
        const by = store.state.value?.suggestsBy
        if (now === predictions && images === catalogue && by === chosenBy) return
        if (images !== catalogue) this.streams.value = { suggested: [], audit: [], sinceBlind: 0 }
        // Those that another run chose, or no run, give way but for the one that is looked at.
        if (by !== chosenBy && by !== undefined) this.kept = 1
        predictions = now
        catalogue = images
        chosenBy = by
        void this.refill()
      }),
      // What is labelled elsewhere (another tab, the map) is not asked again, nor what turns out to be no image.
      effect(() => {
        void store.labelsVersion.value
        void store.unreadable.value
        const { suggested, audit, sinceBlind } = this.streams.peek()
        const open = ({ image }: { image: number }) => this.usable(image)
        if (suggested.every(open) && audit.every(open)) return
        this.streams.value = { suggested: suggested.filter(open), audit: audit.filter(open), sinceBlind }
      }),
      effect(() => this.fetch(this.next.value)),
    ]
  }

  /** It was decided on, or skipped. */
  done(shown: Next, skipped: boolean): void {
    if (skipped) this.skipped.add(shown.image)
    this.streams.value = without(this.streams.value, shown)
    if (this.streams.value.suggested.length < LOW) void this.refill()
  }

  end(): void {
    for (const end of this.ends) end()
  }

  private async refill(): Promise<void> {
    if (this.store.catalogue.value.paths.length === 0) return
    if (this.asking) {
      this.askAgain = true
      return
    }
    this.asking = true
    try {
      do {
        this.askAgain = false
        const except = [...this.skipped, ...this.store.onTheirWay].slice(-MOST_EXCEPTIONS)
        const kept = this.kept
        this.kept = KEPT
        const [next, audit] = await Promise.all([
          this.store.studio.ask('suggest', { count: ASKED, kind: 'next', except }),
          this.streams.value.audit.length < 4
            ? this.store.studio.ask('suggest', { count: 12, kind: 'audit', except })
            : Promise.resolve(undefined),
        ])
        const usable = (image: number) => this.usable(image)
        const shown = this.next.value[0]?.image
        const classes = this.store.state.value?.classes ?? []
        const stays = ({ image, label }: Suggestion) =>
          image === shown && classes.some(({ id }) => id === label)
        const before = this.streams.value
        this.streams.value = {
          ...before,
          suggested: refreshed(before.suggested, next, kept, { usable, stays }),
          audit: refreshed(before.audit, audit ?? [], audit === undefined ? before.audit.length : KEPT, {
            usable,
          }),
        }
        this.waiting.value = false
        // Keys were faster than the answer: of what it brought too little is left, and no decision may come to ask again.
        const late = next.some(({ image }) => this.store.labels[image] !== -1)
        if (late && this.streams.value.suggested.length < LOW) this.askAgain = true
      } while (this.askAgain)
    } catch (failure) {
      if (failure instanceof OutOfReach) setTimeout(() => void this.refill(), RETRY_MS)
      else this.store.trouble(messageOf(failure))
    } finally {
      this.asking = false
    }
  }

  private usable(image: number): boolean {
    return (
      this.store.labels[image] === -1 &&
      !this.skipped.has(image) &&
      this.store.whyUnreadable(image) === undefined
    )
  }

  /** Pictures are held, so that the browser keeps them decoded. */
  private fetch(next: readonly Next[]): void {
    const known = new Map(this.fetched.map(({ image, picture }) => [image, picture]))
    this.fetched = next.map(({ image }) => {
      const before = known.get(image)
      if (before !== undefined) return { image, picture: before }
      const picture = new Image()
      picture.src = this.store.studio.thumbnail(image)
      void picture.decode().catch(() => undefined)
      return { image, picture }
    })
  }
}
