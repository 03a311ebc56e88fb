/**
 * Decisions on their way to the journal, in order, one step at a time. While the studio is out of reach they are kept and
 * sent again; what it refuses is handed back with the reason. Nothing is counted as stored before it is acknowledged.
 */
import type { Label, Seen } from '../../../handful/src/studio/protocol.js'
import { messageOf, OutOfReach } from '../studio/failures.js'
import type { Decision } from './label-book.js'

export type Step =
  | { readonly kind: 'label'; readonly decisions: readonly Decision[]; readonly seen: Seen }
  /** A class that does not exist yet, and the images that it is made for. */
  | {
      readonly kind: 'newClass'
      readonly name: string
      readonly images: readonly number[]
      readonly seen: Seen
    }
  /** Of classes that are there. */
  | { readonly kind: 'classes'; readonly change: ClassChange }
  | { readonly kind: 'undo' }
  | { readonly kind: 'redo' }

export type ClassChange =
  | { readonly kind: 'rename'; readonly id: number; readonly name: string }
  | { readonly kind: 'merge'; readonly id: number; readonly into: number }
  | { readonly kind: 'delete'; readonly id: number }

/** How steps reach the studio. Each resolves to the revision that has them. */
export interface Journal {
  label(decisions: readonly { image: number; label: Label }[], seen: Seen): Promise<number>
  /** The number of the class of this name, made where there is none. */
  classNamed(name: string): Promise<number>
  changeClass(change: ClassChange): Promise<number>
  undo(): Promise<{ revision: number; images: readonly number[] }>
  redo(): Promise<{ revision: number; images: readonly number[] }>
  /** The labels as they are kept now; asked after an answer was lost. */
  kept(): Promise<{ revision: number; labels: ArrayLike<number> }>
}

export interface QueueEvents {
  changed(status: QueueStatus): void
  stored(id: number, step: Step, revision: number, images: readonly number[]): void
  refused(id: number, step: Step, reason: string): void
}

export interface QueueStatus {
  /** Images decided on that are not acknowledged yet. */
  readonly waiting: number
  /** Images decided on in this page that are. */
  readonly stored: number
  readonly outOfReach: boolean
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 4000

export const asLabel = (label: number): Label => (label === -1 ? null : label === -2 ? 'none' : label)

export class DecisionQueue {
  private readonly steps: { readonly id: number; readonly step: Step }[] = []
  private nextId = 0
  private stored = 0
  private outOfReach = false
  private running = false
  private wake: (() => void) | undefined

  constructor(
    private readonly journal: Journal,
    private readonly events: QueueEvents,
    private readonly sleep: (milliseconds: number) => Promise<void> = (milliseconds) =>
      new Promise((resolve) => setTimeout(resolve, milliseconds)),
  ) {}

  get status(): QueueStatus {
    const waiting = this.steps.reduce((sum, { step }) => sum + imagesOf(step), 0)
    return { waiting, stored: this.stored, outOfReach: this.outOfReach }
  }

  /** Takes a step; its number comes back in the events. */
  push(step: Step): number {
    const id = this.nextId++
    this.steps.push({ id, step })
    this.tell()
    if (!this.running) void this.run()
    return id
  }

  /** The studio is there again: does not wait the rest of the pause. */
  hurry(): void {
    this.wake?.()
  }

  private async run(): Promise<void> {
    this.running = true
    while (this.steps.length > 0) {
      const { id, step } = this.steps[0]
      const before: { revision?: number } = {}
      for (let tries = 0; ; tries++) {
        try {
          const { revision, images } = await this.send(step, tries, before)
          this.outOfReach = false
          this.steps.shift()
          this.stored += imagesOf(step)
          this.events.stored(id, step, revision, images)
          break
        } catch (failure) {
          if (!(failure instanceof OutOfReach)) {
            this.steps.shift()
            this.events.refused(id, step, messageOf(failure))
            break
          }
          this.outOfReach = true
          this.tell()
          await this.pause(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries))
        }
      }
      this.tell()
    }
    this.running = false
  }

  /** `before.revision`: what was kept before an undo was sent first, to see after a lost answer whether it was done. */
  private async send(
    step: Step,
    tries: number,
    before: { revision?: number },
  ): Promise<{ revision: number; images: readonly number[] }> {
    switch (step.kind) {
      case 'label':
        return this.sendLabels(step.decisions, step.seen, tries)
      case 'newClass': {
        const label = await this.journal.classNamed(step.name)
        const decisions = step.images.map((image) => ({ image, label }))
        if (decisions.length === 0) return { revision: (await this.journal.kept()).revision, images: [] }
        return this.sendLabels(decisions, step.seen, tries)
      }
      case 'classes':
        return this.sendClassChange(step.change, tries)
      case 'undo':
      case 'redo': {
        if (before.revision !== undefined) {
          const { revision } = await this.journal.kept()
          if (revision > before.revision) return { revision, images: [] }
        } else before.revision = (await this.journal.kept()).revision
        return this.journal[step.kind]()
      }
    }
  }

  private async sendLabels(decisions: readonly Decision[], seen: Seen, tries: number) {
    const images = decisions.map(({ image }) => image)
    if (tries > 0) {
      const { revision, labels } = await this.journal.kept()
      if (decisions.every(({ image, label }) => labels[image] === label)) return { revision, images }
    }
    const asked = decisions.map(({ image, label }) => ({ image, label: asLabel(label) }))
    return { revision: await this.journal.label(asked, seen), images }
  }

  /** After a lost answer: a class that is gone was merged or deleted by it, and a name that is its own already is no step. */
  private async sendClassChange(change: ClassChange, tries: number) {
    try {
      return { revision: await this.journal.changeClass(change), images: [] }
    } catch (failure) {
      if (tries === 0 || failure instanceof OutOfReach || change.kind === 'rename') throw failure
      return { revision: (await this.journal.kept()).revision, images: [] }
    }
  }

  private async pause(milliseconds: number): Promise<void> {
    await Promise.race([
      this.sleep(milliseconds),
      new Promise<void>((resolve) => {
        this.wake = resolve
      }),
    ])
    this.wake = undefined
  }

  private tell(): void {
    this.events.changed(this.status)
  }
}

function imagesOf(step: Step): number {
  if (step.kind === 'label') return step.decisions.length
  return step.kind === 'newClass' ? step.images.length : 0
}
