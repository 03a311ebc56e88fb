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
