/** A study's folder: made, or taken up again. One process at a time holds it, and it keeps to one set of images. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { makeFolders, writeFileAtomic } from '../files/atomic.js'
import { HandfulError, printable, systemCode, systemError } from '../errors.js'
import { acquireLock } from '../files/lock.js'
import { isMissing } from '../files/present.js'
import { MARKER_TEXT, RUN_MARKER } from '../files/run-marker.js'
import { type Brought, checkPlugins } from '../runs/brought.js'
import { holdsImagesOf, readImageRecord, recordImages, surveyImages } from '../runs/image-record.js'
import { parseStudyOptions, type StudyOptions } from './study-options.js'
import { STUDY_FILES } from './study-file.js'

/** The options that a study was last run with. @param brought what its plugins gave, where it was made with some. @throws HandfulError if the folder holds none or the file is damaged */
export async function readStudyOptions(folder: string, brought: Brought = {}): Promise<StudyOptions> {
  const found = await readConfig(path.join(folder, STUDY_FILES.config))
  if (found !== undefined) {
    const file = path.join(folder, STUDY_FILES.config)
    if (typeof found === 'object') checkPlugins({ ...found }, brought, folder)
    return parseStudyOptions(found, file, brought)
  }
  throw new HandfulError({
    what: 'study folder',
    where: printable(folder),
    got: `no ${STUDY_FILES.config} in it`,
    expected: 'a folder that handful study has written',
    hint: 'see what is in studies/',
  })
}

/** A YAML file of options, not checked yet; undefined where there is none. @throws HandfulError where it is no YAML */
export async function readConfig(file: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw systemError('reading options', file, error)
  }
  try {
    return (parse(text, { maxAliasCount: 0 }) as unknown) ?? {}
  } catch (error) {
    throw new HandfulError({
      what: 'options',
      where: printable(file),
      got: (error as Error).message.split('\n')[0],
      expected: 'YAML, as --print-config prints it',
      exitCode: 2,
    })
  }
}

/** Options without what is undefined, as YAML. */
export const optionsAsYaml = (options: StudyOptions): string =>
  stringify(JSON.parse(JSON.stringify(options)) as unknown)

/**
 * Opens the folder and writes study.yaml.
 * @throws HandfulError if it holds other things, a study of other images, or another process works in it
 */
export async function openStudyFolder(
  folder: string,
  options: StudyOptions,
): Promise<{ close: () => Promise<void> }> {
  await makeFolders(folder).catch((error: unknown) => {
    throw systemError('making the study folder', folder, error)
  })
  await checkStudyFolder(folder, options)
  const lock = await acquireLock(folder)
  try {
    await writeFileAtomic(path.join(folder, RUN_MARKER), MARKER_TEXT)
    await writeFileAtomic(path.join(folder, STUDY_FILES.config), optionsAsYaml(options))
    await recordImagesOf(folder, options)
  } catch (error) {
    await lock.release()
    throw error
  }
  return { close: () => lock.release() }
}

/** Those of the user's own are found again from wherever the study is gone on with. */
async function recordImagesOf(folder: string, { folder: images }: StudyOptions): Promise<void> {
  if (images === undefined || (await readImageRecord(folder)) !== undefined) return
  const writeJson = (name: string, value: unknown): Promise<void> =>
    writeFileAtomic(path.join(folder, name), `${JSON.stringify(value, null, 2)}\n`)
  await recordImages({ folder, writeJson }, images, await surveyImages(images))
}

/** @throws HandfulError if the folder holds other things or a study of other images; it need not be there */
export async function checkStudyFolder(folder: string, options: StudyOptions): Promise<void> {
  const config = await readConfig(path.join(folder, STUDY_FILES.config))
  if (config === undefined) {
    const all = await readdir(folder).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return []
      throw systemError('opening the study folder', folder, error)
    })
    const names = all.filter((name) => name !== '.DS_Store' && !name.startsWith('.lock'))
    if (names.length === 0) return
    throw new HandfulError({
      what: 'study folder',
      where: printable(folder),
      got: `a folder that holds other things (${printable(names[0])}${names.length > 1 ? ', ...' : ''})`,
      expected: 'a new or empty folder, or one of a study',
      hint: 'give another --out; nothing was changed',
      exitCode: 2,
    })
  }
  const { dataset, folder: images } = config as Partial<StudyOptions>
  const before = dataset ?? images
  const now = options.dataset ?? options.folder
  if (before === undefined || before === now) return
  if (dataset === undefined && options.folder !== undefined && (await holdsImagesOf(folder, options.folder)))
    return
  throw new HandfulError({
    what: 'study folder',
    where: printable(folder),
    got: `a study of ${printable(before)}`,
    expected: `one of ${printable(now ?? '')}`,
    hint: 'give another --out; nothing was changed',
    exitCode: 2,
  })
}
