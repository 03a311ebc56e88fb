/** The report as Markdown, with its figures as files beside it: for a repository, a wiki, a paper's notes. */
import { visible } from '../../errors.js'
import { formatMinute } from '../../draw/format.js'
import type { Block, StudySection, TableBlock } from './blocks.js'
import { fileName } from '../../draw/figure-frame.js'
import { studyInWords } from './study-page.js'
import type { Study } from '../result.js'

/** The whole text; `folder` is where the figures lie, relative to it. */
export function renderStudyMarkdown(study: Study, sections: readonly StudySection[], folder: string): string {
  const day = formatMinute(study.createdAt)
  const parts = [
    `# ${escaped(study.title)}`,
    escaped(`Handful's study of ${day} UTC. ${studyInWords(study)}`),
    ...sections.flatMap(({ title, blocks }) => [
      `## ${escaped(title)}`,
      ...blocks.map((block) => renderBlock(block, folder)),
    ]),
  ]
  return `${parts.join('\n\n')}\n`
}

function renderBlock(block: Block, folder: string): string {
  switch (block.kind) {
    case 'text':
      return escaped(block.text)
    case 'heading':
      return `### ${escaped(block.text)}`
    case 'note':
      return `> ${escaped(block.text)}`
    case 'list':
      return block.items.map((item) => `- ${escaped(item)}`).join('\n')
    case 'code':
      return fenced(block.text)
    case 'settings':
      return `### ${escaped(block.title)}\n\n${fenced(
        Object.entries(block.values)
          .map(([name, value]) => `${name}: ${value}`)
          .join('\n'),
      )}`
    case 'table':
      return renderTable(block, folder)
    case 'figure': {
      const { name, title, caption } = block.figure
      const file = `${folder}/${encodeURIComponent(fileName(name))}`
      return `![${escaped(title)}](${file}.svg)\n\n${escaped(caption)} [CSV](${file}.csv)`
    }
    case 'picture':
      return `![${escaped(block.title)}](${folder}/${encodeURIComponent(fileName(block.name))}.${pictureEnding(block.image)})\n\n${escaped(block.title)}.`
  }
}

/** Of the file that a data URI becomes. */
export function pictureEnding(image: string): string {
  return /^data:image\/(png|jpeg|webp);/.exec(image)?.[1] ?? 'png'
}

function renderTable({ columns, rows, caption, file }: TableBlock, folder: string): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const cell = (value: TableBlock['rows'][number][number]): string => {
    if (typeof value === 'string') return inCell(value)
    const main = value.best === true ? `**★ ${inCell(value.text)}**` : inCell(value.text)
    return [main, ...(value.below ?? []).map((words) => `<sub>${inCell(words)}</sub>`)].join('<br>')
  }
  const table = [
    line(columns.map(({ title }) => inCell(title))),
    line(columns.map(({ number }) => (number === true ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(cell))),
  ].join('\n')
  const link = file === undefined ? '' : ` [CSV](${folder}/${encodeURIComponent(fileName(file.name))}.csv)`
  const below = `${caption === undefined ? '' : escaped(caption)}${link}`.trim()
  return below === '' ? table : `${table}\n\n${below}`
}

function inCell(text: string): string {
  return escaped(text).replaceAll('|', '\\|')
}

/** Text that means nothing to Markdown: one line, no markup, no list at its start. */
function escaped(text: string): string {
  return visible(text.replace(/[\s\u2028\u2029]+/g, ' '))
    .replace(/[\\`*_[\]<>]/g, (character) =>
      character === '<' ? '&lt;' : character === '>' ? '&gt;' : `\\${character}`,
    )
    .replace(/^(\d*)(#{1,6}|[+\-.)])(?=\s)/, '$1\\$2')
}

/** A fence longer than any inside the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}text\n${text}\n${fence}`
}
