/** The methods of a study: what `methods` names, resolved to what is computed and how tables call it. */
import { quoted, usageError } from '../errors.js'
import { closest } from '../errors/suggest.js'
import { type methodKinds } from './method-kinds.js'
import { baselines } from '../features/baselines/registry.js'
import { isModelName, models, type OwnModels } from '../models/registry.js'
import { isSupervisedName, supervisedModels } from '../models/supervised-registry.js'
import {
  type BaselineName,
  SEMI_SUPERVISED,
  type SemiSupervisedName,
  type StemName,
  type SupervisedName,
} from '../names.js'
import { STUDY_METHODS, type StudyOptions } from './study-options.js'
import type { StudyFeatures } from './sources.js'

/** What is known of a method that is brought along before it is there. */
type ToCome = Pick<StudyFeatures, 'id' | 'title' | 'kind'>

export interface PlannedMethod {
  readonly id: string
  readonly title: string
  readonly kind: (typeof methodKinds)[number]
  /** Of a combination, and of a network that learns on from one: the ids of its methods, each computed once whether or not it is listed itself. */
  readonly parts: readonly string[]
  /** Of a combination: whether a purely generative model is among its methods. */
  readonly hasGenerative?: boolean
  /** Of a supervised network. */
  readonly stem?: StemName
  /** Of a network that learns from labelled and unlabelled images together. */
  readonly semiSupervised?: SemiSupervisedName
}

/** How tables call what compares views and has a decoder beside that, whatever model it is a preset of. */
export const CONTRASTIVE_TITLE = 'contrastive with a decoder'

const contrastiveTitle = (name: string): string =>
  isModelName(name) && !models[name].hasDecoder ? models[name].shortTitle : CONTRASTIVE_TITLE

/**
 * All methods in the order given. Raw pixels are always among them: whatever does not beat them has learned nothing.
 *
 * @param contrastive models that compare views of an image as they are set here
 * @param own methods that the caller brings along, which may be named like the others
 * @throws HandfulError (wrong use) for a name that nothing has, for supervised parts of a combination and for repeats
 */
export function resolveMethods(
  { methods, supervised }: Pick<StudyOptions, 'methods' | 'supervised'>,
  own: readonly ToCome[] = [],
  contrastive: ReadonlySet<string> = new Set(),
): PlannedMethod[] {
  const names = [...new Set(methods.map((name) => name.trim()))]
  const found = names.flatMap((name): PlannedMethod[] => {
    if (name.includes('+')) return [combination(name, own, contrastive)]
    if (isSupervisedName(name)) return supervised.stems.map((stem) => networkOf(name, stem))
    if (isSemiSupervised(name)) return [{ id: name, semiSupervised: name, ...SEMI_SUPERVISED_METHODS[name] }]
    return [single(name, own, contrastive)]
  })
  if (!found.some(({ id }) => id === 'pixels')) found.unshift(single('pixels', own, contrastive))
  for (const method of own)
    if (!found.some(({ id }) => id === method.id)) found.push(single(method.id, own, contrastive))
  return found
}

function networkOf(name: SupervisedName, stem: StemName): PlannedMethod {
  const { id, shortTitle } = supervisedModels[name].stems[stem]
  return { id, title: shortTitle, kind: 'supervised', parts: [], stem }
}

/** Whether a name is that of a network which learns from labelled and unlabelled images. */
export const isSemiSupervised = (name: string): name is SemiSupervisedName =>
  SEMI_SUPERVISED.some((known) => known === name)

/** FixMatch begins with random weights; self-training begins with a model and what stands beside it. */
const SEMI_SUPERVISED_METHODS = {
  fixmatch: { title: 'FixMatch', kind: 'semi-supervised', parts: [] },
  'self-training': { title: 'self-training', kind: 'semi-supervised', parts: ['contrastive', 'patches'] },
} as const satisfies Record<SemiSupervisedName, Pick<PlannedMethod, 'title' | 'kind' | 'parts'>>

function single(name: string, own: readonly ToCome[], contrastive: ReadonlySet<string>): PlannedMethod {
  const brought = own.find(({ id }) => id === name)
  if (brought !== undefined && !contrastive.has(name))
    return { id: name, title: brought.title, kind: brought.kind, parts: [] }
  checkName(name, name, own)
  if (contrastive.has(name))
    return { id: name, title: brought?.title ?? contrastiveTitle(name), kind: 'contrastive', parts: [] }
  return isModelName(name)
    ? { id: name, title: models[name].shortTitle, kind: 'generative', parts: [] }
    : { id: name, title: baselines[name as BaselineName].title, kind: 'baseline', parts: [] }
}

function combination(name: string, own: readonly ToCome[], contrastive: ReadonlySet<string>): PlannedMethod {
  const parts = name.split('+').map((part) => part.trim())
  const wrong = (got: string, expected: string) =>
    usageError({ what: 'methods', where: quoted(name), got, expected })
  if (new Set(parts).size < parts.length) throw wrong('a method twice', 'different methods')
  for (const part of parts) {
    if (isSupervisedName(part)) throw wrong('a supervised network', 'methods that give features')
    if (isSemiSupervised(part)) throw wrong('a network that classifies', 'methods that give features')
    checkName(part, name, own)
  }
  const singles = parts.map((part) => single(part, own, contrastive))
  return {
    id: parts.join('+'),
    title: singles.map(({ title }) => title).join(' + '),
    kind: 'combination',
    parts,
    hasGenerative: singles.some(isGenerative),
  }
}

/** Whether features of a purely generative model are among a method's, alone or beside others. */
export const isGenerative = ({
  kind,
  hasGenerative,
}: Pick<PlannedMethod, 'kind' | 'hasGenerative'>): boolean => kind === 'generative' || hasGenerative === true

/** Models that the caller brings along, as methods. */
export const modelsToCome = (own: OwnModels = {}): ToCome[] =>
  Object.entries(own).map(([id, { shortTitle: title }]) => ({ id, title, kind: 'generative' as const }))

/** What `--encoder` and `--embeddings` will bring along. */
export const outsideToCome = ({
  encoder,
  embeddings,
}: Pick<StudyOptions, 'encoder' | 'embeddings'>): ToCome[] =>
  Object.entries({ encoder, embeddings }).flatMap(([id, file]) =>
    file === undefined ? [] : [{ id, title: file, kind: 'outside' as const }],
  )

function checkName(name: string, within: string, own: readonly ToCome[]): void {
  const known = [...STUDY_METHODS, ...own.map(({ id }) => id)]
  if (known.includes(name)) return
  const near = closest(name, known)
  throw usageError({
    what: 'methods',
    where: name === within ? undefined : quoted(within),
    got: quoted(name),
    expected: `some of ${known.join(', ')}, or several joined by +`,
    hint: near === undefined ? undefined : `did you mean ${near}?`,
  })
}
