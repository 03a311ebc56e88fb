/**
 * What the lines of a journal come to: the classes there are, each image's label, and the steps that can be undone and done
 * again. A step is kept as what it changed, before and after, so that undoing is exact and costs what the step did.
 */
import type { Entry, JournalLine, Label, LabelLine, Seen } from './journal-lines.js'

/** An image that carries a class, or of which it is known that it is of none. */
export interface Labelled {
  readonly label: Exclude<Label, null>
  readonly seen: Seen
  readonly who: string
  /** ISO 8601. */
  readonly at: string
  readonly sha256?: string
}

export interface JournalClass {
  readonly id: number
  readonly name: string
  /** Images that carry it now. */
  readonly count: number
}

/** What a step changed, or what other processes have appended. */
export interface Change {
  readonly revision: number
  /** Whose label is another one now. */
  readonly images: readonly string[]
  /** Whether classes came, went or have other names. */
  readonly classes: boolean
}

/** Thrown where steps are asked for that came before those that a snapshot holds. */
export class StepsBefore extends Error {}

/** All that lines have come to, of the steps only the last ones. */
export interface StateParts {
  readonly labels: ReadonlyMap<string, Labelled>
  readonly names: readonly (readonly [id: number, name: string])[]
  readonly done: readonly Step[]
  readonly undone: readonly Step[]
  /** The last step that is not in `done` and can be taken back all the same. */
  readonly before?: number
  readonly nextClass: number
  readonly lastStep: number
  readonly revision: number
}

interface LabelChange {
  readonly image: string
  readonly before?: Labelled
  readonly after?: Labelled
}

interface ClassChange {
  readonly id: number
  readonly before?: string
  readonly after?: string
}

export interface Step {
  readonly step: number
  readonly labels: readonly LabelChange[]
  readonly classes: readonly ClassChange[]
}

interface MutableStep extends Step {
  readonly labels: LabelChange[]
  readonly classes: ClassChange[]
}

/** Who gives the labels that a run was made with, in the first step. */
export const FROM_THE_RUN = 'import'

/** Images and whether classes changed, gathered over steps. */
export class Changes {
  readonly images = new Set<string>()
  classes = false
}

export class JournalState {
  readonly labels: Map<string, Labelled>
  /** Names of the classes that there are. */
  readonly #names = new Map<number, string>()
  readonly #counts = new Map<number, number>()
  #done: Step[] = []
  /** Changes that the steps in `#done` hold. */
  #doneSize = 0
  #undone: Step[] = []
  #nextClass = 0
  #lastStep = 0
  #revision = 0
  #before: number | undefined

  /**
   * @param keeps steps are kept as long as they hold so many changes; those before are told by their lines alone, and whoever asks
   *   for one gets `StepsBefore`. The last one is always kept, and a few more than asked for.
   */
  constructor(
    parts?: StateParts,
    private readonly keeps = Infinity,
  ) {
    this.labels = new Map(parts?.labels)
    if (parts === undefined) return
    for (const [id, name] of parts.names) this.#names.set(id, name)
    for (const { label } of parts.labels.values()) if (typeof label === 'number') this.#count(label, 1)
    for (const step of parts.done) this.#push(step)
    this.#undone = [...parts.undone]
    this.#nextClass = parts.nextClass
    this.#lastStep = parts.lastStep
    this.#revision = parts.revision
    this.#before = parts.before
  }

  /**
   * @param changes that the steps in it hold at most; undefined where what was taken back alone holds more
   */
  parts(changes: number): StateParts | undefined {
    let left = changes - this.#undone.reduce((sum, step) => sum + size(step), 0)
    if (left < 0) return undefined
    let first = this.#done.length
    while (first > 0 && size(this.#done[first - 1]) <= left) left -= size(this.#done[--first])
    return {
      labels: this.labels,
      names: [...this.#names],
      done: this.#done.slice(first),
      undone: this.#undone,
      before: first > 0 ? this.#done[first - 1].step : this.#before,
      nextClass: this.#nextClass,
      lastStep: this.#lastStep,
      revision: this.#revision,
    }
  }

  /** Steps that count, undoing and doing again included. */
  get revision(): number {
    return this.#revision
  }

  get nextStep(): number {
    return this.#lastStep + 1
  }

  /** A number that no class has had. */
  get nextClass(): number {
    return this.#nextClass
  }

  /** The step that `undo` takes back. */
  get undoable(): number | undefined {
    return this.#done.at(-1)?.step ?? this.#before
  }

  get redoable(): number | undefined {
    return this.#undone.at(-1)?.step
  }

  get classes(): JournalClass[] {
    return [...this.#names]
      .map(([id, name]) => ({ id, name, count: this.#counts.get(id) ?? 0 }))
      .sort((a, b) => a.id - b.id)
  }

  nameOf(id: number): string | undefined {
    return this.#names.get(id)
  }

  classOf(name: string): number | undefined {
    for (const [id, own] of this.#names) if (own === name) return id
    return undefined
  }

  /** A step that was begun and never ended: its number is not given again. */
  passOver(lines: readonly JournalLine[]): void {
    for (const { step } of lines) this.#lastStep = Math.max(this.#lastStep, step)
  }

  /**
   * Takes in all lines of one step.
   * @param changes what is changed, gathered; undefined where nobody asks
   * @returns why nothing came of it, where nothing did
   */
  take(lines: readonly JournalLine[], changes: Changes | undefined): string | undefined {
    const [first] = lines
    this.#lastStep = Math.max(this.#lastStep, first.step)
    if (first.do === 'undo') return this.#moveBack(first.undoes, changes)
    if (first.do === 'redo') return this.#moveOn(first.redoes, changes)
    if (first.do === 'content') return this.#learnContent(lines)
    if (first.do === 'label' && lines.length === 1) return this.#takeLabel(first, changes)
    const step: MutableStep = { step: first.step, labels: [], classes: [] }
    for (const line of lines) {
      const trouble = this.#takeLine(line, step)
      if (trouble === undefined) continue
      this.#set(step, 'before', new Changes())
      return trouble
    }
    // The labels that a run was made with are the ground: undoing does not end with none of them.
    if (first.step > 1 || first.who !== FROM_THE_RUN) this.#push(step)
    this.#undone = []
    this.#revision++
    for (const { image } of step.labels) changes?.images.add(image)
    if (changes !== undefined) changes.classes ||= step.classes.length > 0
    return undefined
  }

  /** A step of one label, as nearly all are: of a million, each object that is not made counts. */
  #takeLabel(line: LabelLine, changes: Changes | undefined): string | undefined {
    const { image, label } = line
    if (typeof label === 'number' && !this.#names.has(label)) return this.#refusal(line)
    const before = this.labels.get(image)
    const after = heldBy(line, before)
    this.#setLabel(image, before, after)
    if (line.step > 1 || line.who !== FROM_THE_RUN)
      this.#push({ step: line.step, labels: [{ image, before, after }], classes: NO_CLASSES })
    if (this.#undone.length > 0) this.#undone = []
    this.#revision++
    changes?.images.add(image)
    return undefined
  }

  /** What is long past is forgotten, many steps at once: a million of them are mostly work for the garbage collector. */
  #push(step: Step): void {
    this.#done.push(step)
    this.#doneSize += size(step)
    if (this.#doneSize <= 2 * this.keeps) return
    let first = 0
    while (this.#doneSize - size(this.#done[first]) >= this.keeps && first < this.#done.length - 1)
      this.#doneSize -= size(this.#done[first++])
    if (first === 0) return
    this.#before = this.#done[first - 1].step
    this.#done = this.#done.slice(first)
  }

  #moveBack(number: number, changes: Changes | undefined): string | undefined {
    const step = this.#done.at(-1)
    if (step === undefined && this.#before !== undefined) throw new StepsBefore()
    if (step?.step !== number) return `takes back step ${number}, which is not the last one`
    this.#done.pop()
    this.#doneSize -= size(step)
    this.#undone.push(step)
    this.#revision++
    this.#set(step, 'before', changes)
    return undefined
  }

  #moveOn(number: number, changes: Changes | undefined): string | undefined {
    const step = this.#undone.at(-1)
    if (step?.step !== number) return `does step ${number} again, which was not the last one taken back`
    this.#undone.pop()
    this.#push(step)
    this.#revision++
    this.#set(step, 'after', changes)
    return undefined
  }

  #learnContent(lines: readonly JournalLine[]): undefined {
    for (const line of lines) {
      if (line.do !== 'content') continue
      const known = this.labels.get(line.image)
      if (known !== undefined) this.labels.set(line.image, { ...known, sha256: line.sha256 })
    }
  }

  /** Steps are undone from their last change to their first, and done again from the first to the last. */
  #set(step: Step, to: 'before' | 'after', changes: Changes | undefined): void {
    const inTurn = <T>(all: readonly T[]): readonly T[] => (to === 'before' ? all.toReversed() : all)
    for (const change of inTurn(step.labels)) {
      this.#setLabel(change.image, this.labels.get(change.image), change[to])
      changes?.images.add(change.image)
    }
    for (const change of inTurn(step.classes)) {
      this.#setClass(change.id, change[to])
      if (changes !== undefined) changes.classes = true
    }
  }

  #setLabel(image: string, before: Labelled | undefined, label: Labelled | undefined): void {
    if (typeof before?.label === 'number') this.#count(before.label, -1)
    if (label === undefined) this.labels.delete(image)
    else this.labels.set(image, label)
    if (typeof label?.label === 'number') this.#count(label.label, 1)
  }

  #count(id: number, by: number): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + by)
  }

  #setClass(id: number, name: string | undefined): void {
    this.#nextClass = Math.max(this.#nextClass, id + 1)
    if (name === undefined) this.#names.delete(id)
    else this.#names.set(id, name)
  }

  #changeLabel(step: MutableStep, image: string, after: Labelled | undefined): void {
    const before = this.labels.get(image)
    step.labels.push({ image, before, after })
    this.#setLabel(image, before, after)
  }

  #changeClass(step: MutableStep, id: number, after: string | undefined): void {
    step.classes.push({ id, before: this.#names.get(id), after })
    this.#setClass(id, after)
  }

  #takeLine(line: JournalLine, step: MutableStep): string | undefined {
    const trouble = this.#refusal(line)
    if (trouble !== undefined) return trouble
    switch (line.do) {
      case 'label':
        this.#changeLabel(step, line.image, heldBy(line, this.labels.get(line.image)))
        return undefined
      case 'class':
      case 'rename':
        this.#changeClass(step, line.id, line.name)
        return undefined
      case 'merge':
      case 'delete': {
        const into = line.do === 'merge' ? line.into : undefined
        for (const [image, held] of [...this.labels]) {
          if (held.label !== line.id) continue
          this.#changeLabel(step, image, into === undefined ? undefined : { ...held, label: into })
        }
        this.#changeClass(step, line.id, undefined)
        return undefined
      }
      default:
        return `${line.do} among the lines of another step`
    }
  }

  #refusal(line: JournalLine): string | undefined {
    const absent = (id: number): string | undefined =>
      this.#names.has(id) ? undefined : `names class ${id}, which is not there`
    switch (line.do) {
      case 'label':
        return typeof line.label === 'number' ? absent(line.label) : undefined
      case 'class':
        return line.id < this.#nextClass ? `gives the number ${line.id} of a class again` : undefined
      case 'rename':
      case 'delete':
        return absent(line.id)
      case 'merge':
        return absent(line.id) ?? (line.id === line.into ? 'merges a class into itself' : absent(line.into))
      default:
        return undefined
    }
  }
}

const size = ({ labels, classes }: Step): number => labels.length + classes.length

const NO_CLASSES: readonly ClassChange[] = []

/** What an image carries by a line. A file's content that is known already is the same string: it is long, and there are many. */
function heldBy(line: LabelLine, before: Labelled | undefined): Labelled | undefined {
  const { label, seen, who, at } = line
  if (label === null) return undefined
  const known = before?.sha256
  const sha256 = line.sha256 === undefined || line.sha256 === known ? known : line.sha256
  return sha256 === undefined ? { label, seen, who, at } : { label, seen, who, at, sha256 }
}

/** Of a change of classes: the numbers that it names. */
export type ClassEntry = Extract<Entry, { readonly do: 'class' | 'rename' | 'merge' | 'delete' }>
