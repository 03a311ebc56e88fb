/**
 * Which model, and with what settings: the fields that every job which trains a model shares, and the way from them to a
 * checked configuration. A preset is plain data; `set` changes single values of it by their dotted names
 * (`codebook.decay`), and whatever the model's schema does not know is refused.
 */
import { z } from 'zod'
import { datasetEntry } from '../data/registry.js'
import { printable, usageError, type HandfulError } from '../errors.js'
import { closest, listAlternatives } from '../errors/suggest.js'
import type { BoundModel, ImageShape } from '../models/model.js'
import { modelNamed, modelNames, type OwnModels } from '../models/registry.js'
import {
  type AugmentationName,
  AUGMENTATIONS,
  currentPreset,
  FORMER_PRESETS,
  type PresetName,
  PRESETS,
} from '../names.js'
import {
  type AugmentOptions,
  coveredAugmentation,
  cropAugmentation,
  photoAugmentation,
  shapeAugmentation,
} from './augment.js'

/** A preset by its name, or by the one that it had before. */
export const presetField = z.enum([...PRESETS, ...FORMER_PRESETS]).transform(currentPreset)

/** @param own models beside those that are built in */
export const modelFieldsWith = (own?: OwnModels) => ({
  model: z.enum(modelNames(own)).default('vae'),
  preset: presetField.default('fast'),
  /** Values that differ from the preset's, by dotted name. */
  set: z.record(z.string().min(1), z.json()).default({}),
  /** How training images are distorted; by default as suits their channels, where the model has the clean image as its target. */
  augment: z.enum(AUGMENTATIONS).optional(),
})

export const modelFields = modelFieldsWith()

/** The same out of a run's saved options, whatever else they hold; its model may be one that a plugin has. */
export const modelChoiceSchema = z
  .object({ ...modelFields, model: z.string().default('vae') })
  .pick({ model: true, preset: true, set: true })

export interface ModelChoice {
  readonly model: string
  readonly preset: PresetName
  readonly set: Readonly<Record<string, unknown>>
}

/** The shape of a known data set's images; that of a folder is known once they are read. */
export function knownShape({ dataset }: { readonly dataset?: string }): ImageShape | undefined {
  if (dataset === undefined) return undefined
  const { size, channels } = datasetEntry(dataset)
  return { size, channels }
}

/**
 * The model with its whole configuration for images of a shape.
 * @param own models beside those that are built in
 * @throws HandfulError (wrong use) for a preset that the model does not have, an unknown name or a value that does not suit
 */
export function resolveModel(
  { model: name, preset, set }: ModelChoice,
  image: ImageShape,
  own?: OwnModels,
): BoundModel {
  const model = modelNamed(name, own)
  const values = model.preset(preset, image)
  if (values === undefined) {
    throw usageError({
      what: '--preset',
      got: preset,
      expected: `${listAlternatives(model.presets)} for model ${name}`,
    })
  }
  const where = `model ${name}, preset ${preset}`
  return model.configure(withSettings(model.configSchema, values, set, where), image)
}

/**
 * A configuration with some of its values changed, by dotted name, and checked whole.
 * @param where what it is the configuration of, for messages
 * @throws HandfulError (wrong use) for an unknown name or a value that does not suit
 */
export function withSettings<C extends object>(
  schema: z.ZodType<C>,
  values: C,
  set: Readonly<Record<string, unknown>>,
  where: string,
): C {
  const tree: Tree = Object.fromEntries(Object.entries(structuredClone(values)))
  const known = dottedNames(tree)
  for (const [path, value] of Object.entries(set)) assign(tree, path, value)
  return checked(schema, tree, { set, known, where })
}

const AUGMENTATION_OPTIONS = {
  shapes: shapeAugmentation,
  photos: photoAugmentation,
  crops: cropAugmentation,
  covered: coveredAugmentation,
  none: null,
} as const satisfies Record<AugmentationName, AugmentOptions | null>

/** What is distorted and how; `null` for nothing. The model's own way unless one is named. */
export function resolveAugmentation(
  name: AugmentationName | undefined,
  model: BoundModel,
): { readonly name: AugmentationName; readonly options: AugmentOptions | null } {
  const chosen = name ?? model.augmentation
  return { name: chosen, options: AUGMENTATION_OPTIONS[chosen] }
}

interface Tree {
  [name: string]: unknown
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `latent`, `codebook`, `codebook.decay`: everything that can be set. */
function dottedNames(tree: Tree, prefix = ''): string[] {
  return Object.entries(tree).flatMap(([name, value]) => [
    prefix + name,
    ...(isTree(value) ? dottedNames(value, `${prefix}${name}.`) : []),
  ])
}

function assign(tree: Tree, path: string, value: unknown): void {
  const parts = path.split('.')
  const last = parts.pop() ?? ''
  let at = tree
  for (const [depth, part] of parts.entries()) {
    // Own fields only: names come from outside, and `__proto__` is one of them.
    const inner = Object.hasOwn(at, part) ? at[part] : undefined
    if (inner !== undefined && !isTree(inner)) {
      const whole = parts.slice(0, depth + 1).join('.')
      throw usageError({
        what: `--set ${printable(path)}`,
        got: `${printable(whole)}, which is ${JSON.stringify(inner)} here`,
        expected: 'a group of settings',
        hint: `give all of it: --set '${printable(whole)}={...}'`,
      })
    }
    if (inner === undefined) define(at, part, {})
    at = at[part] as Tree
  }
  define(at, last, value)
}

function define(tree: Tree, name: string, value: unknown): void {
  Object.defineProperty(tree, name, { value, enumerable: true, writable: true, configurable: true })
}

interface Checking {
  readonly set: Readonly<Record<string, unknown>>
  readonly known: readonly string[]
  readonly where: string
}

function checked<C>(schema: z.ZodType<C>, tree: Tree, checking: Checking): C {
  const parsed = schema.safeParse(tree)
  if (parsed.success) return parsed.data
  const issues = flattened(parsed.error.issues, checking.set)
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys')
  const names = unknown.flatMap(({ path, keys }) => keys.map((key) => [...path, key].join('.')))
  const typed = names.find((name) => wasSet(checking.set, name))
  if (typed !== undefined) throw unknownName(typed, checking)
  if (names.length === 0) throw wrongValue(issues[0], tree, checking)
  // Another kind of network, codebook or average was chosen, and these are what the preset had for its own.
  for (const name of names) remove(tree, name)
  return checked(schema, tree, checking)
}

/** Whether the name, something in it or all around it was set. */
const wasSet = (set: Checking['set'], name: string): boolean =>
  Object.keys(set).some((key) => key === name || key.startsWith(`${name}.`) || name.startsWith(`${key}.`))

function remove(tree: Tree, path: string): void {
  const parts = path.split('.')
  const last = parts.pop() ?? ''
  const parent = parts.reduce<unknown>((at, part) => (isTree(at) ? at[part] : undefined), tree)
  if (isTree(parent)) delete parent[last]
}

type Issue = z.core.$ZodIssue

/** Of a union that fits in no form, the complaints about the form that comes nearest. */
function flattened(issues: readonly Issue[], set: Checking['set']): Issue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
    const forms = issue.errors.map((form) =>
      flattened(
        form.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })),
        set,
      ),
    )
    const distance = (form: readonly Issue[]): number =>
      form.reduce((sum, { code, path, ...rest }) => {
        const keys = code === 'unrecognized_keys' && 'keys' in rest ? rest.keys : undefined
        const typed = keys?.filter((key) => wasSet(set, [...path, key].join('.'))).length ?? 0
        return sum + (keys === undefined ? 2 : 1 + 2 * typed)
      }, 0)
    return forms.reduce((best, form) => (distance(form) < distance(best) ? form : best))
  })
}

function unknownName(name: string, { known, where }: Checking): HandfulError {
  const near = closest(name, known)
  return usageError({
    what: `--set ${printable(name)}`,
    where,
    got: 'an unknown name',
    expected: near === undefined ? `one of ${known.join(', ')}` : 'a setting that there is',
    hint: near === undefined ? undefined : `did you mean ${near}?`,
  })
}

function wrongValue(issue: Issue, tree: Tree, { set, where }: Checking): HandfulError {
  const name = issue.path.join('.')
  const value = issue.path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? (at as Tree)[String(part)] : undefined),
    tree,
  )
  const missing = value === undefined
  return usageError({
    what: missing || wasSet(set, name) ? `--set ${printable(name)}` : printable(name),
    where,
    got: missing ? 'nothing' : printable(JSON.stringify(value)),
    expected: expectation(issue),
    hint: missing ? `add --set ${printable(name)}=...` : undefined,
  })
}

const TYPES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  string: 'a word',
  array: 'a list such as [32,64]',
  object: 'a group such as {"name":1}',
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected
    case 'too_small':
      return `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unitOf(issue.origin)}`
    case 'too_big':
      return `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unitOf(issue.origin)}`
    case 'invalid_value':
      return listAlternatives(issue.values.map((value) => JSON.stringify(value)))
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    default:
      return issue.message.replace(/^(.*; )?expected /, '')
  }
}

const unitOf = (origin: string): string => (origin === 'array' ? ' values' : '')
