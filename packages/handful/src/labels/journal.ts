/**
 * The labels of a run as a journal: `labels.jsonl`, to which lines are only ever added. What it comes to is a fold over its
 * lines (journal-state.ts), so undoing survives closing, and nothing that was once acknowledged is lost.
 *
 * Any number of processes append, one at a time: each takes the journal's own lock, reads what the others have written, adds
 * its step, and has it on the disk before it says so.
 */
import { fdatasync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { HandfulError, quoted, systemCode, systemError } from '../errors.js'
import { acquireLock } from '../files/lock.js'
import { checkedName } from './class-name.js'
import { followFile } from './follow-file.js'
import { type Decision, firstEntries, type NamedDecision, namedEntries } from './journal-entries.js'
import { type Entry, type Label, type Seen, stepText } from './journal-lines.js'
import { JournalReader, type PassedOver } from './journal-reader.js'
import { keepSnapshot, MOST_CHANGES, openSnapshot } from './journal-snapshot.js'
import {
  type Change,
  Changes,
  FROM_THE_RUN,
  type JournalClass,
  type Labelled,
  StepsBefore,
} from './journal-state.js'
import { labelsFolder } from './labels-folder.js'

export { LABELS_AT_FILE, labelsFolder } from './labels-folder.js'
export type { Decision, NamedDecision } from './journal-entries.js'
export type { Label, Seen } from './journal-lines.js'
export type { Change, JournalClass, Labelled } from './journal-state.js'

export const LABELS_FILE = 'labels.jsonl'
/** Appends take milliseconds: whoever holds the journal for longer has stopped. */
const PATIENCE_MS = 10_000
/** So much of a journal is read anew at most when it is opened: a tenth of a second. */
const SNAPSHOT_EVERY_BYTES = 4 * 2 ** 20
export interface JournalOptions {
  /** Follows what other processes append. Default false. */
  readonly watch?: boolean
  readonly now?: () => Date
  /** A snapshot is kept where so much was read without one. Default 4 MiB. */
  readonly snapshotEveryBytes?: number
}

export interface By {
  readonly seen: Seen
  /** `person`, `import`, `command line`. */
  readonly who: string
}

export class Journal {
  readonly file: string
  readonly #folder: string
  readonly #now: () => Date
  readonly #snapshotEveryBytes: number
  readonly #listeners = new Set<(change: Change) => void>()
  #reader = new JournalReader(undefined, MOST_CHANGES)
  /** What is under way: appends and readings take turns. */
  #turn: Promise<unknown> = Promise.resolve()
  #unfollow?: () => void
  /** Steps before those that a snapshot holds are asked for: it is read from the beginning. */
  #whole = false
  #keeping: Promise<void> = Promise.resolve()

  private constructor(folder: string, now: () => Date, snapshotEveryBytes: number) {
    this.#snapshotEveryBytes = snapshotEveryBytes
    this.#folder = folder
    this.file = path.join(folder, LABELS_FILE)
    this.#now = now
  }

  /**
   * The journal of a folder; its file is made by the first step.
   * @throws HandfulError where it is there and cannot be read
   */
  static async open(
    folder: string,
    {
      watch: follow = false,
      now = () => new Date(),
      snapshotEveryBytes = SNAPSHOT_EVERY_BYTES,
    }: JournalOptions = {},
  ): Promise<Journal> {
    const journal = new Journal(await labelsFolder(folder), now, snapshotEveryBytes)
    await journal.refresh()
    if (follow) {
      const changed = (): void => void journal.refresh().catch(() => {})
      const known = (): number => journal.#reader.offset
      journal.#unfollow = followFile(journal.#folder, LABELS_FILE, { changed, known })
    }
    return journal
  }

  /** Grows with every step, with undoing and doing again, whoever does it; the same after opening again. */
  get revision(): number {
    return this.#reader.state.revision
  }

  /** By their numbers; those that were merged or deleted are left out. */
  get classes(): readonly JournalClass[] {
    return this.#reader.state.classes
  }

  get canUndo(): boolean {
    return this.#reader.state.undoable !== undefined
  }

  get canRedo(): boolean {
    return this.#reader.state.redoable !== undefined
  }

  /** Lines that nothing came of: of a process that was killed in the middle, or damaged. */
  get passedOver(): readonly PassedOver[] {
    return this.#reader.passedOver
  }

  /** Images that carry a class, or are known to be of none. */
  get labelled(): number {
    return this.#reader.state.labels.size
  }

  labels(): ReadonlyMap<string, Labelled> {
    return this.#reader.state.labels
  }

  labelOf(image: string): Label {
    return this.#reader.state.labels.get(image)?.label ?? null
  }

  nameOf(id: number): string | undefined {
    return this.#reader.state.nameOf(id)
  }

  classOf(name: string): number | undefined {
    return this.#reader.state.classOf(name)
  }

  /**
   * One step of any number of decisions; the last one on an image counts.
   * @throws HandfulError for a class that is not there, or a journal that cannot be written: nothing is changed then
   */
  label(decisions: readonly Decision[], { seen, who }: By): Promise<Change> {
    return this.#append(who, () => {
      for (const { label } of decisions) if (typeof label === 'number') this.#expectClass(label)
      return decisions.map(({ image, label, sha256 }): Entry => ({ do: 'label', image, label, seen, sha256 }))
    })
  }

  /** The same by the names of classes: those that are missing are made, in the same step. */
  labelNamed(decisions: readonly NamedDecision[], { seen: shown, who }: By): Promise<Change> {
    return this.#append(who, () => namedEntries(decisions, shown, this.#reader.state))
  }

  /** What a run was made with: classes in their order, and labels; one step, and only where nothing is there yet. */
  importFirst(classNames: readonly string[], decisions: readonly NamedDecision[]): Promise<Change> {
    return this.#append(FROM_THE_RUN, () =>
      this.#reader.state.nextStep > 1 ? [] : firstEntries(classNames, decisions),
    )
  }

  /** @returns its number; of a class of that name that is there already that one's, and nothing is appended */
  async addClass(name: string, who: string): Promise<number> {
    let id = 0
    await this.#append(who, () => {
      const { state } = this.#reader
      const known = state.classOf(checkedName(name))
      id = known ?? state.nextClass
      return known === undefined ? [{ do: 'class', id, name }] : []
    })
    return id
  }

  /** Several at once, in one step. */
  addClasses(names: readonly string[], who: string): Promise<Change> {
    return this.#append(who, () => {
      const { state } = this.#reader
      return [...new Set(names)]
        .filter((name) => state.classOf(checkedName(name)) === undefined)
        .map((name, i): Entry => ({ do: 'class', id: state.nextClass + i, name }))
    })
  }

  /** @throws HandfulError for a name that another class has */
  renameClass(id: number, name: string, who: string): Promise<Change> {
    return this.#append(who, () => {
      if (this.#expectClass(id) === checkedName(name)) return []
      if (this.classOf(name) !== undefined) {
        throw new HandfulError({
          what: 'class',
          where: quoted(this.nameOf(id) ?? ''),
          got: `the name ${quoted(name)}, which another class has`,
          expected: 'a name of its own',
          hint: 'merge the two where they are the same',
        })
      }
      return [{ do: 'rename', id, name }]
    })
  }

  /** All images of one class become those of another, and the class is gone. */
  mergeClasses(from: number, into: number, who: string): Promise<Change> {
    return this.#append(who, () => {
      for (const id of [from, into]) this.#expectClass(id)
      return from === into ? [] : [{ do: 'merge', id: from, into }]
    })
  }

  /** Its images have no label then. */
  deleteClass(id: number, who: string): Promise<Change> {
    return this.#append(who, () => {
      this.#expectClass(id)
      return [{ do: 'delete', id }]
    })
  }

  /** Takes back the last step, whoever did it; nothing where there is none. */
  undo(who: string): Promise<Change> {
    return this.#append(who, () => {
      const { undoable } = this.#reader.state
      return undoable === undefined ? [] : [{ do: 'undo', undoes: undoable }]
    })
  }

  /** Does again what was taken back last; nothing where another step came since. */
  redo(who: string): Promise<Change> {
    return this.#append(who, () => {
      const { redoable } = this.#reader.state
      return redoable === undefined ? [] : [{ do: 'redo', redoes: redoable }]
    })
  }

  /** Keeps what the files of images hold that were labelled before that was known; no step of its own. */
  async learnContents(contents: readonly { image: string; sha256: string }[], who: string): Promise<void> {
    await this.#append(who, () => contents.map((each): Entry => ({ do: 'content', ...each })))
  }

  /** Reads what other processes have appended. */
  refresh(): Promise<Change> {
    return this.#inTurn(() => this.#read())
  }

  /** Told of every change once, of one's own and of others'. @returns what ends it */
  on(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#unfollow?.()
    await this.#turn.catch(() => {})
    await this.#keeping
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work)
    this.#turn = result.catch(() => {})
    return result
  }

  #expectClass(id: number): string {
    const name = this.nameOf(id)
    if (name !== undefined) return name
    const known = this.classes.map((each) => `${each.id} ${quoted(each.name)}`).join(', ')
    throw new HandfulError({
      what: 'class',
      where: this.file,
      got: `${id}`,
      expected: known === '' ? 'none: there is no class yet' : known,
      hint: 'it may have been merged or deleted meanwhile',
    })
  }

  /** @param entriesOf asked once all that others wrote is known; none: nothing is to be done */
  #append(who: string, entriesOf: () => readonly Entry[]): Promise<Change> {
    return this.#inTurn(async () => {
      const lock = await acquireLock(this.#folder, { name: `.${LABELS_FILE}.lock`, patienceMs: PATIENCE_MS })
      try {
        const before = await this.#read()
        const file = await this.#openFile()
        try {
          await this.#mendEnd(file)
          const entries = entriesOf()
          if (entries.length === 0) return before
          await this.#write(file, entries, who)
        } finally {
          await file.close()
        }
        return await this.#read(before)
      } finally {
        await lock.release()
      }
    })
  }

  /** What a killed process left half-written becomes a line of its own, which is passed over. */
  async #mendEnd(file: FileHandle): Promise<void> {
    if (this.#reader.endsAmidLine) {
      await file.appendFile('\n')
      await this.#read()
    }
    this.#reader.closeOpenStep()
  }

  async #write(file: FileHandle, entries: readonly Entry[], who: string): Promise<void> {
    const { size } = await file.stat()
    const told = { step: this.#reader.state.nextStep, who, at: this.#now().toISOString() }
    try {
      await file.appendFile(stepText(entries, told))
      // By its number, as in files/atomic.ts.
      await promisify(fdatasync)(file.fd)
    } catch (error) {
      await file.truncate(size).catch(() => {})
      throw systemError('writing labels', this.file, error)
    }
  }

  async #openFile(): Promise<FileHandle> {
    try {
      return await open(this.file, 'a')
    } catch (error) {
      throw systemError('writing labels', this.file, error)
    }
  }

  /** @param earlier a change that nobody but the listeners was told of yet, for the result to hold both */
  async #read(earlier?: Change): Promise<Change> {
    const changes = new Changes()
    const known = this.#reader.passedOver.length
    const file = await this.#openToRead()
    try {
      if (file !== undefined) {
        // Whoever puts another file in its place, or cuts it, has other labels.
        if ((await file.stat()).size < this.#reader.offset) this.#startAgain(changes)
        if (this.#reader.offset === 0 && !this.#whole)
          this.#reader = (await openSnapshot(this.#folder, file)) ?? this.#reader
        await this.#readOn(file, changes)
      }
    } catch (error) {
      throw systemError('reading labels', this.file, error)
    } finally {
      await file?.close()
    }
    const change = { revision: this.revision, images: [...changes.images], classes: changes.classes }
    if (change.images.length > 0 || change.classes) for (const tell of this.#listeners) tell(change)
    const refused = this.#reader.passedOver.slice(known)
    if (earlier === undefined) return change
    if (refused.length > 0) throw new Error(`internal: ${this.file}: got a step that ${refused[0].reason}`)
    return {
      revision: change.revision,
      images: [...new Set([...earlier.images, ...change.images])],
      classes: earlier.classes || change.classes,
    }
  }

  async #readOn(file: FileHandle, changes: Changes): Promise<void> {
    try {
      await this.#readFrom(file, changes)
    } catch (error) {
      if (!(error instanceof StepsBefore)) throw error
      this.#whole = true
      this.#startAgain(changes)
      await this.#readFrom(file, changes)
    }
    const { offset, snapshotAt } = this.#reader
    if (this.#whole || offset - snapshotAt < this.#snapshotEveryBytes) return
    // What it holds is taken now; the writing need not be waited for, and where it fails nothing is lost.
    const keeping = keepSnapshot(this.#folder, this.#reader)
    this.#keeping = this.#keeping.then(() => keeping)
  }

  /** Of a journal that is read from its beginning all that is labelled has changed, which need not be gathered line by line. */
  async #readFrom(file: FileHandle, changes: Changes): Promise<void> {
    const { offset, state } = this.#reader
    await this.#reader.readOn(file, offset === 0 ? undefined : changes)
    if (offset > 0) return
    for (const image of state.labels.keys()) changes.images.add(image)
    changes.classes ||= state.classes.length > 0
  }

  #startAgain(changes: Changes): void {
    for (const image of this.#reader.state.labels.keys()) changes.images.add(image)
    changes.classes = true
    this.#reader = new JournalReader(undefined, this.#whole ? Infinity : MOST_CHANGES)
  }

  async #openToRead(): Promise<FileHandle | undefined> {
    try {
      return await open(this.file, 'r')
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined
      throw error
    }
  }
}
