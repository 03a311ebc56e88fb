/** The options of a study: what was typed over a file over the options it last ran with over defaults. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { quoted, usageError } from '../../errors.js'
import { closest } from '../../errors/suggest.js'
import { DATASETS, SECTIONS } from '../../names.js'
import { modelsToCome, outsideToCome, resolveMethods } from '../../study/methods.js'
import { locateImages } from '../../runs/image-record.js'
import { readConfig, readStudyOptions } from '../../study/study-folder.js'
import { parseStudyOptions, type StudyOptions } from '../../study/study-options.js'
import { choiceOf, type Session } from '../option.js'

type Values = Readonly<Record<string, unknown>>

/** What was typed; whatever is not named here is an option of the study as it stands. */
export interface TypedStudy {
  readonly images?: string
  readonly config?: string
  readonly out?: string
  readonly resume?: string
  readonly labels?: readonly string[]
  readonly run?: Values
  readonly set?: Values
  readonly without?: readonly string[]
  readonly [option: string]: unknown
}

/** @throws HandfulError (wrong use) naming the option, with the name that was probably meant */
export async function resolveStudy(
  { images, config, out, resume, labels, run = {}, set = {}, without = [], ...typed }: TypedStudy,
  { cores, environment, brought }: Session,
  studies: string,
): Promise<{ readonly options: StudyOptions; readonly folder: string }> {
  if (resume !== undefined && out !== undefined && path.resolve(resume) !== path.resolve(out)) {
    throw usageError({ what: '--resume', got: `${resume} and --out ${out}`, expected: 'one folder' })
  }
  const saved = resume === undefined ? {} : await readStudyOptions(resume, brought)
  const given = Object.entries(typed).filter(([, value]) => value !== undefined)
  const dataDir = environment.HANDFUL_DATA
  const tree: Tree = structuredClone({
    threads: cores,
    ...(dataDir === undefined || dataDir === '' ? {} : { dataDir }),
    ...saved,
    ...(await fromFile(config)),
    ...Object.fromEntries(given),
  })
  if (images !== undefined) Object.assign(tree, sourceOf(images))
  else if (resume !== undefined && typeof tree.folder === 'string')
    tree.folder = await locateImages(resume, tree.folder, 'put them back, or name their folder')
  if (tree.dataset === undefined && tree.folder === undefined) {
    throw usageError({
      what: 'images',
      got: 'neither a data set nor a folder',
      expected: 'one of them',
      hint: 'to try it: handful study strokes --budget 5m',
    })
  }
  if (labels !== undefined) tree.labels = labels.map(labelCount)
  for (const [model, folder] of Object.entries(run)) assign(tree, ['models', model, 'run'], String(folder))
  for (const section of without) assign(tree, ['sections', choiceOf('--without', section, SECTIONS)], false)
  for (const [name, value] of Object.entries(set)) assign(tree, pathOf(name), value)
  if (brought.plugins === undefined) delete tree.plugins
  else tree.plugins = structuredClone(brought.plugins)
  const options = parseStudyOptions(tree, config ?? 'handful study', brought)
  const { methods = [], models } = brought
  resolveMethods(options, [...outsideToCome(options), ...methods, ...modelsToCome(models)])
  const name = options.dataset ?? path.basename(path.resolve(options.folder ?? '.'))
  return { options, folder: resume ?? out ?? path.join(studies, name) }
}

async function fromFile(config: string | undefined): Promise<Tree> {
  const found = config === undefined ? {} : await readConfig(config)
  if (isTree(found)) return found
  const got = found === undefined ? 'nothing there' : 'no list of options'
  const expected = 'a YAML file as --print-config prints it'
  throw usageError({ what: '--config', where: config, got, expected })
}

/** A known data set by its name, else a folder: `./mnist` is always one. */
function sourceOf(images: string): { dataset?: string; folder?: string } {
  if (DATASETS.some((name) => name === images)) return { dataset: images, folder: undefined }
  const near = /[/\\.]/.test(images) || existsSync(images) ? undefined : closest(images, DATASETS)
  if (near === undefined) return { folder: images, dataset: undefined }
  throw usageError({
    what: 'images',
    got: quoted(images),
    expected: `${DATASETS.join(', ')}, or a folder that is there`,
    hint: `did you mean ${near}?`,
  })
}

function labelCount(text: string): number | 'all' {
  if (text === 'all') return text
  const value = /^\d+$/.test(text) ? Number(text) : 0
  if (value >= 1) return value
  throw usageError({ what: '--labels', got: quoted(text), expected: 'whole numbers above 0, or all' })
}

/** What follows `models.<name>.set.` is one name of the model's own, dots and all. */
function pathOf(name: string): string[] {
  const own = /^(models)\.([^.]+)\.(set)\.(.+)$/.exec(name)
  return own === null ? name.split('.') : own.slice(1)
}

interface Tree {
  [name: string]: unknown
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function assign(tree: Tree, parts: readonly string[], value: unknown): void {
  const last = parts[parts.length - 1]
  let at = tree
  for (const part of parts.slice(0, -1)) {
    // Own fields only: names come from outside, and `__proto__` is one of them.
    const inner = Object.hasOwn(at, part) ? at[part] : undefined
    const next = isTree(inner) ? inner : {}
    define(at, part, next)
    at = next
  }
  define(at, last, value)
}

function define(tree: Tree, name: string, value: unknown): void {
  Object.defineProperty(tree, name, { value, enumerable: true, writable: true, configurable: true })
}
