/** Writes a study's report into its folder: a page, Markdown, figures and the numbers behind them. */
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { makeFolders, writeFileAtomic } from '../../files/atomic.js'
import { HandfulError, systemError } from '../../errors.js'
import { loadStudySoFar, STUDY_FILES } from '../study-file.js'
import type { Block } from './blocks.js'
import { csvText, fileName, lightSvg, standaloneSvg, type Figure } from '../../draw/figure-frame.js'
import { pictureEnding, renderStudyMarkdown } from './markdown.js'
import { renderStudyPage } from './study-page.js'
import { type FullStudy, isReportFile, studySections } from '../all-sections.js'

export const STUDY_REPORT_FILES = {
  page: 'report.html',
  markdown: 'report.md',
  figures: 'figures',
} as const

/** Pixels of a PNG for each of the figure's own: 96 dots an inch become 240. */
const PNG_DENSITY = 180

/** What a study's report has beside page, Markdown, SVG and CSV. */
export interface StudyReportOptions {
  /** Each figure as PNG too, in light colours. Default false. */
  readonly png?: boolean
}

/**
 * Writes report.html, report.md and figures/ into the folder of a study; study.json stays as it is. Figures of an earlier
 * report that this one has not got are taken away.
 *
 * @returns paths of what was written, the page first
 * @throws HandfulError if a file can't be written
 */
export async function writeStudyReport(
  study: FullStudy,
  folder: string,
  { png = false }: StudyReportOptions = {},
): Promise<string[]> {
  const sections = await studySections(study)
  const { figures: place } = STUDY_REPORT_FILES
  const files = new Map<string, string | Uint8Array>([
    [STUDY_REPORT_FILES.page, renderStudyPage(study, sections, place)],
    [STUDY_REPORT_FILES.markdown, renderStudyMarkdown(study, sections, place)],
  ])
  for (const block of sections.flatMap(({ blocks }) => blocks)) {
    for (const [name, content] of await filesOf(block, png)) files.set(`${place}/${name}`, content)
  }
  const figures = path.join(folder, place)
  await makeFolders(figures).catch((error: unknown) => {
    throw systemError('making the folder of figures', figures, error)
  })
  for (const [name, content] of files) await writeFileAtomic(path.join(folder, name), content)
  await removeStale(figures, new Set([...files.keys()].map((name) => path.basename(name))))
  return [...files.keys()].map((name) => path.join(folder, name))
}

async function filesOf(block: Block, png: boolean): Promise<[string, string | Uint8Array][]> {
  if (block.kind === 'table' && block.file !== undefined) {
    return [[`${fileName(block.file.name)}.csv`, csvText(block.file.data)]]
  }
  if (block.kind === 'picture') {
    const bytes = Buffer.from(block.image.slice(block.image.indexOf(',') + 1), 'base64')
    return [[`${fileName(block.name)}.${pictureEnding(block.image)}`, bytes]]
  }
  if (block.kind !== 'figure') return []
  const { figure } = block
  const name = fileName(figure.name)
  return [
    [`${name}.svg`, standaloneSvg(figure)],
    [`${name}.csv`, csvText(figure.data)],
    ...(png ? [[`${name}.png`, await pngOf(figure)] satisfies [string, Uint8Array]] : []),
  ]
}

async function pngOf(figure: Figure): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp')
  return sharp(Buffer.from(lightSvg(figure)), { density: PNG_DENSITY, unlimited: true })
    .png()
    .toBuffer()
}

async function removeStale(folder: string, kept: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!kept.has(name) && isReportFile(name)) await rm(path.join(folder, name), { force: true })
  }
}

/** Whether a folder holds a study's results. */
export async function holdsStudy(folder: string): Promise<boolean> {
  return readdir(folder).then(
    (names) => names.includes(STUDY_FILES.result),
    () => false,
  )
}

/**
 * Reads a folder's study.json.
 * @throws HandfulError if there is none or it is damaged
 */
export async function loadStudy(folder: string): Promise<FullStudy> {
  const study = await loadStudySoFar(folder)
  if (study !== undefined) return study
  throw new HandfulError({
    what: 'study',
    where: folder,
    got: `no ${STUDY_FILES.result} yet`,
    expected: 'a folder that handful study has written',
  })
}
