/**
 * Plugins: JavaScript files whose default export gives heads, models and sources of features beside those that are built
 * in. They are read where a command line names them, and never because a run does: a run is data, a plugin is code.
 *
 *     export default { heads: { mine: () => head }, models: { mine: model }, methods: [source] }
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { HandfulError, printable, systemError } from '../errors.js'
import {
  type Brought,
  checkBrought,
  checkNames,
  failureOf,
  KIND_WORDS,
  kindOf,
  type PluginRecord,
} from './brought.js'
import type { FeatureMethod } from './feature-method.js'

const exportsSchema = z.strictObject({
  heads: z.record(z.string(), z.custom<never>()).default({}),
  models: z.record(z.string(), z.custom<never>()).default({}),
  methods: z
    .array(z.custom<FeatureMethod>((value) => typeof (value as FeatureMethod | null)?.id === 'string'))
    .default([]),
})

const EXPECTED = 'a default export with some of heads, models and methods'

/**
 * Reads plugins, in their order.
 *
 * @param files their paths
 * @throws HandfulError naming the file: for one that is not there, throws, has no such default export, or has a name that
 *   is built in or that another has
 */
export async function loadPlugins(files: readonly string[]): Promise<Required<Brought>> {
  const heads: Record<string, never> = {}
  const models: Record<string, never> = {}
  const methods: FeatureMethod[] = []
  const plugins: PluginRecord[] = []
  for (const file of files.map((each) => path.resolve(each))) {
    if (plugins.some((plugin) => plugin.file === file)) continue
    const sha256 = createHash('sha256')
      .update(await bytesOf(file))
      .digest('hex')
    const found = await exportsOf(file)
    const named = {
      heads: Object.keys(found.heads),
      models: Object.keys(found.models),
      methods: found.methods.map(({ id }) => id),
    }
    for (const kind of ['heads', 'models', 'methods'] as const) {
      checkNames(kind, named[kind], printable(file))
      refuseRepeats(kind, named[kind], file, plugins)
    }
    Object.assign(heads, found.heads)
    Object.assign(models, found.models)
    methods.push(...found.methods)
    plugins.push({ file, sha256, ...named })
  }
  return checkBrought({ heads, models, methods, plugins }, '--plugin')
}

async function bytesOf(file: string): Promise<Buffer> {
  return readFile(file).catch((error: unknown) => {
    throw systemError('plugin', file, error)
  })
}

async function exportsOf(file: string): Promise<z.infer<typeof exportsSchema>> {
  let loaded: { readonly default?: unknown }
  try {
    loaded = (await import(pathToFileURL(file).href)) as { readonly default?: unknown }
  } catch (error) {
    throw failureOf('plugin', printable(file), error)
  }
  const parsed = exportsSchema.safeParse(loaded.default)
  if (parsed.success && Object.values(parsed.data).some((part) => Object.keys(part).length > 0))
    return parsed.data
  const [issue] = parsed.error?.issues ?? []
  const inside = issue === undefined ? '' : issue.path.map(String).join('.')
  const got =
    loaded.default === undefined
      ? 'no default export'
      : issue?.code === 'unrecognized_keys'
        ? `a default export with ${printable(issue.keys.join(', '))}`
        : `${inside === '' ? '' : `${inside}: `}${kindOf(loaded.default)}`
  throw new HandfulError({ what: 'plugin', where: printable(file), got, expected: EXPECTED })
}

function refuseRepeats(
  kind: keyof typeof KIND_WORDS,
  names: readonly string[],
  file: string,
  before: readonly PluginRecord[],
): void {
  for (const name of names) {
    const other = before.find((plugin) => plugin[kind].includes(name))
    if (other === undefined) continue
    throw new HandfulError({
      what: `${KIND_WORDS[kind]} "${name}"`,
      where: printable(file),
      got: `a name that ${printable(other.file)} has too`,
      expected: 'each name once',
      hint: 'give one of them another name',
    })
  }
}
