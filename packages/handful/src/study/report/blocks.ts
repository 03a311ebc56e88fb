/** What a report is made of, before it becomes a page or Markdown. */
import type { DataTable, Figure } from '../../draw/figure-frame.js'

export interface TableCell {
  readonly text: string
  /** Smaller, underneath, a line each. */
  readonly below?: readonly string[]
  /** The best of its column. */
  readonly best?: boolean
}

export interface TableBlock {
  readonly kind: 'table'
  readonly columns: readonly { readonly title: string; readonly number?: boolean }[]
  readonly rows: readonly (readonly (string | TableCell)[])[]
  readonly caption?: string
  /** The numbers as a file of this name, without ending. */
  readonly file?: { readonly name: string; readonly data: DataTable }
}

export interface PictureBlock {
  readonly kind: 'picture'
  /** Of its file, without ending. */
  readonly name: string
  readonly title: string
  /** Data URI. */
  readonly image: string
}

export type Block =
  | { readonly kind: 'text'; readonly text: string; readonly soft?: boolean }
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'figure'; readonly figure: Figure }
  | { readonly kind: 'settings'; readonly title: string; readonly values: Readonly<Record<string, string>> }
  | TableBlock
  | PictureBlock

export interface StudySection {
  readonly id: string
  readonly title: string
  readonly blocks: readonly Block[]
}

export const text = (words: string, soft?: boolean): Block => ({ kind: 'text', text: words, soft })

export const heading = (words: string): Block => ({ kind: 'heading', text: words })

export const note = (words: string): Block => ({ kind: 'note', text: words })

/** Of a table. */
export const numberColumns = (...titles: readonly string[]): TableBlock['columns'] =>
  titles.map((title) => ({ title, number: true }))

/** A figure, if there is one. */
export const figureBlock = (figure: Figure | undefined): Block[] =>
  figure === undefined ? [] : [{ kind: 'figure', figure }]
