/** Markup that can't be broken by what is put into it: everything is escaped unless it is markup already. */

import { visibleLines } from '../errors.js'

/** Text that is markup. */
export class Html {
  constructor(readonly text: string) {}
}

type Piece = string | number | Html | undefined | readonly Piece[]

/** A template whose pieces are escaped: `` html`<b>${name}</b>` ``. Lists are joined, undefined is left out. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(strings.reduce((text, string, index) => text + render(pieces[index - 1]) + string))
}

export function escapeHtml(text: string): string {
  return visibleLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function render(piece: Piece): string {
  if (piece === undefined) return ''
  if (piece instanceof Html) return piece.text
  // A per cent sign never starts a line.
  if (typeof piece === 'string') return escapeHtml(piece).replace(/(\d) %/g, '$1\u00a0%')
  if (typeof piece === 'number') return String(piece)
  return piece.map(render).join('')
}

/** Halves of surrogate pairs and numbers that are no characters, which XML 1.0 has no place for. */
const NOT_XML = /[\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text or markup that XML can hold: control characters are spelled out, what is no character becomes the replacement. */
export function xmlSafe(text: string): string {
  return visibleLines(text).replace(NOT_XML, '\ufffd')
}
