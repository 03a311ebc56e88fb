/** Keeps a run's outcome in its folder: report.json to draw from again, report.html to read. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../files/atomic.js'
import { HandfulError, systemCode, systemError } from '../errors.js'
import { readRunConfig, RUN_FILES } from '../runs/run-files.js'
import type { RunFolder } from '../runs/run-folder.js'
import { runReportSchema, type RunReport, type RunReportInput } from './run-report.js'

/** Checks the outcome, writes report.json and report.html, and returns the page's path. */
export async function saveReport(run: RunFolder, report: RunReportInput): Promise<string> {
  const checked = runReportSchema.parse(report)
  await run.writeJson(RUN_FILES.report, checked)
  return writeReportPage(run.folder, checked)
}

/** Draws the page of a report and returns its path. */
export async function writeReportPage(folder: string, report: RunReport): Promise<string> {
  // What draws takes a while to load.
  const { renderReport } = await import('./render.js')
  const page = path.join(folder, RUN_FILES.reportPage)
  await writeFileAtomic(page, renderReport(report))
  return page
}

/**
 * Reads a run's report.json.
 * @throws HandfulError if the folder is no run, the run has not come that far, or the file is damaged
 */
export async function loadReport(folder: string): Promise<RunReport> {
  await readRunConfig(folder)
  const file = path.join(folder, RUN_FILES.report)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw systemError('reading a report', file, error)
    throw new HandfulError({
      what: 'report',
      where: folder,
      got: `no ${RUN_FILES.report} yet`,
      expected: 'a run that has come to its end',
      hint: `go on with it by handful fit --resume ${folder}`,
    })
  })
  try {
    return runReportSchema.parse(JSON.parse(text))
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined
    const fault =
      issue === undefined ? (error as Error).message : `${issue.message} at ${issue.path.join('.')}`
    throw new HandfulError({
      what: 'report',
      where: file,
      got: fault,
      expected: 'what "handful fit" wrote',
      hint: `delete it and run handful fit --resume ${folder}`,
    })
  }
}
