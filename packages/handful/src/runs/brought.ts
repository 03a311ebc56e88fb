/**
 * What a caller brings along beside what is built in: heads, models and sources of features. Checked before anything is
 * computed, and wrapped so that what goes wrong inside it is told with the file that it came from.
 */
import { z } from 'zod'
import { HandfulError, printable, quoted, usageError } from '../errors.js'
import { listAlternatives } from '../errors/suggest.js'
import type { FeatureSource } from '../features/feature-sources.js'
import type { Head } from '../heads/head.js'
import type { OwnHeads } from '../heads/registry.js'
import type { Model } from '../models/model.js'
import type { OwnModels } from '../models/registry.js'
import { BASELINES, HEADS, MODELS, SUPERVISED_MODELS } from '../names.js'
import type { FeatureMethod } from './feature-method.js'
import { guardHead } from './guard-head.js'

/** A plugin as configurations name it. */
export const pluginSchema = z.strictObject({
  /** Where it lay, in full. */
  file: z.string().min(1),
  /** Of the file's bytes; what it imports is not in it. */
  sha256: z.string(),
  heads: z.array(z.string()),
  models: z.array(z.string()),
  methods: z.array(z.string()),
})

/** A plugin as configurations name it. */
export type PluginRecord = z.infer<typeof pluginSchema>

export const pluginsField = { plugins: z.array(pluginSchema).optional() }

/** What a caller brings along beside what is built in. */
export interface Brought {
  /** By the name that `--head` takes. They are compared beside the others. */
  readonly heads?: OwnHeads
  /** By the name that `--model` takes, which is the model's own. */
  readonly models?: OwnModels
  /** Sources of features; each stands beside the model's features. */
  readonly methods?: readonly FeatureMethod[]
  /** The files that some of it came from. */
  readonly plugins?: readonly PluginRecord[]
}

type Kind = 'heads' | 'models' | 'methods'

/** What each kind is called in a message, one of it. */
export const KIND_WORDS: Readonly<Record<Kind, string>> = {
  heads: 'head',
  models: 'model',
  methods: 'method',
}

/** Names that nothing brought may have: those of what is built in, and words that mean something else in their place. */
const TAKEN: Readonly<Record<Kind, readonly string[]>> = {
  heads: [...HEADS, 'network'],
  models: [...MODELS, ...SUPERVISED_MODELS, ...BASELINES, 'none', 'encoder', 'embeddings'],
  methods: [...MODELS, ...SUPERVISED_MODELS, ...BASELINES, 'encoder', 'embeddings'],
}

/** Files and options are named by it. */
const NAME = /^[a-z][a-z0-9_-]{0,39}$/i

/**
 * @param where they come from, for messages: a file, `runFit`
 * @throws HandfulError for a name that is taken or is none
 */
export function checkNames(kind: Kind, names: readonly string[], where: string): void {
  for (const [i, name] of names.entries()) {
    const what = `${KIND_WORDS[kind]} ${quoted(name)}`
    if (!NAME.test(name))
      throw new HandfulError({
        what,
        where,
        got: 'such a name',
        expected: 'letters, digits, - and _, a letter first, 40 of them at most',
      })
    if (TAKEN[kind].includes(name))
      throw new HandfulError({
        what,
        where,
        got: 'a name that is taken',
        expected: `none of ${TAKEN[kind].join(', ')}`,
        hint: 'give it another name',
      })
    if (names.indexOf(name) !== i)
      throw new HandfulError({ what, where, got: 'the name twice', expected: 'each name once' })
  }
}

/** Where something that was brought came from, for messages. */
export const placeOf = ({ plugins = [] }: Brought, kind: Kind, name: string, otherwise: string): string =>
  plugins.find((plugin) => plugin[kind].includes(name))?.file ?? otherwise

/** The content that something that was brought came from; nothing where no file is known. */
export const contentOf = ({ plugins = [] }: Brought, kind: Kind, name: string): string | undefined =>
  plugins.find((plugin) => plugin[kind].includes(name))?.sha256

/**
 * What was brought, checked: names are free, and each head, model and source tells what is wrong with what it gives.
 *
 * @param where the call that it was given to, for messages
 * @throws HandfulError for names that are taken, twice there or are none, and for what is no head, model or source
 */
export function checkBrought(brought: Brought, where: string): Required<Brought> {
  const { heads = {}, models = {}, methods = [], plugins = [] } = brought
  checkNames('heads', Object.keys(heads), where)
  checkNames('models', Object.keys(models), where)
  checkNames(
    'methods',
    methods.map(({ id }) => id),
    where,
  )
  for (const { id } of methods)
    if (Object.hasOwn(models, id)) checkNames('methods', [id, id], placeOf(brought, 'methods', id, where))
  const mapped = <T>(kind: Kind, entries: Readonly<Record<string, T>>, guard: Guard<T>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => [
        name,
        guard(entry, name, placeOf(brought, kind, name, where)),
      ]),
    )
  return {
    heads: mapped('heads', heads, guardHeadMaker),
    models: mapped('models', models, guardModel),
    methods: methods.map((method) =>
      guardMethod(method, method.id, placeOf(brought, 'methods', method.id, where)),
    ),
    plugins,
  }
}

type Guard<T> = (entry: T, name: string, where: string) => T

const wrong = (what: string, where: string, got: string, expected: string): HandfulError =>
  new HandfulError({ what, where, got, expected })

/** An error of code that is not ours, as ours are told. */
export function failureOf(what: string, where: string, error: unknown): HandfulError {
  if (error instanceof HandfulError) return error
  const text = error instanceof Error ? error.message || error.name : String(error)
  return new HandfulError({ what, where, got: `an error: ${printable(text)}`, cause: error })
}

const guardHeadMaker: Guard<() => Head> = (make, name, where) => {
  const what = `head ${quoted(name)}`
  if (typeof make !== 'function') throw wrong(what, where, kindOf(make), 'a function that makes a head')
  const made = (): Head => {
    let head: Head
    try {
      head = make()
    } catch (error) {
      throw failureOf(what, where, error)
    }
    if (typeof head?.fit !== 'function' || typeof head.name !== 'string')
      throw wrong(what, where, kindOf(head), 'a head: an object with name and fit')
    return guardHead(head, what, where)
  }
  // What makes none is told now, not after minutes of training.
  made()
  return made
}

const MODEL_PARTS = ['configure', 'preset'] as const

const guardModel: Guard<Model> = (model, name, where) => {
  const what = `model ${quoted(name)}`
  const isModel =
    typeof model === 'object' &&
    model !== null &&
    MODEL_PARTS.every((part) => typeof model[part] === 'function')
  if (!isModel) throw wrong(what, where, kindOf(model), 'what defineModel gives')
  if (model.name !== name)
    throw wrong(what, where, `a model that calls itself ${quoted(model.name)}`, `"${name}"`)
  return model
}

const guardMethod: Guard<FeatureMethod> = (method, id, where) => {
  const what = `method ${quoted(id)}`
  if (typeof method.open !== 'function' || typeof method.title !== 'string')
    throw wrong(what, where, kindOf(method), 'an object with id, title, kind, settings and open')
  const { reopen } = method
  const opened = async (source: Promise<FeatureSource>): Promise<FeatureSource> => {
    try {
      return guardSource(await source, what, where)
    } catch (error) {
      throw failureOf(what, where, error)
    }
  }
  const call = <A extends unknown[]>(of: (...given: A) => Promise<FeatureSource>, given: A) =>
    // A function that throws before its promise is told alike.
    opened(Promise.resolve().then(() => of.apply(method, given)))
  return {
    ...method,
    open: (...given) => call(method.open, given),
    reopen: reopen && ((...given) => call(reopen, given)),
  }
}

/** Counts and numbers are looked at where they are given: later nobody could say whose they were. */
function guardSource(source: FeatureSource, what: string, where: string): FeatureSource {
  const { columns } = source ?? {}
  if (!Number.isInteger(columns) || columns < 1 || typeof source.extract !== 'function')
    throw wrong(what, where, kindOf(source), 'a source: its number of columns from 1, and extract')
  return {
    columns,
    groups: source.groups,
    detail: source.detail,
    fitted: source.fitted,
    close: source.close && (() => source.close?.() ?? Promise.resolve()),
    async extract(images, firstPlace) {
      try {
        const found = await source.extract(images, firstPlace)
        const shape = `${images.count} x ${columns} numbers, a row for each image`
        if (found?.rows !== images.count || found.columns !== columns)
          throw wrong(what, where, `${found?.rows} x ${found?.columns} numbers`, shape)
        if (!(found.data instanceof Float32Array) || found.data.length !== images.count * columns)
          throw wrong(what, where, kindOf(found.data), `a Float32Array of ${shape}`)
        if (!found.data.every(Number.isFinite)) throw wrong(what, where, 'NaN or infinity', 'finite numbers')
        return found
      } catch (error) {
        throw failureOf(what, where, error)
      }
    },
  }
}

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  if (typeof value !== 'object') return `a ${typeof value}`
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an object without anything' : `an object with ${printable(keys.join(', '))}`
}

/** A folder's run or study that was made with plugins, as its configuration says. */
const madeWith = z.object(pluginsField).loose()

/**
 * Says what a run's configuration needs and is not there.
 *
 * @param where the run or study
 * @param needs what of it is needed; all that the plugins gave, unless said otherwise
 * @returns sentences on plugins that are there with other content
 * @throws HandfulError (wrong use) naming what is missing and the file that had it
 */
export function checkPlugins(
  config: Readonly<Record<string, unknown>>,
  brought: Brought,
  where: string,
  needs: (plugin: PluginRecord) => Partial<Pick<PluginRecord, Kind>> = (plugin) => plugin,
): string[] {
  const { plugins = [] } = madeWith.safeParse(config).data ?? {}
  const notes: string[] = []
  for (const plugin of plugins) {
    const { heads = [], models = [], methods = [] } = needs(plugin)
    const missing = [
      ...heads.filter((name) => !Object.hasOwn(brought.heads ?? {}, name)).map((name) => `head ${name}`),
      ...models.filter((name) => !Object.hasOwn(brought.models ?? {}, name)).map((name) => `model ${name}`),
      ...methods
        .filter((name) => !brought.methods?.some(({ id }) => id === name))
        .map((name) => `method ${name}`),
    ]
    if (missing.length > 0) throw missingPlugin(where, missing, plugin)
    const now = brought.plugins?.find(({ sha256 }) => sha256 === plugin.sha256)
    if (now === undefined && heads.length + models.length + methods.length > 0)
      notes.push(
        `The plugin is not the one that ${printable(where)} was made with: its content (${plugin.sha256.slice(0, 12)}, ${printable(plugin.file)}) has changed.`,
      )
  }
  return notes
}

/** @param missing such as `head mine` */
export function missingPlugin(
  where: string,
  missing: readonly string[],
  { file, sha256 }: Pick<PluginRecord, 'file' | 'sha256'>,
): HandfulError {
  return usageError({
    what: 'plugin',
    where: printable(where),
    got: 'none with ' + listAlternatives(missing),
    expected: `the plugin that it was made with: ${printable(file)} (SHA-256 ${sha256.slice(0, 12)}...)`,
    hint: `give it by --plugin <file.js>, or as heads, models and methods of the call`,
  })
}
