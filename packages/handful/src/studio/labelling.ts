/** Labels of the images that are shown: the journal by positions in the catalogue, and every change told to all pages. */
import { HandfulError } from '../errors.js'
import { ContentHashes } from '../labelling/content-hashes.js'
import { type LabelRow, labelRows } from '../labelling/label-table.js'
import { type Change, Journal, type Seen } from '../labels/journal.js'
import type { ImageSource } from './image-source.js'
import type { Events, Label, Labels, Stepped } from './protocol.js'

const PERSON = 'person'
const NO_LABEL = -1
const NONE_OF_THESE = -2

const numberOf = (label: Label): number =>
  label === null ? NO_LABEL : label === 'none' ? NONE_OF_THESE : label

type Told = (change: Events['labels']) => void

export class Labelling {
  readonly #source: ImageSource
  readonly #journal: Journal
  readonly #hashes: ContentHashes

  private constructor(source: ImageSource, journal: Journal) {
    this.#source = source
    this.#journal = journal
    this.#hashes = new ContentHashes(journal, source.folder)
  }

  /**
   * @param folder where the journal lies
   * @param told of every change, by whomever
   */
  static async open(source: ImageSource, folder: string, told: Told): Promise<Labelling> {
    const journal = await Journal.open(folder, { watch: true })
    const { classNames, decisions } = source.labels
    if (journal.revision === 0 && decisions.length > 0) await journal.importFirst(classNames, decisions)
    const labelling = new Labelling(source, journal)
    journal.on((change) => told(labelling.#changed(change)))
    return labelling
  }

  get facts() {
    const { classes, labelled, canUndo, canRedo, revision } = this.#journal
    return {
      classes: classes.map(({ id, name, count }) => ({ id, name, count })),
      labelled,
      canUndo,
      canRedo,
      labelsRevision: revision,
    }
  }

  labels(): Labels {
    const labels = this.#source.paths.map((image) => numberOf(this.#journal.labelOf(image)))
    return { revision: this.#journal.revision, labels }
  }

  isLabelled(image: number): boolean {
    return this.#journal.labelOf(this.#source.paths[image]) !== null
  }

  nameOf(id: number): string | undefined {
    return this.#journal.nameOf(id)
  }

  /** Images that were decided on, as tables have them. */
  rows(): LabelRow[] {
    return labelRows(this.#journal)
  }

  async label(
    decisions: readonly { readonly image: number; readonly label: Label }[],
    seen: Seen,
  ): Promise<{ labelsRevision: number; changed: number }> {
    const named = decisions.map(({ image, label }) => ({ image: this.pathOf(image), label }))
    const hashed = await this.#hashes.withHashes(named)
    const { revision } = await this.#journal.label(hashed, { seen, who: PERSON })
    return { labelsRevision: revision, changed: new Set(named.map(({ image }) => image)).size }
  }

  async step(which: 'undo' | 'redo'): Promise<Stepped> {
    const change = await this.#journal[which](PERSON)
    return { labelsRevision: change.revision, images: this.#positions(change), classes: change.classes }
  }

  addClass(name: string): Promise<unknown> {
    return this.#journal.addClass(name, PERSON)
  }

  renameClass(id: number, name: string): Promise<unknown> {
    return this.#journal.renameClass(id, name, PERSON)
  }

  mergeClasses(from: number, into: number): Promise<unknown> {
    return this.#journal.mergeClasses(from, into, PERSON)
  }

  deleteClass(id: number): Promise<unknown> {
    return this.#journal.deleteClass(id, PERSON)
  }

  /** @throws HandfulError for a number that is no image's */
  pathOf(image: number): string {
    const { paths } = this.#source
    if (image < paths.length) return paths[image]
    throw new HandfulError({
      what: 'image',
      got: `${image}`,
      expected: `a number below ${paths.length}`,
      hint: 'other images may have been opened meanwhile: load the page again',
    })
  }

  async close(): Promise<void> {
    await this.#hashes.settle()
    await this.#journal.close()
  }

  #changed(change: Change): Events['labels'] {
    const changed = this.#positions(change).map((image): [number, number] => {
      return [image, numberOf(this.#journal.labelOf(this.#source.paths[image]))]
    })
    return { revision: change.revision, changed }
  }

  /** Of those that are shown. */
  #positions({ images }: Change): number[] {
    return images.flatMap((path) => this.#source.indexOf(path) ?? [])
  }
}
