/** The report of a study as one HTML page, figures inside. */
import { html, Html, escapeHtml } from '../../draw/html.js'
import { formatMinute } from '../../draw/format.js'
import { drawnFigure, renderPage } from '../../draw/report-page.js'
import type { Block, StudySection, TableBlock } from './blocks.js'
import { fileName, FIGURE_STYLE, type Figure } from '../../draw/figure-frame.js'
import type { Study } from '../result.js'

/** What this page has beside the style sheet of all reports. */
const STUDY_STYLE = `
figure.drawn figcaption { margin-top: 6px; max-width: 60em; }
.files { white-space: nowrap; } .files a { margin-left: 8px; }
table.results { width: auto; min-width: 60%; } table.results td, table.results th { padding-right: 26px; vertical-align: top; }
table.results td .below { display: block; color: var(--soft); font-size: 12.5px; line-height: 1.35; font-weight: 400; white-space: normal; max-width: 22em; }
table.results td.number .below { margin-left: auto; }
table.results td.best { font-weight: 700; }
table.results td:first-child { min-width: 9em; }
.pair-of-maps { display: grid; grid-template-columns: 1fr 1fr; gap: 0 24px; }
.sheets { display: flex; flex-wrap: wrap; gap: 20px 28px; margin: 14px 0; } .sheets figure { margin: 0; max-width: 100%; }
.sheets img { max-width: 100%; display: block; image-rendering: pixelated; border-radius: 3px; background: var(--raised); }
ul.plain { padding-left: 20px; margin: 8px 0 14px; max-width: 52em; } ul.plain li { margin-bottom: 6px; }
td.said { overflow-wrap: break-word; min-width: 8em; max-width: 30em; }
@media (max-width: 760px) {
  .pair-of-maps { grid-template-columns: 1fr; }
  table.results td, table.results th { padding-right: 16px; }
  table.results td:first-child, table.results th:first-child { position: sticky; left: 0; background: var(--page); min-width: 6.5em; max-width: 8em; overflow-wrap: anywhere; }
}
@media print {
  figure.drawn svg, figure.drawn img { max-height: 235mm; }
  figure.drawn .files { display: none; }
  table.results { font-size: 9.5pt; } table.results td, table.results th { padding-right: 12px; } td.said, table.results td:first-child { min-width: 4em; }
}
`

/** The whole page as text; `folder` is where the figures' files lie, relative to it. */
export function renderStudyPage(study: Study, sections: readonly StudySection[], folder: string): string {
  const { title, createdAt } = study
  return renderPage({
    title,
    said: `Handful's study of ${formatMinute(createdAt)} UTC. ${studyInWords(study)}`,
    sections: sections.map(({ blocks, ...section }) => ({
      ...section,
      body: grouped(blocks).map((block) => renderGroup(block, folder)),
    })),
    style: STUDY_STYLE + FIGURE_STYLE,
  })
}

/** What was studied, in a line. */
export function studyInWords({ dataset, setting, complete }: Study): string {
  const count = (value: number): string => value.toLocaleString('en-US')
  const classes = `${dataset.classes.length} ${dataset.classes.length === 1 ? 'class' : 'classes'}`
  const colour = dataset.channels === 1 ? 'grey' : 'colour'
  const unfinished = complete ? '' : ' Not complete.'
  return `${dataset.title}: ${count(dataset.trainImages)} training and ${count(dataset.testImages)} test images of ${classes}, ${dataset.size}x${dataset.size} ${colour}; ${setting}.${unfinished}`
}

type Group =
  Block | { readonly kind: 'pictures'; readonly pictures: readonly (Block & { kind: 'picture' })[] }

/** Pictures that follow each other stand beside each other. */
function grouped(blocks: readonly Block[]): Group[] {
  const groups: Group[] = []
  for (const block of blocks) {
    const last = groups.at(-1)
    if (block.kind !== 'picture') groups.push(block)
    else if (last?.kind === 'pictures')
      groups[groups.length - 1] = { ...last, pictures: [...last.pictures, block] }
    else groups.push({ kind: 'pictures', pictures: [block] })
  }
  return groups
}

function renderGroup(block: Group, folder: string): Html | undefined {
  switch (block.kind) {
    case 'text':
      return html`<p class="${block.soft === true ? 'soft' : ''}">${block.text}</p>`
    case 'heading':
      return html`<h3>${block.text}</h3>`
    case 'note':
      return html`<p class="note">${block.text}</p>`
    case 'list':
      return html`<ul class="plain">
        ${block.items.map((item) => html`<li>${item}</li>`)}
      </ul>`
    case 'code':
      return html`<pre>${new Html(escapeHtml(block.text))}</pre>`
    case 'settings':
      return html`<details>
        <summary>${block.title}</summary>
        <table class="settings">
          ${Object.entries(block.values).map(
            ([name, value]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td>${value}</td>
              </tr>`,
          )}
        </table>
      </details>`
    case 'table':
      return renderTable(block, folder)
    case 'figure':
      return renderFigure(block.figure, folder)
    case 'picture':
      return undefined
    case 'pictures':
      return html`<div class="sheets">
        ${block.pictures.map(
          ({ title, image }) =>
            html`<figure>
              <img src="${image}" alt="${title}" />
              <figcaption>${title}</figcaption>
            </figure>`,
        )}
      </div>`
  }
}

function renderFigure(figure: Figure, folder: string): Html {
  const { name, title, caption, svg, styled, width } = figure
  const drawn =
    styled === true
      ? html`<img src="data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}" alt="${title}" />`
      : new Html(svg)
  const below = html`${caption}${files(folder, name, ['svg', 'csv'])}`
  return drawnFigure(drawn, { width, id: `figure-${name}`, caption: below })
}

function files(folder: string, name: string, endings: readonly string[]): Html {
  const links = endings.map(
    (ending) =>
      html`<a href="${folder}/${encodeURIComponent(fileName(name))}.${ending}">${ending.toUpperCase()}</a>`,
  )
  return html`<span class="files">${links}</span>`
}

function renderTable({ columns, rows, caption, file }: TableBlock, folder: string): Html {
  const link = file === undefined ? undefined : files(folder, file.name, ['csv'])
  return html`<div class="wide">
      <table class="results">
        <thead>
          <tr>
            ${columns.map(({ title, number }) => html`<th class="${number === true ? 'number' : ''}">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell, i) => renderCell(cell, columns[i]?.number === true))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${caption === undefined && link === undefined ? undefined : html`<p class="caption">${caption}${link}</p>`}`
}

function renderCell(cell: TableBlock['rows'][number][number], number: boolean): Html {
  if (typeof cell === 'string') return html`<td class="${number ? 'number' : 'said'}">${cell}</td>`
  const kinds = [number ? 'number' : 'said', cell.best === true ? 'best' : ''].join(' ').trim()
  const below = (cell.below ?? []).map((words) => html`<span class="below">${words}</span>`)
  return html`<td class="${kinds}">${cell.best === true ? '★ ' : ''}${cell.text}${below}</td>`
}
