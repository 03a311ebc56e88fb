/**
 * The labels as the page shows them: what the studio has told, and over it what was decided here and is still on its way.
 * A decision is shown at once and gives way to the studio's word once that is as new.
 */

/** -1 no label, -2 none of these, else the class's number. */
export interface Decision {
  readonly image: number
  readonly label: number
}

interface Proposed {
  readonly label: number
  readonly step: number
  /** The revision that has it; undefined while it is on its way. */
  revision?: number
}

/** Undo steps whose effect is shown before the studio answers. */
const REMEMBERED = 500

export class LabelBook {
  /** `[images]` as told. */
  private told = new Int32Array(0)
  /** `[images]` as shown. */
  values = new Int32Array(0)
  revision = -1
  private readonly proposed = new Map<number, Proposed>()
  private readonly past: Decision[][] = []

  load(revision: number, labels: ArrayLike<number>): void {
    this.told = Int32Array.from(labels)
    this.values = this.told.slice()
    this.revision = revision
    this.settle()
    for (const [image, { label }] of this.proposed) if (image < this.values.length) this.values[image] = label
  }

  /** Takes in changes by anyone. False where some are missing before them: then `load` again. */
  apply(revision: number, changed: readonly (readonly [image: number, label: number])[]): boolean {
    if (revision <= this.revision) return true
    if (revision > this.revision + 1) return false
    this.revision = revision
    // Someone else's step is the last now, or one of classes: what an undo brings is not known here any more.
    const own = ([image, label]: readonly [number, number]): boolean =>
      this.proposed.has(image) || this.values[image] === label
    if (changed.length === 0 || !changed.every(own)) this.past.length = 0
    for (const [image, label] of changed) {
      this.told[image] = label
      if (!this.proposed.has(image)) this.values[image] = label
    }
    this.settle()
    return true
  }

  /** Shows decisions that are on their way. `undoable`: they are a step of their own. */
  propose(step: number, decisions: readonly Decision[], undoable = true): void {
    if (undoable) {
      this.past.push(decisions.map(({ image }) => ({ image, label: this.values[image] ?? -1 })))
      if (this.past.length > REMEMBERED) this.past.shift()
    }
    for (const { image, label } of decisions) {
      this.proposed.set(image, { label, step })
      this.values[image] = label
    }
  }

  /** A step that only the studio can take back. */
  forgetPast(): void {
    this.past.length = 0
  }

  /** The decisions that take the last own step back; undefined where none is remembered. */
  takeBack(): readonly Decision[] | undefined {
    return this.past.pop()
  }

  acknowledge(step: number, revision: number): void {
    for (const proposed of this.proposed.values()) if (proposed.step === step) proposed.revision = revision
    this.settle()
  }

  /** They were refused: what was told is shown again. */
  withdraw(step: number): void {
    for (const [image, proposed] of this.proposed)
      if (proposed.step === step) {
        this.proposed.delete(image)
        this.values[image] = this.told[image] ?? -1
      }
    this.past.length = 0
  }

  /** Whether something acknowledged is newer than what was told. */
  get isBehind(): boolean {
    return [...this.proposed.values()].some(
      ({ revision }) => revision !== undefined && revision > this.revision,
    )
  }

  /** Images decided on here that the studio has not acknowledged: it may still ask for them. */
  onTheirWay(): readonly number[] {
    return [...this.proposed].filter(([, { revision }]) => revision === undefined).map(([image]) => image)
  }

  /** Images by label. */
  counts(): ReadonlyMap<number, number> {
    const counts = new Map<number, number>()
    for (const label of this.values) counts.set(label, (counts.get(label) ?? 0) + 1)
    return counts
  }

  private settle(): void {
    for (const [image, { revision }] of this.proposed)
      if (revision !== undefined && revision <= this.revision) {
        this.proposed.delete(image)
        this.values[image] = this.told[image] ?? -1
      }
  }
}
