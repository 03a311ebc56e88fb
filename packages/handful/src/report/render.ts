/**
 * The report as one HTML page that needs nothing else: no network, no scripts, pictures inside. It is drawn from
 * report.json alone and the same file always gives the same page.
 */
import { html, Html } from './html.js'
import { accuracySection, classSection, headline } from './section-accuracy.js'
import { labelledSection, predictionSection, generationSection } from './section-pictures.js'
import { nextSection, setupSection, skippedSection, trainingSection } from './section-run.js'
import { STYLE } from './style.js'
import type { RunReport } from './types.js'

/** One part of the page; those without content are left out. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly body: Html
}

/** The whole page as text. */
export function renderReport(run: RunReport): string {
  const sections = [
    accuracySection(run),
    classSection(run),
    predictionSection(run),
    labelledSection(run),
    generationSection(run),
    trainingSection(run),
    nextSection(run),
    skippedSection(run),
    setupSection(run),
  ].filter((section) => section !== undefined)
  const day = run.createdAt.slice(0, 16).replace('T', ' ')
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta
        http-equiv="Content-Security-Policy"
        content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"
      />
      <meta name="color-scheme" content="light dark" />
      <title>${run.title} - Handful</title>
      <style>
        ${new Html(STYLE)}
      </style>
    </head>
    <body>
      <header>
        <h1>${run.title}</h1>
        <p>
          Handful's report of ${day}
          UTC${run.dataset.description === undefined ? '' : `. ${run.dataset.description}`}
        </p>
        <nav>${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
      </header>
      <main>
        ${headline(run)}
        ${sections.map(
          ({ id, title, body }) =>
            html`<section id="${id}">
              <h2>${title}</h2>
              ${body}
            </section>`,
        )}
      </main>
    </body>
  </html>`
  return `<!doctype html>\n${page.text}\n`
}
