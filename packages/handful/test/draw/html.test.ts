/** What names put into pages and figures. */
import { describe, expect, test } from 'vitest'
import { escapeHtml, html, xmlSafe } from '../../src/draw/html.js'

const HOSTILE = '\u001b[31m<b>\u0000\u0085\u009b\u202e"'

describe('names with control characters', () => {
  test('are spelled out in a page', () => {
    const shown = '\\u001b[31m&lt;b&gt;\\u0000\\u0085\\u009b\\u202e&quot;'
    expect(escapeHtml(HOSTILE)).toBe(shown)
    expect(html`<p title="${HOSTILE}">${HOSTILE}</p>`.text).toBe(`<p title="${shown}">${shown}</p>`)
  })

  test('are spelled out in a figure, which keeps its lines', () => {
    expect(xmlSafe('<text>\u0007</text>\n\ud800')).toBe('<text>\\u0007</text>\n\ufffd')
  })
})
