/** A study that is opened: its report is shown, and where it is one of the person's own images, these are opened with it. */
import { existsSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { HandfulError, printable } from '../errors.js'
import { locateImages } from '../runs/image-record.js'

/** Of all that stands in it the studio asks for the images alone: what checks the rest loads every model there is. */
const CONFIG = 'study.yaml'
const configSchema = z.object({ folder: z.string().optional() })
const REPORT = 'report.html'

export interface OpenedStudy {
  readonly name: string
  /** Full path. */
  readonly folder: string
  /** Full path of the images; undefined for a known data set. */
  readonly images: string | undefined
  /** A study writes its report when it has something to show, and again whenever it has more. */
  hasReport(): boolean
  report(): Promise<Buffer | undefined>
}

/**
 * Undefined for what is no folder of a study.
 * @throws HandfulError for a study whose options are damaged or whose images are gone
 */
export async function studyAt(place: string): Promise<OpenedStudy | undefined> {
  const folder = await realpath(place).catch(() => path.resolve(place))
  const text = await readFile(path.join(folder, CONFIG), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const images = imagesOf(text, path.join(folder, CONFIG))
  const located =
    images === undefined ? undefined : await realpath(await locateImages(folder, images, 'put them back'))
  const page = path.join(folder, REPORT)
  return {
    name: path.basename(folder),
    folder,
    images: located,
    hasReport: () => existsSync(page),
    report: () => readFile(page).catch(() => undefined),
  }
}

function imagesOf(text: string, file: string): string | undefined {
  try {
    return configSchema.parse(parse(text, { maxAliasCount: 0 })).folder
  } catch (cause) {
    const expected = 'the options that a study has written'
    throw new HandfulError({ what: 'study', where: printable(file), got: 'something else', expected, cause })
  }
}
