/** Markup that can't be broken by what is put into it: everything is escaped unless it is markup already. */

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
  return text
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

/** What XML 1.0 has no place for: control characters and halves of surrogate pairs. */
const NOT_XML =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text that XML can hold; what it can't becomes the replacement character. */
export function xmlSafe(text: string): string {
  return text.replace(NOT_XML, '\ufffd')
}
