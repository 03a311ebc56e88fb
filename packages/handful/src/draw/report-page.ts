/** What every report's page has around its sections: it needs nothing else, no network, no scripts, pictures inside. */
import { html, Html } from './html.js'
import { STYLE } from './style.js'

/** One part of a page. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly body: Html | readonly (Html | undefined)[]
}

export interface Page {
  readonly title: string
  /** A line or two below the title. */
  readonly said: string
  /** Before the sections. */
  readonly opening?: Html
  readonly sections: readonly Section[]
  /** Rules beside those of all reports. */
  readonly style?: string
}

/** On a narrow screen a figure is scrolled rather than shrunk further than this, which leaves its text 10 pixels at least. */
const LEAST_SHARE = 0.92
/** On a wide screen it is enlarged a little. */
const GREATEST_SHARE = 1.12

/** @param width of the drawing, in pixels */
export function drawnFigure(
  drawn: Html,
  { width, id, caption }: { readonly width: number; readonly id?: string; readonly caption?: Html },
): Html {
  const [least, most] = [LEAST_SHARE, GREATEST_SHARE].map((share) => Math.round(width * share))
  const named = id === undefined ? undefined : html`id="${id}"`
  return html`<figure class="drawn" ${named} style="--least:${least}px">
    <p class="sideways">Wider than the screen: scroll it sideways.</p>
    <div class="wide" style="max-width:${most}px">${drawn}</div>
    ${caption === undefined ? undefined : html`<figcaption>${caption}</figcaption>`}
  </figure>`
}

/** The whole page as text. */
export function renderPage({ title, said, opening, sections, style = '' }: Page): string {
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta
        http-equiv="Content-Security-Policy"
        content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"
      />
      <meta name="color-scheme" content="light dark" />
      <title>${title} - Handful</title>
      <style>
        ${new Html(STYLE + style)}
      </style>
    </head>
    <body>
      <header>
        <h1>${title}</h1>
        <p>${said}</p>
        <nav>${sections.map((section) => html`<a href="#${section.id}">${section.title}</a>`)}</nav>
      </header>
      <main>
        ${opening}
        ${sections.map(
          (section) =>
            html`<section id="${section.id}">
              <h2>${section.title}</h2>
              ${section.body}
            </section>`,
        )}
      </main>
    </body>
  </html>`
  return `<!doctype html>\n${page.text}\n`
}
